package dev.tailwater.connectors.files;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.schemas.AvroContracts;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordSchema;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.connector.source.Source;

/**
 * The spine of a training set: a file of rows, each an entity's key at an event time, onto which
 * features are joined. {@code .csv} and {@code .csv.gz} with a header, or {@code .parquet}.
 *
 * <p>It must have the column {@code event_time} and the key columns; every other column passes
 * through to the training set unread. A row whose keys or time cannot be read is a broken record,
 * and is in no training set. In Parquet, {@code event_time} is a timestamp, an INT64 of
 * milliseconds since the epoch, or text; without a zone it is in UTC, and it is cut to whole
 * milliseconds for the join (the training set keeps the column as it was). A STRING key may also be
 * an integer, read as its digits.
 */
public final class SpineFile {

  /** The column every spine has. */
  public static final String EVENT_TIME = "event_time";

  /** The last value of every record of {@link #source}: the row's number, from 0. */
  public static final String ROW = "spine_row";

  private static final String PARQUET = ".parquet";
  private static final List<String> ENDINGS = List.of(".csv", ".csv.gz", PARQUET);

  private final SpineRecords records;
  private final List<String> columnNames;
  private final RecordSchema schema;

  private SpineFile(SpineRecords records, List<String> columnNames, RecordSchema schema) {
    this.records = records;
    this.columnNames = columnNames;
    this.schema = schema;
  }

  /**
   * Looks at a spine's columns, before any job starts.
   *
   * @param keys the key columns to read, with the types they have in the definitions
   * @throws IllegalArgumentException if the file is missing, of another kind, or lacks a column;
   *     the message names the file, what was found and what is needed
   */
  public static SpineFile open(Path file, List<Column> keys) {
    String ending = LocalFiles.requireEnding(file, ENDINGS);
    LocalFiles.requireReadable(file);
    List<Column> read = new ArrayList<>(keys);
    read.add(new Column(ROW, ColumnType.LONG, false));
    RecordSchema schema = AvroContracts.of("Spine", read);
    SpineRecords records =
        new SpineRecords(file.toString(), List.copyOf(keys), ending.equals(PARQUET));
    try (SpineReading rows = records.open()) {
      return new SpineFile(records, rows.columnNames(), schema);
    } catch (IOException | IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  /** All columns of the file, in its order. */
  public List<String> columnNames() {
    return columnNames;
  }

  /** The values of each record of {@link #source}: the key columns, then {@link #ROW}. */
  public RecordSchema schema() {
    return schema;
  }

  /**
   * The rows as a bounded source with one partition, 0; the offset is the row's number, as is the
   * last value. A broken row is emitted with its problem. Exactly once over failures and
   * savepoints. Run it with parallelism 1 and {@code LogRecordSerializer.typeInfo} of {@link
   * #schema}.
   */
  public Source<LogRecord, ?, ?> source() {
    return new RecordFileSource(records);
  }

  /** Reads the rows again, with everything that passes through. */
  public SpineRows rows() throws IOException {
    return new SpineRows(records.open());
  }

  String path() {
    return records.path();
  }

  /** How to open the spine, as it travels to the task that reads it. */
  private record SpineRecords(String path, List<Column> keys, boolean parquet)
      implements RecordFile {

    @Override
    public SpineReading open() throws IOException {
      Path file = Path.of(path);
      return parquet ? new ParquetSpine(file, keys) : CsvSpine.open(file, keys);
    }
  }
}
