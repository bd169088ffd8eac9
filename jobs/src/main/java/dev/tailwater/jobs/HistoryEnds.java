package dev.tailwater.jobs;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A piece of history by its exact name: of each stream all records before the given offset of each
 * partition. Records never change, so whoever reads up to the same ends reads the same.
 *
 * @param byStream by the stream's name and the partition of its topic the exclusive end offset;
 *     partitions that are not named are not part of it
 */
public record HistoryEnds(Map<String, Map<Integer, Long>> byStream) {

  public HistoryEnds {
    Map<String, Map<Integer, Long>> copy = new HashMap<>();
    byStream.forEach((stream, ends) -> copy.put(stream, Map.copyOf(ends)));
    byStream = Map.copyOf(copy);
  }

  /** The end of each partition of a stream; empty if the stream is not named. */
  public Map<Integer, Long> of(String stream) {
    return byStream.getOrDefault(stream, Map.of());
  }

  /** One line, as in {@code refunds:0=7 transactions:0=1200,1=1187}; {@link #parse} reads it. */
  @Override
  public String toString() {
    List<String> streams = new ArrayList<>();
    new TreeMap<>(byStream)
        .forEach(
            (stream, ends) -> {
              List<String> partitions = new ArrayList<>();
              new TreeMap<>(ends)
                  .forEach((partition, end) -> partitions.add(partition + "=" + end));
              streams.add(stream + ":" + String.join(",", partitions));
            });
    return String.join(" ", streams);
  }

  /**
   * Reads what {@link #toString} wrote.
   *
   * @throws IllegalArgumentException if it is not that
   */
  public static HistoryEnds parse(String written) {
    Map<String, Map<Integer, Long>> byStream = new HashMap<>();
    for (String stream : written.strip().split(" +", -1)) {
      int colon = stream.indexOf(':');
      if (stream.isEmpty()) {
        continue;
      }
      if (colon < 1) {
        throw unreadable(written, stream);
      }
      Map<Integer, Long> ends = new HashMap<>();
      for (String partition : stream.substring(colon + 1).split(",", -1)) {
        int equals = partition.indexOf('=');
        if (partition.isEmpty()) {
          continue;
        }
        try {
          ends.put(
              Integer.valueOf(partition.substring(0, Math.max(equals, 0))),
              Long.valueOf(partition.substring(equals + 1)));
        } catch (NumberFormatException e) {
          throw unreadable(written, partition);
        }
      }
      byStream.put(stream.substring(0, colon), ends);
    }
    return new HistoryEnds(byStream);
  }

  private static IllegalArgumentException unreadable(String written, String part) {
    return new IllegalArgumentException(
        "the ends of history \"%s\" cannot be read at \"%s\": expected STREAM:PARTITION=OFFSET,… for each stream, as in transactions:0=1200,1=1187"
            .formatted(written, part));
  }
}
