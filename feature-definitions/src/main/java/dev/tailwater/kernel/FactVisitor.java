package dev.tailwater.kernel;

import org.jspecify.annotations.Nullable;

/** Is shown facts, in the order of the log. */
@FunctionalInterface
public interface FactVisitor {

  /**
   * Looks at one fact.
   *
   * @param time its event time, in milliseconds since the epoch
   * @param values one per column of the layout, in its type; null where the fact has none, and for
   *     texts that no feature reads; the array is the visitor's
   */
  void fact(long time, int partition, long offset, @Nullable Object[] values);
}
