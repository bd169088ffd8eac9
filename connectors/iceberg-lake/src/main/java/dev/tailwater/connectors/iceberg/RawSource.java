package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.connectors.log.StreamDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.RowData;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.flink.TableLoader;
import org.apache.iceberg.flink.source.IcebergSource;
import org.apache.iceberg.flink.source.reader.RowDataConverter;
import org.jspecify.annotations.Nullable;

/** Rows of a raw table as the records that they were in the log. */
final class RawSource {

  /** The columns that are read, in the order of the table; some by filters and watermarks only. */
  private static final List<String> READ =
      List.of(
          RawTable.PARTITION,
          RawTable.OFFSET,
          RawTable.APPEND_TIME,
          RawTable.EVENT_TIME,
          RawTable.NEWEST_BEFORE,
          RawTable.REPLAY_TIME,
          RawTable.VALUE);

  private static final int PARTITION = position(RawTable.PARTITION);
  private static final int OFFSET = position(RawTable.OFFSET);
  private static final int APPEND_TIME = position(RawTable.APPEND_TIME);
  private static final int NEWEST_BEFORE = position(RawTable.NEWEST_BEFORE);
  private static final int VALUE = position(RawTable.VALUE);

  private RawSource() {}

  static IcebergSource<LogRecord> of(
      TableLoader loader, Table table, RawStream stream, RawRange range, boolean keepBytes) {
    return IcebergSource.forOutputType(new Decode(stream, keepBytes))
        .tableLoader(loader)
        .table(table)
        .useSnapshotId(range.snapshotId())
        .project(table.schema().select(READ))
        .filters(filters(stream, range))
        .watermarkColumn(RawTable.REPLAY_TIME)
        // Files are not read together with others, which may be far away in time.
        .splitOpenFileCost(TableProperties.SPLIT_SIZE_DEFAULT)
        .build();
  }

  private static List<Expression> filters(RawStream stream, RawRange range) {
    Expression read = Expressions.alwaysFalse();
    for (Map.Entry<Integer, Long> end : new TreeMap<>(range.before()).entrySet()) {
      read =
          Expressions.or(
              read,
              Expressions.and(
                  Expressions.equal(RawTable.PARTITION, end.getKey()),
                  Expressions.lessThan(RawTable.OFFSET, end.getValue())));
    }
    List<Expression> filters = new ArrayList<>(List.of(read));
    // A change that moves a row to an older event time takes it away from a newer one: of a
    // changelog every change counts.
    if (range.from().isPresent() && !stream.format().isChangelog()) {
      filters.add(
          Expressions.or(
              Expressions.isNull(RawTable.EVENT_TIME),
              Expressions.greaterThanOrEqual(
                  RawTable.EVENT_TIME, LakeTypes.micros(range.from().getAsLong()))));
    }
    return filters;
  }

  private static int position(String column) {
    return READ.indexOf(column);
  }

  private static final class Decode implements RowDataConverter<LogRecord> {

    private static final long serialVersionUID = 1;

    /** Of timestamps with microseconds, which fit into a long. */
    private static final int PRECISION = 6;

    private final RawStream stream;
    private final boolean keepBytes;
    private transient @Nullable StreamDecoder decoder;

    Decode(RawStream stream, boolean keepBytes) {
      this.stream = stream;
      this.keepBytes = keepBytes;
    }

    @Override
    public LogRecord apply(RowData row) {
      StreamDecoder opened = decoder;
      if (opened == null) {
        opened = new StreamDecoder(stream.format(), stream.schema(), stream.eventTimeColumn());
        decoder = opened;
      }
      LogRecord record = new LogRecord();
      record.partition = row.getInt(PARTITION);
      record.offset = row.getLong(OFFSET);
      long appendTime = row.getTimestamp(APPEND_TIME, PRECISION).getMillisecond();
      record.appendTime = appendTime < 0 ? Long.MAX_VALUE : appendTime;
      record.newestIsExact = true;
      if (!row.isNullAt(NEWEST_BEFORE)) {
        record.newestBefore = row.getTimestamp(NEWEST_BEFORE, PRECISION).getMillisecond();
      }
      opened.decode(row.isNullAt(VALUE) ? null : row.getBinary(VALUE), keepBytes, record);
      return record;
    }

    @Override
    public TypeInformation<LogRecord> getProducedType() {
      return LogRecordSerializer.typeInfo(stream.schema());
    }
  }
}
