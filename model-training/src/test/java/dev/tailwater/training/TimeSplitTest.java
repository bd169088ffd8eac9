package dev.tailwater.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TimeSplitTest {
  @Test
  void holdsOutTheLastShareByEventTimeWhateverTheOrderOfTheRows() throws Exception {
    TimeSplit.Parts parts = TimeSplit.lastShare(0.3).split(at(9, 1, 8, 2, 7, 3, 6, 4, 5, 0));
    assertThat(times(parts.train())).containsExactly(1L, 2L, 3L, 6L, 4L, 5L, 0L);
    assertThat(times(parts.holdOut())).containsExactly(9L, 8L, 7L);
    assertThat(parts.boundary()).isEqualTo(Instant.ofEpochMilli(7));
  }

  @Test
  void keepsRowsOfOneInstantTogether() throws Exception {
    TimeSplit.Parts parts = TimeSplit.lastShare(0.25).split(at(1, 2, 2, 2));
    assertThat(times(parts.train())).containsExactly(1L);
    assertThat(times(parts.holdOut())).containsExactly(2L, 2L, 2L);
  }

  @Test
  void leavesOutRowsWhoseLabelsWereNotKnownYet() throws Exception {
    TimeSplit.Parts parts =
        new TimeSplit(0.4, Duration.ofMillis(3)).split(at(0, 10, 20, 28, 29, 30, 31, 32, 33, 34));
    assertThat(parts.boundary()).isEqualTo(Instant.ofEpochMilli(31));
    assertThat(times(parts.train())).containsExactly(0L, 10L, 20L);
    assertThat(times(parts.holdOut())).containsExactly(31L, 32L, 33L, 34L);
  }

  @Test
  void saysWhyAPartWouldBeEmpty() {
    assertThatThrownBy(() -> TimeSplit.lastShare(0.5).split(at(5, 5, 5)))
        .isInstanceOf(TrainingException.class)
        .hasMessageStartingWith("none of the 3 rows is before 1970-01-01T00:00:00.005Z");
    assertThatThrownBy(() -> TimeSplit.lastShare(0.5).split(at()))
        .isInstanceOf(TrainingException.class)
        .hasMessageStartingWith("there are no rows to split");
    assertThatThrownBy(() -> TimeSplit.lastShare(1))
        .hasMessage("hold-out-share (1.0) must be above 0 and below 1");
  }

  private static TrainingData at(long... timesMs) throws TrainingException {
    TrainingData.Builder builder = TrainingData.builder(List.of("a"), 100);
    for (long timeMs : timesMs) {
      builder.add(timeMs, new double[] {0}, true);
    }
    return builder.build();
  }

  private static long[] times(TrainingData data) {
    return IntStream.range(0, data.rows()).mapToLong(data::eventTimeMs).toArray();
  }
}
