package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.log.EventTimeWatermarks;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.LongMaximum;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/**
 * How far the watermark of a live job can have come that has read a piece of history. Which
 * partitions were idle when, and so did not hold it back, is not in the log; the rows that the job
 * has stored prove some of it.
 *
 * @param atLeast the watermark if no partition was ever idle; {@link Long#MIN_VALUE} of an empty
 *     history
 * @param atMost the watermark if only the partition was active that is furthest
 */
record LiveClock(long atLeast, long atMost) {

  private static final String NEWEST_EVENT = "live-clock:";

  /** Adds to a job what measures the clock over all of a history. */
  static void measure(StreamExecutionEnvironment env, Plan plan, BoundedSources history) {
    List<StreamPlan> streams = plan.recordedStreams();
    for (int i = 0; i < streams.size(); i++) {
      StreamPlan stream = streams.get(i);
      env.fromSource(
              history.of(stream),
              WatermarkStrategy.noWatermarks(),
              "source:" + stream.name(),
              LogRecordSerializer.typeInfo(stream.schema()))
          .uid("source:" + stream.name())
          .flatMap(new NewestEvents(NEWEST_EVENT + i + ":", stream.aheadMs()))
          .returns(Types.VOID)
          .uid("newest-events:" + stream.name())
          .name("newest-events:" + stream.name())
          .sinkTo(new DiscardingSink<>())
          .uid("no-records:" + stream.name());
    }
  }

  /** What a finished job has measured. */
  static LiveClock of(Plan plan, JobExecutionResult result) {
    List<StreamPlan> streams = plan.recordedStreams();
    long atLeast = Long.MAX_VALUE;
    long atMost = Long.MIN_VALUE;
    for (Map.Entry<String, Object> found : result.getAllAccumulatorResults().entrySet()) {
      if (found.getKey().startsWith(NEWEST_EVENT)
          && found.getValue() instanceof Long newest
          && newest != Long.MIN_VALUE) {
        int stream = Integer.parseInt(found.getKey().split(":", -1)[1]);
        long watermark = newest - streams.get(stream).disorderMs() - 1;
        atLeast = Math.min(atLeast, watermark);
        atMost = Math.max(atMost, watermark);
      }
    }
    return new LiveClock(Math.min(atLeast, atMost), atMost);
  }

  /** How far the clock has come at least, as the stored rows of a view prove. */
  long proven(Lake lake, FeatureViewLayout layout) {
    OptionalLong newest = lake.newestLiveInstant(layout);
    return Math.max(atLeast, Math.min(atMost, newest.orElse(Long.MIN_VALUE)));
  }

  private static final class NewestEvents extends RichFlatMapFunction<LogRecord, Void> {

    private final String accumulator;
    private final long aheadMs;

    private transient Map<Integer, LongMaximum> newest;

    NewestEvents(String accumulator, long aheadMs) {
      this.accumulator = accumulator;
      this.aheadMs = aheadMs;
    }

    @Override
    public void open(OpenContext context) {
      newest = new HashMap<>();
    }

    @Override
    public void flatMap(LogRecord record, Collector<Void> out) {
      if (EventTimeWatermarks.isFuture(record.eventTime, record.appendTime, aheadMs)) {
        return;
      }
      newest
          .computeIfAbsent(
              record.partition,
              partition -> {
                LongMaximum maximum = new LongMaximum();
                getRuntimeContext().addAccumulator(accumulator + partition, maximum);
                return maximum;
              })
          .add(record.eventTime);
    }
  }
}
