package dev.tailwater.definitions;

import dev.tailwater.kernel.Aggregate;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** How an aggregate is written: its key in a feature, and the keys that go with it. */
enum AggregateForm {
  COUNT(Aggregate.COUNT, "by", "max_keys"),
  SUM(Aggregate.SUM, "by", "max_keys"),
  AVG(Aggregate.AVG, "by", "max_keys"),
  MIN(Aggregate.MIN, "by", "max_keys"),
  MAX(Aggregate.MAX, "by", "max_keys"),
  VARIANCE(Aggregate.VARIANCE),
  VARIANCE_POP(Aggregate.VARIANCE_POP),
  STDDEV(Aggregate.STDDEV),
  STDDEV_POP(Aggregate.STDDEV_POP),
  SKEWNESS(Aggregate.SKEWNESS),
  KURTOSIS(Aggregate.KURTOSIS),
  FIRST(Aggregate.FIRST),
  LAST(Aggregate.LAST),
  FIRST_K(Aggregate.FIRST_K, "k"),
  LAST_K(Aggregate.LAST_K, "k"),
  LAG(Aggregate.LAG, "n"),
  DISTINCT(Aggregate.DISTINCT),
  APPROX_DISTINCT(Aggregate.APPROX_DISTINCT),
  MEDIAN(Aggregate.QUANTILE),
  QUANTILE(Aggregate.QUANTILE, "q"),
  APPROX_QUANTILE(Aggregate.APPROX_QUANTILE, "q"),
  TOP_K(Aggregate.TOP_K, "k"),
  BOTTOM_K(Aggregate.BOTTOM_K, "k"),
  MOST_FREQUENT(Aggregate.MOST_FREQUENT, "k"),
  /** How often each value occurs: a count kept apart by what is written. */
  HISTOGRAM(Aggregate.COUNT, "max_keys"),
  /** The average of a condition. */
  SHARE(Aggregate.AVG),
  /** The largest value of a condition. */
  ANY(Aggregate.MAX),
  /** The smallest value of a condition. */
  ALL(Aggregate.MIN),
  RATIO(Aggregate.RATIO, "to"),
  TIME_SINCE_LAST(Aggregate.TIME_SINCE_LAST),
  TIME_SINCE_FIRST(Aggregate.TIME_SINCE_FIRST),
  DECAY(Aggregate.DECAY, "half_life"),
  RATE(Aggregate.RATE, "per"),
  ARGMIN(Aggregate.ARGMIN, "of"),
  ARGMAX(Aggregate.ARGMAX, "of");

  private final Aggregate aggregate;
  private final Set<String> arguments;

  AggregateForm(Aggregate aggregate, String... arguments) {
    this.aggregate = aggregate;
    this.arguments = Set.of(arguments);
  }

  /** What it computes. */
  Aggregate aggregate() {
    return aggregate;
  }

  /** Its key in a feature. */
  String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The form that a key writes. */
  static Optional<AggregateForm> of(String key) {
    for (AggregateForm form : values()) {
      if (form.key().equals(key)) {
        return Optional.of(form);
      }
    }
    return Optional.empty();
  }

  /** Whether another key may stand beside it. */
  boolean takes(String argument) {
    return arguments.contains(argument);
  }

  /** Whether what is written is a condition. */
  boolean takesCondition() {
    return this == SHARE || this == ANY || this == ALL;
  }

  /** Whether {@code "*"} may be written, for every event. */
  boolean takesEveryEvent() {
    return aggregate.countsFacts() && this != HISTOGRAM;
  }

  /** Keys of all forms, in their order. */
  static Set<String> keys() {
    Set<String> keys = new LinkedHashSet<>();
    for (AggregateForm form : values()) {
      keys.add(form.key());
    }
    return keys;
  }

  /** Every key that goes with some of them, in the order of the first. */
  static Set<String> allArguments() {
    Set<String> all = new LinkedHashSet<>();
    for (AggregateForm form : values()) {
      form.arguments.stream().sorted().forEach(all::add);
    }
    return all;
  }

  /** The keys of the forms that an argument belongs to. */
  static List<String> taking(String argument) {
    List<String> keys = new ArrayList<>();
    for (AggregateForm form : values()) {
      if (form.takes(argument)) {
        keys.add(form.key());
      }
    }
    return keys;
  }
}
