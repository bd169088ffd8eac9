package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.ArchivedPrediction;
import dev.tailwater.jobs.VectorComparison.Cause;
import dev.tailwater.jobs.VectorComparison.Difference;
import dev.tailwater.schemas.Prediction;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AnswerComparisonTest {

  private static final long ANSWERED_AT = 100_000;
  private static final long LONG_KNOWN = Long.MIN_VALUE;

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
