package dev.tailwater.benchmarks;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.jobs.LiveJob;
import dev.tailwater.jobs.ServedModel;
import dev.tailwater.serving.MicroBatcherSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The process that {@link LiveBench} measures: Flink with the live job of {@link
 * BenchmarkProject#FRAUD_HANDBOOK}, both stores and a model, and nothing else. It runs until it is
 * stopped.
 */
final class LiveFlink {

  private static final int PARALLELISM = 2;
  private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(10);

  private LiveFlink() {}

  /** Arguments: the log's servers, the online store's address, a work folder with the model. */
  public static void main(String[] arguments) throws Exception {
    Path work = Path.of(arguments[2]);
    Configuration configuration = new Configuration();
    configuration.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
    configuration.set(RestOptions.BIND_PORT, "0");
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(512));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(96));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(96));
    configuration.set(CoreOptions.TMP_DIRS, work.resolve("flink").toString());
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, CHECKPOINT_INTERVAL);
    configuration.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY, work.resolve("checkpoints").toUri().toString());
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(PARALLELISM, configuration);
    LiveJob.build(
        env,
        BenchmarkProject.FRAUD_HANDBOOK.plan(),
        new LiveJob.Config(
            KafkaLog.at(arguments[0]),
            RedisAddress.parse(arguments[1]),
            Lake.local(work.resolve("lake")),
            List.of(new ServedModel(0, "1", Files.readAllBytes(work.resolve(LiveBench.MODEL)))),
            Map.of(),
            0,
            MicroBatcherSettings.defaults()));
    env.execute("live-bench");
  }
}
