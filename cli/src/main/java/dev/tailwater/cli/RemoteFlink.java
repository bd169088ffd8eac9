package dev.tailwater.cli;

import java.net.URI;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.client.JobStatusMessage;
import org.apache.flink.runtime.rest.messages.EmptyRequestBody;
import org.apache.flink.runtime.rest.messages.JobExceptionsHeaders;
import org.apache.flink.runtime.rest.messages.JobExceptionsInfoWithHistory;
import org.apache.flink.runtime.rest.messages.job.JobExceptionsMessageParameters;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** The Flink cluster of a running stack, seen from another process. */
final class RemoteFlink implements BootstrapCommand.Flink, AutoCloseable {

  private static final String SOURCE = "Source: ";

  private final URI webUrl;
  private final Path checkpoints;
  private final EnvironmentConfig environment;
  private final RestClusterClient<String> client;

  /** Nothing is asked yet. */
  RemoteFlink(RunningStack stack, EnvironmentConfig environment) throws Exception {
    this.webUrl = URI.create(stack.webUrl());
    this.checkpoints = stack.checkpoints();
    this.environment = environment;
    Configuration configuration = new Configuration();
    configuration.set(RestOptions.ADDRESS, webUrl.getHost());
    configuration.set(RestOptions.PORT, webUrl.getPort());
    this.client = new RestClusterClient<>(configuration, "stack");
  }

  @Override
  public Optional<String> page(FlinkJob job) {
    return Optional.of(webUrl.resolve("/#/job/" + job.id() + "/overview").toString());
  }

  @Override
  public FlinkJob follow(JobClient started) {
    return job(started.getJobID());
  }

  /** A new environment whose jobs run there. */
  @Override
  public StreamExecutionEnvironment environment() {
    return LocalFlink.environment(webUrl, checkpoints, environment);
  }

  /** The jobs that have not ended. */
  List<JobStatusMessage> running() throws Exception {
    return get(client.listJobs()).stream()
        .filter(job -> !job.getJobState().isGloballyTerminalState())
        .sorted(Comparator.comparing(JobStatusMessage::getStartTime))
        .toList();
  }

  /** The job of this name that has not ended. */
  @Override
  public Optional<FlinkJob> find(String name) throws Exception {
    return running().stream()
        .filter(job -> job.getJobName().equals(name))
        .findFirst()
        .map(job -> job(job.getJobId()));
  }

  private FlinkJob job(JobID job) {
    return new FlinkJob() {
      @Override
      public String id() {
        return job.toString();
      }

      @Override
      public JobStatus status() throws Exception {
        return get(client.getJobStatus(job));
      }

      @Override
      public long recordsRead() throws Exception {
        return get(client.getJobDetails(job)).getJobVertexInfos().stream()
            .filter(vertex -> vertex.getName().startsWith(SOURCE))
            .mapToLong(vertex -> vertex.getJobVertexMetrics().getRecordsWritten())
            .sum();
      }

      @Override
      public int failures() throws Exception {
        return exceptions().getExceptionHistory().getEntries().size();
      }

      private JobExceptionsInfoWithHistory exceptions() throws Exception {
        JobExceptionsHeaders headers = JobExceptionsHeaders.getInstance();
        JobExceptionsMessageParameters parameters = headers.getUnresolvedMessageParameters();
        parameters.jobPathParameter.resolve(job);
        return get(client.sendRequest(headers, parameters, EmptyRequestBody.getInstance()));
      }

      @Override
      public Optional<String> lastFailure() throws Exception {
        if (status().isGloballyTerminalState()) {
          // The history is a picture that Flink's page takes every few seconds.
          return get(client.requestJobResult(job))
              .getSerializedThrowable()
              .map(failure -> innermost(failure.getFullStringifiedStackTrace()));
        }
        return exceptions().getExceptionHistory().getEntries().stream()
            .findFirst()
            .map(entry -> innermost(entry.getStacktrace()));
      }

      @Override
      public void cancel() throws Exception {
        if (!status().isTerminalState()) {
          try {
            Object unused = get(client.cancel(job));
          } catch (ExecutionException e) {
            if (!status().isTerminalState()) {
              throw e;
            }
          }
        }
      }
    };
  }

  /** The message of the innermost cause, which is closest to what happened. */
  private static String innermost(String stackTrace) {
    String message = "";
    for (String line : stackTrace.lines().toList()) {
      if (line.startsWith("Caused by: ") || message.isEmpty()) {
        message = line.replaceFirst("^Caused by: ", "").replaceFirst("^[\\w.$]+(: |$)", "");
      }
    }
    return message;
  }

  private static <T> T get(CompletableFuture<T> answer) throws Exception {
    return answer.get(FlinkJob.TIMEOUT.toSeconds(), TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    client.close();
  }
}
