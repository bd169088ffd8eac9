package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.log.RawRecord;
import java.util.List;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.jspecify.annotations.Nullable;

/** Archived records as rows of {@link RawTable#SCHEMA}. */
final class RawRowMapper implements MapFunction<ArchivedRecord, RowData> {

  @Override
  public RowData map(ArchivedRecord archived) {
    RawRecord record = archived.record();
    List<RawRecord.Header> headers = record.headers();
    Object[] headerRows = new Object[headers.size()];
    for (int i = 0; i < headerRows.length; i++) {
      headerRows[i] =
          GenericRowData.of(StringData.fromString(headers.get(i).name()), headers.get(i).value());
    }
    return GenericRowData.of(
        StringData.fromString(record.topic()),
        record.partition(),
        record.offset(),
        LakeTypes.timestamp(record.appendTime()),
        orNull(archived.eventTime()),
        orNull(archived.newestBefore()),
        LakeTypes.timestamp(archived.replayTime()),
        record.key(),
        record.value(),
        new GenericArrayData(headerRows),
        StringData.fromString(archived.problem()));
  }

  private static @Nullable TimestampData orNull(long time) {
    return time == Long.MIN_VALUE ? null : LakeTypes.timestamp(time);
  }
}
