package dev.tailwater.cli;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.core.execution.JobClient;

/** A job that was started and is followed until it is where it should be. */
interface FlinkJob {

  /** The limit of every call. */
  Duration TIMEOUT = Duration.ofSeconds(30);

  String id();

  JobStatus status() throws Exception;

  /** How many records its sources have read since its last start; 0 where nobody knows. */
  long recordsRead() throws Exception;

  /** Why it failed last; empty if it never did, or nobody knows. */
  Optional<String> lastFailure() throws Exception;

  /** How often it has failed and was started again, as far as anybody knows; at most a few. */
  int failures() throws Exception;

  /** Cancels it; without effect if it has ended. */
  void cancel() throws Exception;

  /** A job that only its client knows. */
  static FlinkJob of(JobClient client) {
    return new FlinkJob() {
      @Override
      public String id() {
        return client.getJobID().toString();
      }

      @Override
      public JobStatus status() throws Exception {
        return client.getJobStatus().get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
      }

      @Override
      public long recordsRead() {
        return 0;
      }

      @Override
      public Optional<String> lastFailure() throws Exception {
        if (!status().isTerminalState()) {
          return Optional.empty();
        }
        try {
          Object unused = client.getJobExecutionResult().get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
          return Optional.empty();
        } catch (ExecutionException e) {
          return Optional.of(Failures.describe(e));
        }
      }

      @Override
      public int failures() {
        return 0;
      }

      @Override
      public void cancel() throws Exception {
        if (!status().isTerminalState()) {
          try {
            client.cancel().get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
          } catch (ExecutionException | TimeoutException e) {
            if (!status().isTerminalState()) {
              throw e;
            }
          }
        }
      }
    };
  }
}
