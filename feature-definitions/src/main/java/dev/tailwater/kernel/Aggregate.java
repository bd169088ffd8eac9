package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import org.jspecify.annotations.Nullable;

/**
 * What a feature computes from the facts in its window. NULL values are skipped. Facts have the
 * order of the log: event time, partition, offset. {@code docs/semantics.md} has one table of what
 * each gives for no facts, NULLs, ties and retraction.
 */
public enum Aggregate {
  /** Number of facts, or of non-NULL values if the feature has a column. LONG, 0 when empty. */
  COUNT,
  /** The exact real sum of the values, rounded once, half to even. DOUBLE. */
  SUM,
  /** The exact sum rounded to double, divided by the number of values. DOUBLE. */
  AVG,
  /** The smallest value, in the column's type. */
  MIN,
  /** The largest value, in the column's type. */
  MAX,
  /** The sample variance, from exact sums, rounded once. DOUBLE; NULL of fewer than two values. */
  VARIANCE,
  /** The population variance, from exact sums, rounded once. DOUBLE. */
  VARIANCE_POP,
  /** The square root of {@link #VARIANCE}. DOUBLE. */
  STDDEV,
  /** The square root of {@link #VARIANCE_POP}. DOUBLE. */
  STDDEV_POP,
  /**
   * The population skewness m3 / m2^1.5 of the central moments. DOUBLE; NULL if all values are
   * equal.
   */
  SKEWNESS,
  /** The population excess kurtosis m4 / m2² − 3. DOUBLE; NULL if all values are equal. */
  KURTOSIS,
  /** The value of the first fact that has one, in the column's type. */
  FIRST,
  /** The value of the last fact that has one, in the column's type. */
  LAST,
  /** The values of the first {@code limit} facts that have one, in their order. A list. */
  FIRST_K,
  /** The values of the last {@code limit} facts that have one, in their order. A list. */
  LAST_K,
  /** The value {@code limit} values before the last one, in the column's type. */
  LAG,
  /** Number of distinct values; -0.0 is 0.0. LONG, 0 when empty. */
  DISTINCT,
  /** An estimate of {@link #DISTINCT} by an HLL sketch. LONG, 0 when empty. */
  APPROX_DISTINCT,
  /**
   * The quantile at {@code parameter} in [0, 1], linear between the two nearest values as SQL's
   * PERCENTILE_CONT. DOUBLE.
   */
  QUANTILE,
  /** An estimate of {@link #QUANTILE} by a t-digest. DOUBLE. */
  APPROX_QUANTILE,
  /** The {@code limit} largest values, largest first, equal ones repeated. A list. */
  TOP_K,
  /** The {@code limit} smallest values, smallest first, equal ones repeated. A list. */
  BOTTOM_K,
  /** The {@code limit} most frequent values; of equally frequent ones the smaller first. A list. */
  MOST_FREQUENT,
  /** The exact sum of the column over that of {@code second}, of facts that have both. DOUBLE. */
  RATIO,
  /** Milliseconds from the last fact with a value to the instant of the answer. LONG. */
  TIME_SINCE_LAST,
  /** Milliseconds from the first fact with a value to the instant of the answer. LONG. */
  TIME_SINCE_FIRST,
  /**
   * The sum of the values, each halved once for every {@code parameter} milliseconds between its
   * fact and the instant of the answer; without a column every fact is 1. DOUBLE.
   */
  DECAY,
  /** Facts, or values, per {@code parameter} milliseconds of a sliding window. DOUBLE. */
  RATE,
  /** The value of the first fact where {@code second} is smallest, in the column's type. */
  ARGMIN,
  /** The value of the first fact where {@code second} is largest, in the column's type. */
  ARGMAX;

  /** Whether nothing is 0 of it instead of NULL. */
  public boolean countsFromZero() {
    return this == COUNT || this == DISTINCT || this == APPROX_DISTINCT;
  }

  /** Whether the value changes with the clock alone, while no fact enters or leaves. */
  public boolean followsClock() {
    return this == TIME_SINCE_LAST || this == TIME_SINCE_FIRST || this == DECAY;
  }

  /** Whether it can do without a column, and then counts every fact. */
  public boolean countsFacts() {
    return switch (this) {
      case COUNT, TIME_SINCE_LAST, TIME_SINCE_FIRST, DECAY, RATE -> true;
      default -> false;
    };
  }

  /** Whether values can be kept apart by the values of a second column, as a map. */
  public boolean canBeGrouped() {
    return this == COUNT || this == SUM || this == AVG || this == MIN || this == MAX;
  }

  /**
   * The type of the feature, if it is not grouped.
   *
   * @param columnType the type of the aggregated column, or null without one
   * @throws IllegalArgumentException if this aggregate is not defined for that type
   */
  public ColumnType resultType(@Nullable ColumnType columnType) {
    if (columnType == null) {
      if (!countsFacts()) {
        throw new IllegalArgumentException("%s needs a column".formatted(this));
      }
      return this == DECAY || this == RATE ? ColumnType.DOUBLE : ColumnType.LONG;
    }
    boolean ordered = columnType.isScalar() && columnType != ColumnType.STRING;
    boolean defined =
        switch (this) {
          case COUNT, RATE, TIME_SINCE_LAST, TIME_SINCE_FIRST, FIRST, LAST, LAG, ARGMIN, ARGMAX ->
              columnType.isScalar();
          case FIRST_K, LAST_K, DISTINCT, APPROX_DISTINCT, MOST_FREQUENT -> columnType.isScalar();
          case MIN, MAX, TOP_K, BOTTOM_K -> ordered;
          default -> columnType.isNumeric();
        };
    if (!defined) {
      throw new IllegalArgumentException(
          "%s is not defined for a %s column".formatted(this, columnType));
    }
    return switch (this) {
      case COUNT, DISTINCT, APPROX_DISTINCT, TIME_SINCE_LAST, TIME_SINCE_FIRST -> ColumnType.LONG;
      case MIN, MAX, FIRST, LAST, LAG, ARGMIN, ARGMAX -> columnType;
      case FIRST_K, LAST_K, TOP_K, BOTTOM_K, MOST_FREQUENT -> columnType.listType();
      default -> ColumnType.DOUBLE;
    };
  }
}
