package dev.tailwater.definitions;

import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.Window;
import dev.tailwater.schemas.ColumnType;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One feature: an aggregate over the events in a window.
 *
 * @param name with its window if several were written, as in {@code tx_count_7d}
 * @param type the type of its value
 * @param column what is aggregated; empty if events are counted, as in {@code count: "*"}
 * @param second what RATIO divides by, and whose extremes ARGMIN and ARGMAX look for
 * @param by whose values keep the aggregate apart, as a map
 * @param limit how many elements, keys or steps back; 0 where it has no meaning
 * @param parameter the fraction of a quantile, the half-life of a decay or the unit of a rate in
 *     milliseconds; 0 where it has no meaning
 * @param where which events count; empty if all do
 * @param excludesSelf whether the event that a question is about does not count
 * @param empty the value when nothing was aggregated, in the feature's type; empty for NULL, and
 *     for 0 of what counts from zero
 */
public record FeatureDefinition(
    String name,
    ColumnType type,
    Aggregate aggregate,
    Optional<Expression> column,
    Optional<Expression> second,
    Optional<Expression> by,
    int limit,
    double parameter,
    Optional<Expression> where,
    Window window,
    boolean excludesSelf,
    Optional<Object> empty) {

  /** What it aggregates, in the order of an aggregate's arguments. */
  public List<Expression> arguments() {
    return Stream.of(column, second, by).flatMap(Optional::stream).toList();
  }
}
