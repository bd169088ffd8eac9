package dev.tailwater.connectors.files;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.List;
import java.util.Map;
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

  /**
   * The field of a column; optional, whatever the column says, for a join can miss. A list is the
   * standard's three levels with required elements, a map is the standard's too.
   */
  static Type of(Column column) {
    String name = column.name();
    ColumnType type = column.type();
    if (type.isList()) {
      return Types.optionalList()
          .setElementType(primitive(type.elementType(), Type.Repetition.REQUIRED, "element"))
          .named(name);
    }
    if (type.isMap()) {
      return Types.optionalMap()
          .key(primitive(ColumnType.STRING, Type.Repetition.REQUIRED, "key"))
          .value(primitive(type.elementType(), Type.Repetition.REQUIRED, "value"))
          .named(name);
    }
    return primitive(type, Type.Repetition.OPTIONAL, name);
  }

  private static Type primitive(ColumnType type, Type.Repetition repetition, String name) {
    return switch (type) {
      case BOOLEAN -> Types.primitive(PrimitiveTypeName.BOOLEAN, repetition).named(name);
      case INT -> Types.primitive(PrimitiveTypeName.INT32, repetition).named(name);
      case LONG -> Types.primitive(PrimitiveTypeName.INT64, repetition).named(name);
      case DOUBLE -> Types.primitive(PrimitiveTypeName.DOUBLE, repetition).named(name);
      case STRING ->
          Types.primitive(PrimitiveTypeName.BINARY, repetition)
              .as(LogicalTypeAnnotation.stringType())
              .named(name);
      case TIMESTAMP ->
          Types.primitive(PrimitiveTypeName.INT64, repetition)
              .as(LogicalTypeAnnotation.timestampType(true, TimeUnit.MILLIS))
              .named(name);
      case LONG_LIST, DOUBLE_LIST, STRING_LIST, LONG_MAP, DOUBLE_MAP ->
          throw new IllegalArgumentException("A " + type + " is no primitive of Parquet");
    };
  }

  /** Writes a row's fields, the first of which is the message's first; null values are left out. */
  static void writeAll(RecordConsumer consumer, List<Column> columns, @Nullable Object[] values) {
    for (int i = 0; i < values.length; i++) {
      Column column = columns.get(i);
      write(consumer, column.name(), i, column.type(), values[i]);
    }
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
      case LONG_LIST, DOUBLE_LIST, STRING_LIST -> {
        consumer.startGroup();
        List<?> list = (List<?>) value;
        // A field that is started must have a value.
        if (!list.isEmpty()) {
          consumer.startField("list", 0);
          for (Object element : list) {
            consumer.startGroup();
            write(consumer, "element", 0, type.elementType(), element);
            consumer.endGroup();
          }
          consumer.endField("list", 0);
        }
        consumer.endGroup();
      }
      case LONG_MAP, DOUBLE_MAP -> {
        consumer.startGroup();
        Map<?, ?> map = (Map<?, ?>) value;
        if (!map.isEmpty()) {
          consumer.startField("key_value", 0);
          for (Map.Entry<?, ?> entry : map.entrySet()) {
            consumer.startGroup();
            write(consumer, "key", 0, ColumnType.STRING, entry.getKey());
            write(consumer, "value", 1, type.elementType(), entry.getValue());
            consumer.endGroup();
          }
          consumer.endField("key_value", 0);
        }
        consumer.endGroup();
      }
    }
    consumer.endField(name, index);
  }
}
