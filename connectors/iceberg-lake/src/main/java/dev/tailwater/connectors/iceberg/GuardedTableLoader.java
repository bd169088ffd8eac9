package dev.tailwater.connectors.iceberg;

import java.io.IOException;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.Table;
import org.apache.iceberg.flink.TableLoader;

/** Loads tables whose appends cannot commit one checkpoint twice, see {@link GuardedTable}. */
final class GuardedTableLoader implements TableLoader {

  private final TableLoader loader;

  GuardedTableLoader(TableLoader loader) {
    this.loader = loader;
  }

  @Override
  public void open() {
    AvroClasses.load(); // A TaskManager has no Lake.
    loader.open();
  }

  @Override
  public boolean isOpen() {
    return loader.isOpen();
  }

  @Override
  public Table loadTable() {
    Table table = loader.loadTable();
    return table instanceof HasTableOperations committable
        ? new GuardedTable(committable.operations(), table.name())
        : table;
  }

  // The interface asks for a clone method of its own, which copies what the loader holds open.
  @Override
  public TableLoader clone() {
    return new GuardedTableLoader(loader.clone());
  }

  @Override
  public void close() throws IOException {
    loader.close();
  }
}
