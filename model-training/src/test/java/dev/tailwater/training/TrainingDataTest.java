package dev.tailwater.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrainingDataTest {
  @Test
  void keepsWhatItIsGivenAndCopiesTheVector() throws Exception {
    double[] vector = {1.5, Double.NaN};
    TrainingData.Builder builder = TrainingData.builder(List.of("a", "b"), 10);
    builder.add(2_000, vector, true, 0.5);
    vector[0] = 9;
    builder.add(1_000, vector, false);
    TrainingData data = builder.build();

    assertThat(data.rows()).isEqualTo(2);
    assertThat(data.positives()).isEqualTo(1);
    assertThat(data.value(0, 0)).isEqualTo(1.5f);
    assertThat(data.value(0, 1)).isNaN();
    assertThat(data.value(1, 0)).isEqualTo(9f);
    assertThat(data.label(0)).isTrue();
    assertThat(data.weight(0)).isEqualTo(0.5f);
    assertThat(data.weight(1)).isEqualTo(1f);
    assertThat(data.firstEventTime()).isEqualTo(Instant.ofEpochMilli(1_000));
    assertThat(data.lastEventTime()).isEqualTo(Instant.ofEpochMilli(2_000));

    TrainingData second = data.where(row -> !data.label(row));
    assertThat(second.rows()).isEqualTo(1);
    assertThat(second.eventTimeMs(0)).isEqualTo(1_000);
    assertThat(second.positives()).isZero();
  }

  @Test
  void holdsAsManyRowsAsItsLimitAndNoMore() throws Exception {
    TrainingData.Builder builder = TrainingData.builder(List.of("a"), 3_000);
    for (int row = 0; row < 3_000; row++) {
      builder.add(row, new double[] {row}, row % 2 == 0);
    }
    assertThatThrownBy(() -> builder.add(3_000, new double[] {0}, true))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("more than 3,000 training rows (max-rows)");
    assertThat(builder.build().value(2_999, 0)).isEqualTo(2_999f);
  }

  @Test
  void namesTheFeatureTheRowAndTheValueThatCannotBeUsed() {
    TrainingData.Builder builder = TrainingData.builder(List.of("a", "ratio"), 10);
    assertThatThrownBy(() -> builder.add(0, new double[] {1, Double.POSITIVE_INFINITY}, true))
        .isInstanceOf(TrainingException.class)
        .hasMessageStartingWith("feature 'ratio' of row 0 at 1970-01-01T00:00:00Z is Infinity");
    assertThatThrownBy(() -> builder.add(0, new double[] {1e300, 0}, true))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("feature 'a' of row 0");
    assertThatThrownBy(() -> builder.add(0, new double[] {1, 2}, true, Double.NaN))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("weight NaN");
    assertThatThrownBy(() -> builder.add(0, new double[] {1}, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("row 0 has 1 values for 2 features");
    assertThatThrownBy(() -> TrainingData.builder(List.of("a", "a"), 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("feature 'a' is there twice");
    assertThat(builder.build().rows()).isZero();
  }
}
