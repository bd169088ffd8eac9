package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.definitions.Knowledge;
import dev.tailwater.jobs.EntityHarness.Options;
import dev.tailwater.kernel.Identity;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.RecordFormat;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Rows of a window of 10 seconds that are refreshed every 3. */
class FeatureRowsTest {

  private static final long EVERY_MS = 3_000;
  private static final long LATENESS_MS = 20_000;

  private static final Plan PLAN = plan(EVERY_MS);

  private static Plan plan(long refreshMs) {
    return TestPlans.cards(
        TestPlans.view("spend", 0, refreshMs, Knowledge.AS_HAPPENED),
        TestPlans.layout(Identity.EVENT, LATENESS_MS, false),
        TestPlans.stream("payments", RecordFormat.JSON, LATENESS_MS));
  }

  @Test
  void aValueThatChangedByTimeIsWrittenAtTheNextMultipleOfTheRefresh() throws Exception {
    try (var operator = EntityHarness.live(PLAN)) {
      operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
      operator.tell(EntityHarness.fact("p2", 4_000, 7, 1));
      operator.watermark(4_000);
      operator.rows();

      operator.watermark(11_999);
      assertThat(operator.rows()).isEmpty();
      operator.watermark(20_000);
      assertThat(operator.rows())
          .containsExactly("both 12000: 1 7.0 until 14000", "both 15000: 0 null");
    }
  }

  @Test
  void aFactBeforeTheRefreshTakesItsPlace() throws Exception {
    try (var operator = EntityHarness.live(PLAN)) {
      operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
      operator.tell(EntityHarness.fact("p2", 11_500, 7, 1));
      operator.watermark(20_000);

      assertThat(operator.rows())
          .containsExactly(
              "online 1000: 1 5.0 until 11000",
              "online 11500: 1 7.0 until 21500",
              "final 1000: 1 5.0 until 11000",
              "final 11500: 1 7.0 until 21500");
    }
  }

  @Test
  void aRefreshBehindANewerFactIsNotForTheOnlineStore() throws Exception {
    try (var operator = EntityHarness.live(PLAN)) {
      operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
      operator.tell(EntityHarness.fact("p2", 13_000, 7, 1));
      operator.watermark(12_500);

      assertThat(operator.rows())
          .containsExactly(
              "online 1000: 1 5.0 until 11000",
              "online 13000: 1 7.0 until 23000",
              "final 1000: 1 5.0 until 11000",
              "final 12000: 0 null");
    }
  }

  @Test
  void aFactBehindTheClockRepairsRefreshesAtTheirOldAndTheirNewInstants() throws Exception {
    try (var operator = EntityHarness.live(PLAN)) {
      operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
      operator.watermark(16_000);
      operator.rows();

      operator.tell(EntityHarness.fact("p2", 4_000, 7, 1));
      assertThat(operator.rows())
          .containsExactly(
              "online 12000: 1 7.0 until 14000",
              "final 4000: 2 12.0 until 11000 revision 1",
              "final 12000: 1 7.0 until 14000 revision 1",
              "both 15000: 0 null revision 1");
    }
  }

  @Test
  void nothingIsKeptOnceTheLastRowIsOutAndNothingLateCanCome() throws Exception {
    try (var operator = EntityHarness.live(PLAN)) {
      operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
      operator.watermark(1_000 + TestPlans.WINDOW_MS + EVERY_MS + LATENESS_MS);
      assertThat(operator.allRows()).last().extracting(FeatureRow::validFrom).isEqualTo(12_000L);
      assertThat(operator.stateEntries()).isPositive();

      operator.watermark(1_000 + TestPlans.WINDOW_MS + EVERY_MS + LATENESS_MS + 1);
      assertThat(operator.stateEntries()).isZero();
      assertThat(operator.timers()).isZero();
    }
  }

  @Test
  void onAnIdleSourceOnlineRowsAreRefreshedAsTheWallClockGoesOn() throws Exception {
    try (var operator = EntityHarness.live(PLAN)) {
      operator.wallClock(1_000_000);
      operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
      operator.tell(EntityHarness.fact("p2", 4_000, 7, 1));
      operator.watermark(4_000);
      operator.rows();

      operator.idle(true);
      operator.wallClock(1_007_000);
      assertThat(operator.rows()).isEmpty();
      operator.wallClock(1_010_000); // As if event time were 14,000.
      assertThat(operator.rows()).containsExactly("online 12000: 1 7.0 until 14000");

      // An event that was on its way all the time: its row is not older than the one before it.
      operator.idle(false);
      operator.tell(EntityHarness.fact("p3", 6_000, 1, 2));
      assertThat(operator.rows()).containsExactly("online 12000: 2 8.0 until 14000");
      operator.watermark(13_000);
      assertThat(operator.rows())
          .containsExactly("final 6000: 3 13.0 until 11000", "final 12000: 2 8.0 until 14000");
      operator.watermark(15_000);
      assertThat(operator.rows()).containsExactly("both 15000: 1 1.0 until 16000");
    }
  }

  @Test
  void anIdleSourceRefreshesUntilAllWindowsAreEmptyAndAfterARestartToo() throws Exception {
    OperatorSubtaskState state;
    try (var operator = EntityHarness.live(PLAN)) {
      operator.wallClock(1_000_000);
      operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
      operator.tell(EntityHarness.fact("p2", 4_000, 7, 1));
      operator.watermark(4_000);
      operator.idle(true);
      operator.wallClock(1_009_000);
      state = operator.snapshot();
    }
    try (var operator = new EntityHarness(PLAN, Options.LIVE, state)) {
      operator.wallClock(2_000_000);
      operator.watermark(4_000);
      operator.idle(true);
      operator.wallClock(2_060_000);
      assertThat(operator.rows()).containsExactly("online 15000: 0 null");
      operator.wallClock(2_900_000);
      assertThat(operator.rows()).isEmpty();
    }
  }

  @Test
  void aStateFromBeforeTheViewWasRefreshedGoesOn() throws Exception {
    OperatorSubtaskState state;
    try (var operator = EntityHarness.live(plan(0))) {
      operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
      operator.watermark(4_000);
      state = operator.snapshot();
    }
    try (var operator = new EntityHarness(PLAN, Options.LIVE, state)) {
      operator.watermark(4_000);
      operator.tell(EntityHarness.fact("p2", 5_000, 7, 1));
      operator.watermark(12_000);
      assertThat(operator.rows())
          .containsExactly(
              "online 5000: 2 12.0 until 11000",
              "final 5000: 2 12.0 until 11000",
              "both 12000: 1 7.0 until 15000");
    }
  }

  static Stream<Long> seeds() {
    return IntStream.range(0, 40).mapToObj(i -> 104_729L * i + 7);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void rowsAreTheSameInAnyArrivalOrderSortedAndAfterARestart(long seed) throws Exception {
    Random random = new Random(seed);
    List<Envelope> history = history(random, 60);
    List<Envelope> inOrder = new ArrayList<>(history);
    inOrder.sort(Comparator.naturalOrder());

    List<FeatureRow> sorted = run(inOrder, Options.SORTED, 0, history.size());
    List<FeatureRow> ordered = run(inOrder, Options.LIVE, 0, history.size());
    List<FeatureRow> disordered =
        run(
            arriving(history, random, 3_000),
            seed % 4 == 0 ? Options.ROCKS_DB : Options.LIVE,
            3_000,
            random.nextInt(history.size()));

    assertThat(offline(ordered)).isEqualTo(offline(sorted));
    assertThat(offline(disordered)).isEqualTo(offline(sorted));
    assertThat(newestOnline(disordered)).isEqualTo(newestOnline(sorted));
    assertThat(newestOnline(sorted)).isEqualTo(newestOffline(sorted));
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void noRowIsEverStaleWhateverComesLate(long seed) throws Exception {
    Random random = new Random(seed);
    List<Envelope> history = history(random, 40);
    // The watermark is right about most events only: the others come behind it.
    List<Envelope> arriving = arriving(history, random, 15_000);
    List<FeatureRow> rows = run(arriving, Options.LIVE, 1_000, random.nextInt(history.size()));

    TreeSet<Long> instants = new TreeSet<>();
    for (Envelope event : history) {
      for (long edge : new long[] {0, TestPlans.WINDOW_MS}) {
        for (long step : new long[] {-1, 0, 1, EVERY_MS}) {
          instants.add(event.eventTime + edge + step);
        }
      }
    }
    List<String> differences = new ArrayList<>();
    int covered = 0;
    for (long instant : instants) {
      String found = asOf(rows, instant);
      if (found == null) {
        continue;
      }
      covered++;
      String expected = naive(history, instant);
      if (!found.equals(expected)) {
        differences.add(instant + ": " + found + " instead of " + expected);
      }
    }
    assertThat(differences).isEmpty();
    for (Envelope event : history) {
      assertThat(asOf(rows, event.eventTime)).isNotNull();
    }
    assertThat(covered).isGreaterThan(instants.size() / 2);

    long newest = Long.MIN_VALUE;
    for (FeatureRow row : rows) {
      if (row.online()) {
        assertThat(row.validFrom()).isGreaterThanOrEqualTo(newest);
        newest = row.validFrom();
      }
    }
    assertThat(newestOnline(rows)).isEqualTo(newestOffline(rows));
  }

  private static List<Envelope> history(Random random, int events) {
    List<Envelope> history = new ArrayList<>();
    for (int i = 0; i < events; i++) {
      long at = 250L * random.nextInt(400); // Ties, and gaps longer than the window.
      history.add(EntityHarness.fact("p" + i, at, random.nextInt(100), i));
    }
    return history;
  }

  private static List<Envelope> arriving(List<Envelope> history, Random random, int disorderMs) {
    Map<Envelope, Long> arrival = new HashMap<>();
    history.forEach(event -> arrival.put(event, event.eventTime + random.nextInt(disorderMs)));
    List<Envelope> arriving = new ArrayList<>(history);
    arriving.sort(Comparator.comparing(event -> arrival.getOrDefault(event, 0L)));
    return arriving;
  }

  private static List<FeatureRow> run(
      List<Envelope> events, Options options, long disorderMs, int restartAfter) throws Exception {
    List<FeatureRow> rows = new ArrayList<>();
    long newest = Long.MIN_VALUE;
    EntityHarness operator = new EntityHarness(PLAN, options, null);
    for (int i = 0; i < events.size(); i++) {
      if (i == restartAfter) {
        OperatorSubtaskState state = operator.snapshot();
        rows.addAll(operator.allRows());
        operator.close();
        operator = new EntityHarness(PLAN, options, state);
      }
      operator.tell(events.get(i));
      if (!options.sorted() && events.get(i).eventTime > newest) {
        newest = events.get(i).eventTime;
        operator.watermark(newest - disorderMs - 1);
      }
    }
    operator.end();
    rows.addAll(operator.allRows());
    operator.close();
    return rows;
  }

  private static List<String> offline(List<FeatureRow> rows) {
    return rows.stream()
        .filter(FeatureRow::offline)
        .sorted(Comparator.comparingLong(FeatureRow::validFrom))
        .map(row -> EntityHarness.text(row).replaceFirst("^\\w+ ", ""))
        .toList();
  }

  private static String newestOnline(List<FeatureRow> rows) {
    return newest(rows.stream().filter(FeatureRow::online));
  }

  private static String newestOffline(List<FeatureRow> rows) {
    return newest(rows.stream().filter(FeatureRow::offline));
  }

  private static String newest(Stream<FeatureRow> rows) {
    FeatureRow newest =
        rows.max(
                Comparator.comparingLong(FeatureRow::validFrom)
                    .thenComparingLong(FeatureRow::factsApplied)
                    .thenComparingLong(FeatureRow::revision))
            .orElseThrow();
    return newest.validFrom() + ": " + newest.values()[0] + " " + newest.values()[1];
  }

  /** The as-of join: the latest revision with valid_from ≤ t < valid_until, or null. */
  private static @Nullable String asOf(List<FeatureRow> rows, long instant) {
    TreeMap<Long, FeatureRow> byInstant = new TreeMap<>();
    for (FeatureRow row : rows) {
      FeatureRow other = byInstant.get(row.validFrom());
      if (row.offline() && (other == null || row.revision() > other.revision())) {
        byInstant.put(row.validFrom(), row);
      }
    }
    Map.Entry<Long, FeatureRow> row = byInstant.floorEntry(instant);
    return row == null || instant >= row.getValue().validUntil()
        ? null
        : row.getValue().values()[0] + " " + row.getValue().values()[1];
  }

  private static String naive(List<Envelope> history, long instant) {
    long count = 0;
    double sum = 0;
    for (Envelope event : history) {
      if (event.eventTime <= instant && event.eventTime > instant - TestPlans.WINDOW_MS) {
        count++;
        sum += (Double) event.values[TestPlans.AMOUNT];
      }
    }
    return count + " " + (count == 0 ? null : sum);
  }
}
