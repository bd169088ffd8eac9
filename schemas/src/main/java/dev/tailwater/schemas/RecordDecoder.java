package dev.tailwater.schemas;

import org.jspecify.annotations.Nullable;

/** Reads the bytes of one record into values, one per column of its schema. Not thread-safe. */
public interface RecordDecoder {

  /**
   * Decodes one record.
   *
   * @return a new array with one value per column, in schema order; null only in nullable columns
   * @throws UndecodableRecordException if the bytes are not a record of the schema
   */
  @Nullable Object[] decode(byte[] record) throws UndecodableRecordException;
}
