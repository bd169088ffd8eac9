package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import org.jspecify.annotations.Nullable;

/** What a feature computes from the facts in its window. */
public enum Aggregate {
  /** Number of facts, or of non-NULL values if the feature has a column. LONG, 0 when empty. */
  COUNT,
  /** The exact real sum of the non-NULL values, rounded once, half to even. DOUBLE. */
  SUM,
  /** The exact sum rounded to double, divided by the number of non-NULL values. DOUBLE. */
  AVG,
  /** The smallest non-NULL value, in the column's type. */
  MIN,
  /** The largest non-NULL value, in the column's type. */
  MAX;

  /**
   * The type of the feature.
   *
   * @param columnType the type of the aggregated column, or null for {@code count: "*"}
   * @throws IllegalArgumentException if this aggregate is not defined for that type: SUM and AVG
   *     need a number or a BOOLEAN, MIN and MAX anything but a STRING, and only COUNT goes without
   */
  public ColumnType resultType(@Nullable ColumnType columnType) {
    if (this == COUNT) {
      return ColumnType.LONG;
    }
    if (columnType == null) {
      throw new IllegalArgumentException(
          "%s needs a column: only COUNT can do without one".formatted(this));
    }
    boolean ordered = this == MIN || this == MAX;
    if (ordered ? columnType == ColumnType.STRING : !columnType.isNumeric()) {
      throw new IllegalArgumentException(
          "%s is not defined for a %s column: use COUNT, or aggregate %s"
              .formatted(this, columnType, ordered ? "a column with an order" : "a number"));
    }
    return ordered ? columnType : ColumnType.DOUBLE;
  }
}
