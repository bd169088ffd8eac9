package dev.tailwater.connectors.files;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;
import org.jspecify.annotations.Nullable;

/** Columns as Parquet fields, and their values. */
final class ParquetFields {

  private ParquetFields() {}

  /** The field of a column; optional, whatever the column says, for a join can miss. */
  static Type of(Column column) {
    return switch (column.type()) {
      case BOOLEAN -> Types.optional(PrimitiveTypeName.BOOLEAN).named(column.name());
      case INT -> Types.optional(PrimitiveTypeName.INT32).named(column.name());
      case LONG -> Types.optional(PrimitiveTypeName.INT64).named(column.name());
      case DOUBLE -> Types.optional(PrimitiveTypeName.DOUBLE).named(column.name());
      case STRING ->
          Types.optional(PrimitiveTypeName.BINARY)
              .as(LogicalTypeAnnotation.stringType())
              .named(column.name());
      case TIMESTAMP ->
          Types.optional(PrimitiveTypeName.INT64)
              .as(LogicalTypeAnnotation.timestampType(true, TimeUnit.MILLIS))
              .named(column.name());
      default ->
          throw new IllegalStateException("Not written yet: a value of type " + column.type());
    };
  }

  /** Writes one field; a null value is left out. */
  static void write(
      RecordConsumer consumer, String name, int index, ColumnType type, @Nullable Object value) {
    if (value == null) {
      return;
    }
    consumer.startField(name, index);
    switch (type) {
      case BOOLEAN -> consumer.addBoolean((Boolean) value);
      case INT -> consumer.addInteger((Integer) value);
      case LONG, TIMESTAMP -> consumer.addLong((Long) value);
      case DOUBLE -> consumer.addDouble((Double) value);
      case STRING -> consumer.addBinary(Binary.fromString((String) value));
      default -> throw new IllegalStateException("Not written yet: a value of type " + type);
    }
    consumer.endField(name, index);
  }
}
