package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.ArchivedPrediction;
import dev.tailwater.jobs.ScoreComparison.Kind;
import dev.tailwater.jobs.VectorComparison.Cause;
import dev.tailwater.jobs.VectorComparison.Difference;
import dev.tailwater.schemas.Prediction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AnswerComparisonTest {

  private static final long ANSWERED_AT = 100_000;
  private static final long LONG_KNOWN = Long.MIN_VALUE;

  /** The offset of the event that asked. */
  private static final long EVENT = 7;

  static LongStream seeds() {
    return LongStream.range(0, 200);
  }

  @Test
  void theSameBitsAreEqualAndNullIsNaN() {
    assertThat(causes(served(1.5, Double.NaN), replayed(1.5, Double.NaN))).isEmpty();
  }

  @Test
  void aFactAppendedAfterTheAnswerMakesItLate() {
    assertThat(causes(served(1, 2), replayed(1, 3), LONG_KNOWN, ANSWERED_AT + 1))
        .containsExactly(Map.entry("b", Cause.LATE));
  }

  @Test
  void aFactAppendedJustBeforeTheAnswerIsARace() {
    assertThat(causes(served(1, 2), replayed(2, 3), ANSWERED_AT, ANSWERED_AT - 999))
        .containsExactly(Map.entry("a", Cause.RACE), Map.entry("b", Cause.RACE));
  }

  @Test
  void aDifferenceThatNoFactExplainsIsOther() {
    assertThat(causes(served(1, 2), replayed(1, 3), ANSWERED_AT + 1, ANSWERED_AT - 1_000))
        .containsExactly(Map.entry("b", Cause.OTHER));
    assertThat(causes(served(1, 2), replayed(1, Double.NaN)))
        .containsExactly(Map.entry("b", Cause.OTHER));
  }

  @Test
  void neighboursAreAMatterOfArithmeticWhateverWasLate() {
    assertThat(causes(served(1, 0.0), replayed(1 + 4 * Math.ulp(1.0), -0.0), Long.MAX_VALUE, 0))
        .containsExactly(Map.entry("a", Cause.FLOAT), Map.entry("b", Cause.FLOAT));
    assertThat(causes(served(1, 1e300), replayed(1 + 5 * Math.ulp(1.0), -1e300)))
        .containsExactly(Map.entry("a", Cause.OTHER), Map.entry("b", Cause.OTHER));
  }

  @Test
  void anotherDefinitionExplainsEveryDifference() {
    assertThat(
            causes(
                answer("d1", List.of("a", "b"), 1, 2),
                answer("d2", List.of("a", "b"), 1, 3).prediction(),
                0,
                Long.MAX_VALUE))
        .containsExactly(Map.entry("b", Cause.VERSION));
  }

  @Test
  void featuresAreComparedByNameAndOneThatIsMissingIsOfAnotherVersion() {
    assertThat(
            causes(
                answer("d", List.of("b", "gone"), 2, 7),
                answer("d", List.of("a", "b"), Double.NaN, 2).prediction()))
        .containsExactly(Map.entry("a", Cause.VERSION), Map.entry("gone", Cause.VERSION));
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void classifiesAsTheDefinitionsSay(long seed) {
    Random random = new Random(seed);
    List<String> features = List.of("a", "b", "c", "d", "e", "f");
    double[] was = new double[features.size()];
    double[] is = new double[features.size()];
    long[] newest = new long[features.size()];
    for (int i = 0; i < was.length; i++) {
      was[i] = random.nextInt(5) == 0 ? Double.NaN : random.nextGaussian();
      is[i] =
          switch (random.nextInt(4)) {
            case 0 -> was[i];
            case 1 -> was[i] + random.nextInt(8) * Math.ulp(was[i]);
            case 2 -> -was[i];
            default -> random.nextInt(5) == 0 ? Double.NaN : random.nextGaussian();
          };
      newest[i] = random.nextInt(4) == 0 ? LONG_KNOWN : ANSWERED_AT + random.nextInt(3_000) - 2_000;
    }
    Map<String, Cause> expected = new LinkedHashMap<>();
    for (int i = 0; i < was.length; i++) {
      if (!Objects.equals(was[i], is[i])) {
        expected.put(features.get(i), naiveCause(was[i], is[i], newest[i]));
      }
    }
    assertThat(causes(answer("d", features, was), answer("d", features, is).prediction(), newest))
        .isEqualTo(expected);
  }

  private static Cause naiveCause(double was, double is, long newest) {
    double neighbour = was;
    for (int step = 0; step <= 4; step++) {
      if (neighbour == is) {
        return Cause.FLOAT;
      }
      neighbour = Math.nextAfter(neighbour, is);
    }
    return newest > ANSWERED_AT
        ? Cause.LATE
        : newest > ANSWERED_AT - 1_000 ? Cause.RACE : Cause.OTHER;
  }

  /** What is known of one question, and what must be counted for it. */
  private record Known(
      List<AnswerEvidence> evidence,
      String vectors,
      @Nullable Kind kind,
      @Nullable ScorePair pair) {}

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void countsEveryQuestionOnceWhateverIsKnownOfItInWhateverOrder(long seed) throws Exception {
    Random random = new Random(seed);
    Map<String, Long> expected = new TreeMap<>();
    List<ScorePair> pairs = new ArrayList<>();
    List<AnswerEvidence> evidence = new ArrayList<>();
    for (int question = 0; question < 50; question++) {
      Known known = question("q" + question, random);
      evidence.addAll(known.evidence());
      expected.merge(known.vectors(), 1L, Long::sum);
      if (known.kind() != null) {
        expected.merge(ScoreComparison.counter(known.kind()), 1L, Long::sum);
      }
      if (known.pair() != null) {
        pairs.add(known.pair());
      }
    }
    Collections.shuffle(evidence, random);
    Map<String, Long> counted = new TreeMap<>();
    try (var harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new KeyedProcessOperator<>(new AnswerComparison()),
            AnswerEvidence::questionId,
            Types.STRING)) {
      harness.open();
      for (AnswerEvidence known : evidence) {
        harness.processElement(known, 0);
      }
      harness.processWatermark(Watermark.MAX_WATERMARK);
      assertThat(harness.extractOutputValues()).containsExactlyInAnyOrderElementsOf(pairs);
      harness
          .getEnvironment()
          .getAccumulatorRegistry()
          .getUserMap()
          .forEach(
              (name, accumulator) -> {
                if (accumulator.getLocalValue() instanceof Long count
                    && !name.startsWith("vector-comparison-feature:")) {
                  counted.put(name, count);
                }
              });
    }
    assertThat(counted).isEqualTo(expected);
  }

  /** By cases; the oracle is this list of them. */
  private static Known question(String id, Random random) {
    ArchivedPrediction served = scored(id, "1", 0.25, 5, 1.5);
    ArchivedPrediction repeated = scored(id, "1", 0.75, 6, 7.5);
    AnswerEvidence same = AnswerEvidence.replayed(scored(id, "1", 0.25, -1, 1.5));
    AnswerEvidence label = AnswerEvidence.label(id, true);
    return switch (random.nextInt(9)) {
      case 0 ->
          new Known(
              List.of(AnswerEvidence.served(repeated), AnswerEvidence.served(served), same),
              VectorComparison.EQUAL,
              Kind.EQUAL,
              new ScorePair(0.25, 0.25, -1));
      case 1 ->
          new Known(
              List.of(
                  AnswerEvidence.served(served),
                  AnswerEvidence.replayed(scored(id, "1", 0.5, -1, 2.5)),
                  AnswerEvidence.newestAppends(id, new long[] {0}),
                  label),
              VectorComparison.DIFFERENT,
              Kind.DIFFERENT_VECTOR,
              new ScorePair(0.25, 0.5, 1));
      case 2 ->
          new Known(
              List.of(
                  AnswerEvidence.served(served),
                  AnswerEvidence.replayed(scored(id, "1", 0.5, -1, 1.5))),
              VectorComparison.EQUAL,
              Kind.NOT_REPRODUCED,
              new ScorePair(0.25, 0.5, -1));
      case 3 ->
          new Known(
              List.of(
                  AnswerEvidence.served(served),
                  AnswerEvidence.replayed(scored(id, "2", 0.25, -1, 1.5))),
              VectorComparison.EQUAL,
              Kind.OTHER_VERSION,
              new ScorePair(0.25, 0.25, -1));
      case 4 ->
          new Known(
              List.of(same, label),
              VectorComparison.NOT_SERVED,
              Kind.NOT_SERVED,
              new ScorePair(Double.NaN, 0.25, 1));
      case 5 ->
          new Known(
              List.of(AnswerEvidence.served(served)), VectorComparison.NOT_REPLAYED, null, null);
      case 6 ->
          new Known(
              List.of(AnswerEvidence.served(rejected(id, 5)), same),
              VectorComparison.NOT_SERVED,
              Kind.SERVED_WITHOUT_MODEL,
              null);
      case 7 -> // The id came again, with another event.
          new Known(
              List.of(
                  AnswerEvidence.served(served),
                  same,
                  AnswerEvidence.replayed(scored(id, "1", 0.5, -1, 2.5, EVENT - 1)),
                  AnswerEvidence.replayed(scored(id, "1", 0.5, -1, 2.5, EVENT + 1))),
              VectorComparison.EQUAL,
              Kind.EQUAL,
              new ScorePair(0.25, 0.25, -1));
      default ->
          new Known(
              List.of(AnswerEvidence.served(served), AnswerEvidence.replayed(rejected(id, -1))),
              VectorComparison.NOT_REPLAYED,
              Kind.NOT_SCORED,
              null);
    };
  }

  private static ArchivedPrediction scored(
      String id, String version, double score, long offset, double value) {
    return scored(id, version, score, offset, value, EVENT);
  }

  private static ArchivedPrediction scored(
      String id, String version, double score, long offset, double value, long event) {
    return new ArchivedPrediction(
        new Prediction(
            id,
            "fraud",
            version,
            "d",
            90_000,
            score,
            Prediction.Outcome.SCORED,
            null,
            Double.NaN,
            List.of("a"),
            new double[] {value},
            "payments",
            0,
            event),
        0,
        offset,
        ANSWERED_AT);
  }

  private static ArchivedPrediction rejected(String id, long offset) {
    return new ArchivedPrediction(
        new Prediction(
            id,
            "fraud",
            "1",
            "d",
            90_000,
            Double.NaN,
            Prediction.Outcome.REJECTED,
            "too old",
            Double.NaN,
            List.of("a"),
            new double[] {Double.NaN},
            "payments",
            0,
            7),
        0,
        offset,
        ANSWERED_AT);
  }

  private static Map<String, Cause> causes(
      ArchivedPrediction served, Prediction replayed, long... newest) {
    Map<String, Cause> causes = new LinkedHashMap<>();
    for (Difference difference : AnswerComparison.differences(served, replayed, newest)) {
      causes.put(difference.feature(), difference.cause());
    }
    return causes;
  }

  private static ArchivedPrediction served(double... vector) {
    return answer("d", List.of("a", "b"), vector);
  }

  private static Prediction replayed(double... vector) {
    return answer("d", List.of("a", "b"), vector).prediction();
  }

  private static ArchivedPrediction answer(
      String definition, List<String> names, double... vector) {
    return new ArchivedPrediction(
        new Prediction(
            "q",
            "fraud",
            "1",
            definition,
            90_000,
            0.5,
            Prediction.Outcome.SCORED,
            null,
            3,
            new ArrayList<>(names),
            vector,
            "payments",
            0,
            7),
        0,
        7,
        ANSWERED_AT);
  }
}
