package dev.tailwater.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class LatenciesTest {

  @Test
  void aPercentileIsTheSmallestValueThatCoversTheShare() {
    Latencies latencies = new Latencies(LongStream.rangeClosed(1, 200).map(ms -> 201 - ms));

    assertThat(latencies.percentile(0.5)).isEqualTo(100);
    assertThat(latencies.percentile(0.99)).isEqualTo(198);
    assertThat(latencies.percentile(1)).isEqualTo(200);
  }

  @Test
  void withoutAMeasurementThereIsNoPercentile() {
    assertThatThrownBy(() -> new Latencies(LongStream.empty()).percentile(0.5))
        .hasMessageContaining("no latency was measured");
  }
}
