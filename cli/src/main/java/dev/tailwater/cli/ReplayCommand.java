package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.RefusedRecords;
import dev.tailwater.jobs.ReplayJob;
import dev.tailwater.schemas.Timestamps;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/** {@code tailwater replay}: feature rows of the past, computed again from history. */
final class ReplayCommand {

  private final Console console;

  ReplayCommand(Console console) {
    this.console = console;
  }

  /** The views that were named, or all. */
  static int[] views(LoadedProject project, @Nullable String named) {
    if (named == null) {
      return IntStream.range(0, project.plan().views().size()).toArray();
    }
    return TrainingSetCommand.views(project, null, named);
  }

  /**
   * Replays history into the offline tables.
   *
   * @param range of the instants of rows; without an end, as far as the lake's clock has gone
   */
  int run(
      StreamExecutionEnvironment environment,
      LoadedProject project,
      int[] views,
      BoundedSources history,
      Lake lake,
      TimeRange range,
      boolean json)
      throws Exception {
    if (views.length == 0) {
      throw new CommandFailedException(
          "project " + project.plan().project() + " has no feature view to replay; define one");
    }
    long end =
        range.until() < Long.MAX_VALUE
            ? range.until()
            : ReplayJob.clock(project.plan(), lake).orElse(Long.MAX_VALUE);
    console.live("reading where history ends …");
    long generation =
        ReplayJob.build(
            environment,
            project.plan(),
            new ReplayJob.Config(lake, views, history.pinned(project.plan()), range.from(), end));
    long began = System.nanoTime();
    JobClient job = environment.executeAsync("replay of " + project.plan().project());
    JobExecutionResult result = await(job, began);
    Duration took = Duration.ofNanos(System.nanoTime() - began);
    long read = count(result.getAllAccumulatorResults(), ReplayJob.RECORDS_READ);
    long written = count(result.getAllAccumulatorResults(), ReplayJob.ROWS_WRITTEN);
    RefusedRecords refused = RefusedRecords.of(result);
    refused.lines().forEach(console::say);
    List<String> names =
        Arrays.stream(views).mapToObj(view -> project.plan().views().get(view).name()).toList();
    if (json) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("views", names);
      fields.put("generation", generation);
      fields.put("to", end == Long.MAX_VALUE ? null : Timestamps.format(end));
      fields.put("events_read", read);
      fields.put("refused", refused.count());
      fields.put("rows_written", written);
      fields.put("seconds", took.toMillis() / 1000.0);
      console.print(Json.write(fields));
      return Main.OK;
    }
    console.print(
        "%,d rows of %s written as generation %d%s"
            .formatted(
                written,
                String.join(", ", names),
                generation,
                end == Long.MAX_VALUE ? "" : ", before " + Timestamps.format(end)));
    console.print("  " + rate(read, took));
    return Main.OK;
  }

  private JobExecutionResult await(JobClient job, long began) throws Exception {
    while (true) {
      try {
        return job.getJobExecutionResult().get(1, TimeUnit.SECONDS);
      } catch (TimeoutException e) {
        Map<String, Object> soFar = soFar(job);
        Duration took = Duration.ofNanos(System.nanoTime() - began);
        console.live(
            "replaying: %s, %,d rows"
                .formatted(
                    rate(count(soFar, ReplayJob.RECORDS_READ), took),
                    count(soFar, ReplayJob.ROWS_WRITTEN)));
      }
    }
  }

  /** What the running tasks have counted; nothing while they start or end. */
  private static Map<String, Object> soFar(JobClient job) throws InterruptedException {
    try {
      return job.getAccumulators().get(1, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      return Map.of();
    }
  }

  private static long count(Map<String, Object> counters, String name) {
    return counters.get(name) instanceof Long count ? count : 0;
  }

  private static String rate(long events, Duration took) {
    return String.format(
        Locale.ROOT,
        "%,d events in %.1f s (%,d events/s)",
        events,
        took.toMillis() / 1000.0,
        events * 1000 / Math.max(1, took.toMillis()));
  }
}
