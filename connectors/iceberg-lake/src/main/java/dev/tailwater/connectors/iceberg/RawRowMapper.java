package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.log.RawRecord;
import java.util.List;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Archived records as rows of {@link RawTable#SCHEMA}. */
final class RawRowMapper extends RichFlatMapFunction<ArchivedRecord, RowData>
    implements CheckpointedFunction {

  private final RestoreGuard guard;

  private transient ListState<Long> lastCheckpoint;

  RawRowMapper(RestoreGuard guard) {
    this.guard = guard;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    lastCheckpoint = guard.check(context, getRuntimeContext());
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    lastCheckpoint.update(List.of(context.getCheckpointId()));
  }

  @Override
  public void flatMap(ArchivedRecord archived, Collector<RowData> out) {
    out.collect(map(archived));
  }

  static RowData map(ArchivedRecord archived) {
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
