package dev.tailwater.connectors.files;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.UndecodableRecordException;
import java.io.IOException;
import java.util.List;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/** One pass over a spine that also gives access to the whole row it stands at. */
interface SpineReading extends RecordReading {

  /** All columns of the file, in its order. */
  List<String> columnNames();

  /**
   * All columns with the types that {@link #values} has. May read the whole file.
   *
   * @throws IOException if the file cannot be read
   * @throws IllegalArgumentException if a column's type has no place among ours
   */
  List<Column> columns() throws IOException;

  /**
   * The current row, one value per column of {@link #columns}, which must have been called on this
   * object before.
   *
   * @throws UndecodableRecordException if a value cannot be read
   */
  @Nullable Object[] values() throws UndecodableRecordException;

  /** The current row as one line of CSV, without a line end: as it was written, if it was CSV. */
  byte[] csvRow();

  /** The header as one line of CSV, without a line end. */
  byte[] csvHeader();

  /**
   * The columns as Parquet fields. May read the whole file.
   *
   * @throws IOException if the file cannot be read
   */
  List<Type> parquetFields() throws IOException;

  /**
   * Writes the current row's fields in the order of {@link #parquetFields}, which must have been
   * called on this object before.
   *
   * @throws UndecodableRecordException if a value cannot be read
   */
  void writeParquetRow(RecordConsumer consumer) throws UndecodableRecordException;
}
