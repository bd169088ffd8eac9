package dev.tailwater.connectors.files;

import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.JsonCollections;
import dev.tailwater.schemas.Timestamps;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Values as CSV fields that {@code CsvDecoder} reads back as the same values; lists and maps, which
 * it does not read, as JSON text.
 */
final class CsvText {

  private CsvText() {}

  /** Appends a value: NULL as an empty field, a timestamp as ISO-8601, a double exactly. */
  static void append(StringBuilder line, @Nullable Object value, ColumnType type) {
    if (value == null) {
      return;
    }
    switch (type) {
      case TIMESTAMP -> line.append(Timestamps.format((Long) value));
      case STRING -> appendText(line, (String) value);
      case BOOLEAN, INT, LONG, DOUBLE -> line.append(value);
      case LONG_LIST, DOUBLE_LIST, STRING_LIST, LONG_MAP, DOUBLE_MAP ->
          appendText(line, JsonCollections.write(value));
    }
  }

  /** Appends text, in quotes only where it needs them; empty text does, to differ from NULL. */
  static void appendText(StringBuilder line, String text) {
    boolean plain = !text.isEmpty();
    for (int i = 0; plain && i < text.length(); i++) {
      char character = text.charAt(i);
      plain = character != ',' && character != '"' && character != '\n' && character != '\r';
    }
    if (plain) {
      line.append(text);
    } else {
      line.append('"').append(text.replace("\"", "\"\"")).append('"');
    }
  }

  static String header(List<String> names) {
    StringBuilder line = new StringBuilder();
    for (String name : names) {
      line.append(line.isEmpty() ? "" : ",");
      appendText(line, name);
    }
    return line.toString();
  }
}
