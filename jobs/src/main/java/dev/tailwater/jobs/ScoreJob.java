package dev.tailwater.jobs;

import dev.tailwater.connectors.files.EventFiles;
import dev.tailwater.connectors.iceberg.ArchivedPrediction;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.serving.MicroBatcherSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Scores many questions at once: the graph that answers live, over a bounded history and without
 * deadlines. Appends the predictions to the model's table as a run of their own, all of them or
 * none, and compares them with what was served.
 */
public final class ScoreJob {

  private ScoreJob() {}

  /**
   * What to score.
   *
   * @param served the version to ask
   * @param questions which vectors it is given
   * @param from the first event time of a question, in milliseconds since the epoch
   * @param until the event time of a question that is too late, in milliseconds since the epoch
   * @param run the name of the run in the table; empty if nothing is to be written
   * @param began when the run began, in milliseconds since the epoch
   */
  public record Config(
      ServedModel served,
      Questions questions,
      long from,
      long until,
      Optional<String> run,
      long began,
      MicroBatcherSettings batching) {}

  /** Where the vectors come from. */
  public sealed interface Questions {
    /** Computed by a replay, for the events of the stream that asks. */
    record Asked() implements Questions {}

    /**
     * Computed by a replay, for the rows of a file with the columns of the stream that asks; they
     * are questions and no facts.
     */
    record Rows(Path file) implements Questions {}

    /** As they were served. */
    record AsServed() implements Questions {}
  }

  /**
   * Adds the job. {@link ScoreComparison}, {@link VectorComparison} and {@link RefusedRecords} tell
   * what the finished job found.
   *
   * @param project its plan
   * @param lake with what was served, and where the run is kept; without one nothing is compared
   * @return the scores that can be compared: with those served, or with labels
   * @throws IllegalArgumentException if the vectors served are to be scored and there are none, if
   *     the run is to be kept without a lake, or a history or file cannot be read
   */
  public static DataStream<ScorePair> build(
      StreamExecutionEnvironment env,
      Plan project,
      Config config,
      BoundedSources sources,
      Optional<Lake> lake) {
    JobSettings.bounded(env);
    int model = config.served().model();
    ModelPlan asked = project.models().get(model);
    boolean asServed = config.questions() instanceof Questions.AsServed;
    Optional<DataStream<ArchivedPrediction>> live =
        lake.filter(of -> of.hasPredictions(asked.name()))
            .map(of -> new ServedAnswers(of, asked, config.from(), config.until()))
            .map(of -> asServed ? of.firstOfQuestions(env) : of.all(env));
    List<DataStream<AnswerEvidence>> evidence = new ArrayList<>();
    Plan plan = project;
    Optional<FeatureGraph> graph;
    DataStream<ScoringRequest> requests;
    if (asServed) {
      graph = asked.labels().map(labels -> labelsOnly(env, project, labels, sources));
      requests =
          live.orElseThrow(() -> nothingServed(asked))
              .map(new ToRequest(asked))
              .returns(ScoringRequest.TYPE_INFO)
              .uid("served-vector:" + asked.name())
              .name("served-vector:" + asked.name());
    } else {
      Map<String, Path> files = new HashMap<>(sources.files());
      if (config.questions() instanceof Questions.Rows rows) {
        plan = QuestionFile.of(project, model).plan();
        files.put(SpinePlan.STREAM, rows.file());
      }
      FeatureGraph replay =
          replay(
              env,
              plan,
              config,
              VectorComparisonJob.needed(plan, asked, sources, config.from()),
              files);
      graph = Optional.of(replay);
      requests = replay.vectors(model);
      evidence.addAll(VectorComparisonJob.newestAppends(replay, plan, model));
    }
    DataStream<Prediction> predictions = score(plan, config, requests);
    config
        .run()
        .ifPresent(
            run ->
                append(
                    predictions, asked, run, config.began(), lake.orElseThrow(ScoreJob::noLake)));
    evidence.add(
        predictions
            .map(prediction -> AnswerEvidence.replayed(ArchivedPrediction.ofRun(prediction, "", 0)))
            .returns(AnswerEvidence.TYPE_INFO));
    live.ifPresent(served -> evidence.add(VectorComparisonJob.served(served)));
    Plan labelled = plan;
    graph.ifPresent(
        of ->
            asked
                .labels()
                .ifPresent(labels -> evidence.add(labels(of, labelled, labels, requests))));
    return VectorComparisonJob.join(asked.name(), evidence);
  }

  private static IllegalArgumentException nothingServed(ModelPlan model) {
    return new IllegalArgumentException(
        "model %s has no predictions in the lake, so there are no vectors as they were served; leave out --as-served to compute them from the history"
            .formatted(model.name()));
  }

  private static IllegalArgumentException noLake() {
    return new IllegalArgumentException(
        "there is no lake to keep the predictions in; start a stack with tailwater up, or write nothing with --dry-run");
  }

  private static FeatureGraph replay(
      StreamExecutionEnvironment env,
      Plan plan,
      Config config,
      BoundedSources sources,
      Map<String, Path> files) {
    ModelPlan asked = plan.models().get(config.served().model());
    FeatureGraph graph =
        FeatureGraph.build(
            env,
            plan,
            position -> {
              StreamPlan stream = plan.streams().get(position);
              return config.questions() instanceof Questions.Rows rows && position == asked.ask()
                  ? EventFiles.source(
                      rows.file(), stream.schema(), stream.eventTime(), stream.format())
                  : sources.of(stream);
            },
            new FeatureGraph.Options(
                List.of(VectorComparisonJob.ask(asked).between(config.from(), config.until())),
                false,
                0,
                labelStreams(asked)));
    RefusedRecords.report(graph, files);
    return graph;
  }

  private static FeatureGraph labelsOnly(
      StreamExecutionEnvironment env, Plan plan, ModelPlan.Labels labels, BoundedSources sources) {
    FeatureGraph graph =
        FeatureGraph.build(
            env,
            plan,
            stream -> sources.of(plan.streams().get(stream)),
            new FeatureGraph.Options(List.of(), false, 0, Set.of(labels.stream())));
    RefusedRecords.report(graph, sources.files());
    return graph;
  }

  private static Set<Integer> labelStreams(ModelPlan model) {
    return model.labels().map(labels -> Set.of(labels.stream())).orElse(Set.of());
  }

  private static DataStream<Prediction> score(
      Plan plan, Config config, DataStream<ScoringRequest> requests) {
    String name = plan.models().get(config.served().model()).name();
    return FeatureGraph.score(
        plan,
        requests
            .map(ScoringRequest::withoutAppendTime)
            .returns(ScoringRequest.TYPE_INFO)
            .uid("without-append-time:" + name)
            .name("without-append-time:" + name),
        config.served(),
        config.batching(),
        false);
  }

  private static void append(
      DataStream<Prediction> predictions, ModelPlan model, String run, long began, Lake lake) {
    lake.appendPredictions(
        predictions
            .map(prediction -> ArchivedPrediction.ofRun(prediction, run, began))
            .returns(ArchivedPrediction.typeInfo())
            .uid("of-run:" + model.name())
            .name("of-run:" + model.name()),
        model.name(),
        "sink:predictions:" + model.name());
  }

  private static DataStream<AnswerEvidence> labels(
      FeatureGraph graph, Plan plan, ModelPlan.Labels labels, DataStream<ScoringRequest> requests) {
    return TrainingVectorsJob.labelled(graph, plan, labels, requests)
        .map(vector -> AnswerEvidence.label(vector.questionId(), vector.positive()))
        .returns(AnswerEvidence.TYPE_INFO);
  }

  /** A vector that was served, in the order of the model's inputs. */
  private static final class ToRequest implements MapFunction<ArchivedPrediction, ScoringRequest> {

    private final List<String> inputs;

    ToRequest(ModelPlan model) {
      this.inputs = model.vector().stream().map(ModelPlan.Element::name).toList();
    }

    @Override
    public ScoringRequest map(ArchivedPrediction archived) {
      Prediction served = archived.prediction();
      double[] vector = served.vector();
      String rejection = served.outcome() == Prediction.Outcome.REJECTED ? served.reason() : null;
      if (!served.vectorNames().equals(inputs)) {
        vector = new double[inputs.size()];
        for (int i = 0; i < vector.length; i++) {
          int at = served.vectorNames().indexOf(inputs.get(i));
          vector[i] = at < 0 ? Double.NaN : served.vector()[at];
          if (at < 0 && rejection == null) {
            rejection = "the vector that was served has no " + inputs.get(i);
          }
        }
        if (rejection != null) {
          Arrays.fill(vector, Double.NaN);
        }
      }
      return new ScoringRequest(
          served.questionId(),
          served.definitionVersion(),
          served.eventTime(),
          Long.MAX_VALUE,
          served.causePartition(),
          served.causeOffset(),
          vector,
          rejection);
    }
  }
}
