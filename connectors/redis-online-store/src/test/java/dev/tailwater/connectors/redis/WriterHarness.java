package dev.tailwater.connectors.redis;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.streaming.runtime.tasks.TestProcessingTimeService;

/** One writer with a clock that moves when told and metrics that can be read. */
final class WriterHarness implements AutoCloseable {

  private final TestProcessingTimeService clock = new TestProcessingTimeService();
  private final Metrics metrics = new Metrics();
  private final RedisRowWriter writer;

  WriterHarness(RedisAddress address, RedisWriteSettings settings) {
    this(address, settings, Rows.SPEND);
  }

  WriterHarness(RedisAddress address, RedisWriteSettings settings, FeatureViewLayout view) {
    writer =
        new RedisRowWriter(
            address, new RedisLayout[] {new RedisLayout(view)}, settings, true, clock, metrics);
  }

  void write(FeatureRow... rows) throws Exception {
    for (FeatureRow row : rows) {
      writer.write(row, NO_CONTEXT);
    }
  }

  void flush() throws Exception {
    writer.flush(false);
  }

  void advanceClock(long ms) throws Exception {
    clock.advance(ms);
  }

  long count(RedisMetric metric) {
    Counter counter = metrics.counters.get(metric.metricName());
    return counter == null ? 0 : counter.getCount();
  }

  @Override
  public void close() {
    writer.close();
  }

  static final SinkWriter.Context NO_CONTEXT =
      new SinkWriter.Context() {
        @Override
        public long currentWatermark() {
          return Long.MIN_VALUE;
        }

        @Override
        public Long timestamp() {
          return 0L;
        }
      };

  private static final class Metrics extends UnregisteredMetricsGroup {
    private final Map<String, Counter> counters = new ConcurrentHashMap<>();

    @Override
    public Counter counter(String name) {
      return counters.computeIfAbsent(name, super::counter);
    }
  }
}
