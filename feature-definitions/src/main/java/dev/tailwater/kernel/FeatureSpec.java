package dev.tailwater.kernel;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * One feature: an aggregation over the facts in a window.
 *
 * @param filter position in the state layout's filters, or -1 if every fact counts
 * @param excludesSelf whether the event that a question is about does not count
 * @param empty the value when nothing was aggregated, in the feature's type; null is NULL, and 0 of
 *     an aggregate that {@linkplain Aggregate#countsFromZero counts from zero}
 */
public record FeatureSpec(
    Aggregation aggregation,
    int filter,
    Window window,
    boolean excludesSelf,
    @Nullable Object empty)
    implements Serializable {

  /** An aggregate of one column over an exact sliding window. */
  public static FeatureSpec sliding(
      Aggregate aggregate,
      int column,
      int filter,
      long windowMs,
      long delayMs,
      @Nullable Object empty) {
    return new FeatureSpec(
        Aggregation.of(aggregate, column), filter, Window.sliding(windowMs, delayMs), false, empty);
  }
}
