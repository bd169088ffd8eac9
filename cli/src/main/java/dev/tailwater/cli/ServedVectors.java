package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.definitions.AnswerMode;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.RefusedRecords;
import dev.tailwater.jobs.VectorComparison;
import dev.tailwater.jobs.VectorComparisonJob;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The vectors that one model was given live, against those of a replay.
 *
 * @param mustBeEqual whether its answers wait for the watermark: others are observations
 * @param refused what the replay left out
 */
record ServedVectors(
    String model, boolean mustBeEqual, VectorComparison vectors, RefusedRecords refused) {

  /**
   * Runs the comparison as a job of its own.
   *
   * @param model position in the plan
   * @param history the ends of which are known, see {@link BoundedSources#pinned}
   * @param range of the questions' event times
   */
  static ServedVectors compare(
      Console console,
      StreamExecutionEnvironment environment,
      Plan plan,
      int model,
      BoundedSources history,
      Lake lake,
      TimeRange range)
      throws Exception {
    ModelPlan asked = plan.models().get(model);
    console.live("replaying the questions to " + asked.name() + " …");
    VectorComparisonJob.build(environment, plan, model, history, lake, range.from(), range.until());
    JobExecutionResult result = environment.execute("vectors of " + asked.name());
    return new ServedVectors(
        asked.name(),
        asked.answer() == AnswerMode.ON_WATERMARK,
        VectorComparison.of(result),
        RefusedRecords.of(result));
  }

  /** Whether nothing differs that must not. */
  boolean isAsPromised() {
    return !mustBeEqual || vectors.isExplained();
  }
}
