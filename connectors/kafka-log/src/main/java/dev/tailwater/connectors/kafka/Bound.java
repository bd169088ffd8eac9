package dev.tailwater.connectors.kafka;

import java.io.Serializable;
import java.util.Map;

/** Where a bounded read of the log ends. */
public sealed interface Bound extends Serializable {

  /** At the end each partition has when the job starts; later records are not read. */
  static Bound presentEnd() {
    return new PresentEnd();
  }

  /**
   * Before the given offset of each partition, as {@link Topics#endOffsets} returned them earlier;
   * partitions that are not named are not read.
   */
  static Bound before(Map<Integer, Long> byPartition) {
    return new Before(byPartition);
  }

  /** See {@link #presentEnd}. */
  record PresentEnd() implements Bound {}

  /** See {@link #before}. */
  record Before(Map<Integer, Long> byPartition) implements Bound {
    public Before {
      byPartition = Map.copyOf(byPartition);
    }
  }
}
