package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.ArchivedPrediction;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.kernel.Window;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.Prediction.Outcome;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * Compares the vectors that a model was given live with those of a replay. {@link
 * VectorComparison#of} tells what the finished job found; nothing that grows with the history is
 * kept in memory.
 */
public final class VectorComparisonJob {

  private VectorComparisonJob() {}

  /**
   * Adds a job of its own.
   *
   * @param model position in the plan
   * @param from the first event time of a question, in milliseconds since the epoch
   * @param until the event time of a question that is too late, in milliseconds since the epoch
   * @throws IllegalArgumentException if the model has no predictions table
   */
  public static void build(
      StreamExecutionEnvironment env,
      Plan plan,
      int model,
      BoundedSources sources,
      Lake lake,
      long from,
      long until) {
    ModelPlan asked = plan.models().get(model);
    BoundedSources needed = needed(plan, asked, sources, from);
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.bounded(env),
            plan,
            stream -> needed.of(plan.streams().get(stream)),
            new FeatureGraph.Options(List.of(ask(asked).between(from, until)), false, 0, Set.of()));
    RefusedRecords.report(graph, sources.files());
    compare(env, graph, plan, model, new ServedAnswers(lake, asked, from, until));
  }

  /**
   * Adds the comparison to a bounded job that has the graph already.
   *
   * @param graph which asks for the model, see {@link #ask}, for the questions of {@code served}
   * @param model position in the plan
   */
  public static void compare(
      StreamExecutionEnvironment env,
      FeatureGraph graph,
      Plan plan,
      int model,
      ServedAnswers served) {
    ModelPlan asked = plan.models().get(model);
    DataStream<AnswerEvidence> replayed =
        graph
            .vectors(model)
            .map(new WithoutScore(asked, plan.streams().get(asked.ask()).topic()))
            .returns(AnswerEvidence.TYPE_INFO)
            .uid("replayed:" + asked.name())
            .name("replayed:" + asked.name());
    List<DataStream<AnswerEvidence>> evidence = new ArrayList<>(newestAppends(graph, plan, model));
    evidence.add(replayed);
    evidence.add(served(served.all(env)));
    join(asked.name(), evidence)
        .sinkTo(new DiscardingSink<>())
        .uid("sink:compare:" + asked.name())
        .name("sink:compare:" + asked.name());
  }

  /**
   * History without the events that are in no window of a model's questions.
   *
   * @param from the first event time of a question, in milliseconds since the epoch
   */
  static BoundedSources needed(Plan plan, ModelPlan asked, BoundedSources sources, long from) {
    long horizon =
        Arrays.stream(asked.views())
            .mapToLong(view -> plan.views().get(view).horizonMs())
            .max()
            .orElse(0);
    boolean isBounded = horizon < Window.UNBOUNDED_MS && plan.chains().isEmpty();
    return isBounded && from > Long.MIN_VALUE + horizon ? sources.from(from - horizon) : sources;
  }

  /** What the events of a model's stream ask for. */
  public static Ask ask(ModelPlan model) {
    return Ask.always(model.ask(), model.views()).about(model.about());
  }

  static DataStream<AnswerEvidence> served(DataStream<ArchivedPrediction> served) {
    return served.map(AnswerEvidence::served).returns(AnswerEvidence.TYPE_INFO);
  }

  /** For each question when the newest facts were appended that its answer needs, per entity. */
  static List<DataStream<AnswerEvidence>> newestAppends(FeatureGraph graph, Plan plan, int model) {
    List<DataStream<AnswerEvidence>> byEntity = new ArrayList<>();
    for (int entity : NewestAppends.entities(plan, model)) {
      EntityKey key = graph.key(entity);
      String name = "newest-appends:" + plan.entities().get(entity).name();
      byEntity.add(
          graph
              .told(entity)
              .keyBy(key::of, Types.STRING)
              .process(new NewestAppends(plan, model, entity))
              .returns(AnswerEvidence.TYPE_INFO)
              .uid(name)
              .name(name));
    }
    return byEntity;
  }

  /** Brings together what is known of each question. */
  static DataStream<ScorePair> join(String model, List<DataStream<AnswerEvidence>> evidence) {
    return evidence.stream()
        .reduce((some, more) -> some.union(more))
        .orElseThrow()
        .keyBy(AnswerEvidence::questionId, Types.STRING)
        .process(new AnswerComparison())
        .returns(ScorePair.TYPE_INFO)
        .uid("compare:" + model)
        .name("compare:" + model);
  }

  /** A replayed vector that no model was asked about. */
  private static final class WithoutScore implements MapFunction<ScoringRequest, AnswerEvidence> {

    private final ModelPlan model;
    private final List<String> names;
    private final String topic;

    WithoutScore(ModelPlan model, String topic) {
      this.model = model;
      this.names = model.vector().stream().map(ModelPlan.Element::name).toList();
      this.topic = topic;
    }

    @Override
    public AnswerEvidence map(ScoringRequest request) {
      Prediction prediction =
          new Prediction(
              request.questionId(),
              model.name(),
              "",
              request.definitionVersion(),
              request.eventTime(),
              Double.NaN,
              request.rejection() == null ? Outcome.FALLBACK : Outcome.REJECTED,
              request.rejection(),
              Double.NaN,
              names,
              request.vector(),
              topic,
              request.partition(),
              request.offset());
      return AnswerEvidence.replayed(ArchivedPrediction.ofRun(prediction, "", 0));
    }
  }
}
