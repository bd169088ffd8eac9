package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.ArchivedRecord;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.RawEnd;
import dev.tailwater.connectors.iceberg.RawEnd.PartitionEnd;
import dev.tailwater.connectors.log.EventTimeWatermarks;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.RawRecord;
import dev.tailwater.connectors.log.StreamDecoder;
import dev.tailwater.plan.StreamPlan;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * What the raw table says of each record: its event time, and the newest one before it. Keyed by
 * partition, whose records come in the order of their offsets.
 *
 * <p>The table itself says where a partition goes on. Whatever the job is started from, or if it is
 * started from nothing, records that the table holds are left out, and the newest event time is
 * that of the table or of the state, whichever has seen more.
 */
final class ArchiveFunction extends KeyedProcessFunction<Integer, RawRecord, ArchivedRecord> {

  private static final PartitionEnd NOTHING = new PartitionEnd(0, Long.MIN_VALUE);

  private final Lake lake;
  private final StreamPlan stream;

  private transient Map<Integer, PartitionEnd> archived;
  private transient ValueState<Long> newestEventTime;
  private transient StreamDecoder decoder;
  private transient Counter archivedRecords;
  private transient Counter unreadableRecords;
  private transient Counter knownRecords;

  ArchiveFunction(Lake lake, StreamPlan stream) {
    this.lake = lake;
    this.stream = stream;
  }

  @Override
  public void open(OpenContext context) {
    archived = lake.rawEnd(stream.name()).map(RawEnd::partitions).orElse(Map.of());
    newestEventTime =
        getRuntimeContext().getState(new ValueStateDescriptor<>("newest-event-time", Types.LONG));
    decoder = new StreamDecoder(stream.format(), stream.schema(), stream.eventTime());
    archivedRecords = Metric.ARCHIVED_RECORDS.counter(getRuntimeContext());
    unreadableRecords = Metric.UNREADABLE_RECORDS.counter(getRuntimeContext());
    knownRecords = Metric.ALREADY_ARCHIVED.counter(getRuntimeContext());
  }

  @Override
  public void processElement(RawRecord raw, Context context, Collector<ArchivedRecord> out)
      throws Exception {
    PartitionEnd held = archived.getOrDefault(raw.partition(), NOTHING);
    if (raw.offset() < held.nextOffset()) {
      knownRecords.inc();
      return;
    }
    LogRecord decoded = new LogRecord();
    decoder.decode(raw.value(), false, decoded);
    long eventTime = decoded.problem == null ? decoded.eventTime : Long.MIN_VALUE;
    long appendTime = raw.appendTime() < 0 ? Long.MAX_VALUE : raw.appendTime();
    boolean isFuture = EventTimeWatermarks.isFuture(eventTime, appendTime, stream.aheadMs());
    Long remembered = newestEventTime.value();
    long newest =
        remembered == null ? held.newestEventTime() : Math.max(remembered, held.newestEventTime());
    if (eventTime > newest && !isFuture) {
      newestEventTime.update(eventTime);
    }
    archivedRecords.inc();
    if (decoded.problem != null) {
      unreadableRecords.inc();
    }
    out.collect(new ArchivedRecord(raw, eventTime, isFuture, newest, decoded.problem));
  }
}
