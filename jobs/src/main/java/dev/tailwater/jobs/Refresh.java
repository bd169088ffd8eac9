package dev.tailwater.jobs;

/** When a row whose values changed because time passed is written anew. */
final class Refresh {

  private Refresh() {}

  /**
   * The first multiple of a period since the epoch that is not before the end of a row's validity.
   *
   * @param validUntil {@link Long#MAX_VALUE} for never
   * @param everyMs 0 for never
   * @return {@link Long#MAX_VALUE} for never
   */
  static long at(long validUntil, long everyMs) {
    if (everyMs == 0 || validUntil > Long.MAX_VALUE - everyMs) {
      return Long.MAX_VALUE;
    }
    long past = Math.floorMod(validUntil, everyMs);
    return past == 0 ? validUntil : validUntil + everyMs - past;
  }
}
