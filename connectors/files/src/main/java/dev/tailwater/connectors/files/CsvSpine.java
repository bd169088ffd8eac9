package dev.tailwater.connectors.files;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.CsvDecoder;
import dev.tailwater.schemas.CsvRecords;
import dev.tailwater.schemas.UndecodableRecordException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/** A spine in CSV. */
final class CsvSpine implements SpineReading {

  private final Path file;
  private final List<Column> keys;
  private final CsvRecords records;
  private final List<String> columnNames;
  private final byte[] header;

  /** Reads the keys and the event time. */
  private final CsvDecoder decoder;

  private long row;

  /** What the columns hold, once somebody asked; then every row can be read as a whole. */
  private List<Column> allColumns = List.of();

  private @Nullable CsvDecoder allDecoder;

  private CsvSpine(Path file, List<Column> keys, CsvRecords records) throws IOException {
    this.file = file;
    this.keys = keys;
    this.records = records;
    List<Column> read = new ArrayList<>(keys);
    read.add(new Column(SpineFile.EVENT_TIME, ColumnType.TIMESTAMP, false));
    decoder = EventFiles.csvDecoder(records, read);
    columnNames = records.header();
    header = records.bytes();
  }

  static CsvSpine open(Path file, List<Column> keys) throws IOException {
    CsvRecords records = new CsvRecords(LocalFiles.open(file));
    try {
      return new CsvSpine(file, keys, records);
    } catch (IOException | RuntimeException e) {
      records.close();
      throw e;
    }
  }

  @Override
  public List<String> columnNames() {
    return columnNames;
  }

  @Override
  public @Nullable LogRecord next() throws IOException {
    try {
      if (!records.next()) {
        return null;
      }
    } catch (IOException e) {
      throw LocalFiles.unreadable(file.toString(), row, e);
    }
    try {
      @Nullable Object[] values = decoder.decode(records);
      LogRecord record = new LogRecord();
      record.offset = row;
      record.eventTime = (Long) values[keys.size()];
      values[keys.size()] = row; // The event time travels beside the values, not among them.
      record.values = values;
      return record;
    } catch (UndecodableRecordException e) {
      return EventFiles.broken(row, String.valueOf(e.getMessage()), records.bytes());
    } finally {
      row++;
    }
  }

  @Override
  public byte[] csvRow() {
    return records.bytes();
  }

  @Override
  public byte[] csvHeader() {
    return header;
  }

  @Override
  public List<Column> columns() throws IOException {
    if (allDecoder == null) {
      CsvColumnTypes types = new CsvColumnTypes(columnNames);
      try (CsvSpine pass = open(file, keys)) {
        for (LogRecord record = pass.next(); record != null; record = pass.next()) {
          if (record.problem == null) {
            types.add(pass.records);
          }
        }
      }
      allColumns = types.columns().stream().map(this::known).toList();
      allDecoder = new CsvDecoder(columnNames, allColumns);
    }
    return allColumns;
  }

  @Override
  public List<Type> parquetFields() throws IOException {
    return columns().stream().map(ParquetFields::of).toList();
  }

  /** The column as it is declared, if it is a key or the event time, else as it was guessed. */
  private Column known(Column guessed) {
    if (guessed.name().equals(SpineFile.EVENT_TIME)) {
      return new Column(guessed.name(), ColumnType.TIMESTAMP, true);
    }
    for (Column key : keys) {
      if (key.name().equals(guessed.name())) {
        return new Column(guessed.name(), key.type(), true);
      }
    }
    return guessed;
  }

  @Override
  public @Nullable Object[] values() throws UndecodableRecordException {
    CsvDecoder all = allDecoder;
    if (all == null) {
      throw new IllegalStateException("the columns' types are not known yet");
    }
    return all.decode(records);
  }

  @Override
  public void writeParquetRow(RecordConsumer consumer) throws UndecodableRecordException {
    ParquetFields.writeAll(consumer, allColumns, values());
  }

  @Override
  public void close() throws IOException {
    records.close();
  }
}
