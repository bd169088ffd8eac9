package dev.tailwater.checks;

import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.Aggregation;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.Window;
import dev.tailwater.schemas.ColumnType;
import java.math.BigDecimal;
import java.math.MathContext;
import java.time.DayOfWeek;
import java.time.Instant;
import java.time.LocalDate;
import java.time.temporal.TemporalAdjusters;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The naive reference: what a feature is, from the list of all facts, in the words of the contract
 * and without any thought of speed. It shares no arithmetic with the engine. Only checks and tests
 * use it.
 */
final class NaiveFeatures {

  private static final MathContext PRECISE = new MathContext(80);

  private NaiveFeatures() {}

  /**
   * One fact.
   *
   * @param id of its event
   * @param passes by filter, whether the fact passes
   * @param values by column of the state's layout
   */
  record NaiveFact(long time, Object id, boolean[] passes, @Nullable Object[] values) {}

  /**
   * The value of a feature.
   *
   * @param type of the feature
   * @param facts in the order of the log, each event once
   * @param instant the time of the question
   */
  static @Nullable Object value(
      FeatureSpec feature, ColumnType type, List<NaiveFact> facts, long instant) {
    Aggregation aggregation = feature.aggregation();
    List<NaiveFact> covered = new ArrayList<>();
    for (NaiveFact fact : inWindow(feature, facts, instant - feature.window().delayMs())) {
      if (passes(feature, fact) && hasAll(fact, aggregation)) {
        covered.add(fact);
      }
    }
    Object value =
        aggregation.by() >= 0
            ? grouped(feature, type, covered, instant)
            : aggregate(feature, type, covered, instant);
    if (value == null) {
      return feature.empty();
    }
    return value;
  }

  private static boolean passes(FeatureSpec feature, NaiveFact fact) {
    return feature.filter() < 0 || fact.passes()[feature.filter()];
  }

  /** A fact where an argument is NULL is skipped. */
  private static boolean hasAll(NaiveFact fact, Aggregation aggregation) {
    return (aggregation.column() < 0 || fact.values()[aggregation.column()] != null)
        && (aggregation.second() < 0 || fact.values()[aggregation.second()] != null)
        && (aggregation.by() < 0 || fact.values()[aggregation.by()] != null);
  }

  // Windows

  private static List<NaiveFact> inWindow(FeatureSpec feature, List<NaiveFact> facts, long now) {
    Window window = feature.window();
    if (window instanceof Window.Sliding sliding) {
      long oldest = now - sliding.windowMs();
      if (sliding.resolutionMs() > 0) {
        oldest = Math.floorDiv(oldest, sliding.resolutionMs()) * sliding.resolutionMs();
      }
      long first = sliding.bounds().includesOldest() ? oldest : oldest + 1;
      long last = sliding.bounds().includesNewest() ? now : now - 1;
      return between(facts, first, last);
    }
    List<NaiveFact> past = between(facts, Long.MIN_VALUE, now);
    if (window instanceof Window.Calendar calendar) {
      LocalDate today = Instant.ofEpochMilli(now).atZone(calendar.zone()).toLocalDate();
      LocalDate start =
          switch (calendar.period()) {
            case DAY -> today;
            case WEEK -> today.with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY));
            case MONTH -> today.withDayOfMonth(1);
          };
      int previous = calendar.previous();
      if (previous == 0) {
        return between(past, startOf(start, calendar), now);
      }
      LocalDate earliest =
          switch (calendar.period()) {
            case DAY -> start.minusDays(previous);
            case WEEK -> start.minusWeeks(previous);
            case MONTH -> start.minusMonths(previous);
          };
      return between(past, startOf(earliest, calendar), startOf(start, calendar) - 1);
    }
    if (window instanceof Window.Lifetime) {
      return past;
    }
    List<NaiveFact> passing = past.stream().filter(fact -> passes(feature, fact)).toList();
    if (window instanceof Window.LastEvents events) {
      return passing.subList(Math.max(0, passing.size() - events.count()), passing.size());
    }
    long gap = ((Window.Session) window).gapMs();
    int first = passing.size();
    long later = now;
    while (first > 0 && later - passing.get(first - 1).time() <= gap) {
      first--;
      later = passing.get(first).time();
    }
    return passing.subList(first, passing.size());
  }

  private static long startOf(LocalDate day, Window.Calendar calendar) {
    return day.atStartOfDay(calendar.zone()).toInstant().toEpochMilli();
  }

  private static List<NaiveFact> between(List<NaiveFact> facts, long first, long last) {
    return facts.stream().filter(fact -> fact.time() >= first && fact.time() <= last).toList();
  }

  // Aggregates

  private static @Nullable Object grouped(
      FeatureSpec feature, ColumnType type, List<NaiveFact> covered, long instant) {
    int by = feature.aggregation().by();
    Map<String, List<NaiveFact>> groups = new TreeMap<>();
    for (NaiveFact fact : covered) {
      Object key = fact.values()[by];
      if (key != null) {
        String text = normalized(key).toString();
        groups.computeIfAbsent(text, unused -> new ArrayList<>()).add(fact);
      }
    }
    if (groups.isEmpty()) {
      return feature.aggregation().function() == Aggregate.COUNT ? Map.of() : null;
    }
    Comparator<Map.Entry<String, List<NaiveFact>>> mostFactsFirst =
        Comparator.comparing(group -> -group.getValue().size());
    TreeMap<String, Object> values = new TreeMap<>();
    groups.entrySet().stream()
        .sorted(mostFactsFirst.thenComparing(Map.Entry.comparingByKey()))
        .limit(feature.aggregation().limit())
        .forEach(
            group -> {
              Object value = aggregate(feature, type, group.getValue(), instant);
              if (value != null) {
                values.put(
                    group.getKey(),
                    type == ColumnType.LONG_MAP ? (Object) whole(value) : (Object) number(value));
              }
            });
    return values;
  }

  private static @Nullable Object aggregate(
      FeatureSpec feature, ColumnType type, List<NaiveFact> covered, long instant) {
    Aggregation aggregation = feature.aggregation();
    Aggregate function = aggregation.function();
    List<Object> values = column(covered, aggregation.column());
    int limit = aggregation.limit();
    if (function == Aggregate.COUNT) {
      return (long) covered.size();
    }
    if (function == Aggregate.DISTINCT || function == Aggregate.APPROX_DISTINCT) {
      return values.stream().map(NaiveFeatures::normalized).distinct().count();
    }
    if (covered.isEmpty()) {
      return null;
    }
    int last = values.size() - 1;
    NaiveFact newest = covered.get(covered.size() - 1);
    return switch (function) {
      case COUNT, DISTINCT, APPROX_DISTINCT -> throw new IllegalStateException("counted above");
      case SUM -> sum(values);
      case AVG -> sum(values) / values.size();
      case MIN -> Collections.min(values, NaiveFeatures::compare);
      case MAX -> Collections.max(values, NaiveFeatures::compare);
      case VARIANCE -> variance(values, 1);
      case VARIANCE_POP -> variance(values, 0);
      case STDDEV -> root(variance(values, 1));
      case STDDEV_POP -> root(variance(values, 0));
      case SKEWNESS -> skewness(values);
      case KURTOSIS -> kurtosis(values);
      case FIRST -> values.get(0);
      case LAST -> values.get(last);
      case FIRST_K -> listed(values.subList(0, Math.min(limit, values.size())), type);
      case LAST_K ->
          listed(values.subList(Math.max(0, values.size() - limit), values.size()), type);
      case LAG -> last - limit >= 0 ? values.get(last - limit) : null;
      case QUANTILE, APPROX_QUANTILE -> quantile(values, aggregation.parameter());
      case TOP_K ->
          listed(sorted(values, NaiveFeatures::compare, true).stream().limit(limit).toList(), type);
      case BOTTOM_K ->
          listed(
              sorted(values, NaiveFeatures::compare, false).stream().limit(limit).toList(), type);
      case MOST_FREQUENT -> mostFrequent(values, limit, type);
      case RATIO -> {
        double divisor = sum(column(covered, aggregation.second()));
        yield divisor == 0 ? null : (Object) (sum(values) / divisor);
      }
      case TIME_SINCE_LAST -> instant - newest.time();
      case TIME_SINCE_FIRST -> instant - covered.get(0).time();
      case DECAY -> decayed(covered, aggregation, instant);
      case RATE ->
          covered.size() * aggregation.parameter() / ((Window.Sliding) feature.window()).windowMs();
      case ARGMIN -> extreme(covered, aggregation, false);
      case ARGMAX -> extreme(covered, aggregation, true);
    };
  }

  private static List<Object> column(List<NaiveFact> facts, int column) {
    List<Object> values = new ArrayList<>();
    for (NaiveFact fact : facts) {
      Object value = column < 0 ? null : fact.values()[column];
      if (value != null) {
        values.add(value);
      }
    }
    return values;
  }

  private static @Nullable Object extreme(
      List<NaiveFact> facts, Aggregation aggregation, boolean largest) {
    NaiveFact best = null;
    for (NaiveFact fact : facts) {
      int order =
          best == null
              ? 1
              : compare(of(fact, aggregation.second()), of(best, aggregation.second()));
      if (best == null || (largest ? order > 0 : order < 0)) {
        best = fact;
      }
    }
    return best == null ? null : best.values()[aggregation.column()];
  }

  private static Object of(NaiveFact fact, int column) {
    Object value = fact.values()[column];
    if (value == null) {
      throw new IllegalStateException("facts with NULL were left out");
    }
    return value;
  }

  /** What the double cannot say is said exactly, and rounded once. */
  private static double sum(List<Object> values) {
    double special = 0;
    BigDecimal sum = BigDecimal.ZERO;
    for (Object value : values) {
      double number = number(value);
      if (!Double.isFinite(number)) {
        special += number;
      } else {
        sum = sum.add(exact(value));
      }
    }
    return special == 0 ? sum.doubleValue() : special;
  }

  /**
   * The sum that docs/semantics.md bounds, by the formula that makes its bits: products with the
   * weights of a part of a half-life and their sum are exact and rounded once.
   */
  private static double decayed(List<NaiveFact> covered, Aggregation aggregation, long instant) {
    long halfLife = (long) aggregation.parameter();
    long now = Math.floorDiv(instant, halfLife);
    double special = 0;
    BigDecimal sum = BigDecimal.ZERO;
    for (NaiveFact fact : covered) {
      Object value = aggregation.column() < 0 ? 1L : fact.values()[aggregation.column()];
      long then = Math.floorDiv(fact.time(), halfLife);
      if (value == null || Math.floorDiv(then, 64L) < Math.floorDiv(now, 64L) - 33) {
        continue;
      }
      double number = number(value);
      if (!Double.isFinite(number)) {
        special += number;
      } else {
        BigDecimal halvings = BigDecimal.valueOf(2).pow((int) (now - then));
        sum =
            sum.add(
                new BigDecimal(number)
                    .multiply(new BigDecimal(StrictMath.pow(2, partOf(fact.time(), halfLife))))
                    .divide(halvings));
      }
    }
    double rounded = special == 0 ? sum.doubleValue() : special;
    return rounded * StrictMath.pow(2, -partOf(instant, halfLife)) + 0.0;
  }

  private static double partOf(long instant, long halfLife) {
    return (double) Math.floorMod(instant, halfLife) / halfLife;
  }

  private static @Nullable Double variance(List<Object> values, int fewer) {
    int n = values.size();
    if (n <= fewer) {
      return null;
    }
    if (values.stream().anyMatch(value -> !Double.isFinite(number(value)))) {
      return Double.NaN;
    }
    return moment(values, 2)
        .multiply(BigDecimal.valueOf(n), PRECISE)
        .divide(BigDecimal.valueOf(n - fewer), PRECISE)
        .doubleValue();
  }

  private static @Nullable Double root(@Nullable Double variance) {
    return variance == null ? null : (Double) Math.sqrt(variance);
  }

  private static @Nullable Double skewness(List<Object> values) {
    if (values.stream().anyMatch(value -> !Double.isFinite(number(value)))) {
      return Double.NaN;
    }
    BigDecimal spread = moment(values, 2);
    return spread.signum() == 0
        ? null
        : (Double)
            moment(values, 3)
                .divide(spread.multiply(spread.sqrt(PRECISE), PRECISE), PRECISE)
                .doubleValue();
  }

  private static @Nullable Double kurtosis(List<Object> values) {
    if (values.stream().anyMatch(value -> !Double.isFinite(number(value)))) {
      return Double.NaN;
    }
    BigDecimal spread = moment(values, 2);
    return spread.signum() == 0
        ? null
        : (Double)
            moment(values, 4)
                .divide(spread.multiply(spread, PRECISE), PRECISE)
                .subtract(BigDecimal.valueOf(3))
                .doubleValue();
  }

  /** A central moment of the whole; 0 if and only if all values are equal. */
  private static BigDecimal moment(List<Object> values, int order) {
    BigDecimal n = BigDecimal.valueOf(values.size());
    BigDecimal sum = BigDecimal.ZERO;
    for (Object value : values) {
      sum = sum.add(exact(value));
    }
    BigDecimal powers = BigDecimal.ZERO;
    for (Object value : values) {
      powers = powers.add(exact(value).multiply(n).subtract(sum).pow(order, PRECISE));
    }
    return powers.divide(n.pow(order + 1), PRECISE);
  }

  private static double quantile(List<Object> values, double fraction) {
    double[] numbers = values.stream().mapToDouble(NaiveFeatures::number).sorted().toArray();
    double place = fraction * (numbers.length - 1);
    int below = (int) Math.floor(place);
    if (place == below || numbers[below] == numbers[below + 1]) {
      return numbers[below];
    }
    return numbers[below] + (numbers[below + 1] - numbers[below]) * (place - below);
  }

  private static List<Object> mostFrequent(List<Object> values, int limit, ColumnType type) {
    Map<Object, Long> counts = new TreeMap<>(NaiveFeatures::compare);
    values.forEach(value -> counts.merge(normalized(value), 1L, Long::sum));
    Comparator<Object> byCount =
        Comparator.comparing((Object value) -> -counts.getOrDefault(value, 0L));
    return listed(
        counts.keySet().stream()
            .sorted(byCount.thenComparing(NaiveFeatures::compare))
            .limit(limit)
            .toList(),
        type);
  }

  private static List<Object> sorted(
      List<Object> values, Comparator<Object> order, boolean descending) {
    return values.stream().sorted(descending ? order.reversed() : order).toList();
  }

  /** Values as the elements of a list. */
  private static List<Object> listed(List<Object> values, ColumnType type) {
    Function<Object, Object> element =
        type == ColumnType.LONG_LIST ? NaiveFeatures::whole : Function.identity();
    return values.stream().map(element).toList();
  }

  private static Object normalized(Object value) {
    return value instanceof Double number && number == 0 ? (Object) 0.0 : value;
  }

  private static int compare(Object left, Object right) {
    if (left instanceof String text) {
      return text.compareTo((String) right);
    }
    return left instanceof Double || right instanceof Double
        ? Double.compare(number(left), number(right))
        : Long.compare(whole(left), whole(right));
  }

  private static long whole(Object value) {
    return value instanceof Boolean truth ? (truth ? 1 : 0) : ((Number) value).longValue();
  }

  private static double number(Object value) {
    return value instanceof Double number ? number : whole(value);
  }

  private static BigDecimal exact(Object value) {
    return value instanceof Double number
        ? new BigDecimal(number)
        : BigDecimal.valueOf(whole(value));
  }
}
