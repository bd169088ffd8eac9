package dev.tailwater.endtoend;

import dev.tailwater.connectors.iceberg.Lake;
import java.io.Closeable;
import java.io.IOException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.OverwriteFiles;
import org.apache.iceberg.PartitionKey;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.data.GenericFileWriterFactory;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.InternalRecordWrapper;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.encryption.EncryptedFiles;
import org.apache.iceberg.encryption.EncryptionKeyMetadata;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.DataWriter;

/** The rows of a feature table, to be changed behind everybody's back; written when closed. */
final class TamperedTable implements Closeable {

  private final Catalog catalog;
  private final Table table;
  private final List<Record> rows = new ArrayList<>();

  TamperedTable(Lake lake, String view) throws IOException {
    catalog = lake.openCatalog();
    table = catalog.loadTable(Lake.featureTable(view));
    try (CloseableIterable<Record> records = IcebergGenerics.read(table).build()) {
      records.forEach(record -> rows.add(record.copy()));
    }
  }

  /**
   * The rows that no late event has repaired, each of other content than the one before, of the
   * keys in which a column has a value, in the order of keys and time.
   */
  List<Record> untouched(String column, String value, String then) {
    Map<String, Integer> revisions = new HashMap<>();
    rows.forEach(row -> revisions.merge(place(row, column, then), 1, Integer::sum));
    List<Record> found = new ArrayList<>();
    rows.stream()
        .filter(row -> value.equals(row.getField(column)))
        .filter(row -> revisions.getOrDefault(place(row, column, then), 0) == 1)
        .filter(row -> row.getField("revision").equals(0L))
        .sorted(
            Comparator.comparing((Record row) -> String.valueOf(row.getField(then)))
                .thenComparing(row -> (OffsetDateTime) row.getField("valid_from")))
        .forEach(found::add);
    return found;
  }

  private static String place(Record row, String column, String then) {
    return row.getField(column) + " " + row.getField(then) + " " + row.getField("valid_from");
  }

  /** A row that a late event has repaired last. */
  Record repaired(String column, String then) {
    Map<String, Record> newest = new HashMap<>();
    for (Record row : rows) {
      newest.merge(
          place(row, column, then),
          row,
          (a, b) -> (Long) a.getField("revision") > (Long) b.getField("revision") ? a : b);
    }
    return newest.values().stream()
        .filter(row -> (Long) row.getField("revision") > 0)
        .min(Comparator.comparing(row -> place(row, column, then)))
        .orElseThrow();
  }

  void remove(Record row) {
    rows.removeIf(other -> other == row);
  }

  /** The row is there once more. */
  void repeat(Record row) {
    rows.add(row.copy());
  }

  void change(Record row, String feature, Object value) {
    row.setField(feature, value);
  }

  /** The row says what another says, at its own instant. */
  void changeTo(Record row, Record other, List<String> columns) {
    columns.forEach(column -> row.setField(column, other.getField(column)));
  }

  /** The row is there at another instant, too. */
  void addAt(Record row, String instant) {
    Record added = row.copy();
    added.setField("valid_from", OffsetDateTime.parse(instant));
    rows.add(added);
  }

  /** Replaces all files of the table. */
  @Override
  public void close() throws IOException {
    InternalRecordWrapper wrapper = new InternalRecordWrapper(table.schema().asStruct());
    Map<PartitionKey, List<Record>> byDay = new HashMap<>();
    PartitionKey day = new PartitionKey(table.spec(), table.schema());
    for (Record row : rows) {
      day.partition(wrapper.wrap(row));
      byDay.computeIfAbsent(day.copy(), key -> new ArrayList<>()).add(row);
    }
    OverwriteFiles overwrite = table.newOverwrite().overwriteByRowFilter(Expressions.alwaysTrue());
    GenericFileWriterFactory writers =
        new GenericFileWriterFactory.Builder(table).dataFileFormat(FileFormat.PARQUET).build();
    for (Map.Entry<PartitionKey, List<Record>> entry : byDay.entrySet()) {
      DataWriter<Record> writer =
          writers.newDataWriter(
              EncryptedFiles.encryptedOutput(
                  table
                      .io()
                      .newOutputFile(
                          table.locationProvider().newDataLocation(UUID.randomUUID() + ".parquet")),
                  EncryptionKeyMetadata.EMPTY),
              table.spec(),
              entry.getKey());
      try (writer) {
        entry.getValue().forEach(writer::write);
      }
      overwrite.addFile(Objects.requireNonNull(writer.toDataFile()));
    }
    overwrite.commit();
    if (catalog instanceof Closeable closeable) {
      closeable.close();
    }
  }
}
