package dev.tailwater.benchmarks;

import dev.tailwater.jobs.Ask;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.JobSettings;
import dev.tailwater.jobs.ScoringRequest;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.DoubleCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.legacy.RichSinkFunction;

/**
 * Tailwater's bounded run of the project {@code fraud-handbook}: every transaction is a fact and
 * asks for all features; the answers are summed up and dropped. Parallelism 2, the graph and the
 * settings that {@code tailwater training-set} uses.
 */
final class TailwaterBounded implements Contender {

  private static final int PARALLELISM = 2;
  private static final String CHECKSUM = "checksum";

  @Override
  public String name() {
    return "tailwater";
  }

  /** As {@code ./tailwater} starts commands that run a job and end. */
  @Override
  public List<String> jvmOptions() {
    return List.of("-XX:+UseSerialGC", "-XX:CompileThresholdScaling=3", "-XX:FreqInlineSize=100");
  }

  @Override
  public Result run(Path csv) throws Exception {
    Plan plan = BenchmarkProject.FRAUD_HANDBOOK.plan();
    return run(new BoundedSources(Optional.empty(), Map.of(plan.streams().get(0).name(), csv)));
  }

  /** The features of every transaction of a history. */
  static Result run(BoundedSources history) throws Exception {
    StreamExecutionEnvironment env = environment();
    features(env, history).addSink(new Checksum()).name(CHECKSUM);
    long start = System.nanoTime();
    JobExecutionResult result = env.execute("fraud-handbook");
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Result(seconds, Double.NaN, result.<Double>getAccumulatorResult(CHECKSUM));
  }

  /** A local cluster in this JVM, as the command starts one for a bounded job. */
  static StreamExecutionEnvironment environment() {
    return StreamExecutionEnvironment.createLocalEnvironment(
        PARALLELISM, JobSettings.oneShotCluster(PARALLELISM));
  }

  /** The features of every transaction of a file, in the order of {@link FraudFeatures}. */
  static DataStream<ScoringRequest> features(StreamExecutionEnvironment env, Path csv)
      throws IOException {
    Plan plan = BenchmarkProject.FRAUD_HANDBOOK.plan();
    return features(
        env, new BoundedSources(Optional.empty(), Map.of(plan.streams().get(0).name(), csv)));
  }

  private static DataStream<ScoringRequest> features(
      StreamExecutionEnvironment env, BoundedSources sources) throws IOException {
    Plan plan = BenchmarkProject.FRAUD_HANDBOOK.plan();
    ModelPlan model = plan.models().get(0);
    return FeatureGraph.build(
            JobSettings.bounded(env),
            plan,
            stream -> sources.of(plan.streams().get(stream)),
            new FeatureGraph.Options(
                List.of(Ask.always(model.ask(), model.views())), false, 0, Set.of()))
        .vectors(0);
  }

  private static final class Checksum extends RichSinkFunction<ScoringRequest> {

    private final DoubleCounter sum = new DoubleCounter();

    @Override
    public void open(OpenContext context) {
      getRuntimeContext().addAccumulator(CHECKSUM, sum);
    }

    @Override
    public void invoke(ScoringRequest answered, Context context) {
      double features = 0;
      for (double feature : answered.vector()) {
        features += feature;
      }
      sum.add(features);
    }
  }
}
