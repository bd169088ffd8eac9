package dev.tailwater.cli;

import dev.tailwater.connectors.files.SpineFile;
import dev.tailwater.connectors.files.SpineWriter;
import dev.tailwater.schemas.ColumnType;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.operations.Operation;
import org.apache.flink.table.operations.QueryOperation;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;

/** The result of a query as the spine of a training set. */
final class SpineQuery {

  private SpineQuery() {}

  /**
   * Runs a query and writes its rows, one by one, to a Parquet file. Instants are cut to
   * milliseconds; those without a zone are in UTC.
   *
   * @return the number of rows
   * @throws CommandFailedException if the statement is not a query, or a column has a type that a
   *     spine cannot hold
   */
  static long write(LakeSql sql, String statement, Path spine) {
    String text = LakeSql.stripped(statement);
    for (Operation operation : sql.parse(text)) {
      if (!(operation instanceof QueryOperation)) {
        throw new CommandFailedException(
            "--spine-sql is a query and nothing else: begin it with SELECT, VALUES or WITH");
      }
    }
    TableResult result = sql.execute(text);
    List<dev.tailwater.schemas.Column> columns = new ArrayList<>();
    for (Column column : result.getResolvedSchema().getColumns()) {
      columns.add(
          new dev.tailwater.schemas.Column(
              column.getName(),
              type(column.getName(), column.getDataType().getLogicalType()),
              true));
    }
    requireEventTime(columns);
    long count = 0;
    try (CloseableIterator<Row> rows = result.collect();
        SpineWriter writer = SpineWriter.open(spine, columns)) {
      while (rows.hasNext()) {
        Row row = rows.next();
        @Nullable Object[] values = new Object[columns.size()];
        for (int i = 0; i < values.length; i++) {
          values[i] = value(row.getField(i));
        }
        writer.write(values);
        count++;
      }
    } catch (Exception e) {
      throw new CommandFailedException("the query failed: " + Failures.describe(e), e);
    }
    return count;
  }

  private static void requireEventTime(List<dev.tailwater.schemas.Column> columns) {
    for (dev.tailwater.schemas.Column column : columns) {
      if (column.name().equals(SpineFile.EVENT_TIME) && column.type() == ColumnType.TIMESTAMP) {
        return;
      }
    }
    throw new CommandFailedException(
        "the rows of --spine-sql need a column event_time of type TIMESTAMP or TIMESTAMP_LTZ, the instant that the features are as of; name one, as in SELECT _event_time AS event_time, … (it has %s)"
            .formatted(columns.stream().map(c -> c.name() + " " + c.type()).toList()));
  }

  private static ColumnType type(String column, LogicalType type) {
    return switch (type.getTypeRoot()) {
      case BOOLEAN -> ColumnType.BOOLEAN;
      case TINYINT, SMALLINT, INTEGER -> ColumnType.INT;
      case BIGINT -> ColumnType.LONG;
      case FLOAT, DOUBLE -> ColumnType.DOUBLE;
      case CHAR, VARCHAR -> ColumnType.STRING;
      case TIMESTAMP_WITHOUT_TIME_ZONE, TIMESTAMP_WITH_LOCAL_TIME_ZONE -> ColumnType.TIMESTAMP;
      default ->
          throw new CommandFailedException(
              "column %s of --spine-sql is %s, which a spine cannot hold; write CAST(%s AS DOUBLE), or AS STRING, or leave it out"
                  .formatted(column, type.asSummaryString(), column));
    };
  }

  private static @Nullable Object value(@Nullable Object field) {
    if (field instanceof Instant instant) {
      return instant.toEpochMilli();
    }
    if (field instanceof LocalDateTime local) {
      return local.toInstant(ZoneOffset.UTC).toEpochMilli();
    }
    if (field instanceof Byte || field instanceof Short) {
      return ((Number) field).intValue();
    }
    return field instanceof Float number ? (Object) number.doubleValue() : field;
  }
}
