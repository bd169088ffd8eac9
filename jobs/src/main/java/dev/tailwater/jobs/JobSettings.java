package dev.tailwater.jobs;

import java.time.Duration;
import org.apache.flink.api.common.BatchShuffleMode;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.BatchExecutionOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.NettyShuffleEnvironmentOptions;
import org.apache.flink.configuration.NettyShuffleEnvironmentOptions.CompressionCodec;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.SecurityOptions;
import org.apache.flink.configuration.TaskManagerOptions;
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

  /**
   * The cluster in this JVM that runs one bounded job; files go to the JVM's temporary folder.
   *
   * @param parallelism of the job: each of its slots needs memory to put its records in order
   */
  public static Configuration oneShotCluster(int parallelism) {
    Configuration settings = new Configuration();
    settings.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
    settings.set(RestOptions.BIND_PORT, "0");
    settings.set(
        TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256L * parallelism));
    MemorySize network = MemorySize.ofMebiBytes(48 + 24L * parallelism);
    settings.set(TaskManagerOptions.NETWORK_MEMORY_MIN, network);
    settings.set(TaskManagerOptions.NETWORK_MEMORY_MAX, network);
    // A task is woken for each buffer: fewer and larger ones cost less, and so do pages to order
    // in.
    settings.set(TaskManagerOptions.MEMORY_SEGMENT_SIZE, MemorySize.parse("64 kb"));
    // Between tasks of one machine, compressing costs more than it saves.
    settings.set(NettyShuffleEnvironmentOptions.SHUFFLE_COMPRESSION_CODEC, CompressionCodec.NONE);
    // There is a slot for every task: none has to wait until another has written everything to
    // disk.
    // Only the default scheduler starts them all at once.
    settings.set(ExecutionOptions.BATCH_SHUFFLE_MODE, BatchShuffleMode.ALL_EXCHANGES_PIPELINED);
    settings.set(JobManagerOptions.SCHEDULER, JobManagerOptions.SchedulerType.Default);
    // There is no other process that would need them.
    settings.set(SecurityOptions.DELEGATION_TOKENS_ENABLED, false);
    // Hadoop keeps the class loader that it was first used with, and asks it at the JVM's end.
    settings.set(CoreOptions.CHECK_LEAKED_CLASSLOADER, false);
    return settings;
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
    // Not only smaller: without it a checkpoint on a local disk is read byte by byte from the file.
    settings.set(ExecutionOptions.SNAPSHOT_COMPRESSION, true);
    // The parallelism is the user's, not a guess from the size of the input.
    settings.set(BatchExecutionOptions.ADAPTIVE_AUTO_PARALLELISM_ENABLED, false);
    env.configure(settings);
    return env;
  }
}
