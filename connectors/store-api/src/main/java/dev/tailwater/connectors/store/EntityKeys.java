package dev.tailwater.connectors.store;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The canonical text form of an entity key. One column is its plain text; several are joined by
 * {@code |}, with {@code |} and {@code \} inside a value escaped by {@code \}. The same text is the
 * partitioning key in the jobs and the last part of the key in the online store.
 */
public final class EntityKeys {

  private EntityKeys() {}

  /**
   * The key made of the values at these positions, or null if one of them is missing: a record
   * without a key says nothing about the entity.
   */
  public static @Nullable String encode(@Nullable Object[] values, int[] positions) {
    if (positions.length == 1) {
      Object value = values[positions[0]];
      return value == null ? null : value.toString();
    }
    StringBuilder key = new StringBuilder();
    for (int i = 0; i < positions.length; i++) {
      Object value = values[positions[i]];
      if (value == null) {
        return null;
      }
      if (i > 0) {
        key.append('|');
      }
      appendEscaped(key, value.toString());
    }
    return key.toString();
  }

  /** The values of a key made by {@link #encode}, in the columns' types. */
  public static Object[] decode(String key, List<Column> columns) {
    Object[] values = new Object[columns.size()];
    if (columns.size() == 1) {
      values[0] = parse(key, columns.get(0).type());
      return values;
    }
    StringBuilder part = new StringBuilder();
    int column = 0;
    for (int i = 0; i < key.length(); i++) {
      char c = key.charAt(i);
      if (c == '\\') {
        part.append(key.charAt(++i));
      } else if (c == '|') {
        values[column] = parse(part.toString(), columns.get(column).type());
        column++;
        part.setLength(0);
      } else {
        part.append(c);
      }
    }
    values[column] = parse(part.toString(), columns.get(column).type());
    return values;
  }

  private static void appendEscaped(StringBuilder key, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '|' || c == '\\') {
        key.append('\\');
      }
      key.append(c);
    }
  }

  private static Object parse(String text, ColumnType type) {
    return switch (type) {
      case BOOLEAN -> Boolean.valueOf(text);
      case INT -> Integer.valueOf(text);
      case LONG, TIMESTAMP -> Long.valueOf(text);
      case DOUBLE -> Double.valueOf(text);
      case STRING -> text;
      default -> throw new IllegalStateException("No key column is a " + type);
    };
  }
}
