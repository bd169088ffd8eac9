package dev.tailwater.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EvaluationTest {
  private static final double EXACT = 1e-12;

  static LongStream seeds() {
    return LongStream.rangeClosed(1, 60);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void equalsTheNaiveFiguresWithAndWithoutTies(long seed) {
    Random random = new Random(seed);
    int rows = 2 + random.nextInt(60);
    int distinct = random.nextBoolean() ? 4 : 1_000_000; // few: many ties
    double[] scores = new double[rows];
    boolean[] labels = new boolean[rows];
    for (int row = 0; row < rows; row++) {
      scores[row] = random.nextInt(distinct + 1) / (double) distinct;
      labels[row] = random.nextInt(4) == 0;
    }
    labels[0] = true;
    labels[1] = false;
    Evaluation evaluation = Evaluation.of(scores, labels);

    assertThat(evaluation.rocAuc().orElseThrow())
        .isCloseTo(naiveRocAuc(scores, labels), within(EXACT));
    assertThat(evaluation.averagePrecision().orElseThrow())
        .isCloseTo(naiveAveragePrecision(scores, labels), within(EXACT));
    assertThat(evaluation.logLoss()).isCloseTo(naiveLogLoss(scores, labels), within(EXACT));
    for (int k = 1; k <= rows + 1; k++) {
      assertThat(evaluation.precisionAt(k))
          .as("precision at %d", k)
          .isCloseTo(naivePrecisionAt(scores, labels, k), within(EXACT));
    }
  }

  @Test
  void ranksEqualScoresAsAHalf() {
    Evaluation evaluation =
        Evaluation.of(new double[] {0.5, 0.5, -0.0, 0.0}, new boolean[] {true, false, true, false});
    assertThat(evaluation.rocAuc()).hasValue(0.5);
    assertThat(evaluation.averagePrecision()).hasValue(0.5);
    assertThat(evaluation.precisionAt(1)).isEqualTo(0.5);
  }

  @Test
  void leavesOutWhatHasNoValueWithOneClass() {
    Evaluation negatives = Evaluation.of(new double[] {0.1, 0.2}, new boolean[] {false, false});
    assertThat(negatives.rocAuc()).isEmpty();
    assertThat(negatives.averagePrecision()).isEmpty();
    assertThat(negatives.metrics("holdout_"))
        .containsOnlyKeys(
            "holdout_rows", "holdout_positives", "holdout_log_loss", "holdout_precision_at_100")
        .containsAllEntriesOf(Map.of("holdout_rows", 2.0, "holdout_positives", 0.0));

    Evaluation positives = Evaluation.of(new double[] {0.1}, new boolean[] {true});
    assertThat(positives.rocAuc()).isEmpty();
    assertThat(positives.averagePrecision()).hasValue(1.0);
  }

  @Test
  void keepsTheLossOfACertainMistakeFinite() {
    Evaluation evaluation = Evaluation.of(new double[] {1, 0}, new boolean[] {false, true});
    assertThat(evaluation.logLoss()).isCloseTo(-Math.log(1e-15), within(1e-9));
  }

  @Test
  void refusesScoresThatAreNoProbabilities() {
    assertThatThrownBy(() -> Evaluation.of(new double[] {0.5, Double.NaN}, new boolean[2]))
        .hasMessage("the score of row 1 is NaN, which is no probability");
    assertThatThrownBy(() -> Evaluation.of(new double[] {0.5}, new boolean[2]))
        .hasMessageContaining("1 scores, 2 labels");
    assertThatThrownBy(() -> Evaluation.of(new double[0], new boolean[0]))
        .hasMessageContaining("at least one");
  }

  private static double naiveRocAuc(double[] scores, boolean[] labels) {
    double sum = 0;
    int pairs = 0;
    for (int positive = 0; positive < scores.length; positive++) {
      for (int negative = 0; negative < scores.length; negative++) {
        if (labels[positive] && !labels[negative]) {
          pairs++;
          sum += scores[positive] > scores[negative] ? 1 : 0;
          sum += scores[positive] == scores[negative] ? 0.5 : 0;
        }
      }
    }
    return sum / pairs;
  }

  private static double naiveAveragePrecision(double[] scores, boolean[] labels) {
    double[] thresholds = Arrays.stream(scores).distinct().sorted().toArray();
    double area = 0;
    double recallBefore = 0;
    for (int i = thresholds.length - 1; i >= 0; i--) {
      double selected = 0;
      double hits = 0;
      double positives = 0;
      for (int row = 0; row < scores.length; row++) {
        positives += labels[row] ? 1 : 0;
        if (scores[row] >= thresholds[i]) {
          selected++;
          hits += labels[row] ? 1 : 0;
        }
      }
      area += (hits / positives - recallBefore) * (hits / selected);
      recallBefore = hits / positives;
    }
    return area;
  }

  private static double naiveLogLoss(double[] scores, boolean[] labels) {
    double sum = 0;
    for (int row = 0; row < scores.length; row++) {
      double given = labels[row] ? scores[row] : 1 - scores[row];
      sum -= Math.log(Math.max(given, 1e-15));
    }
    return sum / scores.length;
  }

  /** Each row's chance to be chosen, from the number of rows above it and beside it. */
  private static double naivePrecisionAt(double[] scores, boolean[] labels, int k) {
    int chosen = Math.min(k, scores.length);
    double hits = 0;
    for (int row = 0; row < scores.length; row++) {
      int above = 0;
      int tied = 0;
      for (double other : scores) {
        above += other > scores[row] ? 1 : 0;
        tied += other == scores[row] ? 1 : 0;
      }
      double chance = Math.max(0, Math.min(1, (chosen - above) / (double) tied));
      hits += labels[row] ? chance : 0;
    }
    return hits / chosen;
  }
}
