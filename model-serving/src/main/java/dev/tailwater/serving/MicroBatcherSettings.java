package dev.tailwater.serving;

import java.io.Serializable;
import java.time.Duration;

/**
 * How rows become batches.
 *
 * @param maxRows a batch is scored at once when this many rows wait
 * @param maxWait a row does not wait longer than this for others to join it
 * @param workers threads that score; each runs one inference at a time
 * @param maxQueued rows that may wait; more are refused. Make it at least the number of rows the
 *     caller keeps in flight
 * @param closeTimeout how long closing waits for the inferences that run
 */
public record MicroBatcherSettings(
    int maxRows, Duration maxWait, int workers, int maxQueued, Duration closeTimeout)
    implements Serializable {

  public MicroBatcherSettings {
    require(maxRows >= 1 && maxRows <= 65_536, "max-rows (%s) must be from 1 to 65536", maxRows);
    require(
        !maxWait.isNegative() && maxWait.compareTo(Duration.ofMinutes(1)) <= 0,
        "max-wait (%s) must be from 0 to 1 minute: it is added to the latency of a row",
        maxWait);
    require(workers >= 1 && workers <= 256, "workers (%s) must be from 1 to 256", workers);
    require(
        maxQueued >= maxRows,
        "max-queued (%s) must be at least max-rows (%s), or no batch is ever full",
        maxQueued,
        maxRows);
    require(
        !closeTimeout.isNegative() && closeTimeout.compareTo(Duration.ofHours(1)) <= 0,
        "close-timeout (%s) must be from 0 to 1 hour",
        closeTimeout);
  }

  /** 64 rows, 1 ms, 1 worker, 4096 rows queued, 10 s to close. */
  public static MicroBatcherSettings defaults() {
    return new MicroBatcherSettings(64, Duration.ofMillis(1), 1, 4096, Duration.ofSeconds(10));
  }

  public MicroBatcherSettings withMaxRows(int maxRows) {
    return new MicroBatcherSettings(maxRows, maxWait, workers, maxQueued, closeTimeout);
  }

  public MicroBatcherSettings withMaxWait(Duration maxWait) {
    return new MicroBatcherSettings(maxRows, maxWait, workers, maxQueued, closeTimeout);
  }

  public MicroBatcherSettings withWorkers(int workers) {
    return new MicroBatcherSettings(maxRows, maxWait, workers, maxQueued, closeTimeout);
  }

  public MicroBatcherSettings withMaxQueued(int maxQueued) {
    return new MicroBatcherSettings(maxRows, maxWait, workers, maxQueued, closeTimeout);
  }

  public MicroBatcherSettings withCloseTimeout(Duration closeTimeout) {
    return new MicroBatcherSettings(maxRows, maxWait, workers, maxQueued, closeTimeout);
  }

  private static void require(boolean valid, String message, Object... values) {
    if (!valid) {
      throw new IllegalArgumentException(message.formatted(values));
    }
  }
}
