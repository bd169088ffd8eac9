package dev.tailwater.connectors.iceberg;

import java.nio.file.Path;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Environments of small jobs that may not use generic (Kryo) types. */
final class Jobs {

  private Jobs() {}

  static StreamExecutionEnvironment bounded(RuntimeExecutionMode mode) {
    StreamExecutionEnvironment env = environment(new Configuration());
    env.setRuntimeMode(mode);
    return env;
  }

  /** A streaming job that checkpoints often and restarts after failures. */
  static StreamExecutionEnvironment checkpointed(Path checkpoints, Configuration configuration) {
    configuration.setString("execution.checkpointing.interval", "100ms");
    configuration.setString("execution.checkpointing.storage", "filesystem");
    configuration.setString("execution.checkpointing.dir", checkpoints.toUri().toString());
    configuration.setString("restart-strategy.type", "fixed-delay");
    configuration.setString("restart-strategy.fixed-delay.attempts", "3");
    configuration.setString("restart-strategy.fixed-delay.delay", "10ms");
    StreamExecutionEnvironment env = environment(configuration);
    env.setRuntimeMode(RuntimeExecutionMode.STREAMING);
    return env;
  }

  /** A job of operators that set what they need, with one task each. */
  static StreamExecutionEnvironment narrow() {
    return environment(new Configuration(), 1);
  }

  private static StreamExecutionEnvironment environment(Configuration configuration) {
    return environment(configuration, 2);
  }

  private static StreamExecutionEnvironment environment(
      Configuration configuration, int parallelism) {
    configuration.setString("pipeline.generic-types", "false");
    configuration.setString("taskmanager.memory.network.min", "16mb");
    configuration.setString("taskmanager.memory.network.max", "16mb");
    configuration.setString("taskmanager.memory.managed.size", "32mb");
    return StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration);
  }
}
