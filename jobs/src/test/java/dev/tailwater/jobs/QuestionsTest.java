package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.definitions.Knowledge;
import dev.tailwater.jobs.EntityHarness.Options;
import dev.tailwater.kernel.Identity;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.RecordFormat;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Questions about the past, about themselves, and about what was known. */
class QuestionsTest {

  private static final long LATENESS_MS = 5_000;

  private static final StreamPlan PAYMENTS =
      TestPlans.stream("payments", RecordFormat.JSON, LATENESS_MS);
  private static final StreamPlan REPORTS =
      TestPlans.stream("reports", RecordFormat.JSON, LATENESS_MS);

  private static Plan plan(boolean excludesSelf, Knowledge knowledge, StreamPlan... streams) {
    return TestPlans.cards(
        TestPlans.view("spend", 0, 0, knowledge),
        TestPlans.layout(Identity.EVENT, LATENESS_MS, excludesSelf),
        streams);
  }

  private static final Plan PLAN = plan(false, Knowledge.AS_HAPPENED, PAYMENTS);

  @Test
  void aQuestionOlderThanWhatIsKeptIsRejectedWithTheReason() throws Exception {
    try (var operator = new EntityHarness(PLAN, Options.ON_ARRIVAL, null)) {
      for (int i = 0; i < 100; i++) {
        operator.tell(EntityHarness.fact("p" + i, 1_000 * i, 5, i));
      }
      operator.watermark(99_000);
      operator.tell(EntityHarness.question("q1", 1_000, 100));
      operator.tell(EntityHarness.question("q2", 99_001, 101));
      assertThat(operator.answers()).hasSize(2);
      assertThat(operator.answers().get(0))
          .startsWith(
              "1000: too old: it asks about 1970-01-01T00:00:01.000Z, but of view spend only");
      assertThat(operator.answers().get(1)).isEqualTo("99001: 10 50.0");
    }
  }

  @Test
  void whatNoKeyRemembersIsRejectedOfEveryKey() throws Exception {
    try (var operator = new EntityHarness(PLAN, Options.ON_ARRIVAL, null)) {
      operator.tell(EntityHarness.fact("p", 40_000, 5, 0));
      operator.watermark(50_000);
      long oldest = 50_000 - LATENESS_MS - TestPlans.WINDOW_MS;
      operator.tell(EntityHarness.question("q1", oldest - 1, 1));
      operator.tell(EntityHarness.question("q2", oldest, 2));
      operator.tell(EntityHarness.question("q3", 45_000, 3));

      assertThat(operator.answers().get(0)).contains("too old");
      assertThat(operator.answers().subList(1, 3)).containsExactly("35000: 0 null", "45000: 1 5.0");
    }
  }

  @Test
  @Timeout(value = 10, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aQuestionThatWaitsOutlivesTheFactsOfItsKey() throws Exception {
    try (var operator = new EntityHarness(PLAN, Options.LIVE, null)) {
      operator.tell(EntityHarness.fact("p", 1_000, 5, 0));
      operator.tell(EntityHarness.question("q", 20_000, 1));
      operator.watermark(1_000 + TestPlans.WINDOW_MS + LATENESS_MS + 1);
      assertThat(operator.answers()).isEmpty();
      operator.watermark(20_000);

      assertThat(operator.answers()).containsExactly("20000: 0 null");
      assertThat(operator.stateEntries()).isZero();
    }
  }

  @Test
  void aForgottenKeyIsNotAnsweredAsIfItHadNeverBeen() throws Exception {
    for (Options options : List.of(Options.ON_ARRIVAL, Options.ON_ARRIVAL_ROCKS_DB)) {
      try (var operator = new EntityHarness(PLAN, options, null)) {
        operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
        operator.watermark(1_000 + TestPlans.WINDOW_MS + LATENESS_MS + 1);
        assertThat(operator.stateEntries()).isZero();
        operator.tell(EntityHarness.question("q1", 10_000, 1));
        operator.tell(EntityHarness.fact("p2", 20_000, 7, 2));
        operator.watermark(20_001);
        operator.tell(EntityHarness.question("q2", 10_000, 3));
        operator.tell(EntityHarness.question("q3", 20_001 - LATENESS_MS, 4));

        assertThat(operator.answers().subList(0, 2))
            .allMatch(answer -> answer.startsWith("10000: too old"));
        assertThat(operator.answers().get(2)).isEqualTo("15001: 0 null");
      }
    }
  }

  @Test
  void aRejectionTravelsWithTheQuestion() throws Exception {
    Envelope question = EntityHarness.question("q", 1_000, 0);
    question.reject("too old");
    var serializer = EnvelopeSerializer.of(PLAN);
    var out = new DataOutputSerializer(64);
    serializer.serialize(question, out);
    var in = new DataInputDeserializer(out.getCopyOfBuffer());

    assertThat(serializer.deserialize(in).rejection()).isEqualTo("too old");
    assertThat(in.available()).isZero();
  }

  @Test
  void anAskingEventThatIsExcludedLeavesItsTies() throws Exception {
    Plan plan = plan(true, Knowledge.AS_HAPPENED, PAYMENTS);
    int both = Envelope.FACT | Envelope.QUESTION;
    try (var operator = EntityHarness.live(plan)) {
      operator.tell(EntityHarness.event(both, 0, "p1", 1_000, "a", 5, 0));
      operator.tell(EntityHarness.event(both, 0, "p2", 1_000, "a", 7, 1));
      operator.tell(EntityHarness.event(both, 0, "p3", 2_000, "a", 1, 2));
      operator.watermark(2_000);

      assertThat(operator.answers()).containsExactly("1000: 1 7.0", "1000: 1 5.0", "2000: 2 12.0");
      assertThat(operator.rows()).last().isEqualTo("final 2000: 3 13.0 until 11000");
    }
  }

  @Test
  void aQuestionAboutAnotherEventExcludesThatOne() throws Exception {
    Plan plan = plan(true, Knowledge.AS_HAPPENED, PAYMENTS, REPORTS);
    Plan told =
        new Plan(
            plan.project(),
            plan.streams(),
            List.of(
                TestPlans.entity(
                    "card",
                    TestPlans.input(
                        TestPlans.layout(Identity.EVENT, LATENESS_MS, true),
                        0,
                        TestPlans.AMOUNT,
                        0),
                    TestPlans.CARD,
                    2)),
            plan.views(),
            List.of(),
            List.of());
    try (var operator = EntityHarness.live(told)) {
      operator.tell(EntityHarness.fact("p1", 1_000, 5, 0));
      operator.tell(EntityHarness.fact("p2", 2_000, 7, 1));
      // Its own id is that of a payment, but it is none.
      operator.tell(EntityHarness.event(Envelope.QUESTION, 1, "p1", 3_000, "a", 0, 0));
      Envelope report = EntityHarness.event(Envelope.QUESTION, 1, "r2", 3_500, "a", 0, 1);
      operator.tell(
          new Envelope(
              Envelope.QUESTION | Envelope.ABOUT,
              1,
              report.eventTime,
              0,
              1,
              Long.MAX_VALUE,
              report.idHash,
              0,
              IdHash.of("p1"),
              report.values,
              report.answers));
      operator.watermark(4_000);

      assertThat(operator.answers()).containsExactly("3000: 2 12.0", "3500: 1 7.0");
    }
  }

  private static final Plan AS_KNOWN = plan(false, Knowledge.AS_KNOWN, PAYMENTS);

  private static Envelope appended(Envelope event, long appendTime) {
    return new Envelope(
        event.roles,
        event.stream,
        event.eventTime,
        event.partition,
        event.offset,
        appendTime,
        event.idHash,
        event.payloadHash,
        event.aboutHash,
        event.values,
        event.answers);
  }

  @Test
  void whatIsKnownCountsFromItsAppendTimeOn() throws Exception {
    try (var operator = EntityHarness.live(AS_KNOWN)) {
      operator.tell(appended(EntityHarness.fact("p1", 1_000, 5, 0), 3_000));
      operator.tell(EntityHarness.question("q1", 2_999, 1));
      operator.tell(EntityHarness.question("q2", 3_000, 2));
      operator.tell(EntityHarness.question("q3", 10_999, 3));
      operator.tell(EntityHarness.question("q4", 11_000, 4));
      operator.watermark(20_000);

      assertThat(operator.answers())
          .containsExactly("2999: 0 null", "3000: 1 5.0", "10999: 1 5.0", "11000: 0 null");
      assertThat(operator.rows()).containsExactly("both 3000: 1 5.0 until 11000");
    }
  }

  @Test
  void whatWasKnownBeforeTheLastThingThatBecameKnownIsNotAnswered() throws Exception {
    for (Options options : List.of(Options.LIVE, Options.ROCKS_DB)) {
      try (var operator = new EntityHarness(AS_KNOWN, options, null)) {
        operator.tell(appended(EntityHarness.fact("p1", 1_000, 5, 0), 3_000));
        operator.tell(appended(EntityHarness.fact("p2", 4_000, 7, 1), 4_000));
        operator.watermark(5_000);
        operator.tell(EntityHarness.question("q1", 2_999, 2));
        operator.tell(EntityHarness.question("q2", 3_000, 3));
        operator.tell(EntityHarness.question("q3", 4_000, 4));

        assertThat(operator.answers().get(0)).startsWith("2999: too old");
        assertThat(operator.answers().subList(1, 3)).containsExactly("3000: 1 5.0", "4000: 2 12.0");
      }
    }
  }

  @Test
  void anAnswerOnArrivalIsWhatIsKnownThen() throws Exception {
    try (var operator = new EntityHarness(AS_KNOWN, Options.ON_ARRIVAL, null)) {
      operator.tell(appended(EntityHarness.fact("p1", 1_000, 5, 0), 3_000));
      operator.watermark(5_000);
      operator.tell(EntityHarness.question("q1", 2_999, 1));

      assertThat(operator.answers()).containsExactly("2999: 1 5.0");
    }
  }

  @Test
  void howeverLateAnEventIsKnownItFindsItsPlace() throws Exception {
    for (Options options : List.of(Options.SORTED, Options.LIVE, Options.ROCKS_DB)) {
      try (var operator = new EntityHarness(AS_KNOWN, options, null)) {
        operator.tell(appended(EntityHarness.fact("p1", 1_000, 5, 0), 40_000));
        operator.tell(appended(EntityHarness.fact("p2", 2_000, 7, 1), 2_000));
        operator.tell(EntityHarness.question("q", 28_000, 3));
        if (!options.sorted()) {
          operator.watermark(29_000); // The window of the second has passed, and all lateness.
        }
        operator.tell(appended(EntityHarness.fact("p3", 30_000, 9, 2), 30_000));
        if (!options.sorted()) {
          operator.watermark(50_000);
        }
        operator.end();

        assertThat(operator.letters()).isEmpty();
        assertThat(operator.rows().stream().map(row -> row.replaceFirst("^\\w+ ", "")))
            .contains("2000: 1 7.0 until 12000", "30000: 1 9.0 until 40000")
            .anyMatch(row -> row.startsWith("40000: 0 null"));
      }
    }
  }

  static Stream<Long> seeds() {
    return IntStream.range(0, 30).mapToObj(i -> 32_452_843L * i + 5);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whatWasKnownIsTheSameInAnyArrivalOrderSortedAndAfterARestart(long seed) throws Exception {
    Random random = new Random(seed);
    List<Envelope> history = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      long at = 250L * random.nextInt(200);
      Envelope event =
          EntityHarness.event(
              Envelope.FACT | Envelope.QUESTION, 0, "p" + i, at, "a", random.nextInt(100), i);
      history.add(appended(event, at + 100L * random.nextInt(80)));
    }
    for (Envelope question : history) {
      long count = 0;
      double sum = 0;
      for (Envelope event : history) {
        if (event.eventTime <= question.eventTime
            && event.appendTime <= question.eventTime
            && event.eventTime > question.eventTime - TestPlans.WINDOW_MS) {
          count++;
          sum += (Double) event.values[TestPlans.AMOUNT];
        }
      }
      expected.add(question.eventTime + ": " + count + " " + (count == 0 ? null : sum));
    }
    List<Envelope> inOrder = new ArrayList<>(history);
    inOrder.sort(Comparator.naturalOrder());
    Map<Envelope, Long> arrival = new HashMap<>();
    history.forEach(event -> arrival.put(event, event.eventTime + random.nextInt(3_000)));
    List<Envelope> disordered = new ArrayList<>(history);
    disordered.sort(Comparator.comparing(event -> arrival.getOrDefault(event, 0L)));

    Result sorted = run(inOrder, Options.SORTED, 0, history.size());
    Result live = run(disordered, Options.LIVE, 3_000, random.nextInt(history.size()));
    assertThat(sorted.answers()).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(live.answers()).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(live.finalRows()).isEqualTo(sorted.finalRows());
  }

  private record Result(List<String> answers, List<String> finalRows) {}

  private static Result run(
      List<Envelope> events, Options options, long disorderMs, int restartAfter) throws Exception {
    List<String> answers = new ArrayList<>();
    List<String> rows = new ArrayList<>();
    long newest = Long.MIN_VALUE;
    EntityHarness operator = new EntityHarness(AS_KNOWN, options, null);
    for (int i = 0; i < events.size(); i++) {
      if (i == restartAfter) {
        var state = operator.snapshot();
        answers.addAll(operator.answers());
        rows.addAll(operator.rows());
        operator.close();
        operator = new EntityHarness(AS_KNOWN, options, state);
      }
      operator.tell(events.get(i));
      if (!options.sorted() && events.get(i).eventTime > newest) {
        newest = events.get(i).eventTime;
        operator.watermark(newest - disorderMs - 1);
      }
    }
    operator.end();
    answers.addAll(operator.answers());
    rows.addAll(operator.rows());
    operator.close();
    return new Result(
        answers,
        rows.stream()
            .filter(row -> !row.startsWith("online"))
            .map(row -> row.replaceFirst("^\\w+ ", ""))
            .toList());
  }
}
