package dev.tailwater.jobs;

import dev.tailwater.connectors.files.EventFiles;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.flink.api.connector.source.Source;

/**
 * Where a bounded run reads history: a file for the streams that have one; else the raw lake, up to
 * the offsets that its newest snapshot holds, and then the log from exactly the next offset of each
 * partition to the end. Offsets decide, never times: nothing is missing at the seam, and nothing is
 * there twice.
 *
 * @param log absent where the lake, or files, hold all that is wanted
 * @param lake absent where there is none
 * @param files by stream name
 * @param ends where history ends; empty for the ends that the log has when the run starts, or the
 *     lake's without a log. Files are read whole
 * @param from events that are older need not be read, in milliseconds since the epoch; what is
 *     older may be read all the same
 */
public record BoundedSources(
    Optional<KafkaLog> log,
    Optional<Lake> lake,
    Map<String, Path> files,
    Optional<HistoryEnds> ends,
    OptionalLong from) {

  public BoundedSources {
    files = Map.copyOf(files);
  }

  /** Files for the streams that have one, the log for the others, all of it. */
  public BoundedSources(Optional<KafkaLog> log, Map<String, Path> files) {
    this(log, Optional.empty(), files);
  }

  /** All of history, to the present end. */
  public BoundedSources(Optional<KafkaLog> log, Optional<Lake> lake, Map<String, Path> files) {
    this(log, lake, files, Optional.empty(), OptionalLong.empty());
  }

  /** The same history up to these ends. */
  public BoundedSources upTo(HistoryEnds history) {
    return new BoundedSources(log, lake, files, Optional.of(history), from);
  }

  /** The same history without events that are older. */
  public BoundedSources from(long epochMillis) {
    return new BoundedSources(log, lake, files, ends, OptionalLong.of(epochMillis));
  }

  /**
   * The same history, with its ends as they are now: whatever reads it, however often, reads the
   * same. Without effect if the ends are known.
   *
   * @throws IOException if the log does not answer
   */
  public BoundedSources pinned(Plan plan) throws IOException {
    return ends.isPresent() ? this : upTo(presentEnds(plan));
  }

  private HistoryEnds presentEnds(Plan plan) throws IOException {
    List<StreamPlan> streams =
        plan.recordedStreams().stream().filter(s -> !files.containsKey(s.name())).toList();
    Map<String, Map<Integer, Long>> byStream = new HashMap<>();
    if (log.isPresent() && !streams.isEmpty()) {
      Map<String, Map<Integer, Long>> byTopic =
          Topics.endOffsets(log.get(), streams.stream().map(StreamPlan::topic).toList());
      streams.forEach(
          stream -> byStream.put(stream.name(), byTopic.getOrDefault(stream.topic(), Map.of())));
    } else if (lake.isPresent()) {
      for (StreamPlan stream : streams) {
        byStream.put(stream.name(), LakeThenLog.archived(lake.get(), stream));
      }
    }
    return new HistoryEnds(byStream);
  }

  /**
   * The source of one stream.
   *
   * @throws IllegalArgumentException if the stream has no history at all, its file cannot be read
   *     as records of the stream, or records between lake and log are missing
   * @throws java.io.UncheckedIOException if the log does not answer
   */
  public Source<LogRecord, ?, ?> of(StreamPlan stream) {
    Path file = files.get(stream.name());
    if (file != null) {
      return EventFiles.source(file, stream.schema(), stream.eventTime(), stream.format());
    }
    return LakeThenLog.bounded(log, lake, stream, ends.map(end -> end.of(stream.name())), from);
  }
}
