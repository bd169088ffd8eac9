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

  /**
   * A sink for the rows of one plan.
   *
   * @param layouts by the views' positions in the plan
   * @throws IllegalArgumentException if a view cannot be stored, with the reason
   */
  public RedisOnlineStoreSink(
      RedisAddress address, List<FeatureViewLayout> layouts, RedisWriteSettings settings) {
    this.address = address;
    this.layouts = List.copyOf(layouts);
    this.settings = settings;
    // A layout that Redis cannot hold is refused here, before the job is submitted.
    redisLayouts();
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
        context.getProcessingTimeService(),
        context.metricGroup());
  }
}
