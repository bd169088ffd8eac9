package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.jobs.ScorePair;
import dev.tailwater.training.Evaluation;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ScoreDifferencesTest {

  private static final int UNKNOWN = -1;

  private final ScoreDifferences differences = new ScoreDifferences(0.5);

  @Test
  void tellsHowFarTheScoresAreApartAndWhichCrossTheThreshold() {
    add(0.25, 0.5, UNKNOWN);
    add(0.5, 0.375, UNKNOWN);
    add(0.75, 0.75, UNKNOWN);
    add(0.5, 0.625, UNKNOWN);

    ScoreDifferences.Distances distances = differences.distances();

    assertThat(distances.questions()).isEqualTo(4);
    assertThat(distances.mean()).isEqualTo(0.0625);
    assertThat(distances.meanAbsolute()).isEqualTo(0.125);
    assertThat(distances.quantiles())
        .isEqualTo(Map.of("p50", 0.125, "p90", 0.25, "p99", 0.25, "p100", 0.25));
    assertThat(distances.crossedUp()).isEqualTo(1);
    assertThat(distances.crossedDown()).isEqualTo(1);
  }

  @Test
  void questionsThatNobodyServedAreInNoDistance() {
    add(Double.NaN, 0.9, 1);
    add(0.5, 0.75, UNKNOWN);

    assertThat(differences.distances().questions()).isEqualTo(1);
    assertThat(differences.distances().meanAbsolute()).isEqualTo(0.25);
  }

  @Test
  void bothVersionsAreJudgedByTheSameQuestions() {
    add(0.2, 0.1, 0);
    add(0.1, 0.9, 1);
    add(0.9, 0.8, 1);
    add(0.3, 0.2, 0);
    add(Double.NaN, 0.0, 1);

    Map<String, Evaluation> evaluations = differences.evaluations();

    assertThat(evaluations.keySet()).containsExactly("served", "scored");
    assertThat(evaluations)
        .hasEntrySatisfying("served", served -> assertThat(served.rocAuc()).hasValue(0.5))
        .hasEntrySatisfying("scored", scored -> assertThat(scored.rocAuc()).hasValue(1))
        .allSatisfy((name, evaluation) -> assertThat(evaluation.rows()).isEqualTo(4));
  }

  @Test
  void aModelThatNeverServedIsJudgedAlone() {
    add(Double.NaN, 0.1, 0);
    add(Double.NaN, 0.9, 1);

    assertThat(differences.evaluations().keySet()).containsExactly("scored");
    assertThat(differences.distances().questions()).isZero();
  }

  @Test
  void withoutLabelsNothingIsJudged() {
    add(0.1, 0.2, UNKNOWN);

    assertThat(differences.evaluations()).isEmpty();
  }

  private void add(double served, double scored, int label) {
    differences.add(new ScorePair(served, scored, label));
  }
}
