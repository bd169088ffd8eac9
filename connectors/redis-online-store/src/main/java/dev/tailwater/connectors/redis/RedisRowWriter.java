package dev.tailwater.connectors.redis;

import dev.tailwater.connectors.store.FeatureRow;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.operators.ProcessingTimeService;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/**
 * Collects the newest row per entity and puts them in one pipelined round trip. Used by one thread;
 * it blocks while Redis cannot be reached, which is what holds the job back.
 */
final class RedisRowWriter implements SinkWriter<FeatureRow> {

  private static final int LATENCIES_KEPT = 1_000;

  private static final Comparator<FeatureRow> BY_VERSION =
      Comparator.comparingLong(FeatureRow::generation)
          .thenComparingLong(FeatureRow::validFrom)
          .thenComparingLong(FeatureRow::factsApplied);

  private final RedisWriteSettings settings;
  private final ProcessingTimeService clock;
  private final RedisScriptClient redis;
  private final int views;
  private final Counter coalesced;
  private final Histogram flushLatency;

  /** The newest unwritten row per entity key, by the view's position. */
  private final List<Map<String, FeatureRow>> unwritten = new ArrayList<>();

  private int unwrittenRows;
  private boolean flushScheduled;

  RedisRowWriter(
      RedisAddress address,
      RedisLayout[] layouts,
      RedisWriteSettings settings,
      boolean firstOfView,
      ProcessingTimeService clock,
      MetricGroup metrics) {
    this.settings = settings;
    this.clock = clock;
    this.redis = new RedisScriptClient(address, layouts, settings, firstOfView, metrics);
    this.views = layouts.length;
    this.coalesced = metrics.counter(RedisMetric.ROWS_COALESCED.metricName());
    this.flushLatency =
        metrics.histogram(
            RedisMetric.FLUSH_LATENCY.metricName(),
            new DescriptiveStatisticsHistogram(LATENCIES_KEPT));
    for (int view = 0; view < views; view++) {
      unwritten.add(new LinkedHashMap<>());
    }
  }

  @Override
  public void write(FeatureRow row, Context context) throws IOException, InterruptedException {
    if (!row.online()) {
      return;
    }
    if (row.view() < 0 || row.view() >= views) {
      throw new IllegalArgumentException(
          "A feature row names view "
              + row.view()
              + ", but the sink was given "
              + views
              + " layouts: pass the layouts of the plan that emits the rows.");
    }
    Map<String, FeatureRow> rows = unwritten.get(row.view());
    FeatureRow waiting = rows.get(row.key());
    if (waiting == null) {
      rows.put(row.key(), row);
      unwrittenRows++;
    } else {
      coalesced.inc();
      if (BY_VERSION.compare(row, waiting) >= 0) {
        rows.put(row.key(), row);
      }
    }
    if (unwrittenRows >= settings.batchRows()) {
      flush(false);
    } else if (!flushScheduled) {
      flushScheduled = true;
      clock.registerTimer(
          clock.getCurrentProcessingTime() + settings.flushAfter().toMillis(),
          time -> {
            flushScheduled = false;
            flush(false);
          });
    }
  }

  /** Returns when Redis has acknowledged every row: called before each checkpoint. */
  @Override
  public void flush(boolean endOfInput) throws IOException, InterruptedException {
    if (unwrittenRows == 0) {
      return;
    }
    List<FeatureRow> batch = new ArrayList<>(unwrittenRows);
    for (Map<String, FeatureRow> rows : unwritten) {
      batch.addAll(rows.values());
    }
    long start = System.nanoTime();
    redis.put(batch);
    flushLatency.update((System.nanoTime() - start) / 1_000_000);
    for (Map<String, FeatureRow> rows : unwritten) {
      rows.clear();
    }
    unwrittenRows = 0;
  }

  @Override
  public void close() {
    redis.close();
  }
}
