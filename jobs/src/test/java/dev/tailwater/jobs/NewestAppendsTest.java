package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.definitions.AnswerMode;
import dev.tailwater.definitions.Knowledge;
import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.ModelPlan.Source.CarriedColumn;
import dev.tailwater.plan.ModelPlan.Source.Feature;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.PredictionFormat;
import dev.tailwater.schemas.RecordFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class NewestAppendsTest {

  private static final long LONG_WINDOW_MS = 10_000;
  private static final long SHORT_WINDOW_MS = 3_000;
  private static final Plan PLAN = plan();

  static LongStream seeds() {
    return LongStream.range(0, 100);
  }

  /** Count over 10 s, sum over 3 s, and the amount itself; cards only, two streams tell them. */
  private static Plan plan() {
    StateLayout layout =
        new StateLayout(
            List.of(ColumnType.DOUBLE),
            0,
            List.of(
                FeatureSpec.sliding(Aggregate.COUNT, -1, -1, LONG_WINDOW_MS, 0, 0L),
                FeatureSpec.sliding(Aggregate.SUM, 0, -1, SHORT_WINDOW_MS, 0, null)),
            Identity.EVENT,
            0);
    Plan cards =
        TestPlans.cards(
            TestPlans.view("spend", 0, 0, Knowledge.AS_HAPPENED),
            layout,
            TestPlans.stream("payments", RecordFormat.JSON, 0),
            TestPlans.stream("refunds", RecordFormat.JSON, 0));
    ModelPlan model =
        new ModelPlan(
            "fraud",
            "d",
            0,
            AnswerMode.ON_ARRIVAL,
            -1,
            new int[] {0},
            List.of(
                new ModelPlan.Element("count", new Feature(0, 0)),
                new ModelPlan.Element("sum", new Feature(0, 1)),
                new ModelPlan.Element("amount", new CarriedColumn(TestPlans.AMOUNT))),
            50,
            0.5,
            "predictions",
            PredictionFormat.JSON,
            Optional.empty());
    return new Plan(
        cards.project(),
        cards.streams(),
        cards.entities(),
        cards.views(),
        List.of(model),
        cards.chains());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void tellsWhatALookAtEveryFactTells(long seed) throws Exception {
    List<Envelope> events = events(new Random(seed));
    Map<String, List<Long>> expected = new TreeMap<>();
    for (Envelope question : events) {
      if (question.isQuestion()) {
        long[] newest = {
          naiveNewest(events, question, LONG_WINDOW_MS),
          naiveNewest(events, question, SHORT_WINDOW_MS),
          Long.MIN_VALUE
        };
        if (newest[0] != Long.MIN_VALUE
            && (question.appendTime == Long.MAX_VALUE
                || newest[0] > question.appendTime - AnswerComparison.RACE_MS)) {
          expected.put(id(question), Arrays.stream(newest).boxed().toList());
        }
      }
    }
    assertThat(told(events)).isEqualTo(expected);
  }

  private static long naiveNewest(List<Envelope> events, Envelope question, long windowMs) {
    return events.stream()
        .filter(Envelope::isFact)
        .filter(fact -> fact.idHash != question.idHash || fact.stream != question.stream)
        .filter(fact -> fact.appendTime != Long.MAX_VALUE)
        .filter(fact -> fact.eventTime <= question.eventTime)
        .filter(fact -> fact.eventTime > question.eventTime - windowMs)
        .mapToLong(fact -> fact.appendTime)
        .max()
        .orElse(Long.MIN_VALUE);
  }

  private static Map<String, List<Long>> told(List<Envelope> events) throws Exception {
    Map<String, List<Long>> told = new TreeMap<>();
    try (var harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new KeyedProcessOperator<>(new NewestAppends(PLAN, 0, 0)),
            (Envelope event) -> "card",
            Types.STRING)) {
      harness.open();
      for (Envelope event : events) {
        harness.processElement(event, event.eventTime);
      }
      harness.processWatermark(Watermark.MAX_WATERMARK);
      harness
          .extractOutputValues()
          .forEach(
              evidence ->
                  told.put(
                      evidence.questionId(),
                      Arrays.stream(evidence.newestAppends()).boxed().toList()));
    }
    return told;
  }

  /** Events of one card by event time, most appended at once, some late, some at one instant. */
  private static List<Envelope> events(Random random) {
    List<Envelope> events = new ArrayList<>();
    for (int i = 0; i < 80; i++) {
      long time = 500L * random.nextInt(100);
      long append =
          random.nextInt(20) == 0
              ? Long.MAX_VALUE
              : time + random.nextInt(random.nextInt(5) == 0 ? 30_000 : 300);
      int stream = random.nextInt(2);
      int roles = stream == 1 ? Envelope.FACT : 1 + random.nextInt(3);
      // A copy of an event has its id and time.
      int repeat = events.isEmpty() || random.nextInt(10) > 0 ? -1 : random.nextInt(events.size());
      Envelope of = repeat < 0 ? null : events.get(repeat);
      events.add(
          new Envelope(
              of == null ? roles : Envelope.FACT,
              of == null ? stream : of.stream,
              of == null ? time : of.eventTime,
              0,
              i,
              append,
              of == null ? i : of.idHash,
              0,
              0,
              new Object[] {"e" + i, "card", null, 1.0},
              new Object[1][]));
    }
    events.sort(Comparator.comparingLong(event -> event.eventTime));
    return events;
  }

  private static String id(Envelope event) {
    return String.valueOf(event.values[0]);
  }
}
