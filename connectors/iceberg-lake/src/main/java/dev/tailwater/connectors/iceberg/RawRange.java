package dev.tailwater.connectors.iceberg;

import java.util.Map;
import java.util.OptionalLong;

/**
 * Which rows of a raw table are read.
 *
 * @param snapshotId of the table
 * @param before by the partition of the log the exclusive end offset; partitions that are not named
 *     are not read
 * @param from rows with an older event time are left out, in milliseconds since the epoch; rows
 *     without one are read
 */
public record RawRange(long snapshotId, Map<Integer, Long> before, OptionalLong from) {

  public RawRange {
    before = Map.copyOf(before);
  }
}
