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
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
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
    lake.ifPresent(present -> present.requireRawName(stream.name(), stream.topic()));
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
    requireNoGap(
        log.get(), stream, archived, ends.isPresent() ? beyond.keySet() : archived.keySet());
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
    if (lake.isEmpty()) {
      return log.source(topic(stream), StartAt.earliest(), Optional.empty(), true);
    }
    // Said here, where the job is built, it is an error of the command and not of the job.
    lake.get().requireRawName(stream.name(), stream.topic());
    requireNoGap(log, stream, lake.get().rawEnd(stream.name()));
    return new LiveHistory(log, lake.get(), stream);
  }

  /**
   * A read without an end.
   *
   * @param seam where the lake ends; empty to read the log alone
   */
  static HybridSource<LogRecord> unbounded(
      KafkaLog log, Lake lake, StreamPlan stream, Optional<RawEnd> seam) {
    if (seam.isEmpty()) {
      return HybridSource.builder(
              log.source(topic(stream), StartAt.earliest(), Optional.empty(), true))
          .build();
    }
    Map<Integer, Long> archived = nextOffsets(seam.get());
    Map<Integer, Long> newest = newest(seam.get());
    Map<String, Long> watermarks = new HashMap<>();
    newest.forEach(
        (partition, time) -> {
          if (time != Long.MIN_VALUE) {
            watermarks.put(
                KafkaLog.splitId(stream.topic(), partition), time - stream.disorderMs() - 1);
          }
        });
    RawRange range = new RawRange(seam.get().snapshotId(), archived, OptionalLong.empty());
    return HybridSource.builder(lake.rawSource(rawStream(stream), range, true))
        .addSource(
            new ResumedLog<>(
                log.source(
                    topic(stream), StartAt.offsets(archived), Optional.empty(), true, newest),
                watermarks))
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

  /**
   * The log must go on where the lake ends.
   *
   * @throws IllegalArgumentException naming the partition and both offsets if it does not
   * @throws UncheckedIOException if the log does not answer
   */
  static void requireNoGap(KafkaLog log, StreamPlan stream, Optional<RawEnd> raw) {
    Map<Integer, Long> archived = raw.map(LakeThenLog::nextOffsets).orElse(Map.of());
    requireNoGap(log, stream, archived, archived.keySet());
  }

  private static void requireNoGap(
      KafkaLog log, StreamPlan stream, Map<Integer, Long> archived, Set<Integer> partitions) {
    if (partitions.isEmpty()) {
      return;
    }
    Map<Integer, Long> beginnings;
    Map<Integer, Long> ends;
    try {
      List<String> topic = List.of(stream.topic());
      beginnings = Topics.beginningOffsets(log, topic).getOrDefault(stream.topic(), Map.of());
      ends = Topics.endOffsets(log, topic).getOrDefault(stream.topic(), Map.of());
    } catch (IOException e) {
      throw new UncheckedIOException(
          "stream %s: where its topic %s begins and ends is unknown: %s"
              .formatted(stream.name(), stream.topic(), e.getMessage()),
          e);
    }
    for (int partition : new TreeSet<>(partitions)) {
      Long next = archived.get(partition);
      Long first = beginnings.get(partition);
      Long end = ends.get(partition);
      if (next == null) {
        continue;
      }
      if (first != null && first > next) {
        throw new IllegalArgumentException(
            "stream %s, partition %d: the lake ends before offset %d, but the log begins at offset %d: records %d to %d are in neither, and nothing jumps over them. If a copy of them exists, put them into the topic's lake table raw.%s; else begin a new history: drop that table, and run again. Keep records in the topic %s for longer than the archive job may be down"
                .formatted(
                    stream.name(),
                    partition,
                    next,
                    first,
                    next,
                    first - 1,
                    stream.name(),
                    stream.topic()));
      }
      if (end == null || end < next) {
        throw new IllegalArgumentException(
            "stream %s, partition %d: the lake holds records up to offset %d, but the log %s: topic %s was created again, or this is another log. Connect the log that the lake was archived from, or begin a new history: drop the lake's table raw.%s, and run again"
                .formatted(
                    stream.name(),
                    partition,
                    next - 1,
                    end == null ? "has no such partition" : "ends before offset " + end,
                    stream.topic(),
                    stream.name()));
      }
    }
  }
}
