package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A random layout and the facts of one entity, in log order. Times are few and round, so that ties,
 * and facts exactly on the edge of a window, are common.
 */
record History(StateLayout layout, List<Fact> facts) {

  private enum Windows {
    ANY,
    COARSE,
    BY_POSITION
  }

  private static final List<ColumnType> SCALARS =
      Arrays.stream(ColumnType.values()).filter(ColumnType::isScalar).toList();
  private static final long[] SPANS = {1, 7, 10, 50, 70, 100, 300};

  /** Milliseconds: the least, and those of which an hour has 30, or one. */
  private static final long[] UNITS = {1, 120_000, 3_600_000};

  /** Around midnight in some zone, the beginning of time, and a change of clocks. */
  private static final long[] STARTS = {
    1_700_000_000_000L, 1_699_919_999_900L, -50L, 1_699_140_000_000L, 1_711_800_000_000L
  };

  private static final List<ZoneId> ZONES =
      List.of(
          ZoneId.of("UTC"),
          ZoneId.of("America/New_York"),
          ZoneId.of("Europe/Berlin"),
          ZoneId.of("+05:45"));
  private static final List<String> TEXTS = List.of("", "a", "b", "ä", "long text", "\ud83d", "B");

  /** A few features over up to 400 facts. */
  static History random(Random random) {
    List<ColumnType> columns = fewOrManyColumns(random);
    List<Aggregate> aggregates = new ArrayList<>();
    int featureCount = 1 + random.nextInt(12);
    while (aggregates.size() < featureCount) {
      aggregates.add(Aggregate.values()[random.nextInt(Aggregate.values().length)]);
    }
    int count = random.nextInt(4) == 0 ? random.nextInt(400) : random.nextInt(60);
    return of(columns, aggregates, count, Windows.ANY, random);
  }

  /** Features that need no summary of their window, over up to 400 facts. */
  static History ofTotalsAndEnds(Random random) {
    return ofTotalsAndEnds(
        random.nextInt(2) == 0 ? random.nextInt(400) : random.nextInt(60), random);
  }

  /** Such features over this many facts. */
  static History ofTotalsAndEnds(int count, Random random) {
    List<ColumnType> columns = fewOrManyColumns(random);
    Aggregate[] some = {
      Aggregate.COUNT, Aggregate.COUNT, Aggregate.SUM, Aggregate.SUM, Aggregate.AVG,
      Aggregate.AVG, Aggregate.RATE, Aggregate.RATIO, Aggregate.MAX, Aggregate.LAST
    };
    List<Aggregate> aggregates =
        Stream.generate(() -> some[random.nextInt(some.length)])
            .limit(1 + random.nextInt(6))
            .toList();
    Windows windows = random.nextInt(3) == 0 ? Windows.COARSE : Windows.ANY;
    return of(columns, aggregates, count, windows, random);
  }

  private static List<ColumnType> fewOrManyColumns(Random random) {
    List<ColumnType> columns = new ArrayList<>();
    int columnCount = random.nextInt(5) == 0 ? 20 + random.nextInt(20) : 1 + random.nextInt(4);
    for (int i = 0; i < columnCount; i++) {
      columns.add(SCALARS.get(random.nextInt(SCALARS.size())));
    }
    return columns;
  }

  /** One feature of every aggregate over a few facts. */
  static History ofEveryAggregate(Random random) {
    return ofEveryAggregate(Windows.ANY, random);
  }

  /** As {@link #ofEveryAggregate}, only with windows that let facts be kept as summaries. */
  static History coarse(Random random) {
    return ofEveryAggregate(Windows.COARSE, random);
  }

  /** As {@link #ofEveryAggregate}, only with windows over the last events and over sessions. */
  static History byPosition(Random random) {
    return ofEveryAggregate(Windows.BY_POSITION, random);
  }

  private static History ofEveryAggregate(Windows windows, Random random) {
    List<ColumnType> columns = new ArrayList<>(List.of(ColumnType.DOUBLE, ColumnType.STRING));
    for (int i = random.nextInt(3); i >= 0; i--) {
      columns.add(SCALARS.get(random.nextInt(SCALARS.size())));
    }
    int longOnes = windows == Windows.BY_POSITION ? 5 : 20;
    int count = random.nextInt(longOnes) == 0 ? 100 + random.nextInt(100) : random.nextInt(30);
    // Of several windows by position the one that needs the most facts hides the needs of others.
    boolean one = windows == Windows.BY_POSITION && random.nextBoolean();
    List<Aggregate> aggregates = one ? List.of(Aggregate.COUNT) : List.of(Aggregate.values());
    return of(columns, aggregates, one ? 5 * count : count, windows, random);
  }

  private static History of(
      List<ColumnType> columns,
      List<Aggregate> aggregates,
      int count,
      Windows windows,
      Random random) {
    int filters = random.nextInt(8) == 0 ? 64 : random.nextInt(3);
    long unit = UNITS[random.nextInt(UNITS.length)];
    List<FeatureSpec> features = new ArrayList<>();
    for (Aggregate aggregate : aggregates) {
      FeatureSpec feature = feature(aggregate, columns, filters, unit, windows, random);
      if (feature != null) {
        features.add(feature);
      }
    }
    if (features.isEmpty()) {
      features.add(FeatureSpec.sliding(Aggregate.COUNT, -1, -1, 10, 0, null));
    }
    long lateness = random.nextInt(3) == 0 ? 0 : unit * random.nextInt(300);
    StateLayout layout =
        new StateLayout(
            columns,
            filters,
            features,
            Identity.values()[random.nextInt(Identity.values().length)],
            lateness);
    return new History(layout, facts(layout, count, unit, random));
  }

  /** Null if the aggregate is not defined for any of the columns. */
  private static @Nullable FeatureSpec feature(
      Aggregate aggregate,
      List<ColumnType> columns,
      int filters,
      long unit,
      Windows windows,
      Random random) {
    boolean countsAll = aggregate.countsFacts() && random.nextInt(3) == 0;
    boolean two =
        aggregate == Aggregate.RATIO
            || aggregate == Aggregate.ARGMIN
            || aggregate == Aggregate.ARGMAX;
    int column = countsAll ? -1 : anyColumn(columns, type -> isDefined(aggregate, type), random);
    int second = two ? anyColumn(columns, type -> canBeSecond(aggregate, type), random) : -1;
    if ((column < 0 && !countsAll) || (second < 0 && two)) {
      return null;
    }
    int by =
        aggregate.canBeGrouped() && random.nextInt(3) == 0 ? random.nextInt(columns.size()) : -1;
    double parameter =
        switch (aggregate) {
          case QUANTILE, APPROX_QUANTILE ->
              random.nextInt(3) == 0 ? random.nextInt(3) / 2.0 : random.nextDouble();
          case DECAY -> (double) unit * SPANS[random.nextInt(SPANS.length)];
          case RATE -> (double) unit * (1 + random.nextInt(10));
          default -> 0;
        };
    Aggregation aggregation =
        new Aggregation(aggregate, column, second, by, 1 + random.nextInt(5), parameter);
    Object empty = aggregate == Aggregate.AVG && by < 0 && random.nextBoolean() ? -1.0 : null;
    FeatureSpec feature =
        new FeatureSpec(
            aggregation,
            random.nextInt(filters + 1) - 1,
            window(aggregate, unit, windows, random),
            random.nextInt(3) == 0,
            empty);
    // The facts of an hour are kept then: of short histories, all.
    return feature.excludesSelf() && feature.sumsUp() && unit == 1
        ? new FeatureSpec(aggregation, feature.filter(), feature.window(), false, empty)
        : feature;
  }

  /** A column that fits, or -1 if none does. */
  private static int anyColumn(
      List<ColumnType> columns, Predicate<ColumnType> fits, Random random) {
    int[] fitting =
        IntStream.range(0, columns.size())
            .filter(column -> fits.test(columns.get(column)))
            .toArray();
    return fitting.length == 0 ? -1 : fitting[random.nextInt(fitting.length)];
  }

  private static boolean isDefined(Aggregate aggregate, ColumnType type) {
    try {
      aggregate.resultType(type);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static boolean canBeSecond(Aggregate aggregate, ColumnType type) {
    return aggregate == Aggregate.RATIO ? type.isNumeric() : type != ColumnType.STRING;
  }

  private static Window window(Aggregate aggregate, long unit, Windows windows, Random random) {
    long delay = random.nextInt(3) == 0 ? span(unit, random) : 0;
    int kind = aggregate == Aggregate.RATE ? 0 : random.nextInt(8);
    if (windows == Windows.COARSE && kind != 4) {
      kind = 0;
    } else if (windows == Windows.BY_POSITION && aggregate != Aggregate.RATE) {
      kind = random.nextBoolean() ? 3 : 6;
    }
    return switch (kind) {
      // Sometimes over several chunks.
      case 3 -> new Window.LastEvents(1 + random.nextInt(random.nextInt(4) == 0 ? 150 : 12), delay);
      case 4 -> new Window.Lifetime(delay);
      case 5 ->
          new Window.Calendar(
              Window.Period.values()[random.nextInt(3)],
              ZONES.get(random.nextInt(ZONES.size())),
              random.nextInt(3),
              delay);
      case 6 -> new Window.Session(span(unit, random), delay);
      default -> {
        long window = span(unit, random);
        Window.Bounds bounds =
            random.nextBoolean()
                ? Window.Bounds.OPEN_CLOSED
                : Window.Bounds.values()[random.nextInt(4)];
        long resolution =
            windows == Windows.COARSE || random.nextInt(3) == 0
                ? Math.min(window, span(unit, random))
                : 0;
        yield new Window.Sliding(window, delay, resolution, bounds);
      }
    };
  }

  private static long span(long unit, Random random) {
    return unit * SPANS[random.nextInt(SPANS.length)];
  }

  private static List<Fact> facts(StateLayout layout, int count, long unit, Random random) {
    boolean extreme = random.nextInt(3) == 0;
    boolean few = random.nextBoolean();
    long step = unit * (random.nextBoolean() ? 1 : 10);
    int pace = random.nextInt(4) == 0 ? 1 : 5;
    long time = STARTS[random.nextInt(STARTS.length)];
    List<Fact> facts = new ArrayList<>();
    for (int offset = 0; offset < count; offset++) {
      time += step * random.nextInt(pace + 1);
      if (random.nextInt(30) == 0) {
        time += unit * random.nextInt(700);
      }
      Fact fact = new Fact(layout);
      fact.time = time;
      fact.partition = random.nextInt(3);
      fact.offset = offset;
      // Few ids: the same one at the same time is a duplicate, at another time it is not.
      fact.idHash = random.nextInt(6);
      fact.payloadHash = random.nextInt(2);
      fact.deleted = layout.identity() == Identity.ROW && random.nextInt(4) == 0;
      fact.filterBits = random.nextLong();
      Fact other = offset == 0 ? fact : facts.get(offset - 1);
      if (layout.identity() == Identity.ROW
          && other.offset == offset - 1
          && random.nextInt(10) == 0) {
        // One change of a row: its old version is deleted, its new one is there.
        fact.time = other.time;
        fact.idHash = other.idHash;
        fact.partition = other.partition;
        fact.offset = other.offset;
        fact.deleted = !other.deleted;
      }
      for (int column = 0; column < fact.values.length; column++) {
        fact.values[column] =
            random.nextInt(6) == 0
                ? null
                : value(layout.columns().get(column), extreme, few, random);
      }
      facts.add(fact);
    }
    return facts;
  }

  private static Object value(ColumnType type, boolean extreme, boolean few, Random random) {
    return switch (type) {
      case BOOLEAN -> (Object) random.nextBoolean();
      case INT -> (Object) (few ? random.nextInt(4) - 2 : random.nextInt());
      case LONG ->
          (Object)
              (few
                  ? random.nextInt(4) - 2L
                  : random.nextInt(9) == 0
                      ? (random.nextBoolean() ? Long.MIN_VALUE : Long.MAX_VALUE)
                      : random.nextLong());
      case DOUBLE ->
          (Object) (few && !extreme ? random.nextInt(4) / 2.0 - 0.5 : number(extreme, random));
      case STRING -> TEXTS.get(random.nextInt(TEXTS.size()));
      case TIMESTAMP -> (Object) (STARTS[0] + random.nextInt(few ? 3 : 1000));
      default -> throw new IllegalArgumentException("no column is a " + type);
    };
  }

  static double number(boolean extreme, Random random) {
    if (!extreme) {
      return random.nextInt(200_000) / 100.0 - 500;
    }
    return switch (random.nextInt(8)) {
      case 0 -> Double.longBitsToDouble(random.nextLong());
      case 1 -> random.nextBoolean() ? 1e300 : -1e300;
      case 2 -> Double.MIN_VALUE * random.nextInt(9);
      case 3 -> random.nextInt(5) == 0 ? Double.NEGATIVE_INFINITY : Math.scalb(1.0, -97);
      case 4 -> random.nextInt(5) == 0 ? Double.POSITIVE_INFINITY : -0.0;
      case 5 -> random.nextGaussian() * Math.scalb(1.0, random.nextInt(200) - 120);
      case 6 -> (random.nextBoolean() ? 1 : -1) * Double.MAX_VALUE;
      default -> random.nextInt(100_000) / 100.0;
    };
  }

  /** An order of arrival: nearly that of the log, or any. */
  List<Fact> arrival(Random random) {
    List<Fact> arrival = new ArrayList<>(facts);
    int reach = random.nextInt(3) == 0 ? arrival.size() : random.nextInt(3) * 10;
    for (int i = arrival.size() - 1; i > 0 && reach > 0; i--) {
      int j = Math.max(0, i - random.nextInt(reach + 1));
      Fact swapped = arrival.get(i);
      arrival.set(i, arrival.get(j));
      arrival.set(j, swapped);
    }
    return arrival;
  }

  /** An instant worth asking about: on an edge of some fact, or a millisecond beside it. */
  long instant(Random random) {
    if (facts.isEmpty()) {
      return STARTS[0];
    }
    Fact fact = facts.get(random.nextInt(facts.size()));
    Window window = layout.features().get(random.nextInt(layout.features().size())).window();
    long edge =
        switch (random.nextInt(3)) {
          case 0 -> 0;
          case 1 -> window.delayMs();
          default ->
              Edge.oldest(window).passes(fact.time) == Long.MAX_VALUE
                  ? window instanceof Window.Session session ? session.gapMs() : 0
                  : Edge.oldest(window).passes(fact.time) - fact.time;
        };
    return fact.time + edge + random.nextInt(3) - 1;
  }
}
