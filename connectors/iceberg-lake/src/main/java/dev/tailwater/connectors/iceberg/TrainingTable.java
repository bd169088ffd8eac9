package dev.tailwater.connectors.iceberg;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.HashSet;
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

  private TrainingTable() {}

  /**
   * Begins a transaction after which the table has exactly these columns; nothing is committed yet.
   *
   * @param location of the table if it does not exist, or null for the catalog's choice
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
          column.nullable()
              ? NestedField.optional(id, column.name(), type)
              : NestedField.required(id, column.name(), type));
    }
    return new Schema(fields);
  }

  /** Older sets keep their own columns: each snapshot is read by the schema it was written with. */
  private static void follow(Transaction transaction, List<Column> columns) {
    Schema present = transaction.table().schema();
    AtomicInteger anyId = new AtomicInteger();
    UpdateSchema update = transaction.updateSchema();
    Set<String> kept = new HashSet<>();
    boolean changed = false;
    for (Column column : columns) {
      NestedField field = present.findField(column.name());
      if (field != null
          && field.isOptional() == column.nullable()
          && LakeTypes.holds(field.type(), column.type())) {
        kept.add(column.name());
      }
    }
    for (NestedField field : present.columns()) {
      if (!kept.contains(field.name())) {
        update.deleteColumn(field.name());
        changed = true;
      }
    }
    String before = null;
    for (Column column : columns) {
      if (!kept.contains(column.name())) {
        // The table's older rows are gone from it, so that a required column has no gap.
        update.allowIncompatibleChanges();
        Type type = LakeTypes.icebergType(column.type(), anyId::incrementAndGet);
        if (column.nullable()) {
          update.addColumn(null, column.name(), type);
        } else {
          update.addRequiredColumn(null, column.name(), type);
        }
        changed = true;
      }
      if (before == null) {
        update.moveFirst(column.name());
      } else {
        update.moveAfter(column.name(), before);
      }
      before = column.name();
    }
    List<String> order = present.columns().stream().map(NestedField::name).toList();
    if (changed || !order.equals(columns.stream().map(Column::name).toList())) {
      update.commit();
    }
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
