package dev.tailwater.schemas;

import org.jspecify.annotations.Nullable;

/** Reads Avro's binary encoding straight into column values. */
final class AvroRecordDecoder implements RecordDecoder {

  private final AvroContracts.FieldLayout[] fields;
  private final AvroBinaryReader in = new AvroBinaryReader();

  AvroRecordDecoder(RecordSchema schema) {
    fields = AvroContracts.layouts(schema).toArray(AvroContracts.FieldLayout[]::new);
  }

  @Override
  public @Nullable Object[] decode(byte[] record) throws UndecodableRecordException {
    RecordFormat.requireBounded(record);
    in.reset(record);
    @Nullable Object[] values = new Object[fields.length];
    for (int i = 0; i < fields.length; i++) {
      AvroContracts.FieldLayout field = fields[i];
      if (!field.nullable() || in.readIndex(2, field.name()) != field.nullBranch()) {
        values[i] = value(field);
      }
    }
    in.requireEnd();
    return values;
  }

  private Object value(AvroContracts.FieldLayout field) throws UndecodableRecordException {
    String name = field.name();
    return switch (field.wire()) {
      case BOOLEAN -> in.readBoolean(name);
      case INT -> in.readInt(name);
      case LONG -> in.readLong(name);
      case FLOAT -> (double) in.readFloat(name);
      case DOUBLE -> in.readDouble(name);
      case STRING -> in.readString(name);
      case ENUM -> field.symbols().get(in.readIndex(field.symbols().size(), name));
      case MILLIS -> instant(in.readLong(name), name);
      case MICROS -> instant(Math.floorDiv(in.readLong(name), 1000), name);
    };
  }

  private static Long instant(long epochMillis, String field) throws UndecodableRecordException {
    if (!Timestamps.isInRange(epochMillis)) {
      throw new UndecodableRecordException(
          "column " + field + " is " + epochMillis + " ms, outside the years 1 to 9999");
    }
    return epochMillis;
  }
}
