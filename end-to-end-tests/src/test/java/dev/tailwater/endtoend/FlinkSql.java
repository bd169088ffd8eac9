package dev.tailwater.endtoend;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.TableConfig;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;

/** Scalar expressions as Flink SQL evaluates them over a few rows: the oracle of ours. */
final class FlinkSql {

  private static final String TABLE = "inputs";
  private static final String POSITION = "position_of_row";

  private final StreamTableEnvironment tables;
  private final int rows;

  FlinkSql(List<Column> columns, List<@Nullable Object[]> rows) {
    this.rows = rows.size();
    StreamExecutionEnvironment flink = StreamExecutionEnvironment.getExecutionEnvironment();
    flink.setParallelism(1);
    flink.setRuntimeMode(RuntimeExecutionMode.BATCH);
    tables =
        StreamTableEnvironment.create(
            flink, EnvironmentSettings.newInstance().inBatchMode().build());
    TableConfig config = tables.getConfig();
    config.setLocalTimeZone(ZoneOffset.UTC);

    List<String> names = new ArrayList<>(List.of(POSITION));
    List<TypeInformation<?>> types = new ArrayList<>(List.of(Types.INT));
    Schema.Builder schema = Schema.newBuilder().column(POSITION, "INT");
    for (Column column : columns) {
      names.add(column.name());
      types.add(typeOf(column.type()));
      schema.column(column.name(), sqlTypeOf(column.type()));
    }
    List<Row> given = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      Row row = new Row(columns.size() + 1);
      row.setField(0, i);
      for (int j = 0; j < columns.size(); j++) {
        row.setField(j + 1, given(rows.get(i)[j], columns.get(j).type()));
      }
      given.add(row);
    }
    tables.createTemporaryView(
        TABLE,
        tables.fromDataStream(
            flink.fromData(
                given,
                Types.ROW_NAMED(
                    names.toArray(String[]::new), types.toArray(TypeInformation<?>[]::new))),
            schema.build()));
  }

  /**
   * The values of every expression on every row, by expression, then by row: in one job.
   *
   * @throws RuntimeException if Flink SQL refuses an expression, or has no value of it
   */
  List<@Nullable Object[]> evaluate(List<String> expressions) {
    StringBuilder query = new StringBuilder("SELECT " + POSITION);
    List<@Nullable Object[]> values = new ArrayList<>();
    for (String expression : expressions) {
      // NULL must be possible: Flink's planner fails if it finds out by itself that it is not.
      query
          .append(", CASE WHEN " + POSITION + " >= 0 THEN ")
          .append(expression)
          .append(" END AS v")
          .append(values.size());
      values.add(new Object[rows]);
    }
    query.append(" FROM ").append(TABLE);
    try (CloseableIterator<Row> results = tables.executeSql(query.toString()).collect()) {
      while (results.hasNext()) {
        Row result = results.next();
        int row = (Integer) result.getFieldAs(0);
        for (int i = 0; i < values.size(); i++) {
          values.get(i)[row] = value(result.getField(i + 1));
        }
      }
    } catch (Exception e) {
      throw new IllegalStateException(query.toString(), e);
    }
    return values;
  }

  private static @Nullable Object given(@Nullable Object value, ColumnType type) {
    if (value instanceof List<?> list) {
      return switch (type) {
        case LONG_LIST -> list.toArray(new Long[0]);
        case DOUBLE_LIST -> list.toArray(new Double[0]);
        default -> list.toArray(new String[0]);
      };
    }
    return value != null && type == ColumnType.TIMESTAMP
        ? LocalDateTime.ofInstant(Instant.ofEpochMilli((Long) value), ZoneOffset.UTC)
        : value;
  }

  /** The value as one of ours. */
  private static @Nullable Object value(@Nullable Object value) {
    if (value instanceof Byte || value instanceof Short) {
      return ((Number) value).intValue();
    }
    if (value instanceof Float || value instanceof BigDecimal) {
      return ((Number) value).doubleValue();
    }
    return value instanceof LocalDateTime time
        ? (Object) time.toInstant(ZoneOffset.UTC).toEpochMilli()
        : value;
  }

  private static TypeInformation<?> typeOf(ColumnType type) {
    return switch (type) {
      case BOOLEAN -> Types.BOOLEAN;
      case INT -> Types.INT;
      case LONG -> Types.LONG;
      case DOUBLE -> Types.DOUBLE;
      case STRING -> Types.STRING;
      case TIMESTAMP -> Types.LOCAL_DATE_TIME;
      case LONG_LIST, DOUBLE_LIST, STRING_LIST -> Types.OBJECT_ARRAY(typeOf(type.elementType()));
      case LONG_MAP, DOUBLE_MAP -> Types.MAP(Types.STRING, typeOf(type.elementType()));
    };
  }

  private static String sqlTypeOf(ColumnType type) {
    return switch (type) {
      case BOOLEAN -> "BOOLEAN";
      case INT -> "INT";
      case LONG -> "BIGINT";
      case DOUBLE -> "DOUBLE";
      case STRING -> "STRING";
      case TIMESTAMP -> "TIMESTAMP(3)";
      case LONG_LIST, DOUBLE_LIST, STRING_LIST -> "ARRAY<" + sqlTypeOf(type.elementType()) + ">";
      case LONG_MAP, DOUBLE_MAP -> "MAP<STRING, " + sqlTypeOf(type.elementType()) + ">";
    };
  }
}
