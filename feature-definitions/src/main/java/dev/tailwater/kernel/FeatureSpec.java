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

  /**
   * How much older than the newer end of a {@linkplain #sumsUp summed up} window an event can be
   * and still be left out, in milliseconds: facts are kept one by one at least that long.
   */
  public static final long SELF_REACH_MS = 3_600_000;

  /**
   * Whether older facts of the window may be kept as summaries, out of which no single one can be
   * taken.
   */
  public boolean sumsUp() {
    return window instanceof Window.Lifetime
        || (window instanceof Window.Sliding sliding && sliding.resolutionMs() > 0);
  }

  /**
   * Whether an event of a time is left out by a question as of an instant: if the feature excludes
   * the event that is asked about, and it is not too old to be taken out of a summary. This does
   * not depend on what is summed up already.
   */
  public boolean leavesOut(long time, long asOf) {
    long reach = window.delayMs() + SELF_REACH_MS;
    return excludesSelf && (!sumsUp() || time > Math.max(asOf, Long.MIN_VALUE + reach) - reach);
  }

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
