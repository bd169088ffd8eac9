package dev.tailwater.schemas;

import org.jspecify.annotations.Nullable;

/** Checks values before they are encoded: a wrong one is the caller's error, not a dead letter. */
final class Values {

  private Values() {}

  static void requireLength(@Nullable Object[] values, int columns) {
    if (values.length != columns) {
      throw new IllegalArgumentException(
          "the record has "
              + values.length
              + " values, but its schema has "
              + columns
              + " columns");
    }
  }

  /**
   * The value, checked against its column.
   *
   * @throws IllegalArgumentException if it is null in a required column, of another class, or a
   *     timestamp outside the years 1 to 9999
   */
  static @Nullable Object require(@Nullable Object value, Column column) {
    if (value == null) {
      if (!column.nullable()) {
        throw new IllegalArgumentException(
            "column " + column.name() + " is null, but its contract requires a value");
      }
      return null;
    }
    if (!column.type().javaClass().isInstance(value)) {
      throw new IllegalArgumentException(
          "column "
              + column.name()
              + " of type "
              + column.type()
              + " needs a "
              + column.type().javaClass().getSimpleName()
              + ", but the value is a "
              + value.getClass().getSimpleName());
    }
    if (column.type() == ColumnType.TIMESTAMP && !Timestamps.isInRange((Long) value)) {
      throw new IllegalArgumentException(
          "column " + column.name() + " is " + value + " ms, outside the years 1 to 9999");
    }
    return value;
  }
}
