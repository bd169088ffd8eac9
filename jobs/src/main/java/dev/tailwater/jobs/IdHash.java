package dev.tailwater.jobs;

import org.jspecify.annotations.Nullable;

/** 64-bit hashes of event ids: the finalizer of MurmurHash3 over the id's characters or value. */
final class IdHash {

  private IdHash() {}

  static long of(Object id) {
    if (id instanceof String text) {
      long hash = text.length();
      for (int i = 0; i < text.length(); i++) {
        hash = mix(hash ^ text.charAt(i)) + 0x9E3779B97F4A7C15L;
      }
      return mix(hash);
    }
    if (id instanceof Number number) {
      return mix(number.longValue() + 0x9E3779B97F4A7C15L);
    }
    return of(id.toString());
  }

  /** The hash that stands for an event without an id: its place in the log. */
  static long ofPlace(int partition, long offset) {
    return mix(mix(partition + 0x9E3779B97F4A7C15L) + offset);
  }

  /**
   * A hash of everything a record says: equal for copies of it, however they are written.
   *
   * @param columns how many of the values are the record's own
   */
  static long ofPayload(@Nullable Object[] values, int columns) {
    long hash = columns;
    for (int i = 0; i < columns; i++) {
      Object value = values[i];
      long hashed = value == null ? 0x165667B19E3779F9L : ofValue(value);
      hash = mix(hash ^ hashed) + 0x9E3779B97F4A7C15L;
    }
    return mix(hash);
  }

  private static long ofValue(Object value) {
    return value instanceof Double number ? mix(Double.doubleToLongBits(number)) : of(value);
  }

  /** The hash of an id among those of several streams that are seen as one. */
  static long ofOrigin(long idHash, int origin) {
    return mix(idHash + (origin + 1) * 0x9E3779B97F4A7C15L);
  }

  private static long mix(long hash) {
    long mixed = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
    mixed = (mixed ^ mixed >>> 33) * 0xc4ceb9fe1a85ec53L;
    return mixed ^ mixed >>> 33;
  }
}
