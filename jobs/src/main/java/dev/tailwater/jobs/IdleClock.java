package dev.tailwater.jobs;

import java.util.concurrent.ScheduledFuture;
import java.util.function.LongSupplier;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.jspecify.annotations.Nullable;

/**
 * Time that passes while no source has events. Event time stands still then, but the values of
 * online rows go on changing: this goes on from the last watermark as the wall clock does. So a log
 * that is read long after it was written does not jump to today when it ends.
 */
final class IdleClock {

  /** Called from time to time while the sources are idle. */
  interface Tick {
    void at(long instant) throws Exception;
  }

  private final ProcessingTimeService wall;
  private final LongSupplier watermark;
  private final long everyMs;
  private final Tick tick;

  private boolean idle;
  private long idleSince;
  private @Nullable ScheduledFuture<?> next;

  /**
   * A clock that stands still.
   *
   * @param everyMs how often it ticks
   */
  IdleClock(ProcessingTimeService wall, LongSupplier watermark, long everyMs, Tick tick) {
    this.wall = wall;
    this.watermark = watermark;
    this.everyMs = everyMs;
    this.tick = tick;
  }

  boolean isRunning() {
    return idle;
  }

  void start() {
    if (!idle) {
      idle = true;
      idleSince = wall.getCurrentProcessingTime();
      scheduleNext(idleSince);
    }
  }

  void stop() {
    idle = false;
    ScheduledFuture<?> scheduled = next;
    if (scheduled != null) {
      scheduled.cancel(false);
      next = null;
    }
  }

  private void scheduleNext(long now) {
    next = wall.registerTimer(now + everyMs, this::onTimer);
  }

  private void onTimer(long ignored) throws Exception {
    if (!idle) {
      return;
    }
    long now = wall.getCurrentProcessingTime();
    long stoodAt = watermark.getAsLong();
    // Before the first event there is nothing that could change.
    if (stoodAt != Long.MIN_VALUE && stoodAt < Long.MAX_VALUE - (now - idleSince)) {
      tick.at(stoodAt + (now - idleSince));
    }
    scheduleNext(now);
  }
}
