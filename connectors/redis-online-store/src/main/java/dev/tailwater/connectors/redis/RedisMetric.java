package dev.tailwater.connectors.redis;

/** What the sink counts and times, per writer. */
enum RedisMetric {
  /** Rows that Redis took. */
  ROWS_WRITTEN("redisRowsWritten"),
  /** Rows never sent because a newer one of the same entity came before the flush. */
  ROWS_COALESCED("redisRowsCoalesced"),
  /**
   * Rows that Redis refused because it holds a newer version; a few after a recovery are normal.
   */
  ROWS_STALE("redisRowsStale"),
  /** Flush durations in milliseconds, waiting for an unreachable Redis included. */
  FLUSH_LATENCY("redisFlushLatencyMs"),
  /** Connections opened after the first. */
  RECONNECTS("redisReconnects");

  private final String metricName;

  RedisMetric(String metricName) {
    this.metricName = metricName;
  }

  String metricName() {
    return metricName;
  }
}
