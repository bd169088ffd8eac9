package dev.tailwater.kernel;

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
  MAX
}
