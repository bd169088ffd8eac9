package dev.tailwater.cli.demo;

import java.util.Arrays;
import java.util.stream.LongStream;

/** Measured latencies, in whole milliseconds. Immutable. */
public final class Latencies {

  private final long[] sortedMs;

  public Latencies(LongStream milliseconds) {
    this.sortedMs = milliseconds.toArray();
    Arrays.sort(sortedMs);
  }

  public int count() {
    return sortedMs.length;
  }

  /**
   * The smallest latency that at least this share of all does not exceed.
   *
   * @param share more than 0, at most 1
   * @throws IllegalStateException if none was measured
   */
  public long percentile(double share) {
    if (sortedMs.length == 0) {
      throw new IllegalStateException("no latency was measured, so there is no percentile");
    }
    int rank = (int) Math.ceil(share * sortedMs.length);
    return sortedMs[Math.max(0, rank - 1)];
  }
}
