package dev.tailwater.cli;

import dev.tailwater.localstack.PortTakenException;
import java.io.IOException;
import java.net.BindException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.ClusterOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.configuration.WebOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A Flink cluster in this JVM, with its web page on 127.0.0.1. Thread-safe. */
final class LocalFlink implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(LocalFlink.class);
  private static final int PREFERRED_WEB_PORT = 8081;
  private static final int LAST_WEB_PORT = 8181;
  private static final long STOP_SECONDS = 20;

  /** Of {@code up}, and new versions of views that are bootstrapped beside them. */
  private static final int JOBS = 6;

  private final MiniCluster cluster;
  private final URI webUrl;
  private final Configuration jobSettings;

  private LocalFlink(MiniCluster cluster, URI webUrl, Configuration jobSettings) {
    this.cluster = cluster;
    this.webUrl = webUrl;
    this.jobSettings = jobSettings;
  }

  /**
   * Starts a cluster with room for several jobs of the given parallelism.
   *
   * @param temporary where it keeps files while it runs
   * @param checkpoints where checkpoints go, unless the environment names a place
   * @throws PortTakenException if the environment fixes the web page's port and it is taken
   */
  static LocalFlink start(Path temporary, Path checkpoints, EnvironmentConfig environment)
      throws IOException {
    Configuration configuration = new Configuration();
    configuration.set(JobManagerOptions.ADDRESS, "127.0.0.1");
    configuration.set(RestOptions.ADDRESS, "127.0.0.1");
    configuration.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
    // Flink takes the first port of a range that is free.
    configuration.set(
        RestOptions.BIND_PORT,
        environment
            .webPort()
            .map(String::valueOf)
            .orElse(PREFERRED_WEB_PORT + "-" + LAST_WEB_PORT));
    configuration.set(WebOptions.SUBMIT_ENABLE, false);
    configuration.set(TaskManagerOptions.BIND_HOST, "127.0.0.1");
    configuration.set(TaskManagerOptions.HOST, "127.0.0.1");
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(512));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(96));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(96));
    configuration.set(CoreOptions.TMP_DIRS, temporary.toString());
    configuration.set(
        ClusterOptions.INTERCEPT_USER_SYSTEM_EXIT, ClusterOptions.UserSystemExitMode.LOG);
    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(JOBS * environment.parallelism())
                .build());
    try {
      cluster.start();
      return new LocalFlink(
          cluster,
          cluster.getRestAddress().get(STOP_SECONDS, TimeUnit.SECONDS),
          jobSettings(checkpoints, environment));
    } catch (Exception e) {
      stop(cluster);
      throw whyNotStarted(e, environment.webPort());
    }
  }

  private static Configuration jobSettings(Path checkpoints, EnvironmentConfig environment) {
    Configuration settings = new Configuration();
    settings.set(CoreOptions.DEFAULT_PARALLELISM, environment.parallelism());
    settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, environment.checkpointInterval());
    settings.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY,
        environment.checkpointDirectory().orElse(checkpoints.toUri().toString()));
    return settings;
  }

  private static IOException whyNotStarted(Exception failure, Optional<Integer> fixedPort) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof BindException) {
        return fixedPort.isPresent()
            ? new PortTakenException(fixedPort.get(), "Flink's web page")
            : new IOException(
                "none of the ports "
                    + PREFERRED_WEB_PORT
                    + " to "
                    + LAST_WEB_PORT
                    + " of 127.0.0.1 is free for Flink's web page; choose another one with"
                    + " local.web_port in "
                    + EnvironmentConfig.FILE_NAME,
                failure);
      }
    }
    return new IOException("Flink did not start: " + Failures.describe(failure), failure);
  }

  /** Flink's web page. */
  URI webUrl() {
    return webUrl;
  }

  /** A new environment whose jobs run on this cluster. */
  StreamExecutionEnvironment environment() {
    return environment(webUrl, jobSettings);
  }

  /**
   * A new environment whose jobs run on such a cluster in another JVM, which has the same classes.
   *
   * @param checkpoints where checkpoints go, unless the environment names a place
   */
  static StreamExecutionEnvironment environment(
      URI webUrl, Path checkpoints, EnvironmentConfig environment) {
    return environment(webUrl, jobSettings(checkpoints, environment));
  }

  private static StreamExecutionEnvironment environment(URI webUrl, Configuration jobSettings) {
    return StreamExecutionEnvironment.createRemoteEnvironment(
        webUrl.getHost(), webUrl.getPort(), jobSettings);
  }

  /** Cancels every job and stops the cluster; waits at most {@value #STOP_SECONDS} seconds. */
  @Override
  public void close() {
    stop(cluster);
  }

  private static void stop(MiniCluster cluster) {
    try {
      cluster.closeAsync().get(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("Flink did not stop in order within {}", Duration.ofSeconds(STOP_SECONDS), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
