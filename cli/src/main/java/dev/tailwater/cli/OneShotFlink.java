package dev.tailwater.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.NettyShuffleEnvironmentOptions;
import org.apache.flink.configuration.NettyShuffleEnvironmentOptions.CompressionCodec;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Flink for one bounded job in this JVM, without a web page. */
final class OneShotFlink {

  private OneShotFlink() {}

  /** The folder for files of one run. */
  static Path temporary(TailwaterHome home) throws IOException {
    return Files.createDirectories(home.directory().resolve("tmp"));
  }

  /** An environment whose job starts a cluster and ends it again. */
  static StreamExecutionEnvironment environment(TailwaterHome home, int parallelism)
      throws IOException {
    Path temporary = temporary(home);
    Configuration configuration = new Configuration();
    configuration.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
    configuration.set(RestOptions.BIND_PORT, "0");
    configuration.set(CoreOptions.TMP_DIRS, temporary.toString());
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(512));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(96));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(96));
    // Between tasks of one machine, compressing costs more than it saves.
    configuration.set(
        NettyShuffleEnvironmentOptions.SHUFFLE_COMPRESSION_CODEC, CompressionCodec.NONE);
    return StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration);
  }
}
