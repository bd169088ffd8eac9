package dev.tailwater.schemas;

import org.jspecify.annotations.Nullable;

/** Writes one value per column as the bytes of one record. Not thread-safe. */
public interface RecordEncoder {

  /**
   * Encodes one record.
   *
   * @param values one value per column, in schema order
   * @throws IllegalArgumentException if a value does not fit its column
   */
  byte[] encode(@Nullable Object[] values);
}
