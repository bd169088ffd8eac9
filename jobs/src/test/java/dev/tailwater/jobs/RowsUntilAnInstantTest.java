package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.definitions.Knowledge;
import dev.tailwater.jobs.EntityHarness.Options;
import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.Aggregation;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.kernel.Window;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where time stops, sorted input leaves behind what a live job does whose watermark came there. */
class RowsUntilAnInstantTest {

  private static final long LATENESS_MS = 15_000;

  private static final Plan WITHOUT_REFRESH =
      plan(List.of(new Shape(10_000, 0, 0, Knowledge.AS_HAPPENED)));

  /** A view of two windows. */
  private record Shape(long windowMs, long delayMs, long refreshMs, Knowledge knowledge) {

    static Shape random(Random random) {
      return new Shape(
          1_000L * (1 + random.nextInt(20)),
          1_000L * random.nextInt(8),
          random.nextInt(3) == 0 ? 0 : 500L * (1 + random.nextInt(8)),
          random.nextInt(3) == 0 ? Knowledge.AS_KNOWN : Knowledge.AS_HAPPENED);
    }

    long horizonMs() {
      return 2 * windowMs + delayMs;
    }
  }

  @Test
  void anEventOfAnotherViewDoesNotKeepTheNewestRowFromTheOnlineStore() throws Exception {
    try (var operator = new EntityHarness(WITHOUT_REFRESH, Options.SORTED, null)) {
      operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
      operator.tell(EntityHarness.question("q", 5_000, 1));
      operator.end();

      assertThat(operator.rows()).containsExactly("both 1000: 1 5.0 until 11000");
    }
  }

  @Test
  void aFactAfterTheInstantIsInTheOnlineRowOnly() throws Exception {
    try (var operator = new EntityHarness(WITHOUT_REFRESH, Options.sortedUntil(4_000), null)) {
      operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
      operator.tell(EntityHarness.fact("p2", 5_000, 7, 1));
      operator.tell(EntityHarness.fact("p3", 6_000, 1, 2));
      operator.end();

      assertThat(operator.rows())
          .containsExactly("final 1000: 1 5.0 until 11000", "online 6000: 3 13.0 until 11000");
    }
  }

  static Stream<Long> seeds() {
    return IntStream.range(0, 150).mapToObj(i -> 15_485_863L * i + 11);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void liveAtQuiescenceIsBoundedUntilItsWatermark(long seed) throws Exception {
    Random random = new Random(seed);
    Plan plan =
        plan(Stream.generate(() -> Shape.random(random)).limit(1 + random.nextInt(2)).toList());
    boolean someLate = random.nextBoolean();
    List<Envelope> arriving = arriving(random, 50, someLate ? 12_000 : 1_000);
    List<Envelope> inOrder = new ArrayList<>(arriving);
    inOrder.sort(Comparator.naturalOrder());

    List<FeatureRow> live;
    long watermark = Long.MIN_VALUE;
    try (var operator = EntityHarness.live(plan)) {
      for (Envelope event : arriving) {
        operator.tell(event);
        watermark = Math.max(watermark, event.eventTime - 1_001);
        operator.watermark(watermark);
      }
      live = operator.allRows();
    }
    List<FeatureRow> bounded;
    try (var operator = new EntityHarness(plan, Options.sortedUntil(watermark), null)) {
      for (Envelope event : inOrder) {
        operator.tell(event);
      }
      operator.end();
      bounded = operator.allRows();
    }

    for (int view = 0; view < plan.views().size(); view++) {
      TreeMap<Long, FeatureRow> replayed = offline(bounded, view);
      Map<Long, String> stored = new TreeMap<>();
      List<String> wrongOrphans = new ArrayList<>();
      for (FeatureRow row : offline(live, view).values()) {
        // A repair leaves rows behind for which there is no reason any more: what covers them is
        // the row before.
        FeatureRow covering = replayed.floorEntry(row.validFrom()).getValue();
        if (covering.validFrom() == row.validFrom()) {
          stored.put(row.validFrom(), content(row));
        } else if (!content(covering).equals(content(row))) {
          wrongOrphans.add(row + " against " + covering);
        }
      }
      Map<Long, String> expected = new TreeMap<>();
      replayed.forEach((instant, row) -> expected.put(instant, content(row)));
      assertThat(stored).isEqualTo(expected);
      assertThat(wrongOrphans).isEmpty();

      FeatureRow online = newestOnline(bounded, view);
      FeatureRow liveOnline = newestOnline(live, view);
      if (!someLate) {
        assertThat(liveOnline.validFrom()).isEqualTo(online.validFrom());
      }
      assertThat(liveOnline.validFrom()).isGreaterThanOrEqualTo(online.validFrom());
      assertThat(content(liveOnline)).isEqualTo(content(online));
      assertThat(bounded.stream().filter(row -> row.view() == 0 && row.online())).hasSize(1);
    }
  }

  private static Plan plan(List<Shape> shapes) {
    EntityPlan.Origin origin = new EntityPlan.Origin(0, new int[] {TestPlans.AMOUNT}, new int[0]);
    List<EntityPlan.Input> inputs = new ArrayList<>();
    List<ViewPlan> views = new ArrayList<>();
    for (int view = 0; view < shapes.size(); view++) {
      Shape shape = shapes.get(view);
      inputs.add(new EntityPlan.Input(List.of(origin), layout(shape), new int[] {view}));
      views.add(
          new ViewPlan(
              "view" + view,
              "0123456789ab",
              0,
              List.of(new ViewPlan.Part(view, 0, new int[] {0, 1})),
              TestPlans.FEATURES,
              shape.horizonMs(),
              shape.refreshMs(),
              shape.knowledge()));
    }
    return new Plan(
        "cards",
        List.of(TestPlans.stream("payments", RecordFormat.JSON, LATENESS_MS)),
        List.of(
            new EntityPlan(
                "card",
                List.of(new Column("card", ColumnType.STRING, false)),
                inputs,
                List.of(new int[] {TestPlans.CARD}))),
        views,
        List.of(),
        List.of());
  }

  private static StateLayout layout(Shape shape) {
    return new StateLayout(
        List.of(ColumnType.DOUBLE),
        0,
        List.of(
            new FeatureSpec(
                Aggregation.of(Aggregate.COUNT, -1),
                -1,
                Window.sliding(shape.windowMs(), shape.delayMs()),
                false,
                0L),
            new FeatureSpec(
                Aggregation.of(Aggregate.SUM, 0),
                -1,
                Window.sliding(2 * shape.windowMs(), shape.delayMs()),
                false,
                null)),
        Identity.EVENT,
        LATENESS_MS);
  }

  /** Events with ties and gaps longer than the windows, as they are appended and arrive. */
  private static List<Envelope> arriving(Random random, int events, int disorderMs) {
    record Arrival(long eventTime, long appendTime) {}
    List<Arrival> arrivals =
        Stream.generate(() -> 250L * random.nextInt(400))
            .map(eventTime -> new Arrival(eventTime, eventTime + random.nextInt(disorderMs)))
            .limit(events)
            .sorted(Comparator.comparingLong(Arrival::appendTime))
            .toList();
    List<Envelope> arriving = new ArrayList<>();
    for (int i = 0; i < events; i++) {
      Arrival arrival = arrivals.get(i);
      arriving.add(
          EntityHarness.event(
              Envelope.FACT,
              0,
              "p" + i,
              arrival.eventTime(),
              arrival.appendTime(),
              "a",
              random.nextInt(100),
              i));
    }
    return arriving;
  }

  /** By instant the row of the greatest revision. */
  private static TreeMap<Long, FeatureRow> offline(List<FeatureRow> rows, int view) {
    TreeMap<Long, FeatureRow> newest = new TreeMap<>();
    for (FeatureRow row : rows) {
      if (row.view() == view && row.offline()) {
        newest.merge(row.validFrom(), row, (a, b) -> b.revision() >= a.revision() ? b : a);
      }
    }
    return newest;
  }

  private static FeatureRow newestOnline(List<FeatureRow> rows, int view) {
    @Nullable FeatureRow newest = null;
    for (FeatureRow row : rows) {
      if (row.view() == view && row.online()) {
        newest = row;
      }
    }
    if (newest == null) {
      throw new AssertionError("view " + view + " has no online row in " + rows);
    }
    return newest;
  }

  private static String content(FeatureRow row) {
    return Arrays.toString(row.values()) + " until " + row.validUntil();
  }
}
