package dev.tailwater.connectors.redis;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/**
 * Writes the rows that are for the online store to Redis; others pass unwritten.
 *
 * <p>At least once, idempotent, and never back in time: every row is put by one server-side script
 * that compares its version (generation, valid from, facts applied) with the one that is there.
 * Rows of one entity between two flushes become one write, the newest. Every row is written and
 * acknowledged before the checkpoint that covers it completes. While Redis cannot be reached the
 * job is held back and nothing is lost; after {@link RedisWriteSettings#retryFor} it fails.
 */
public final class RedisOnlineStoreSink implements Sink<FeatureRow> {

  private final RedisAddress address;
  private final List<FeatureViewLayout> layouts;
  private final RedisWriteSettings settings;
  private final boolean firstOfView;

  /**
   * A sink for the rows of one plan. A view that has no version yet that readers use gets the
   * version that is written; one that has keeps it.
   *
   * @param layouts by the views' positions in the plan
   * @throws IllegalArgumentException if a view cannot be stored, with the reason
   */
  public RedisOnlineStoreSink(
      RedisAddress address, List<FeatureViewLayout> layouts, RedisWriteSettings settings) {
    this(address, layouts, settings, true);
  }

  private RedisOnlineStoreSink(
      RedisAddress address,
      List<FeatureViewLayout> layouts,
      RedisWriteSettings settings,
      boolean firstOfView) {
    this.address = address;
    this.layouts = List.copyOf(layouts);
    this.settings = settings;
    this.firstOfView = firstOfView;
    // A layout that Redis cannot hold is refused here, before the job is submitted.
    redisLayouts();
  }

  /**
   * The same sink, whose rows readers do not find before their version is activated, also those of
   * a view that has no other version.
   */
  public RedisOnlineStoreSink untilActivated() {
    return new RedisOnlineStoreSink(address, layouts, settings, false);
  }

  private RedisLayout[] redisLayouts() {
    return layouts.stream().map(RedisLayout::new).toArray(RedisLayout[]::new);
  }

  @Override
  public SinkWriter<FeatureRow> createWriter(WriterInitContext context) {
    return new RedisRowWriter(
        address,
        redisLayouts(),
        settings,
        firstOfView,
        context.getProcessingTimeService(),
        context.metricGroup());
  }
}
