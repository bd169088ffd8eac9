package dev.tailwater.schemas;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes column values in Avro's binary encoding. */
final class AvroRecordEncoder implements RecordEncoder {

  private final List<Column> columns;
  private final AvroContracts.FieldLayout[] fields;
  private final AvroBinaryWriter out = new AvroBinaryWriter();

  AvroRecordEncoder(RecordSchema schema) {
    columns = schema.columns();
    fields = AvroContracts.layouts(schema).toArray(AvroContracts.FieldLayout[]::new);
  }

  @Override
  public byte[] encode(@Nullable Object[] values) {
    Values.requireLength(values, fields.length);
    out.reset();
    for (int i = 0; i < fields.length; i++) {
      Object value = Values.require(values[i], columns.get(i));
      if (value == null) {
        out.writeLong(fields[i].nullBranch());
        continue;
      }
      if (fields[i].nullable()) {
        out.writeLong(1 - fields[i].nullBranch());
      }
      write(value, fields[i]);
    }
    return out.toByteArray();
  }

  private void write(Object value, AvroContracts.FieldLayout field) {
    switch (field.wire()) {
      case BOOLEAN -> out.writeBoolean((Boolean) value);
      case INT -> out.writeLong((Integer) value);
      case LONG, MILLIS -> out.writeLong((Long) value);
      case MICROS -> out.writeLong(Math.multiplyExact((Long) value, 1000L));
      case FLOAT -> out.writeFloat(nearestFloat((Double) value, field.name()));
      case DOUBLE -> out.writeDouble((Double) value);
      case STRING -> out.writeString((String) value, field.name());
      case ENUM -> {
        int symbol = field.symbols().indexOf(value);
        if (symbol < 0) {
          throw new IllegalArgumentException(
              "column "
                  + field.name()
                  + " is '"
                  + Text.shown((String) value)
                  + "', not a symbol of its enum "
                  + field.symbols());
        }
        out.writeLong(symbol);
      }
    }
  }

  /** A contract that says float asks for this rounding, but not for an infinity. */
  private static float nearestFloat(double value, String field) {
    float nearest = (float) value;
    if (Float.isInfinite(nearest) && Double.isFinite(value)) {
      throw new IllegalArgumentException(
          "column " + field + " is " + value + ", which does not fit an Avro float");
    }
    return nearest;
  }
}
