package dev.tailwater.jobs;

import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * What a model is trained on: the vectors of all its questions in the history, made by the graph
 * that serves it, joined with the labels that arrived in time.
 */
public final class TrainingVectorsJob {

  private TrainingVectorsJob() {}

  /**
   * Adds the job; {@link RefusedRecords} tells what it left out.
   *
   * @param model position in the plan
   * @throws IllegalArgumentException if the model declares no labels
   */
  public static DataStream<LabeledVector> build(
      StreamExecutionEnvironment env, Plan plan, int model, BoundedSources sources) {
    ModelPlan asked = plan.models().get(model);
    ModelPlan.Labels labels =
        asked
            .labels()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "model "
                            + asked.name()
                            + " cannot be trained: it declares no labels; add labels: {stream, on,"
                            + " value, within} to its definition"));
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.bounded(env),
            plan,
            stream -> sources.of(plan.streams().get(stream)),
            new FeatureGraph.Options(
                List.of(Ask.always(asked.ask(), asked.views()).about(asked.about())),
                false,
                0,
                Set.of(labels.stream())));
    RefusedRecords.report(graph, sources.files());
    return labelled(graph, plan, labels, graph.vectors(model));
  }

  /**
   * Joins vectors with their labels; those that are rejected, or whose truth nobody knows yet, are
   * left out.
   *
   * @param graph whose options name the label stream
   */
  static DataStream<LabeledVector> labelled(
      FeatureGraph graph, Plan plan, ModelPlan.Labels labels, DataStream<ScoringRequest> vectors) {
    int on = labels.on();
    String name = plan.streams().get(labels.stream()).name();
    return vectors
        .filter(question -> question.rejection() == null)
        .uid("answered:" + name)
        .name("answered:" + name)
        .connect(graph.labels(labels.stream()).filter(label -> label.values[on] != null))
        .keyBy(ScoringRequest::questionId, label -> String.valueOf(label.values[on]), Types.STRING)
        .process(new LabelJoin(plan, labels))
        .returns(LabeledVector.TYPE_INFO)
        .uid("label:" + name)
        .name("label:" + name);
  }
}
