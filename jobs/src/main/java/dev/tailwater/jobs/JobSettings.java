package dev.tailwater.jobs;

import java.time.Duration;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.BatchExecutionOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** The settings that every Tailwater job runs with, whatever cluster it runs on. */
public final class JobSettings {

  /** Key groups: the largest parallelism a savepoint can ever be restored with. */
  public static final int MAX_PARALLELISM = 128;

  private JobSettings() {}

  /**
   * For a job that answers questions as they come: no record waits for a network buffer to fill.
   */
  public static StreamExecutionEnvironment asking(StreamExecutionEnvironment env) {
    return configure(env, RuntimeExecutionMode.STREAMING, Duration.ZERO);
  }

  /** For an unbounded job that answers nobody. */
  public static StreamExecutionEnvironment streaming(StreamExecutionEnvironment env) {
    return configure(env, RuntimeExecutionMode.STREAMING, Duration.ofMillis(100));
  }

  /** For a job over a bounded log, key by key in event-time order. */
  public static StreamExecutionEnvironment bounded(StreamExecutionEnvironment env) {
    return configure(env, RuntimeExecutionMode.BATCH, Duration.ofMillis(100));
  }

  static RuntimeExecutionMode executionMode(StreamExecutionEnvironment env) {
    return env.getConfiguration().get(ExecutionOptions.RUNTIME_MODE);
  }

  private static StreamExecutionEnvironment configure(
      StreamExecutionEnvironment env, RuntimeExecutionMode mode, Duration bufferTimeout) {
    Configuration settings = new Configuration();
    settings.set(ExecutionOptions.RUNTIME_MODE, mode);
    settings.set(ExecutionOptions.BUFFER_TIMEOUT, bufferTimeout);
    settings.set(PipelineOptions.MAX_PARALLELISM, MAX_PARALLELISM);
    settings.set(PipelineOptions.OBJECT_REUSE, true);
    settings.set(PipelineOptions.GENERIC_TYPES, false);
    // The parallelism is the user's, not a guess from the size of the input.
    settings.set(BatchExecutionOptions.ADAPTIVE_AUTO_PARALLELISM_ENABLED, false);
    env.configure(settings);
    return env;
  }
}
