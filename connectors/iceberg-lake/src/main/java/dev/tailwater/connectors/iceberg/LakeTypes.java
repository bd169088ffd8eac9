package dev.tailwater.connectors.iceberg;

import dev.tailwater.schemas.ColumnType;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntSupplier;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/** How our column types and values look in Iceberg and in Flink's rows. */
final class LakeTypes {

  private static final long EARLIEST_MS = Long.MIN_VALUE / 1000;
  private static final long LATEST_MS = Long.MAX_VALUE / 1000;

  private LakeTypes() {}

  /**
   * The Iceberg type of a column.
   *
   * @param nextId gives the parts of a list or map their field ids; the catalog replaces them by
   *     its own when it creates the table, and keeps those for ever
   */
  static Type icebergType(ColumnType type, IntSupplier nextId) {
    return switch (type) {
      case BOOLEAN -> Types.BooleanType.get();
      case INT -> Types.IntegerType.get();
      case LONG -> Types.LongType.get();
      case DOUBLE -> Types.DoubleType.get();
      case STRING -> Types.StringType.get();
      case TIMESTAMP -> Types.TimestampType.withZone();
      case LONG_LIST, DOUBLE_LIST, STRING_LIST ->
          Types.ListType.ofRequired(nextId.getAsInt(), icebergType(type.elementType(), nextId));
      case LONG_MAP, DOUBLE_MAP ->
          Types.MapType.ofRequired(
              nextId.getAsInt(),
              nextId.getAsInt(),
              Types.StringType.get(),
              icebergType(type.elementType(), nextId));
    };
  }

  /** Whether a table's column holds values of this type, whatever the ids of its parts. */
  static boolean holds(Type present, ColumnType type) {
    if (type.isList()) {
      return present.isListType() && holds(present.asListType().elementType(), type.elementType());
    }
    if (type.isMap()) {
      return present.isMapType()
          && holds(present.asMapType().keyType(), ColumnType.STRING)
          && holds(present.asMapType().valueType(), type.elementType());
    }
    return present.equals(icebergType(type, () -> 0));
  }

  /** A value of this column type as a field of Flink's rows. */
  static @Nullable Object rowDataValue(ColumnType type, @Nullable Object value) {
    if (value == null) {
      return null;
    }
    return switch (type) {
      case BOOLEAN, INT, LONG, DOUBLE -> value;
      case STRING -> StringData.fromString((String) value);
      case TIMESTAMP -> TimestampData.fromEpochMillis((Long) value);
      case LONG_LIST, DOUBLE_LIST, STRING_LIST -> {
        List<?> list = (List<?>) value;
        @Nullable Object[] elements = new Object[list.size()];
        for (int i = 0; i < elements.length; i++) {
          elements[i] = rowDataValue(type.elementType(), list.get(i));
        }
        yield new GenericArrayData(elements);
      }
      case LONG_MAP, DOUBLE_MAP -> {
        Map<Object, @Nullable Object> entries = new LinkedHashMap<>();
        ((Map<?, ?>) value)
            .forEach(
                (key, element) ->
                    entries.put(
                        StringData.fromString((String) key),
                        rowDataValue(type.elementType(), element)));
        yield new GenericMapData(entries);
      }
    };
  }

  /** A field of one of Flink's rows as our value: what {@link #rowDataValue} was given. */
  static @Nullable Object fromRowData(ColumnType type, RowData row, int field) {
    if (row.isNullAt(field)) {
      return null;
    }
    return switch (type) {
      case BOOLEAN -> row.getBoolean(field);
      case INT -> row.getInt(field);
      case LONG -> row.getLong(field);
      case DOUBLE -> row.getDouble(field);
      case STRING -> row.getString(field).toString();
      case TIMESTAMP -> row.getTimestamp(field, 6).getMillisecond();
      case LONG_LIST, DOUBLE_LIST, STRING_LIST -> list(type.elementType(), row.getArray(field));
      case LONG_MAP, DOUBLE_MAP -> {
        MapData map = row.getMap(field);
        List<Object> keys = list(ColumnType.STRING, map.keyArray());
        List<Object> elements = list(type.elementType(), map.valueArray());
        Map<String, Object> sorted = new TreeMap<>();
        for (int i = 0; i < keys.size(); i++) {
          sorted.put((String) keys.get(i), elements.get(i));
        }
        yield sorted;
      }
    };
  }

  private static List<Object> list(ColumnType elementType, ArrayData array) {
    List<Object> list = new ArrayList<>(array.size());
    for (int i = 0; i < array.size(); i++) {
      list.add(
          switch (elementType) {
            case LONG -> array.getLong(i);
            case DOUBLE -> array.getDouble(i);
            default -> array.getString(i).toString();
          });
    }
    return list;
  }

  /** A field of a generic record as our value; maps are put in the order of their keys. */
  static Object fromGeneric(Object value) {
    if (value instanceof OffsetDateTime time) {
      return time.toInstant().toEpochMilli();
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> sorted = new TreeMap<>();
      map.forEach((key, element) -> sorted.put(key.toString(), element));
      return sorted;
    }
    return value;
  }

  static long epochMillis(Record record, String timestampColumn) {
    return ((OffsetDateTime) record.getField(timestampColumn)).toInstant().toEpochMilli();
  }

  /** Microseconds since the epoch; at the ends of what the lake's timestamps can hold beyond. */
  static long micros(long epochMillis) {
    return Math.max(EARLIEST_MS, Math.min(LATEST_MS, epochMillis)) * 1000;
  }

  /** A timestamp of Flink's rows; at the ends of what the lake can hold beyond. */
  static TimestampData timestamp(long epochMillis) {
    return TimestampData.fromEpochMillis(Math.max(EARLIEST_MS, Math.min(LATEST_MS, epochMillis)));
  }

  /** What every table of the lake has in common. */
  static Map<String, String> tableProperties() {
    Map<String, String> properties = new LinkedHashMap<>();
    properties.put(TableProperties.FORMAT_VERSION, "2");
    properties.put(TableProperties.DEFAULT_FILE_FORMAT, "parquet");
    properties.put(TableProperties.PARQUET_COMPRESSION, "zstd");
    // A backfill has one file open per day and writer: with Parquet's defaults every one of them
    // takes 1 MB at once and up to 128 MB later, and two years of days do not fit in memory.
    properties.put(TableProperties.PARQUET_PAGE_SIZE_BYTES, Integer.toString(64 * 1024));
    properties.put(TableProperties.PARQUET_ROW_GROUP_SIZE_BYTES, Integer.toString(8 * 1024 * 1024));
    // Each commit writes a metadata file: without this a job that commits every few seconds leaves
    // thousands of them.
    properties.put(TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED, "true");
    properties.put(TableProperties.METADATA_PREVIOUS_VERSIONS_MAX, "20");
    // A writer and maintenance may commit at the same moment again and again.
    properties.put(TableProperties.COMMIT_NUM_RETRIES, "10");
    return properties;
  }
}
