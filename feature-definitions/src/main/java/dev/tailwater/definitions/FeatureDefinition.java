package dev.tailwater.definitions;

import dev.tailwater.kernel.Aggregate;
import dev.tailwater.schemas.ColumnType;
import java.time.Duration;
import java.util.Optional;

/**
 * One feature: an aggregate over the events in (t − delay − window, t − delay].
 *
 * @param name with its window if several were written, as in {@code tx_count_7d}
 * @param type the type of its value
 * @param column what is aggregated; empty for {@code count: "*"}
 * @param where which events count; empty if all do
 * @param empty the value when nothing was aggregated, in the feature's type; empty for NULL. A
 *     count has 0
 */
public record FeatureDefinition(
    String name,
    ColumnType type,
    Aggregate aggregate,
    Optional<String> column,
    Optional<Expression> where,
    Duration window,
    Duration delay,
    Optional<Object> empty) {

  /** How far back from a question the events are that it counts. */
  public Duration horizon() {
    return delay.plus(window);
  }
}
