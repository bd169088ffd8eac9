package dev.tailwater.connectors.iceberg;

import dev.tailwater.schemas.Column;
import java.io.Closeable;
import java.io.IOException;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.OverwriteFiles;
import org.apache.iceberg.Schema;
import org.apache.iceberg.SerializableTable;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.sink.RowDataTaskWriterFactory;
import org.apache.iceberg.io.TaskWriter;
import org.jspecify.annotations.Nullable;

/**
 * A training set on its way into {@code training.<name>}. Tasks write its files; nothing of it is
 * seen before {@link #commit}, which replaces the table's content in one step. Files that are never
 * committed are left for the table's maintenance to remove. Serializable, so that it travels to the
 * tasks.
 */
public final class TrainingSetDraft implements Serializable {

  private static final int COMMIT_ATTEMPTS = 5;

  private final Lake lake;
  private final String name;
  private final @Nullable String tag;
  private final List<Column> columns;
  private final Table table;

  private TrainingSetDraft(
      Lake lake, String name, @Nullable String tag, List<Column> columns, Table table) {
    this.lake = lake;
    this.name = name;
    this.tag = tag;
    this.columns = List.copyOf(columns);
    this.table = table;
  }

  /**
   * Begins a set, before any job starts.
   *
   * @param tag names this set for ever; without one it lasts until the table's next set, and as
   *     long as the table's maintenance keeps old snapshots
   * @throws IllegalArgumentException if the table has the tag already
   */
  static TrainingSetDraft begin(
      Lake lake, Catalog catalog, String name, Optional<String> tag, List<Column> columns) {
    TableIdentifier table = Lake.trainingTable(name);
    if (tag.isPresent() && catalog.tableExists(table)) {
      requireFree(catalog.loadTable(table), tag.get());
    }
    return new TrainingSetDraft(
        lake,
        name,
        tag.orElse(null),
        columns,
        SerializableTable.copyOf(TrainingTable.begin(catalog, table, columns, null).table()));
  }

  private static void requireFree(Table table, String tag) {
    if (table.refs().containsKey(tag)) {
      throw new IllegalArgumentException(
          "Table "
              + table.name()
              + " already has the tag "
              + tag
              + ", and a tag names one training set for ever. Choose another tag.");
    }
  }

  /**
   * Opens files for the rows of one task.
   *
   * @param task number of the task, and of its attempt: part of the files' names
   */
  public Writer open(int task, int attempt) {
    RowType rows = FlinkSchemaUtil.convert(table.schema());
    RowDataTaskWriterFactory writers =
        new RowDataTaskWriterFactory(
            table,
            rows,
            TableProperties.WRITE_TARGET_FILE_SIZE_BYTES_DEFAULT,
            FileFormat.PARQUET,
            table.properties(),
            null,
            false);
    writers.initialize(task, attempt);
    return new Writer(writers.create(), columns, rows.getFieldNames());
  }

  /** A file that was written, and is not in the table before it is committed. */
  public static final class WrittenFile implements Serializable {

    private final DataFile file;

    private WrittenFile(DataFile file) {
      this.file = file;
    }
  }

  /** Writes rows to files of the table. Not thread-safe. */
  public static final class Writer implements Closeable {

    private final TaskWriter<RowData> files;
    private final List<Column> columns;
    private final int[] positions;
    private final GenericRowData row;

    private Writer(TaskWriter<RowData> files, List<Column> columns, List<String> tableColumns) {
      this.files = files;
      this.columns = columns;
      this.positions =
          columns.stream().mapToInt(column -> tableColumns.indexOf(column.name())).toArray();
      // Columns that only older sets have stay NULL.
      this.row = new GenericRowData(tableColumns.size());
    }

    /** Writes a row, one value per column of the draft. */
    public void write(@Nullable Object[] values) throws IOException {
      for (int i = 0; i < values.length; i++) {
        row.setField(positions[i], LakeTypes.rowDataValue(columns.get(i).type(), values[i]));
      }
      files.write(row);
    }

    /** Completes the files; they are to be given to {@link #commit}. */
    public List<WrittenFile> finish() throws IOException {
      return Arrays.stream(files.complete().dataFiles()).map(WrittenFile::new).toList();
    }

    @Override
    public void close() throws IOException {
      files.close();
    }
  }

  /**
   * Makes these files the table's content, under the draft's tag.
   *
   * @param properties kept with the snapshot, each tagged set its own
   * @return the snapshot
   * @throws IllegalStateException if the table got other columns, or the tag, meanwhile
   */
  public long commit(List<WrittenFile> files, Map<String, String> properties) {
    return lake.onCatalog(catalog -> commit(catalog, files, properties));
  }

  private long commit(Catalog catalog, List<WrittenFile> files, Map<String, String> properties) {
    for (int attempt = 1; ; attempt++) {
      try {
        return tryCommit(catalog, files, properties);
      } catch (CommitFailedException | AlreadyExistsException e) {
        // Maintenance, or another training set: the files are still good for what is there now.
        if (attempt == COMMIT_ATTEMPTS) {
          throw new IllegalStateException(
              "Table training.%s was changed by others in each of %d attempts to commit to it; run again when they are done"
                  .formatted(name, COMMIT_ATTEMPTS),
              e);
        }
      }
    }
  }

  private long tryCommit(Catalog catalog, List<WrittenFile> files, Map<String, String> properties) {
    TableIdentifier identifier = Lake.trainingTable(name);
    if (catalog.tableExists(identifier)) {
      Table present = catalog.loadTable(identifier);
      if (tag != null) {
        requireFree(present, tag);
      }
    }
    Transaction transaction = TrainingTable.begin(catalog, identifier, columns, table.location());
    requireSameColumns(transaction.table().schema());
    OverwriteFiles overwrite =
        transaction.newOverwrite().overwriteByRowFilter(Expressions.alwaysTrue());
    files.forEach(written -> overwrite.addFile(written.file));
    overwrite.set(TrainingTable.MADE_BY, name);
    properties.forEach(overwrite::set);
    overwrite.commit();
    Snapshot snapshot = transaction.table().currentSnapshot();
    if (tag != null) {
      transaction.manageSnapshots().createTag(tag, snapshot.snapshotId()).commit();
    }
    transaction.commitTransaction();
    return snapshot.snapshotId();
  }

  /** The files name columns by number: other numbers would be other columns. */
  private void requireSameColumns(Schema schema) {
    if (!schema.sameSchema(table.schema())) {
      throw new IllegalStateException(
          "Table training.%s got other columns while this training set was made; run again, or write to another table"
              .formatted(name));
    }
  }
}
