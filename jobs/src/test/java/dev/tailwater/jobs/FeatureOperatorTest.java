package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.definitions.AnswerMode;
import dev.tailwater.kernel.EntityState;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.plan.Plan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class FeatureOperatorTest {

  private static final Plan PLAN = CardPlan.plan();
  private static final OutputTag<FeatureRow> ROWS =
      new OutputTag<>("feature-rows", FeatureRowSerializer.typeInfo(FeatureGraph.layouts(PLAN)));

  private static final OutputTag<OutgoingRecord> DEAD_LETTERS =
      new OutputTag<>("dead-letters", OutgoingRecord.typeInfo());

  @Test
  void anAnswerOnArrivalIncludesTheAskingEvent() throws Exception {
    try (var operator = open(AnswerMode.ON_ARRIVAL)) {
      tell(operator, CardPlan.payment("a", 1_000, 5, 0));
      tell(operator, CardPlan.payment("a", 2_000, 7, 1));

      assertThat(answers(operator)).containsExactly("a@1000: 1 5.0", "a@2000: 2 12.0");
    }
  }

  @Test
  void beforeABacklogCodeIsMadeForTheLayouts() throws Exception {
    Plan plan = CardPlan.plan();
    StateLayout layout = plan.entities().get(0).inputs().get(0).layout();
    try (EntityHarness operator = EntityHarness.live(plan)) {
      Class<?> before = EntityState.of(layout).getClass();
      operator.backlog();
      for (Thread thread : Thread.getAllStackTraces().keySet()) {
        if (thread.getName().equals("tailwater-layout-compiler")) {
          thread.join();
        }
      }
      assertThat(EntityState.of(layout).getClass()).isNotEqualTo(before);
    }
  }

  @Test
  void anAnswerOnTheWatermarkKnowsEveryEventOfItsInstantAndNoneLater() throws Exception {
    try (var operator = open(AnswerMode.ON_WATERMARK)) {
      tell(operator, CardPlan.payment("a", 2_000, 7, 0));
      tell(operator, CardPlan.payment("a", 3_000, 1, 1));
      tell(operator, CardPlan.payment("a", 2_000, 5, 2));
      assertThat(answers(operator)).isEmpty();

      operator.processWatermark(2_000);
      assertThat(answers(operator)).containsExactly("a@2000: 2 12.0", "a@2000: 2 12.0");

      operator.processWatermark(12_000);
      assertThat(answers(operator)).hasSize(3).last().isEqualTo("a@3000: 3 13.0");
    }
  }

  @Test
  void theOnlineRowIsAsOfTheNewestFactAndTheFinalRowsWaitForTheWatermark() throws Exception {
    try (var operator = open(AnswerMode.ON_ARRIVAL)) {
      tell(operator, CardPlan.payment("a", 3_000, 1, 0));
      tell(operator, CardPlan.payment("a", 2_000, 7, 1));
      assertThat(rows(operator))
          .containsExactly("online a@3000: 1 1.0 until 13000", "online a@3000: 2 8.0 until 12000");

      operator.processWatermark(3_000);
      assertThat(rows(operator).subList(2, 4))
          .containsExactly("final a@2000: 1 7.0 until 12000", "final a@3000: 2 8.0 until 12000");
    }
  }

  @Test
  void aLateFactRepairsTheFinalRowsItChangesWithAHigherRevision() throws Exception {
    try (var operator = open(AnswerMode.ON_ARRIVAL)) {
      tell(operator, CardPlan.payment("a", 2_000, 1, 0));
      tell(operator, CardPlan.payment("a", 6_000, 1, 1));
      operator.processWatermark(6_000);
      int before = rows(operator).size();

      tell(operator, CardPlan.payment("a", 4_000, 5, 2));
      assertThat(rows(operator).subList(before, rows(operator).size()))
          .containsExactly(
              "online a@6000: 3 7.0 until 12000",
              "final a@4000: 2 6.0 until 12000 revision 1",
              "final a@6000: 3 7.0 until 12000 revision 1");
    }
  }

  @Test
  void theSameEventTwiceCountsOnce() throws Exception {
    try (var operator = open(AnswerMode.ON_ARRIVAL)) {
      tell(operator, CardPlan.payment("a", 1_000, 5, 0));
      tell(operator, CardPlan.payment("a", 1_000, 5, 0));

      assertThat(answers(operator)).containsExactly("a@1000: 1 5.0", "a@1000: 1 5.0");
    }
  }

  @Test
  void nothingIsKeptOfAKeyWhoseLastWindowHasPassed() throws Exception {
    try (var operator = open(AnswerMode.ON_WATERMARK)) {
      tell(operator, CardPlan.payment("a", 1_000, 5, 0));
      operator.processWatermark(1_000 + CardPlan.WINDOW_MS + CardPlan.LATENESS_MS);
      assertThat(operator.numKeyedStateEntries()).isPositive();

      operator.processWatermark(1_000 + CardPlan.WINDOW_MS + CardPlan.LATENESS_MS + 1);
      assertThat(operator.numKeyedStateEntries()).isZero();
      assertThat(operator.numEventTimeTimers()).isZero();
    }
  }

  static Stream<Long> seeds() {
    return IntStream.range(0, 50).mapToObj(i -> 7_919L * i + 1);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void answersAndFinalRowsDoNotDependOnArrivalOrderNorOnARestart(long seed) throws Exception {
    Random random = new Random(seed);
    List<Envelope> history = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      String card = "card-" + random.nextInt(4);
      long paidAt = 100L * random.nextInt(400); // Many ties.
      history.add(CardPlan.payment(card, paidAt, random.nextInt(1_000) / 100.0, i));
    }
    List<Envelope> inOrder = new ArrayList<>(history);
    inOrder.sort(Comparator.naturalOrder());
    List<Envelope> disordered = new ArrayList<>(history);
    Map<Envelope, Long> arrival = new HashMap<>();
    history.forEach(event -> arrival.put(event, event.eventTime + random.nextInt(3_000)));
    disordered.sort(Comparator.comparing(event -> arrival.getOrDefault(event, 0L)));

    Result expected = run(inOrder, 0, history.size());
    Result actual = run(disordered, 3_000, random.nextInt(history.size()));

    assertThat(actual.answers()).containsExactlyInAnyOrderElementsOf(expected.answers());
    assertThat(actual.finalRows()).containsExactlyInAnyOrderElementsOf(expected.finalRows());
  }

  private record Result(List<String> answers, List<String> finalRows) {}

  /** Runs the events with a watermark behind each, and a restart after some of them. */
  private static Result run(List<Envelope> events, long disorderMs, int restartAfter)
      throws Exception {
    List<String> answers = new ArrayList<>();
    List<String> rows = new ArrayList<>();
    OperatorSubtaskState snapshot = null;
    long newest = Long.MIN_VALUE;
    var operator = open(AnswerMode.ON_WATERMARK);
    for (int i = 0; i < events.size(); i++) {
      if (i == restartAfter) {
        snapshot = operator.snapshot(1, 1);
        answers.addAll(answers(operator));
        rows.addAll(rows(operator));
        operator.close();
        operator = harness(AnswerMode.ON_WATERMARK);
        operator.initializeState(snapshot);
        operator.open();
      }
      tell(operator, events.get(i));
      if (events.get(i).eventTime > newest) {
        newest = events.get(i).eventTime;
        operator.processWatermark(newest - disorderMs - 1);
      }
    }
    operator.processWatermark(Long.MAX_VALUE);
    answers.addAll(answers(operator));
    rows.addAll(rows(operator));
    operator.close();
    return new Result(answers, rows.stream().filter(row -> row.startsWith("final")).toList());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void everyBackendKeepsTheSameState(boolean rocksDb) throws Exception {
    var operator = harness(AnswerMode.ON_ARRIVAL);
    if (rocksDb) {
      operator.setStateBackend(new EmbeddedRocksDBStateBackend());
    }
    operator.open();
    for (int i = 0; i < 200; i++) {
      tell(operator, CardPlan.payment("a", 100L * i, 0.1, i));
    }
    assertThat(answers(operator)).last().isEqualTo("a@19900: 100 10.0");
    operator.close();
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, Envelope, Envelope> open(
      AnswerMode mode) throws Exception {
    var operator = harness(mode);
    operator.open();
    return operator;
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, Envelope, Envelope> harness(
      AnswerMode mode) throws Exception {
    var operator =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new FeatureOperator(
                PLAN,
                0,
                new EntityKey(new int[][] {{1}}),
                false,
                ROWS,
                DEAD_LETTERS,
                Long.MAX_VALUE,
                0,
                new Visits(
                    new int[][] {{0}},
                    new boolean[] {mode == AnswerMode.ON_ARRIVAL},
                    new boolean[] {false},
                    new boolean[] {true})),
            (Envelope envelope) -> String.valueOf(envelope.values[1]),
            Types.STRING);
    operator.setup(EnvelopeSerializer.of(PLAN));
    return operator;
  }

  private static void tell(
      KeyedOneInputStreamOperatorTestHarness<String, Envelope, Envelope> operator, Envelope event)
      throws Exception {
    operator.processElement(event, event.eventTime);
  }

  private static List<String> answers(
      KeyedOneInputStreamOperatorTestHarness<String, Envelope, Envelope> operator) {
    return operator.extractOutputValues().stream()
        .map(
            e ->
                "%s@%d: %s %s"
                    .formatted(e.values[1], e.eventTime, e.answers[0][0], e.answers[0][1]))
        .toList();
  }

  private static List<String> rows(
      KeyedOneInputStreamOperatorTestHarness<String, Envelope, Envelope> operator) {
    Queue<StreamRecord<FeatureRow>> rows = operator.getSideOutput(ROWS);
    return rows == null
        ? List.of()
        : rows.stream()
            .map(StreamRecord::getValue)
            .map(
                row ->
                    "%s %s@%d: %s %s until %d%s"
                        .formatted(
                            row.online() ? "online" : "final",
                            row.key(),
                            row.validFrom(),
                            row.values()[0],
                            row.values()[1],
                            row.validUntil(),
                            row.revision() == 0 ? "" : " revision " + row.revision()))
            .toList();
  }
}
