package dev.tailwater.connectors.redis;

import java.io.Serializable;
import java.time.Duration;

/**
 * How rows are written to Redis.
 *
 * @param batchRows a flush happens when this many entities have a new row
 * @param flushAfter a flush happens when the oldest unwritten row has waited this long
 * @param timeout the limit of connecting and of every call
 * @param retryFor how long to wait for an unreachable Redis, holding back the job, before it fails
 */
public record RedisWriteSettings(
    int batchRows, Duration flushAfter, Duration timeout, Duration retryFor)
    implements Serializable {

  /** 500 rows or 10 ms; calls limited to 5 s; an outage of 5 minutes is waited out. */
  public static final RedisWriteSettings DEFAULT =
      new RedisWriteSettings(
          500, Duration.ofMillis(10), Duration.ofSeconds(5), Duration.ofMinutes(5));

  private static final int MAX_BATCH_ROWS = 100_000;

  public RedisWriteSettings {
    if (batchRows < 1 || batchRows > MAX_BATCH_ROWS) {
      throw new IllegalArgumentException(
          "batch-rows (" + batchRows + ") must be from 1 to " + MAX_BATCH_ROWS);
    }
    if (flushAfter.isNegative() || flushAfter.isZero()) {
      throw new IllegalArgumentException("flush-after (" + flushAfter + ") must be positive");
    }
    if (timeout.toMillis() < 1 || timeout.toMillis() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("timeout (" + timeout + ") must be at least 1 ms");
    }
    if (retryFor.isNegative()) {
      throw new IllegalArgumentException("retry-for (" + retryFor + ") must not be negative");
    }
  }

  /** These settings with another limit for waiting out an outage. */
  public RedisWriteSettings withRetryFor(Duration limit) {
    return new RedisWriteSettings(batchRows, flushAfter, timeout, limit);
  }
}
