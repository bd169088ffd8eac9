package dev.tailwater.jobs;

/** Some of the keys of an entity: the same in every run. */
final class KeySample {

  private KeySample() {}

  /** Whether a key is in the sample of about one key in so many. */
  static boolean contains(String key, int oneKeyIn) {
    // Near hash codes are spread far from each other first.
    return Math.floorMod(key.hashCode() * 0x9e3779b9 >>> 8, oneKeyIn) == 0;
  }
}
