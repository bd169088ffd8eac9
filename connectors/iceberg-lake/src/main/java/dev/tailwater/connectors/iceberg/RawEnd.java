package dev.tailwater.connectors.iceberg;

import java.util.Map;

/**
 * How far the raw table of a stream reaches. Raw rows never change: the rows of any later snapshot
 * with {@code offset < nextOffset} are the rows of this one.
 *
 * @param snapshotId of the table
 * @param partitions by the partition of the log; those without a row are not named
 */
public record RawEnd(long snapshotId, Map<Integer, PartitionEnd> partitions) {

  public RawEnd {
    partitions = Map.copyOf(partitions);
  }

  /**
   * The end of one partition.
   *
   * @param nextOffset the offset after the last archived record
   * @param newestEventTime of the archived records that are not from the future, in milliseconds
   *     since the epoch; {@link Long#MIN_VALUE} if none has an event time
   */
  public record PartitionEnd(long nextOffset, long newestEventTime) {}
}
