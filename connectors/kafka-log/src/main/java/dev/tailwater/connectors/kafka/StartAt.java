package dev.tailwater.connectors.kafka;

import java.io.Serializable;
import java.util.Map;

/**
 * Where a source without a checkpoint starts; with one it continues at the exact next offset.
 *
 * <p>A record the log has already deleted is an error, never skipped: a start before the first kept
 * record fails the job with Kafka's {@code OffsetOutOfRangeException}, as does a checkpoint that
 * points there.
 */
public sealed interface StartAt extends Serializable {

  /** At the first record of every partition that the log still has. */
  static StartAt earliest() {
    return new Earliest();
  }

  /**
   * Where the group of the {@link KafkaLog} stopped: the offsets committed with its last
   * checkpoint; partitions without one start at the first record.
   */
  static StartAt committed() {
    return new Committed();
  }

  /**
   * At the given offset of each partition; partitions that are not named start at the first record.
   *
   * @param byPartition the offset of the first record to read
   */
  static StartAt offsets(Map<Integer, Long> byPartition) {
    return new Offsets(byPartition);
  }

  /** See {@link #earliest}. */
  record Earliest() implements StartAt {}

  /** See {@link #committed}. */
  record Committed() implements StartAt {}

  /** See {@link #offsets}. */
  record Offsets(Map<Integer, Long> byPartition) implements StartAt {
    public Offsets {
      byPartition = Map.copyOf(byPartition);
      byPartition.forEach(
          (partition, offset) -> {
            if (partition < 0 || offset < 0) {
              throw new IllegalArgumentException(
                  "offset %d of partition %d is not a place in the log: both count from 0"
                      .formatted(offset, partition));
            }
          });
    }
  }
}
