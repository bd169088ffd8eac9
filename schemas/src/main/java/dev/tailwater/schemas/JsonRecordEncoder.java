package dev.tailwater.schemas;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.SerializedString;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes column values as one JSON object, every column present. */
final class JsonRecordEncoder implements RecordEncoder {

  private final List<Column> columns;
  private final SerializableString[] names;
  private final List<@Nullable Set<String>> symbols;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);

  JsonRecordEncoder(RecordSchema schema) {
    columns = schema.columns();
    names =
        columns.stream()
            .map(column -> new SerializedString(column.name()))
            .toArray(SerializableString[]::new);
    symbols = AvroContracts.symbols(schema);
  }

  @Override
  public byte[] encode(@Nullable Object[] values) {
    Values.requireLength(values, names.length);
    bytes.reset();
    try (JsonGenerator json = Json.FACTORY.createGenerator(bytes)) {
      json.writeStartObject();
      for (int i = 0; i < names.length; i++) {
        json.writeFieldName(names[i]);
        write(json, Values.require(values[i], columns.get(i)), i);
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("a record could not be written to memory", e);
    }
    return bytes.toByteArray();
  }

  private void write(JsonGenerator json, @Nullable Object value, int column) throws IOException {
    if (value == null) {
      json.writeNull();
      return;
    }
    switch (columns.get(column).type()) {
      case BOOLEAN -> json.writeBoolean((Boolean) value);
      case INT -> json.writeNumber((Integer) value);
      case LONG -> json.writeNumber((Long) value);
      case DOUBLE -> {
        double number = (Double) value;
        if (!Double.isFinite(number)) {
          throw new IllegalArgumentException(
              "column " + columns.get(column).name() + " is " + number + ", which JSON cannot say");
        }
        json.writeNumber(number);
      }
      case STRING -> {
        Set<String> allowed = symbols.get(column);
        if (allowed != null && !allowed.contains((String) value)) {
          throw new IllegalArgumentException(
              "column "
                  + columns.get(column).name()
                  + " is '"
                  + Text.shown((String) value)
                  + "', not a symbol of its enum");
        }
        json.writeString(Text.requireUnicode((String) value, columns.get(column).name()));
      }
      case TIMESTAMP -> json.writeString(Timestamps.format((Long) value));
      default ->
          throw new IllegalStateException(
              "No record has a column of type " + columns.get(column).type());
    }
  }
}
