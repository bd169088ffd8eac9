package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A random layout and the facts of one entity, in log order. Times are few and round, so that ties,
 * and facts exactly on the edge of a window, are common.
 */
record History(StateLayout layout, List<Fact> facts) {

  private static final long START = 1_700_000_000_000L;
  private static final List<Aggregate> AGGREGATES =
      List.of(Aggregate.COUNT, Aggregate.SUM, Aggregate.AVG, Aggregate.MIN, Aggregate.MAX);
  private static final List<ColumnType> SCALARS =
      Arrays.stream(ColumnType.values()).filter(ColumnType::isScalar).toList();
  private static final long[] SPANS = {1, 7, 10, 50, 70, 100, 300};

  static History random(Random random) {
    List<ColumnType> columns = new ArrayList<>();
    int columnCount = random.nextInt(5) == 0 ? 20 + random.nextInt(20) : 1 + random.nextInt(4);
    for (int i = 0; i < columnCount; i++) {
      columns.add(SCALARS.get(random.nextInt(SCALARS.size())));
    }
    int filters = random.nextInt(8) == 0 ? 64 : random.nextInt(3);
    List<FeatureSpec> features = new ArrayList<>();
    int featureCount = 1 + random.nextInt(12);
    while (features.size() < featureCount) {
      int column = random.nextInt(columnCount + 1) - 1;
      ColumnType type = column < 0 ? null : columns.get(column);
      Aggregate aggregate = AGGREGATES.get(random.nextInt(AGGREGATES.size()));
      if (isDefined(aggregate, type)) {
        features.add(
            FeatureSpec.sliding(
                aggregate,
                column,
                random.nextInt(filters + 1) - 1,
                SPANS[random.nextInt(SPANS.length)],
                random.nextInt(3) == 0 ? SPANS[random.nextInt(SPANS.length)] : 0,
                aggregate == Aggregate.AVG && random.nextBoolean() ? -1.0 : null));
      }
    }
    long lateness = random.nextInt(3) == 0 ? 0 : random.nextInt(300);
    StateLayout layout =
        new StateLayout(
            columns,
            filters,
            features,
            random.nextBoolean() ? Identity.EVENT : Identity.NONE,
            lateness);
    return new History(layout, facts(layout, random));
  }

  private static boolean isDefined(Aggregate aggregate, @Nullable ColumnType type) {
    if (type == null || aggregate == Aggregate.COUNT) {
      return aggregate == Aggregate.COUNT;
    }
    return aggregate == Aggregate.MIN || aggregate == Aggregate.MAX
        ? type != ColumnType.STRING
        : type.isNumeric();
  }

  private static List<Fact> facts(StateLayout layout, Random random) {
    int count = random.nextInt(4) == 0 ? random.nextInt(400) : random.nextInt(60);
    boolean extreme = random.nextInt(3) == 0;
    long step = random.nextBoolean() ? 1 : 10;
    int pace = random.nextInt(4) == 0 ? 1 : 5;
    long time = START;
    List<Fact> facts = new ArrayList<>();
    for (int offset = 0; offset < count; offset++) {
      time += step * random.nextInt(pace + 1);
      if (random.nextInt(30) == 0) {
        time += random.nextInt(700);
      }
      Fact fact = new Fact(layout);
      fact.time = time;
      fact.partition = random.nextInt(3);
      fact.offset = offset;
      // Few ids: the same one at the same time is a duplicate, at another time it is not.
      fact.idHash = random.nextInt(6);
      fact.filterBits = random.nextLong();
      for (int column = 0; column < fact.values.length; column++) {
        fact.values[column] =
            random.nextInt(6) == 0 ? null : value(layout.columns().get(column), extreme, random);
      }
      facts.add(fact);
    }
    return facts;
  }

  private static Object value(ColumnType type, boolean extreme, Random random) {
    return switch (type) {
      case BOOLEAN -> (Object) random.nextBoolean();
      case INT -> (Object) random.nextInt();
      case LONG -> (Object) (random.nextInt(9) == 0 ? Long.MIN_VALUE : random.nextLong());
      case DOUBLE -> (Object) number(extreme, random);
      case STRING -> "text";
      case TIMESTAMP -> (Object) (START + random.nextInt(1000));
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
      return START;
    }
    Fact fact = facts.get(random.nextInt(facts.size()));
    FeatureSpec feature = layout.features().get(random.nextInt(layout.features().size()));
    long edge =
        switch (random.nextInt(3)) {
          case 0 -> 0;
          case 1 -> feature.window().delayMs();
          default -> feature.window().horizonMs();
        };
    return fact.time + edge + random.nextInt(3) - 1;
  }
}
