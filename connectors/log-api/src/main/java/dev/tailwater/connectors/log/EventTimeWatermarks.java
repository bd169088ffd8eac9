package dev.tailwater.connectors.log;

import java.time.Duration;
import org.apache.flink.api.common.eventtime.TimestampAssigner;
import org.apache.flink.api.common.eventtime.TimestampAssignerSupplier;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkGeneratorSupplier;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.eventtime.WatermarksWithIdleness;
import org.apache.flink.util.clock.RelativeClock;

/**
 * Watermarks of a stream, per partition: the largest event time seen, less the disorder. Records
 * that could not be decoded and records from the future do not advance them, nor do records of the
 * lake, which are read in no order: its files bring watermarks of their own.
 *
 * @param disorderMs how far out of order the events of a partition may be
 * @param aheadMs an event time further than this after the append time is from the future
 * @param idleAfterMs a partition without records for this long in processing time does not hold
 *     back the others; a file of the lake always does, until it is read
 */
public record EventTimeWatermarks(long disorderMs, long aheadMs, long idleAfterMs)
    implements WatermarkStrategy<LogRecord> {

  /** Whether a record with these times is from the future. */
  public static boolean isFuture(long eventTime, long appendTime, long aheadMs) {
    return appendTime < Long.MAX_VALUE - aheadMs && eventTime > appendTime + aheadMs;
  }

  @Override
  public TimestampAssigner<LogRecord> createTimestampAssigner(
      TimestampAssignerSupplier.Context context) {
    return (record, ignored) -> record.eventTime;
  }

  @Override
  public WatermarkGenerator<LogRecord> createWatermarkGenerator(
      WatermarkGeneratorSupplier.Context context) {
    return new Generator(disorderMs, aheadMs, idleAfterMs, context.getInputActivityClock());
  }

  /** Of one partition, or of one file of the lake. */
  private static final class Generator implements WatermarkGenerator<LogRecord> {

    private final WatermarkGenerator<LogRecord> partition;
    private boolean isFile;

    Generator(long disorderMs, long aheadMs, long idleAfterMs, RelativeClock clock) {
      partition =
          new WatermarksWithIdleness<>(
              new Newest(disorderMs, aheadMs), Duration.ofMillis(idleAfterMs), clock);
    }

    @Override
    public void onEvent(LogRecord record, long timestamp, WatermarkOutput output) {
      isFile = record.newestIsExact;
      partition.onEvent(record, timestamp, output);
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
      // A partition may be silent for long. A file has more to tell, however slowly it is read: if
      // time passed over it, its events would be late, or forgotten.
      if (!isFile) {
        partition.onPeriodicEmit(output);
      }
    }
  }

  private static final class Newest implements WatermarkGenerator<LogRecord> {

    private final long disorderMs;
    private final long aheadMs;
    private long newest = Long.MIN_VALUE;

    Newest(long disorderMs, long aheadMs) {
      this.disorderMs = disorderMs;
      this.aheadMs = aheadMs;
    }

    @Override
    public void onEvent(LogRecord record, long timestamp, WatermarkOutput output) {
      if (record.eventTime > newest
          && !record.newestIsExact
          && !isFuture(record.eventTime, record.appendTime, aheadMs)) {
        newest = record.eventTime;
      }
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
      if (newest != Long.MIN_VALUE) {
        output.emitWatermark(new Watermark(newest - disorderMs - 1));
      }
    }
  }
}
