package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.log.RawRecord;
import dev.tailwater.connectors.log.SerializedTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.jspecify.annotations.Nullable;

/**
 * A record of a stream and what the archive knows of it: a row of its raw table. Times in
 * milliseconds since the epoch, {@link Long#MIN_VALUE} for none.
 *
 * @param eventTime as decoded
 * @param isFuture whether the event time is from the future, so that it does not count
 * @param newestBefore the newest event time that counts at earlier offsets of the partition
 * @param problem why it could not be decoded
 */
public record ArchivedRecord(
    RawRecord record,
    long eventTime,
    boolean isFuture,
    long newestBefore,
    @Nullable String problem) {

  /** The type to give to streams of archived records. */
  public static TypeInformation<ArchivedRecord> typeInfo() {
    return new SerializedTypeInfo<>(ArchivedRecord.class, ArchivedRecordSerializer.INSTANCE);
  }

  /** Orders a streaming replay: never later than the event time of a record that counts. */
  long replayTime() {
    if (eventTime != Long.MIN_VALUE && !isFuture) {
      return eventTime;
    }
    return newestBefore == Long.MIN_VALUE ? 0 : newestBefore;
  }
}
