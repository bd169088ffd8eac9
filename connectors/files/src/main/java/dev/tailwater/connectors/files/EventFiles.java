package dev.tailwater.connectors.files;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.CsvDecoder;
import dev.tailwater.schemas.CsvRecords;
import dev.tailwater.schemas.LineRecords;
import dev.tailwater.schemas.RecordDecoder;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RecordSchema;
import dev.tailwater.schemas.RowChange;
import dev.tailwater.schemas.UndecodableRecordException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.api.connector.source.Source;
import org.jspecify.annotations.Nullable;

/**
 * A stream's history as one file: {@code .csv} with a header that names the schema's columns, or
 * {@code .json} and {@code .jsonl} with one record a line; each also with {@code .gz}. The file's
 * ending decides, whatever format the stream has on the log.
 */
public final class EventFiles {

  private static final List<String> ENDINGS =
      List.of(".csv", ".csv.gz", ".json", ".json.gz", ".jsonl", ".jsonl.gz");

  private EventFiles() {}

  /**
   * The file as a bounded source with one partition, 0; a record's offset is its number in the
   * file, from 0, header and empty lines not counted. A record that cannot be decoded, or has no
   * event time, is emitted with its problem and its bytes, and reading goes on. Exactly once over
   * failures and savepoints. Run it with parallelism 1 and {@code LogRecordSerializer.typeInfo} of
   * the schema.
   *
   * @throws IllegalArgumentException as {@link #check}
   */
  public static Source<LogRecord, ?, ?> source(
      Path file, RecordSchema schema, int eventTimeColumn) {
    return source(file, schema, eventTimeColumn, RecordFormat.JSON);
  }

  /**
   * As {@link #source(Path, RecordSchema, int)}, for a stream of this format: the JSON lines of a
   * changelog are its envelopes, the rows of its CSV files are inserts.
   */
  public static Source<LogRecord, ?, ?> source(
      Path file, RecordSchema schema, int eventTimeColumn, RecordFormat format) {
    check(file, schema, eventTimeColumn);
    RecordFormat lines = format.isChangelog() ? format : RecordFormat.JSON;
    return new RecordFileSource(new EventFile(file.toString(), schema, eventTimeColumn, lines));
  }

  /**
   * Checks, before any job starts, that {@link #source} can read the file.
   *
   * @throws IllegalArgumentException if the file is missing, has an unknown ending or a wrong
   *     header, or the event-time column is no TIMESTAMP; the message names the file, what was
   *     found and what is needed
   */
  public static void check(Path file, RecordSchema schema, int eventTimeColumn) {
    Column eventTime = schema.columns().get(eventTimeColumn);
    if (eventTime.type() != ColumnType.TIMESTAMP) {
      throw new IllegalArgumentException(
          "the event-time column "
              + eventTime.name()
              + " is of type "
              + eventTime.type()
              + ", but it must be a TIMESTAMP");
    }
    String ending = LocalFiles.requireEnding(file, ENDINGS);
    LocalFiles.requireReadable(file);
    if (!ending.equals(".csv")) {
      return;
    }
    try (CsvRecords records = new CsvRecords(LocalFiles.open(file))) {
      csvDecoder(records, schema.columns());
    } catch (IOException | IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  /** Reads the header and makes the decoder of the records that follow. */
  static CsvDecoder csvDecoder(CsvRecords records, List<Column> columns) throws IOException {
    if (!records.next()) {
      throw new IllegalArgumentException(
          "the file is empty, but its first line must name the columns "
              + columns.stream().map(Column::name).toList());
    }
    return new CsvDecoder(records.header(), columns);
  }

  /** One file of events. */
  private record EventFile(
      String path, RecordSchema schema, int eventTimeColumn, RecordFormat lines)
      implements RecordFile {

    @Override
    public RecordReading open() throws IOException {
      Path file = Path.of(path);
      return LocalFiles.requireEnding(file, ENDINGS).equals(".csv")
          ? new CsvEvents(this, new CsvRecords(LocalFiles.open(file)))
          : new JsonEvents(this, new LineRecords(LocalFiles.open(file)));
    }

    LogRecord decoded(long offset, RowChange change) {
      LogRecord record = new LogRecord();
      record.offset = offset;
      record.take(change, schema, eventTimeColumn);
      record.appendTime = change.changedAt();
      return record;
    }
  }

  static LogRecord broken(long offset, String problem, byte[] bytes) {
    LogRecord record = new LogRecord();
    record.offset = offset;
    record.problem = problem;
    record.bytes = bytes;
    return record;
  }

  private static String reason(Exception e) {
    return String.valueOf(e.getMessage());
  }

  private static final class CsvEvents implements RecordReading {

    private final EventFile file;
    private final CsvRecords records;
    private final CsvDecoder decoder;
    private long offset;

    CsvEvents(EventFile file, CsvRecords records) throws IOException {
      this.file = file;
      this.records = records;
      decoder = csvDecoder(records, file.schema().columns());
    }

    @Override
    public @Nullable LogRecord next() throws IOException {
      try {
        if (!records.next()) {
          return null;
        }
      } catch (IOException e) {
        throw LocalFiles.unreadable(file.path(), offset, e);
      }
      try {
        LogRecord record = file.decoded(offset, RowChange.insert(decoder.decode(records)));
        if (record.problem != null) {
          record.bytes = records.bytes();
        }
        return record;
      } catch (UndecodableRecordException e) {
        return broken(offset, reason(e), records.bytes());
      } finally {
        offset++;
      }
    }

    @Override
    public void close() throws IOException {
      records.close();
    }
  }

  private static final class JsonEvents implements RecordReading {

    private final EventFile file;
    private final LineRecords lines;
    private final RecordDecoder decoder;
    private long offset;

    JsonEvents(EventFile file, LineRecords lines) {
      this.file = file;
      this.lines = lines;
      decoder = file.lines().decoder(file.schema());
    }

    @Override
    public @Nullable LogRecord next() throws IOException {
      try {
        if (!lines.next()) {
          return null;
        }
      } catch (IOException e) {
        throw LocalFiles.unreadable(file.path(), offset, e);
      }
      String problem = lines.problem();
      try {
        if (problem != null) {
          return broken(offset, problem, lines.bytes());
        }
        RowChange change = decoder.decodeChange(lines.bytes());
        LogRecord record = file.decoded(offset, change);
        if (record.problem != null || change.after() == null) {
          // Nothing else can show what was refused.
          record.bytes = lines.bytes();
        }
        return record;
      } catch (UndecodableRecordException e) {
        return broken(offset, reason(e), lines.bytes());
      } finally {
        offset++;
      }
    }

    @Override
    public void close() throws IOException {
      lines.close();
    }
  }
}
