package dev.tailwater.schemas;

import org.jspecify.annotations.Nullable;

/** Reads the bytes of one record into values, one per column of its schema. Not thread-safe. */
public interface RecordDecoder {

  /**
   * Decodes one record.
   *
   * <p>A record of a changelog is decoded as the row after the change; one that has no such row
   * cannot be decoded so.
   *
   * @return a new array with one value per column, in schema order; null only in nullable columns
   * @throws UndecodableRecordException if the bytes are not a record of the schema
   */
  @Nullable Object[] decode(byte[] record) throws UndecodableRecordException;

  /**
   * Decodes one record as the change that it tells; a record of a format without changes inserts
   * its row.
   *
   * @throws UndecodableRecordException if the bytes are not a record of the schema, or the change
   *     lacks a row that is needed to undo what was told before
   */
  default RowChange decodeChange(byte[] record) throws UndecodableRecordException {
    return RowChange.insert(decode(record));
  }
}
