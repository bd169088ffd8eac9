package dev.tailwater.kernel;

import java.math.BigDecimal;
import java.math.BigInteger;
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
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The oracle: every answer from the list of all facts, in the words of the contract. */
final class NaiveState {

  private static final Comparator<Fact> LOG_ORDER =
      Comparator.comparingLong((Fact fact) -> fact.time)
          .thenComparingInt(fact -> fact.partition)
          .thenComparingLong(fact -> fact.offset);

  private static final MathContext PRECISE = new MathContext(80);

  private final StateLayout layout;

  /** In log order. */
  private final List<Fact> facts = new ArrayList<>();

  private @Nullable Fact conflict;

  NaiveState(StateLayout layout) {
    this.layout = layout;
  }

  Inserted insert(Fact fact) {
    Inserted inserted = Inserted.NEW;
    Fact known = layout.identity() == Identity.NONE ? null : find(fact.time, fact.idHash);
    if (known != null) {
      int order = LOG_ORDER.compare(fact, known);
      boolean takesItsPlace;
      if (layout.identity() == Identity.ROW) {
        takesItsPlace = order > 0 || (order == 0 && known.deleted && !fact.deleted);
        inserted = takesItsPlace ? Inserted.REPLACED : Inserted.DUPLICATE;
      } else {
        takesItsPlace = order < 0;
        boolean same = fact.payloadHash == known.payloadHash;
        if (!same) {
          conflict = takesItsPlace ? known : fact;
        }
        inserted =
            takesItsPlace
                ? same ? Inserted.REPLACED : Inserted.REPLACED_CONFLICT
                : same ? Inserted.DUPLICATE : Inserted.CONFLICT;
      }
      if (!takesItsPlace) {
        return inserted;
      }
      facts.remove(known);
    }
    int place = Collections.binarySearch(facts, fact, LOG_ORDER);
    facts.add(place < 0 ? -place - 1 : place + 1, fact);
    return inserted;
  }

  /** What a feature is, for the message of a test. */
  String feature(int feature) {
    return layout.features().get(feature) + " of " + layout;
  }

  /** The fact that the last conflict was about, which does not count. */
  @Nullable Fact conflict() {
    return conflict;
  }

  private @Nullable Fact find(long time, long idHash) {
    return facts.stream()
        .filter(fact -> fact.time == time && fact.idHash == idHash)
        .findFirst()
        .orElse(null);
  }

  /** Whether the facts of a feature's window may be kept as a summary. */
  boolean keepsSummaries(int feature) {
    return layout.features().get(feature).window() instanceof Window.Lifetime || isTiled(feature);
  }

  /** Whether the facts of a feature's window may be kept as summaries of their multiples. */
  private boolean isTiled(int feature) {
    return layout.coarse() && layout.features().get(feature).window() instanceof Window.Sliding;
  }

  @Nullable Object[] answer(long asOf) {
    return answer(asOf, null);
  }

  /** All features; those that exclude the asking event as if a fact had never been there. */
  @Nullable Object[] answer(long asOf, @Nullable Fact without) {
    @Nullable Object[] answer = new Object[layout.features().size()];
    for (int i = 0; i < answer.length; i++) {
      FeatureSpec feature = layout.features().get(i);
      boolean leavesOut = without != null && feature.leavesOut(without.time, asOf);
      Object value = value(feature, asOf, leavesOut ? without : null);
      if (value == null && feature.aggregation().function().countsFromZero()) {
        value = feature.aggregation().by() < 0 ? (Object) 0L : Map.of();
      }
      answer[i] = value == null ? feature.empty() : value;
    }
    return answer;
  }

  /** The fact that a question with this id is about. */
  @Nullable Fact self(long idHash, long asOf) {
    return layout.identity() == Identity.NONE
        ? null
        : facts.stream()
            .filter(fact -> fact.time <= asOf && fact.idHash == idHash && !fact.deleted)
            .max(LOG_ORDER)
            .orElse(null);
  }

  List<Fact> inWindow(int feature, long asOf) {
    return inWindow(layout.features().get(feature), asOf, null);
  }

  /** The facts that pass the feature's filter and are in its window, in log order. */
  List<Fact> inWindow(FeatureSpec feature, long asOf, @Nullable Fact without) {
    Window window = feature.window();
    long now = asOf - window.delayMs();
    List<Fact> matching =
        facts.stream()
            .filter(fact -> !fact.deleted && fact != without)
            .filter(fact -> feature.filter() < 0 || (fact.filterBits >> feature.filter() & 1) != 0)
            .filter(fact -> fact.time <= now)
            .toList();
    if (window instanceof Window.Sliding sliding) {
      long oldest = oldest(sliding, now);
      return matching.stream()
          .filter(fact -> fact.time > oldest || isAt(fact, oldest, sliding.bounds(), true))
          .filter(fact -> fact.time < now || isAt(fact, now, sliding.bounds(), false))
          .toList();
    }
    if (window instanceof Window.LastEvents last) {
      return matching.subList(Math.max(0, matching.size() - last.count()), matching.size());
    }
    if (window instanceof Window.Calendar calendar) {
      long from = start(calendar, now, -calendar.previous());
      long to = calendar.previous() == 0 ? Long.MAX_VALUE : start(calendar, now, 0);
      return matching.stream().filter(fact -> fact.time >= from && fact.time < to).toList();
    }
    if (window instanceof Window.Session session) {
      int first = matching.size();
      long next = now;
      while (first > 0 && next - matching.get(first - 1).time <= session.gapMs()) {
        first--;
        next = matching.get(first).time;
      }
      return matching.subList(first, matching.size());
    }
    return matching;
  }

  private static boolean isAt(Fact fact, long edge, Window.Bounds bounds, boolean oldest) {
    return fact.time == edge && (oldest ? bounds.includesOldest() : bounds.includesNewest());
  }

  private static long oldest(Window.Sliding window, long now) {
    long oldest = now - window.windowMs();
    return window.resolutionMs() == 0
        ? oldest
        : oldest - Math.floorMod(oldest, window.resolutionMs());
  }

  private static long start(Window.Calendar calendar, long now, int periods) {
    LocalDate date = Instant.ofEpochMilli(now).atZone(calendar.zone()).toLocalDate();
    LocalDate first =
        switch (calendar.period()) {
          case DAY -> date.plusDays(periods);
          case WEEK ->
              date.with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY)).plusWeeks(periods);
          case MONTH -> date.withDayOfMonth(1).plusMonths(periods);
        };
    return first.atStartOfDay(calendar.zone()).toInstant().toEpochMilli();
  }

  private @Nullable Object value(FeatureSpec feature, long asOf, @Nullable Fact without) {
    Aggregation aggregation = feature.aggregation();
    List<Fact> used =
        inWindow(feature, asOf, without).stream()
            .filter(fact -> isUsed(fact, aggregation))
            .toList();
    if (used.isEmpty()) {
      return null;
    }
    return aggregation.by() < 0 ? ofFacts(feature, used, asOf) : grouped(feature, used, asOf);
  }

  private static boolean isUsed(Fact fact, Aggregation aggregation) {
    return has(fact, aggregation.column())
        && has(fact, aggregation.second())
        && has(fact, aggregation.by());
  }

  private static boolean has(Fact fact, int column) {
    return column < 0 || fact.values[column] != null;
  }

  private static Map<String, Object> grouped(FeatureSpec feature, List<Fact> used, long asOf) {
    Map<String, List<Fact>> groups = new TreeMap<>();
    for (Fact fact : used) {
      String key = canonical(of(fact, feature.aggregation().by())).toString();
      groups.computeIfAbsent(key, k -> new ArrayList<>()).add(fact);
    }
    Map<String, Object> values = new TreeMap<>();
    groups.entrySet().stream()
        .sorted(
            Comparator.<Map.Entry<String, List<Fact>>>comparingInt(
                    group -> -group.getValue().size())
                .thenComparing(Map.Entry::getKey))
        .limit(feature.aggregation().limit())
        .forEach(
            group ->
                values.put(
                    group.getKey(),
                    element(Objects.requireNonNull(ofFacts(feature, group.getValue(), asOf)))));
    return values;
  }

  private static @Nullable Object ofFacts(FeatureSpec feature, List<Fact> used, long asOf) {
    Aggregation aggregation = feature.aggregation();
    Aggregate function = aggregation.function();
    int n = used.size();
    int limit = aggregation.limit();
    List<Object> values = new ArrayList<>();
    List<Object> ascending = new ArrayList<>();
    if (aggregation.column() >= 0) {
      used.forEach(fact -> values.add(of(fact, aggregation.column())));
      ascending.addAll(values);
      ascending.sort(NaiveState::compare);
    }
    return switch (function) {
      case COUNT -> (Object) (long) n;
      case RATE ->
          (Object) (n * aggregation.parameter() / ((Window.Sliding) feature.window()).windowMs());
      case SUM -> (Object) sum(values);
      case AVG -> (Object) (sum(values) / n);
      case MIN -> ascending.get(0);
      case MAX -> ascending.get(n - 1);
      case RATIO -> {
        double divisor = sum(used.stream().map(fact -> of(fact, aggregation.second())).toList());
        yield divisor == 0 ? null : (Object) (sum(values) / divisor);
      }
      case VARIANCE, VARIANCE_POP, STDDEV, STDDEV_POP, SKEWNESS, KURTOSIS ->
          moment(function, values);
      case FIRST -> values.get(0);
      case LAST -> values.get(n - 1);
      case FIRST_K -> elements(values.subList(0, Math.min(n, limit)));
      case LAST_K -> elements(values.subList(Math.max(0, n - limit), n));
      case LAG -> n > limit ? values.get(n - 1 - limit) : null;
      case DISTINCT -> (long) values.stream().map(NaiveState::canonical).distinct().count();
      case APPROX_DISTINCT -> {
        DistinctSketch sketch = new DistinctSketch();
        for (Object value : values) {
          if (value instanceof String text) {
            sketch.add(text);
          } else {
            sketch.add(StateShape.rankOf(canonical(value)));
          }
        }
        yield sketch.estimate();
      }
      case QUANTILE -> quantile(ascending, aggregation.parameter());
      case APPROX_QUANTILE -> approximateQuantile(feature, used);
      case TOP_K -> {
        Collections.reverse(ascending);
        yield elements(ascending.subList(0, Math.min(n, limit)));
      }
      case BOTTOM_K -> elements(ascending.subList(0, Math.min(n, limit)));
      case MOST_FREQUENT -> mostFrequent(values, limit);
      case TIME_SINCE_LAST -> asOf - used.get(n - 1).time;
      case TIME_SINCE_FIRST -> asOf - used.get(0).time;
      case DECAY -> decay(aggregation, used, asOf);
      case ARGMIN, ARGMAX -> {
        Fact best = used.get(0);
        for (Fact fact : used) {
          int order = compare(of(fact, aggregation.second()), of(best, aggregation.second()));
          if (function == Aggregate.ARGMIN ? order < 0 : order > 0) {
            best = fact;
          }
        }
        yield of(best, aggregation.column());
      }
    };
  }

  private static Object of(Fact fact, int column) {
    return Objects.requireNonNull(fact.values[column]);
  }

  private static Object canonical(Object value) {
    return value instanceof Double number && number == 0 ? (Object) 0.0 : value;
  }

  private static Object element(Object value) {
    if (value instanceof Boolean truth) {
      return truth ? 1L : 0L;
    }
    return value instanceof Integer number ? (Object) (long) number : value;
  }

  private static List<Object> elements(List<Object> values) {
    return values.stream().map(NaiveState::element).toList();
  }

  static double sum(List<Object> values) {
    BigDecimal sum = BigDecimal.ZERO;
    double special = 0;
    for (Object value : values) {
      if (value instanceof Double number && !Double.isFinite(number)) {
        special += number;
      } else {
        sum = sum.add(exact(value));
      }
    }
    return special != 0 || Double.isNaN(special) ? special : sum.doubleValue();
  }

  private static BigDecimal exact(Object value) {
    return value instanceof Double number
        ? new BigDecimal(number)
        : new BigDecimal(new BigInteger(element(value).toString()));
  }

  private static @Nullable Double moment(Aggregate function, List<Object> values) {
    boolean sample = function == Aggregate.VARIANCE || function == Aggregate.STDDEV;
    if (sample && values.size() < 2) {
      return null;
    }
    boolean higher = function == Aggregate.SKEWNESS || function == Aggregate.KURTOSIS;
    BigDecimal[] sums = {
      BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO
    };
    for (Object value : values) {
      if (value instanceof Double number && !Double.isFinite(number)) {
        return Double.NaN;
      }
      BigDecimal power = BigDecimal.ONE;
      for (int k = 0; k <= (higher ? 4 : 2); k++) {
        sums[k] = sums[k].add(power);
        power = power.multiply(exact(value));
      }
    }
    BigDecimal n = sums[0];
    BigDecimal s1 = sums[1];
    BigDecimal m2 = n.multiply(sums[2]).subtract(s1.pow(2));
    if (higher) {
      if (m2.signum() == 0) {
        return null;
      }
      if (function == Aggregate.SKEWNESS) {
        BigDecimal m3 =
            n.pow(2)
                .multiply(sums[3])
                .subtract(n.multiply(s1).multiply(sums[2]).multiply(BigDecimal.valueOf(3)))
                .add(s1.pow(3).multiply(BigDecimal.valueOf(2)));
        if (m3.signum() == 0) {
          return 0.0;
        }
        // Brought near 1, so that the square does not underflow; a power of two changes no bits.
        BigDecimal square = m3.pow(2).divide(m2.pow(3), PRECISE);
        int half = -(int) Math.floor((square.precision() - square.scale()) * 1.66);
        double scaled = square.multiply(BigDecimal.valueOf(2).pow(2 * half, PRECISE)).doubleValue();
        return m3.signum() * Math.scalb(Math.sqrt(scaled), -half);
      }
      BigDecimal m4 =
          n.pow(3)
              .multiply(sums[4])
              .subtract(n.pow(2).multiply(s1).multiply(sums[3]).multiply(BigDecimal.valueOf(4)))
              .add(n.multiply(s1.pow(2)).multiply(sums[2]).multiply(BigDecimal.valueOf(6)))
              .subtract(s1.pow(4).multiply(BigDecimal.valueOf(3)));
      return m4.subtract(m2.pow(2).multiply(BigDecimal.valueOf(3)))
              .divide(m2.pow(2), PRECISE)
              .doubleValue()
          + 0.0;
    }
    BigDecimal divisor = n.multiply(sample ? n.subtract(BigDecimal.ONE) : n);
    double variance = m2.divide(divisor, PRECISE).doubleValue();
    boolean root = function == Aggregate.STDDEV || function == Aggregate.STDDEV_POP;
    return root ? Math.sqrt(variance) : variance;
  }

  private static double quantile(List<Object> ascending, double fraction) {
    double position = fraction * (ascending.size() - 1);
    int index = (int) Math.floor(position);
    double below = ((Number) element(ascending.get(index))).doubleValue();
    if (position == index) {
      return below;
    }
    double above = ((Number) element(ascending.get(index + 1))).doubleValue();
    return below == above ? below : below + (above - below) * (position - index);
  }

  /** One sketch for each multiple of the resolution, merged in their order. */
  private static double approximateQuantile(FeatureSpec feature, List<Fact> used) {
    QuantileSketch all = new QuantileSketch();
    TreeMap<Long, QuantileSketch> tiles = new TreeMap<>();
    for (Fact fact : used) {
      double value = ((Number) element(of(fact, feature.aggregation().column()))).doubleValue();
      if (feature.window() instanceof Window.Sliding sliding && sliding.resolutionMs() > 0) {
        long time = sliding.bounds().includesOldest() ? fact.time : fact.time - 1;
        long tile = Math.floorDiv(time, sliding.resolutionMs());
        tiles.computeIfAbsent(tile, number -> new QuantileSketch()).add(value);
      } else {
        all.add(value);
      }
    }
    tiles.values().forEach(all::merge);
    return all.quantile(feature.aggregation().parameter());
  }

  private static List<Object> mostFrequent(List<Object> values, int limit) {
    Map<Object, Integer> counts = new TreeMap<>(NaiveState::compare);
    values.forEach(value -> counts.merge(canonical(value), 1, Integer::sum));
    return counts.entrySet().stream()
        .sorted(Comparator.comparingInt(entry -> -entry.getValue()))
        .limit(limit)
        .map(entry -> element(entry.getKey()))
        .toList();
  }

  /** As {@link DecayedSum} defines it. */
  private static double decay(Aggregation aggregation, List<Fact> used, long asOf) {
    long halfLife = (long) aggregation.parameter();
    long halfLives = Math.floorDiv(asOf, halfLife);
    BigDecimal sum = BigDecimal.ZERO;
    double special = 0;
    for (Fact fact : used) {
      Object value = aggregation.column() < 0 ? (Object) 1L : of(fact, aggregation.column());
      long own = Math.floorDiv(fact.time, halfLife);
      if (Math.floorDiv(own, 64L) < Math.floorDiv(halfLives, 64L) - DecayedSum.BLOCKS) {
        continue;
      }
      if (value instanceof Double number && !Double.isFinite(number)) {
        special += number;
        continue;
      }
      double weight = StrictMath.pow(2, (double) Math.floorMod(fact.time, halfLife) / halfLife);
      BigDecimal shift = BigDecimal.valueOf(2).pow((int) (halfLives - own));
      sum =
          sum.add(
              new BigDecimal(((Number) element(value)).doubleValue())
                  .multiply(new BigDecimal(weight))
                  // A power of two divides every decimal number exactly.
                  .divide(shift));
    }
    double rounded = special != 0 || Double.isNaN(special) ? special : sum.doubleValue() + 0.0;
    return rounded * StrictMath.pow(2, -((double) Math.floorMod(asOf, halfLife) / halfLife));
  }

  private static int compare(Object left, Object right) {
    if (left instanceof Double number) {
      return number.compareTo((Double) right);
    }
    if (left instanceof Integer number) {
      return number.compareTo((Integer) right);
    }
    if (left instanceof Long number) {
      return number.compareTo((Long) right);
    }
    return left instanceof String text
        ? text.compareTo((String) right)
        : ((Boolean) left).compareTo((Boolean) right);
  }

  @Nullable Fact cause(long asOf) {
    return facts.stream().filter(fact -> fact.time <= asOf).max(LOG_ORDER).orElse(null);
  }

  long nextFactTime(long after) {
    return facts.stream()
        .mapToLong(fact -> fact.time)
        .filter(time -> time > after)
        .min()
        .orElse(Long.MAX_VALUE);
  }

  /** When a fact next enters or leaves the window of a feature, one that counts for nothing too. */
  long nextChange(int f, long asOf) {
    FeatureSpec feature = layout.features().get(f);
    List<Long> changes = new ArrayList<>();
    for (Fact fact : facts) {
      if (fact.time <= asOf) {
        changes.addAll(changes(feature.window(), fact.time));
      }
    }
    List<Fact> inWindow = inWindow(feature, asOf, null);
    if (feature.window() instanceof Window.Session session && !inWindow.isEmpty()) {
      long last = inWindow.get(inWindow.size() - 1).time;
      changes.add(last + session.gapMs() + 1 + session.delayMs());
    }
    return changes.stream()
        .filter(change -> change > asOf)
        .min(Long::compare)
        .orElse(Long.MAX_VALUE);
  }

  /** The instants at which a fact passes an end of the window. */
  private static List<Long> changes(Window window, long time) {
    if (window instanceof Window.Sliding sliding) {
      long enters = time + sliding.delayMs() + (sliding.bounds().includesNewest() ? 0 : 1);
      long out = time + (sliding.bounds().includesOldest() ? 1 : 0);
      if (sliding.resolutionMs() > 0) {
        out += Math.floorMod(-out, sliding.resolutionMs());
      }
      return List.of(enters, out + sliding.windowMs() + sliding.delayMs());
    }
    if (window instanceof Window.Calendar calendar) {
      long leaves = start(calendar, time, 1 + calendar.previous()) + calendar.delayMs();
      long enters = calendar.previous() == 0 ? time : start(calendar, time, 1);
      return List.of(enters + calendar.delayMs(), leaves);
    }
    return List.of(time + window.delayMs());
  }

  long lastFactTime() {
    return facts.stream().mapToLong(fact -> fact.time).max().orElse(Long.MIN_VALUE);
  }

  List<Fact> facts() {
    return facts;
  }
}
