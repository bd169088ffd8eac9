package dev.tailwater.connectors.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkGeneratorSupplier;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.util.clock.ManualClock;
import org.apache.flink.util.clock.RelativeClock;
import org.junit.jupiter.api.Test;

/** A disorder of 100 ms, idle after 10 s. */
class EventTimeWatermarksTest {

  private final ManualClock clock = new ManualClock(1);
  private final List<String> emitted = new ArrayList<>();
  private final WatermarkGenerator<LogRecord> watermarks =
      new EventTimeWatermarks(100, 60_000, 10_000).createWatermarkGenerator(new Context());
  private final WatermarkOutput output = new Output();

  @Test
  void aPartitionOfTheLogIsIdleWhenItIsSilent() {
    tell(1_000, false);
    watermarks.onPeriodicEmit(output);
    beSilent();

    assertThat(emitted).containsExactly("899", "899", "idle");
  }

  @Test
  void aFileOfTheLakeMovesNothingAndIsNeverIdle() {
    tell(1_000, true);
    watermarks.onPeriodicEmit(output);
    beSilent();

    assertThat(emitted).isEmpty();
  }

  private void tell(long eventTime, boolean isArchived) {
    LogRecord record = new LogRecord();
    record.eventTime = eventTime;
    record.newestIsExact = isArchived;
    watermarks.onEvent(record, eventTime, output);
  }

  private void beSilent() {
    watermarks.onPeriodicEmit(output); // From here on the silence is measured.
    clock.advanceTime(Duration.ofSeconds(11));
    watermarks.onPeriodicEmit(output);
  }

  private final class Output implements WatermarkOutput {

    @Override
    public void emitWatermark(Watermark watermark) {
      emitted.add(Long.toString(watermark.getTimestamp()));
    }

    @Override
    public void markIdle() {
      emitted.add("idle");
    }

    @Override
    public void markActive() {
      emitted.add("active");
    }
  }

  private final class Context implements WatermarkGeneratorSupplier.Context {

    @Override
    public MetricGroup getMetricGroup() {
      return new UnregisteredMetricsGroup();
    }

    @Override
    public RelativeClock getInputActivityClock() {
      return clock;
    }
  }
}
