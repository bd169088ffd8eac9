package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.RecordSchema;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.RowData;
import org.apache.iceberg.flink.source.reader.RowDataConverter;
import org.jspecify.annotations.Nullable;

/** Rows of a training table as records: the row's number is the offset. */
final class TrainingRows implements RowDataConverter<LogRecord> {

  private final List<Column> columns;
  private final int[] positions;
  private final int row;
  private final int eventTime;

  /**
   * A converter of projected rows.
   *
   * @param columns the values of each record
   * @param read the columns of the rows that are read, the row's number and event time included
   */
  TrainingRows(List<Column> columns, List<String> read) {
    this.columns = List.copyOf(columns);
    this.positions = columns.stream().mapToInt(column -> read.indexOf(column.name())).toArray();
    this.row = read.indexOf(TrainingSetSnapshot.ROW);
    this.eventTime = read.indexOf(TrainingSetSnapshot.EVENT_TIME);
  }

  @Override
  public LogRecord apply(RowData from) {
    LogRecord record = new LogRecord();
    record.offset = from.getLong(row);
    record.eventTime = from.getTimestamp(eventTime, 6).getMillisecond();
    @Nullable Object[] values = new Object[positions.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = LakeTypes.fromRowData(columns.get(i).type(), from, positions[i]);
    }
    record.values = values;
    return record;
  }

  @Override
  public TypeInformation<LogRecord> getProducedType() {
    return LogRecordSerializer.typeInfo(new RecordSchema("TrainingRow", columns, ""));
  }
}
