package dev.tailwater.jobs;

/** Some of the keys of an entity: the same in every run. */
final class KeySample {

  private KeySample() {}

  /** Whether a key is in the sample of about one key in so many. */
  static boolean contains(String key, int oneKeyIn) {
    return Math.floorMod(spread(key.hashCode()), oneKeyIn) == 0;
  }

  /** Near hash codes far from each other. */
  static int spread(int hash) {
    return hash * 0x9e3779b9 >>> 8;
  }
}
