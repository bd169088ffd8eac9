package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HistoryEndsTest {

  @Test
  void areOneLineThatCanBeReadBack() {
    HistoryEnds ends =
        new HistoryEnds(Map.of("transactions", Map.of(1, 7L, 0, 1_200L), "refunds", Map.of(0, 0L)));

    assertThat(ends).hasToString("refunds:0=0 transactions:0=1200,1=7");
    assertThat(HistoryEnds.parse(ends.toString())).isEqualTo(ends);
    assertThat(HistoryEnds.parse("").byStream()).isEmpty();
    assertThat(HistoryEnds.parse("empty:").of("empty")).isEmpty();
    assertThat(ends.of("unknown")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"transactions", ":0=1", "transactions:0", "transactions:x=1"})
  void anythingElseIsRefusedWithThePlace(String written) {
    assertThatThrownBy(() -> HistoryEnds.parse(written))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(written)
        .hasMessageContaining("STREAM:PARTITION=OFFSET");
  }
}
