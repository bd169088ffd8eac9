package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.ArchivedPrediction;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.plan.ModelPlan;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * What a model was given and answered live: its predictions table without what bounded runs added.
 *
 * @param from the first event time, in milliseconds since the epoch
 * @param until the event time that is too late, in milliseconds since the epoch
 */
public record ServedAnswers(Lake lake, ModelPlan model, long from, long until) {

  /**
   * One record per question: that at the lowest place in the log.
   *
   * @param env of a bounded job
   * @throws IllegalArgumentException if the model has no predictions table
   */
  public DataStream<ArchivedPrediction> firstOfQuestions(StreamExecutionEnvironment env) {
    String name = "served:" + model.name();
    return all(env)
        .keyBy(archived -> archived.prediction().questionId(), Types.STRING)
        .reduce(ServedAnswers::first)
        .uid("first-" + name)
        .name("first-" + name);
  }

  /** Every record, also those that repeat an answer. */
  DataStream<ArchivedPrediction> all(StreamExecutionEnvironment env) {
    return lake.predictions(
        env, model.name(), ArchivedPrediction.LIVE, from, until, "served:" + model.name());
  }

  /** The one of two records of a question that counts. */
  static ArchivedPrediction first(ArchivedPrediction one, ArchivedPrediction other) {
    int byPartition = Integer.compare(one.partition(), other.partition());
    int order = byPartition != 0 ? byPartition : Long.compare(one.offset(), other.offset());
    return order <= 0 ? one : other;
  }
}
