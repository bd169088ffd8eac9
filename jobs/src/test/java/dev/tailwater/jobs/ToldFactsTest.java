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
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What events are to each other: copies, conflicts, versions of a row, events of other streams. */
class ToldFactsTest {

  private static final long LATENESS_MS = 20_000;

  private static final StreamPlan PAYMENTS =
      TestPlans.stream("payments", RecordFormat.JSON, LATENESS_MS);
  private static final StreamPlan TRANSFERS =
      TestPlans.stream("transfers", RecordFormat.JSON, LATENESS_MS);

  private static Plan plan(Identity identity, StreamPlan... streams) {
    return TestPlans.cards(
        TestPlans.view("spend", 0, 0, Knowledge.AS_HAPPENED),
        TestPlans.layout(identity, LATENESS_MS, false),
        streams);
  }

  @Test
  void ofTwoPayloadsWithOneIdTheFirstInTheLogCountsWhicheverArrivesFirst() throws Exception {
    Envelope first = EntityHarness.fact("p", 1_000, 5, 3);
    Envelope second = EntityHarness.fact("p", 1_000, 7, 4);
    for (List<Envelope> order : List.of(List.of(first, second), List.of(second, first))) {
      try (var operator = EntityHarness.live(plan(Identity.EVENT, PAYMENTS))) {
        for (Envelope event : order) {
          operator.tell(event);
        }
        operator.watermark(1_000);

        assertThat(operator.rows()).last().isEqualTo("final 1000: 1 5.0 until 11000");
        assertThat(operator.letters())
            .singleElement()
            .asString()
            .startsWith("CONFLICT payments 0/4: event p of 1970-01-01T00:00:01.000Z")
            .contains("comes first in the log and counts");
      }
    }
  }

  @Test
  void aCopyIsNoConflict() throws Exception {
    try (var operator = EntityHarness.live(plan(Identity.EVENT, PAYMENTS))) {
      operator.tell(EntityHarness.fact("p", 1_000, 5, 3));
      operator.tell(EntityHarness.fact("p", 1_000, 5, 4));
      operator.watermark(1_000);

      assertThat(operator.rows()).last().isEqualTo("final 1000: 1 5.0 until 11000");
      assertThat(operator.letters()).isEmpty();
    }
  }

  @Test
  void aConflictBehindTheClockRepairsTheRowsOfTheEventThatDoesNotCount() throws Exception {
    try (var operator = EntityHarness.live(plan(Identity.EVENT, PAYMENTS))) {
      operator.tell(EntityHarness.fact("p", 1_000, 7, 4));
      operator.watermark(2_000);
      operator.rows();

      operator.tell(EntityHarness.fact("p", 1_000, 5, 3));
      assertThat(operator.rows())
          .containsExactly(
              "online 1000: 1 5.0 until 11000", "final 1000: 1 5.0 until 11000 revision 1");
    }
  }

  @Test
  void aFactThatTheEntityHasForgottenIsADeadLetter() throws Exception {
    try (var operator = EntityHarness.live(plan(Identity.EVENT, PAYMENTS))) {
      for (int i = 0; i < 100; i++) {
        operator.tell(EntityHarness.fact("p" + i, 1_000 * i, 5, i));
      }
      operator.watermark(100_000);
      operator.tell(EntityHarness.fact("late", 1_000, 5, 100));

      assertThat(operator.letters())
          .singleElement()
          .asString()
          .startsWith("LATE payments 0/100: event late")
          .contains("a replay includes it");
    }
  }

  @Test
  void ofARowTheLastVersionCountsAndNoneOnceItIsDeleted() throws Exception {
    Envelope created = EntityHarness.fact("r", 1_000, 5, 0);
    Envelope changed = EntityHarness.fact("r", 1_000, 7, 1);
    Envelope deleted =
        EntityHarness.event(Envelope.FACT | Envelope.DELETED, 0, "r", 1_000, "a", 7, 2);
    try (var operator = EntityHarness.live(plan(Identity.ROW, PAYMENTS))) {
      operator.tell(created);
      operator.watermark(2_000);
      assertThat(operator.rows()).last().isEqualTo("final 1000: 1 5.0 until 11000");
      operator.tell(changed);
      assertThat(operator.rows()).last().isEqualTo("final 1000: 1 7.0 until 11000 revision 1");
      operator.tell(deleted);
      assertThat(operator.rows()).last().asString().startsWith("final 1000: 0 null");
      operator.tell(created); // Read again after a restart.
      assertThat(operator.rows()).isEmpty();
      assertThat(operator.letters()).isEmpty();
    }
  }

  static Stream<Long> seeds() {
    return IntStream.range(0, 30).mapToObj(i -> 15_485_863L * i + 3);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void changesOfRowsGiveTheSameInAnyOrder(long seed) throws Exception {
    Random random = new Random(seed);
    List<Envelope> changes = new ArrayList<>();
    for (int offset = 0; offset < 60; offset++) {
      int deletion = random.nextInt(4) == 0 ? Envelope.DELETED : 0;
      int row = random.nextInt(12);
      changes.add(
          EntityHarness.event(
              Envelope.FACT | deletion,
              0,
              "r" + row,
              1_000L * (row % 5) + 500 * random.nextInt(2),
              "a",
              random.nextInt(50),
              offset));
    }
    Plan plan = plan(Identity.ROW, PAYMENTS);
    assertThat(finalRows(plan, shuffled(changes, random))).isEqualTo(finalRows(plan, changes));
  }

  private static List<Envelope> shuffled(List<Envelope> events, Random random) {
    List<Envelope> shuffled = new ArrayList<>(events);
    Collections.shuffle(shuffled, random);
    return shuffled;
  }

  private static List<String> finalRows(Plan plan, List<Envelope> events) throws Exception {
    try (var operator = EntityHarness.live(plan)) {
      for (Envelope event : events) {
        operator.tell(event);
      }
      operator.end();
      return operator.allRows().stream()
          .filter(FeatureRow::offline)
          .map(EntityHarness::text)
          .toList();
    }
  }

  @Test
  void eventsOfSeveralStreamsAreOrderedByStreamAtOneInstantAndTheirIdsAreKeptApart()
      throws Exception {
    Window window = Window.sliding(TestPlans.WINDOW_MS, 0);
    StateLayout firstAndLast =
        new StateLayout(
            List.of(ColumnType.DOUBLE),
            0,
            List.of(
                new FeatureSpec(Aggregation.of(Aggregate.COUNT, -1), -1, window, false, 0L),
                new FeatureSpec(Aggregation.of(Aggregate.LAST, 0), -1, window, false, null)),
            Identity.EVENT,
            LATENESS_MS);
    Plan plan =
        TestPlans.cards(
            TestPlans.view("spend", 0, 0, Knowledge.AS_HAPPENED),
            firstAndLast,
            PAYMENTS,
            TRANSFERS);
    List<Envelope> events =
        List.of(
            EntityHarness.event(Envelope.FACT, 0, "1", 1_000, "a", 5, 90),
            EntityHarness.event(Envelope.FACT, 1, "1", 1_000, "a", 7, 10),
            EntityHarness.event(Envelope.FACT, 1, "2", 1_000, "a", 9, 11));
    for (int seed = 0; seed < 6; seed++) {
      List<Envelope> order = shuffled(events, new Random(seed));
      try (var operator = EntityHarness.live(plan)) {
        for (Envelope event : order) {
          operator.tell(event);
        }
        operator.watermark(1_000);

        FeatureRow row = operator.allRows().get(operator.allRows().size() - 1);
        assertThat(EntityHarness.text(row)).isEqualTo("final 1000: 3 9.0 until 11000");
        assertThat(row.topic() + " " + row.partition() + "/" + row.offset())
            .isEqualTo("transfers 0/11");
        assertThat(operator.letters()).isEmpty();
      }
    }
  }

  @Test
  void aConflictInAUnionNamesTheStreamOfTheEventThatDoesNotCount() throws Exception {
    try (var operator = EntityHarness.live(plan(Identity.EVENT, PAYMENTS, TRANSFERS))) {
      operator.tell(EntityHarness.event(Envelope.FACT, 0, "1", 1_000, "a", 5, 1));
      operator.tell(EntityHarness.event(Envelope.FACT, 1, "1", 1_000, "a", 7, 3));
      operator.tell(EntityHarness.event(Envelope.FACT, 1, "1", 1_000, "a", 8, 2));

      assertThat(operator.letters())
          .singleElement()
          .asString()
          .startsWith("CONFLICT transfers 0/3");
    }
  }

  @Test
  void everyBackendKeepsWhatEventsAreToEachOther() throws Exception {
    Plan plan = plan(Identity.EVENT, PAYMENTS);
    for (Options options : List.of(Options.LIVE, Options.ROCKS_DB)) {
      var first = new EntityHarness(plan, options, null);
      first.tell(EntityHarness.fact("p", 1_000, 5, 3));
      var state = first.snapshot();
      first.close();
      try (var operator = new EntityHarness(plan, options, state)) {
        operator.tell(EntityHarness.fact("p", 1_000, 5, 4));
        operator.tell(EntityHarness.fact("p", 1_000, 7, 5));
        operator.watermark(1_000);

        assertThat(operator.rows()).last().isEqualTo("final 1000: 1 5.0 until 11000");
        assertThat(operator.letters())
            .singleElement()
            .asString()
            .startsWith("CONFLICT payments 0/5");
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"payments", "transfers"}) // Flink orders states by hash.
  void whatComesWhileACheckpointIsWrittenIsNotInIt(String stream) throws Exception {
    Plan plan = plan(Identity.EVENT, TestPlans.stream(stream, RecordFormat.JSON, LATENESS_MS));
    Envelope first = EntityHarness.fact("first", 1_000, 5, 1);
    Envelope next = EntityHarness.fact("next", 2_000, 7, 2);
    boolean written = false;
    // Flink writes in a thread of its own: a fact may come before any of its writes.
    for (int before = 0; !written; before++) {
      OperatorSubtaskState checkpoint;
      try (var operator = EntityHarness.live(plan)) {
        operator.tell(first);
        var interrupted = new InterruptedCheckpoint(before, () -> operator.tell(next));
        checkpoint = operator.snapshot(interrupted);
        written = !interrupted.interrupted();
      }
      try (var restored = new EntityHarness(plan, Options.LIVE, checkpoint)) {
        restored.tell(next);
        assertThat(restored.rows())
            .as("a fact came before write %d", before)
            .containsExactly("online 2000: 2 12.0 until 11000");
      }
    }
  }

  @Test
  void keysThatAreObjectsForAWhileAreAllInTheStateAndInACheckpoint() throws Exception {
    int cards = KeyedMemory.RECENT_KEYS + 500;
    Plan plan = plan(Identity.EVENT, PAYMENTS);
    var operator = new EntityHarness(plan, Options.ROCKS_DB, null);
    for (int payment = 0; payment < 3 * cards; payment++) {
      if (payment == 2 * cards + 700) {
        OperatorSubtaskState checkpoint = operator.snapshot();
        operator.close();
        operator = new EntityHarness(plan, Options.ROCKS_DB, checkpoint);
      }
      String card = "card-" + payment % cards;
      operator.tell(EntityHarness.event(Envelope.FACT, 0, "p" + payment, 1_000, card, 5, payment));
    }
    operator.watermark(1_000);

    assertThat(operator.allRows().stream().filter(FeatureRow::offline))
        .hasSize(cards)
        .allSatisfy(row -> assertThat(row.values()).containsExactly(3L, 15.0));
    operator.close();
  }
}
