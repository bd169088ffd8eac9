package dev.tailwater.definitions;

import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.Timestamps;

/** Values as they are written in YAML. */
final class Literals {

  private Literals() {}

  /**
   * The value of a scalar type that a text stands for.
   *
   * @throws IllegalArgumentException if it stands for none
   */
  static Object parse(Text text, ColumnType type) {
    return switch (type) {
      case BOOLEAN ->
          switch (text.value()) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("neither true nor false");
          };
      case INT -> Integer.valueOf(text.value());
      case LONG -> Long.valueOf(text.value());
      case DOUBLE ->
          switch (text.value()) {
            case ".nan", "NaN" -> Double.NaN;
            case ".inf", "Infinity" -> Double.POSITIVE_INFINITY;
            case "-.inf", "-Infinity" -> Double.NEGATIVE_INFINITY;
            default ->
                text.number().orElseThrow(() -> new IllegalArgumentException("not a number"));
          };
      case STRING -> text.value();
      case TIMESTAMP -> Timestamps.parse(text.value());
      default -> throw new IllegalArgumentException(type + " is not the type of a single value");
    };
  }
}
