package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.RawEnd;
import dev.tailwater.connectors.iceberg.RawRange;
import dev.tailwater.connectors.iceberg.RawStream;
import dev.tailwater.connectors.kafka.Bound;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.StartAt;
import dev.tailwater.connectors.kafka.StreamTopic;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.plan.StreamPlan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.connector.base.source.hybrid.HybridSource;

/** The history of one stream: the lake as far as it reaches, then the log from the next offset. */
final class LakeThenLog {

  private LakeThenLog() {}

  static StreamTopic topic(StreamPlan stream) {
    return new StreamTopic(
        stream.name(), stream.topic(), stream.format(), stream.schema(), stream.eventTime());
  }

  /** The offset after the last archived record of each partition. */
  static Map<Integer, Long> archived(Lake lake, StreamPlan stream) {
    return lake.rawEnd(stream.name()).map(LakeThenLog::nextOffsets).orElse(Map.of());
  }

  /**
   * A read with an end.
   *
   * @param ends by partition; empty for the present end
   */
  static Source<LogRecord, ?, ?> bounded(
      Optional<KafkaLog> log,
      Optional<Lake> lake,
      StreamPlan stream,
      Optional<Map<Integer, Long>> ends,
      OptionalLong from) {
    Optional<RawEnd> raw = lake.flatMap(present -> present.rawEnd(stream.name()));
    Bound bound = ends.map(Bound::before).orElse(Bound.presentEnd());
    if (raw.isEmpty()) {
      if (log.isEmpty()) {
        throw new IllegalArgumentException(
            "stream "
                + stream.name()
                + " has no history: no log is running, no lake holds it and no file is given;"
                + " start the log, or add --history "
                + stream.name()
                + "=FILE");
      }
      return log.get().source(topic(stream), StartAt.earliest(), Optional.of(bound));
    }
    Map<Integer, Long> archived = nextOffsets(raw.get());
    Map<Integer, Long> fromLake = new HashMap<>(archived);
    Map<Integer, Long> beyond = new TreeMap<>();
    ends.ifPresent(
        end -> {
          fromLake.keySet().retainAll(end.keySet());
          end.forEach(
              (partition, offset) -> {
                fromLake.computeIfPresent(partition, (same, next) -> Math.min(next, offset));
                if (offset > archived.getOrDefault(partition, 0L)) {
                  beyond.put(partition, offset);
                }
              });
        });
    Source<LogRecord, ?, ?> first =
        lake.orElseThrow()
            .rawSource(
                rawStream(stream), new RawRange(raw.get().snapshotId(), fromLake, from), false);
    if (ends.isPresent() ? beyond.isEmpty() : log.isEmpty()) {
      return first;
    }
    if (log.isEmpty()) {
      throw new IllegalArgumentException(
          "stream %s: history is wanted up to the offsets %s (by partition), but the lake holds it up to %s only and no log is given: start the log, or wait until the archive job has copied it"
              .formatted(stream.name(), beyond, new TreeMap<>(archived)));
    }
    requireNoGap(log.get(), stream, archived, ends.isPresent() ? beyond : archived);
    return HybridSource.builder(first)
        .addSource(
            log.get()
                .source(
                    topic(stream),
                    StartAt.offsets(archived),
                    Optional.of(bound),
                    false,
                    newest(raw.get())))
        .build();
  }

  /** A read without an end; records keep their bytes. */
  static Source<LogRecord, ?, ?> unbounded(KafkaLog log, Optional<Lake> lake, StreamPlan stream) {
    Optional<RawEnd> raw = lake.flatMap(present -> present.rawEnd(stream.name()));
    if (raw.isEmpty()) {
      return log.source(topic(stream), StartAt.earliest(), Optional.empty(), true);
    }
    Map<Integer, Long> archived = nextOffsets(raw.get());
    requireNoGap(log, stream, archived, archived);
    RawRange range = new RawRange(raw.get().snapshotId(), archived, OptionalLong.empty());
    return HybridSource.builder(lake.orElseThrow().rawSource(rawStream(stream), range, true))
        .addSource(
            log.source(
                topic(stream),
                StartAt.offsets(archived),
                Optional.empty(),
                true,
                newest(raw.get())))
        .build();
  }

  private static RawStream rawStream(StreamPlan stream) {
    return new RawStream(stream.name(), stream.format(), stream.schema(), stream.eventTime());
  }

  private static Map<Integer, Long> nextOffsets(RawEnd raw) {
    Map<Integer, Long> offsets = new HashMap<>();
    raw.partitions().forEach((partition, end) -> offsets.put(partition, end.nextOffset()));
    return offsets;
  }

  private static Map<Integer, Long> newest(RawEnd raw) {
    Map<Integer, Long> newest = new HashMap<>();
    raw.partitions().forEach((partition, end) -> newest.put(partition, end.newestEventTime()));
    return newest;
  }

  /** The log must still have the record that follows the lake's last one. */
  static void requireNoGap(
      KafkaLog log, StreamPlan stream, Map<Integer, Long> archived, Map<Integer, Long> partitions) {
    Map<Integer, Long> beginnings;
    try {
      beginnings =
          Topics.beginningOffsets(log, List.of(stream.topic()))
              .getOrDefault(stream.topic(), Map.of());
    } catch (IOException e) {
      throw new UncheckedIOException(
          "stream %s: where its topic %s begins is unknown: %s"
              .formatted(stream.name(), stream.topic(), e.getMessage()),
          e);
    }
    for (int partition : new TreeMap<>(partitions).keySet()) {
      Long next = archived.get(partition);
      Long first = beginnings.get(partition);
      if (next != null && first != null && first > next) {
        throw new IllegalArgumentException(
            "stream %s, partition %d: the lake ends before offset %d, but the log begins at offset %d: records %d to %d are in neither. If a copy of them exists, put them into the lake's table raw.%s; else give the stream's history as a file with --history %s=FILE. For the future, keep records in the topic %s for longer than the archive job may be down"
                .formatted(
                    stream.name(),
                    partition,
                    next,
                    first,
                    next,
                    first - 1,
                    stream.name(),
                    stream.name(),
                    stream.topic()));
      }
    }
  }
}
