package dev.tailwater.connectors.iceberg;

import dev.tailwater.schemas.ColumnType;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/** How our column types and values look in Iceberg and in Flink's rows. */
final class LakeTypes {

  private LakeTypes() {}

  static Type icebergType(ColumnType type) {
    return switch (type) {
      case BOOLEAN -> Types.BooleanType.get();
      case INT -> Types.IntegerType.get();
      case LONG -> Types.LongType.get();
      case DOUBLE -> Types.DoubleType.get();
      case STRING -> Types.StringType.get();
      case TIMESTAMP -> Types.TimestampType.withZone();
      default -> throw new IllegalStateException("Not written yet: a value of type " + type);
    };
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
      default -> throw new IllegalStateException("Not written yet: a value of type " + type);
    };
  }

  /** A field of a generic record as our value. */
  static Object fromGeneric(Object value) {
    return value instanceof OffsetDateTime time ? (Object) time.toInstant().toEpochMilli() : value;
  }

  static long epochMillis(Record record, String timestampColumn) {
    return ((OffsetDateTime) record.getField(timestampColumn)).toInstant().toEpochMilli();
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
    return properties;
  }
}
