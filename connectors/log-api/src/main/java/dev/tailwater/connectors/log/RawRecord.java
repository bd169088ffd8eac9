package dev.tailwater.connectors.log;

import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.jspecify.annotations.Nullable;

/**
 * A record of the log as it was written, whatever is in it. Never changed after it was made; the
 * arrays are not copied.
 *
 * @param offset in the partition
 * @param appendTime when the log accepted it, in milliseconds since the epoch; negative where the
 *     log does not know
 * @param value null in a tombstone
 */
public record RawRecord(
    String topic,
    int partition,
    long offset,
    long appendTime,
    byte @Nullable [] key,
    byte @Nullable [] value,
    List<Header> headers) {

  /** One header; a name may be there several times. */
  public record Header(String name, byte @Nullable [] value) {}

  /** The type to give to streams of raw records. */
  public static TypeInformation<RawRecord> typeInfo() {
    return new SerializedTypeInfo<>(RawRecord.class, RawRecordSerializer.INSTANCE);
  }
}
