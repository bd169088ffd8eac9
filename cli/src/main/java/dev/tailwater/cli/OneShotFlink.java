package dev.tailwater.cli;

import dev.tailwater.jobs.JobSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
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
    Configuration configuration = JobSettings.oneShotCluster(parallelism);
    configuration.set(CoreOptions.TMP_DIRS, temporary(home).toString());
    return StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration);
  }
}
