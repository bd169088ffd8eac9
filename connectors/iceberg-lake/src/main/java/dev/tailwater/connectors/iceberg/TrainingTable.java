package dev.tailwater.connectors.iceberg;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotRef;
import org.apache.iceberg.Table;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.UpdateSchema;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types.NestedField;
import org.apache.iceberg.util.SnapshotUtil;
import org.jspecify.annotations.Nullable;

/** The columns of a training table, and how it follows the set that replaces its content. */
final class TrainingTable {

  /** Every set has this property: its snapshot is one that we wrote. */
  static final String MADE_BY = "tailwater.training-set";

  private static final Set<String> REQUIRED =
      Set.of(TrainingSetSnapshot.ROW, TrainingSetSnapshot.EVENT_TIME);

  private TrainingTable() {}

  /**
   * Begins a transaction after which the table has these columns; nothing is committed yet.
   *
   * @param location of the table if it does not exist, or null for the catalog's choice
   * @throws IllegalArgumentException if the table has a column with another type
   */
  static Transaction begin(
      Catalog catalog, TableIdentifier name, List<Column> columns, @Nullable String location) {
    if (!catalog.tableExists(name)) {
      return catalog
          .buildTable(name, schema(columns))
          .withLocation(location)
          .withProperties(LakeTypes.tableProperties())
          .createTransaction();
    }
    Transaction transaction = catalog.loadTable(name).newTransaction();
    follow(transaction, columns);
    return transaction;
  }

  private static Schema schema(List<Column> columns) {
    AtomicInteger lastId = new AtomicInteger(columns.size());
    List<NestedField> fields = new ArrayList<>();
    for (Column column : columns) {
      Type type = LakeTypes.icebergType(column.type(), lastId::incrementAndGet);
      int id = fields.size() + 1;
      fields.add(
          REQUIRED.contains(column.name())
              ? NestedField.required(id, column.name(), type)
              : NestedField.optional(id, column.name(), type));
    }
    return new Schema(fields);
  }

  /** A column stays for the older sets that have it, whoever reads them by their tags. */
  private static void follow(Transaction transaction, List<Column> columns) {
    Table table = transaction.table();
    AtomicInteger anyId = new AtomicInteger();
    UpdateSchema update = transaction.updateSchema();
    for (Column column : columns) {
      NestedField present = table.schema().findField(column.name());
      if (present == null) {
        update.addColumn(
            null, column.name(), LakeTypes.icebergType(column.type(), anyId::incrementAndGet));
      } else if (!LakeTypes.holds(present.type(), column.type())) {
        throw new IllegalArgumentException(
            "Column %s of table %s is a %s, but is a %s in this training set: one table cannot hold both. Write to another table, or name the column otherwise."
                .formatted(column.name(), table.name(), present.type(), column.type()));
      }
    }
    // Also where nothing is new: a transaction goes on only when what was begun is committed.
    update.commit();
  }

  /** The set that a table holds now, or under a tag. */
  static TrainingSetSnapshot snapshot(Table table, String name, Optional<String> tag) {
    Snapshot snapshot = tag.isPresent() ? tagged(table, tag.get()) : table.currentSnapshot();
    if (snapshot == null) {
      throw new IllegalArgumentException(
          "Table " + table.name() + " is empty: no training set was written to it yet");
    }
    // Compaction writes snapshots of its own above that of the set.
    for (Snapshot ancestor : SnapshotUtil.ancestorsOf(snapshot.snapshotId(), table::snapshot)) {
      if (ancestor.summary().containsKey(MADE_BY)) {
        return new TrainingSetSnapshot(
            name,
            snapshot.snapshotId(),
            columns(schema(table, snapshot.snapshotId())),
            ancestor.summary());
      }
    }
    throw new IllegalArgumentException(
        "Table " + table.name() + " holds no training set: its rows were written by other means");
  }

  private static Snapshot tagged(Table table, String tag) {
    SnapshotRef ref = table.refs().get(tag);
    if (ref == null || !ref.isTag()) {
      throw new IllegalArgumentException(
          "Table "
              + table.name()
              + " has no tag "
              + tag
              + "; it has "
              + table.refs().entrySet().stream()
                  .filter(entry -> entry.getValue().isTag())
                  .map(Map.Entry::getKey)
                  .sorted()
                  .toList());
    }
    return table.snapshot(ref.snapshotId());
  }

  /** The schema that a snapshot was written with. */
  static Schema schema(Table table, long snapshotId) {
    Integer id = table.snapshot(snapshotId).schemaId();
    return id == null ? table.schema() : Objects.requireNonNull(table.schemas().get(id));
  }

  /** The columns as ours; one of a type that we never write is left out. */
  static List<Column> columns(Schema schema) {
    List<Column> columns = new ArrayList<>();
    for (NestedField field : schema.columns()) {
      for (ColumnType type : ColumnType.values()) {
        if (LakeTypes.holds(field.type(), type)) {
          columns.add(new Column(field.name(), type, field.isOptional()));
        }
      }
    }
    return columns;
  }
}
