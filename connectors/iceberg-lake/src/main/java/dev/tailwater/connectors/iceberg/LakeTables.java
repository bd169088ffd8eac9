package dev.tailwater.connectors.iceberg;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataOperations;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableScan;
import org.apache.iceberg.actions.BinPackRewriteFilePlanner;
import org.apache.iceberg.actions.RewriteFileGroup;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.SupportsNamespaces;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types.NestedField;
import org.apache.iceberg.util.SnapshotUtil;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The tables of a lake as a keeper sees them. Thread-safe; a catalog is opened for each call. */
public final class LakeTables {

  private static final Logger LOG = LoggerFactory.getLogger(LakeTables.class);

  private final Lake lake;

  public LakeTables(Lake lake) {
    this.lake = lake;
  }

  /** The names of all tables, as in {@code features.customer_spend}, in order. */
  public List<String> names() {
    return lake.onCatalog(LakeTables::names);
  }

  private static List<String> names(Catalog catalog) {
    List<Namespace> namespaces =
        catalog instanceof SupportsNamespaces known ? known.listNamespaces() : List.of();
    return namespaces.stream()
        .flatMap(namespace -> catalog.listTables(namespace).stream())
        .map(TableIdentifier::toString)
        .sorted()
        .toList();
  }

  /**
   * What every table is made of, in the order of their names. Reads the manifests of the current
   * snapshots. A table that is dropped meanwhile is left out.
   *
   * @param smallFileBytes below which a file is small
   */
  public List<TableReport> report(long smallFileBytes) {
    return lake.onCatalog(
        catalog -> {
          List<TableReport> reports = new ArrayList<>();
          for (String name : names(catalog)) {
            find(catalog, name)
                .map(table -> report(name, table, smallFileBytes))
                .ifPresent(reports::add);
          }
          return reports;
        });
  }

  /**
   * What care would do to a table now.
   *
   * @param files the paths of those that compaction would replace
   * @param bytes in them
   * @param filesAfter how many it would write instead, roughly
   * @param snapshots that are old enough to expire, and not among those that are kept
   */
  public record DueCare(Set<String> files, long bytes, int filesAfter, Set<Long> snapshots) {

    private static final DueCare NONE = new DueCare(Set.of(), 0, 0, Set.of());

    public DueCare {
      files = Set.copyOf(files);
      snapshots = Set.copyOf(snapshots);
    }
  }

  /**
   * What a round of care would do to a table.
   *
   * @throws IllegalArgumentException if there is no such table
   */
  public DueCare due(String name, TableCare care, Instant now) {
    return lake.onCatalog(
        catalog -> {
          Table table = Lake.loaded(catalog, TableIdentifier.parse(name));
          return due(table, care, now);
        });
  }

  /**
   * What it would mean to make a snapshot the current one.
   *
   * @param snapshotId an earlier snapshot, or one that was rolled back before
   * @throws IllegalArgumentException if there is no such table or snapshot
   */
  public TableRollback planRollback(String name, long snapshotId) {
    return lake.onCatalog(
        catalog -> {
          Table table = Lake.loaded(catalog, TableIdentifier.parse(name));
          Snapshot current = table.currentSnapshot();
          if (table.snapshot(snapshotId) == null || current == null) {
            throw new IllegalArgumentException(
                "Table "
                    + name
                    + " has no snapshot "
                    + snapshotId
                    + ": it never had, or it has expired. This lists those that there are:"
                    + " tailwater sql 'SELECT snapshot_id, committed_at FROM "
                    + name.replace(".", ".`")
                    + "$snapshots`'");
          }
          List<TableRollback.Undone> undone = new ArrayList<>();
          for (Snapshot ancestor : SnapshotUtil.currentAncestors(table)) {
            if (ancestor.snapshotId() == snapshotId) {
              return new TableRollback(name, current.snapshotId(), snapshotId, undone);
            }
            undone.add(undone(table, ancestor));
          }
          return new TableRollback(name, current.snapshotId(), snapshotId, List.of());
        });
  }

  /**
   * What it would mean for a feature table to go back to what it held when a checkpoint of a job
   * completed.
   *
   * @param firstJob the first job of the lineage, as {@code tailwater.lineage.<job>} names it
   * @param checkpoint its number
   * @return nothing if the table holds nothing above that checkpoint
   * @throws IllegalArgumentException if there is no such table, or what it held then has expired
   */
  public Optional<TableRollback> planRollback(String name, String firstJob, long checkpoint) {
    return lake.onCatalog(
        catalog -> {
          Table table = Lake.loaded(catalog, TableIdentifier.parse(name));
          Optional<Lineage.Overhang> overhang =
              Lineage.beyond(table, firstJob, checkpoint, firstJob);
          if (overhang.isEmpty()) {
            return Optional.empty();
          }
          if (overhang.get().rollBackTo().isEmpty()
              || table.snapshot(overhang.get().rollBackTo().getAsLong()) == null) {
            throw new IllegalArgumentException(
                "What table "
                    + name
                    + " held at checkpoint "
                    + checkpoint
                    + " of job "
                    + firstJob
                    + " was nothing, or it has expired: drop the table (tailwater sql --write"
                    + " \"DROP TABLE "
                    + name
                    + "\") and rebuild it with tailwater replay.");
          }
          List<Snapshot> undone = overhang.get().undone();
          return Optional.of(
              new TableRollback(
                  name,
                  undone.get(0).snapshotId(),
                  overhang.get().rollBackTo().getAsLong(),
                  undone.stream().map(snapshot -> undone(table, snapshot)).toList()));
        });
  }

  private static TableRollback.Undone undone(Table table, Snapshot snapshot) {
    boolean append = DataOperations.APPEND.equals(snapshot.operation());
    return new TableRollback.Undone(
        snapshot.snapshotId(),
        Instant.ofEpochMilli(snapshot.timestampMillis()),
        append ? Lineage.of(table, Lineage.job(snapshot)) : "",
        append ? Lineage.addedRows(snapshot) : 0);
  }

  /**
   * Makes the snapshot the current one. No job may write the table meanwhile.
   *
   * @throws IllegalStateException if somebody has committed since the rollback was planned
   */
  public void rollBack(TableRollback rollback) {
    Table done =
        lake.onCatalog(
            catalog -> {
              Table table = Lake.loaded(catalog, TableIdentifier.parse(rollback.table()));
              Snapshot current = table.currentSnapshot();
              if (current == null || current.snapshotId() != rollback.from()) {
                throw new IllegalStateException(
                    "Table "
                        + rollback.table()
                        + " was committed to meanwhile: stop every job that writes it, and try"
                        + " again.");
              }
              table.manageSnapshots().setCurrentSnapshot(rollback.to()).commit();
              return table;
            });
    LOG.info("Table {} went from snapshot {} to {}", done.name(), rollback.from(), rollback.to());
  }

  private static DueCare due(Table table, TableCare care, Instant now) {
    Snapshot current = table.currentSnapshot();
    if (current == null) {
      return DueCare.NONE;
    }
    // Iceberg's own planners, so that a forecast and a round cannot disagree.
    BinPackRewriteFilePlanner planner =
        new BinPackRewriteFilePlanner(table, Expressions.alwaysTrue(), current.snapshotId(), false);
    planner.init(LakeMaintenance.compactionOptions(care));
    Set<String> files = new HashSet<>();
    long bytes = 0;
    int filesAfter = 0;
    try (CloseableIterable<RewriteFileGroup> groups = planner.plan().groups()) {
      for (RewriteFileGroup group : groups) {
        group.rewrittenFiles().forEach(file -> files.add(file.location()));
        bytes += group.inputFilesSizeInBytes();
        filesAfter += group.expectedOutputFiles();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Reading the files of " + table.name() + " failed", e);
    }
    Set<Long> snapshots = new HashSet<>();
    table
        .expireSnapshots()
        .expireOlderThan(now.minus(care.keepSnapshotsFor()).toEpochMilli())
        .retainLast(care.keepSnapshots())
        .apply()
        .forEach(snapshot -> snapshots.add(snapshot.snapshotId()));
    return new DueCare(files, bytes, filesAfter, snapshots);
  }

  /**
   * What of the care that was due has not been taken.
   *
   * @throws IllegalArgumentException if there is no such table
   */
  public DueCare stillDue(String name, DueCare due) {
    return lake.onCatalog(
        catalog -> {
          Table table = Lake.loaded(catalog, TableIdentifier.parse(name));
          Set<String> files = new HashSet<>();
          long bytes = 0;
          try (CloseableIterable<FileScanTask> tasks = table.newScan().planFiles()) {
            for (FileScanTask task : tasks) {
              if (due.files().contains(task.file().location())) {
                files.add(task.file().location());
                bytes += task.file().fileSizeInBytes();
              }
            }
          } catch (IOException e) {
            throw new UncheckedIOException("Reading the files of table " + name + " failed", e);
          }
          Set<Long> snapshots = new HashSet<>(due.snapshots());
          snapshots.removeIf(snapshot -> table.snapshot(snapshot) == null);
          return new DueCare(files, bytes, 0, snapshots);
        });
  }

  /** A table, or nothing if it is not there any more. */
  private static Optional<Table> find(Catalog catalog, String name) {
    try {
      return Optional.of(catalog.loadTable(TableIdentifier.parse(name)));
    } catch (NoSuchTableException e) {
      return Optional.empty();
    }
  }

  private static TableReport report(String name, Table table, long smallFileBytes) {
    NestedField version = table.schema().findField(FeatureTable.DEFINITION_VERSION);
    TableScan scan = table.newScan();
    if (version != null) {
      scan = scan.includeColumnStats(Set.of(version.name()));
    }
    Set<String> versions = new TreeSet<>();
    long rows = 0;
    int files = 0;
    int small = 0;
    long bytes = 0;
    try (CloseableIterable<FileScanTask> tasks = scan.planFiles()) {
      for (FileScanTask task : tasks) {
        DataFile file = task.file();
        rows += file.recordCount();
        bytes += file.fileSizeInBytes();
        files++;
        if (file.fileSizeInBytes() < smallFileBytes) {
          small++;
        }
        if (version != null) {
          addBound(file.lowerBounds(), version, versions);
          addBound(file.upperBounds(), version, versions);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Reading the files of table " + name + " failed", e);
    }
    int snapshots = 0;
    for (Snapshot unused : table.snapshots()) {
      snapshots++;
    }
    return new TableReport(
        name,
        rows,
        files,
        small,
        bytes,
        snapshots,
        Optional.ofNullable(table.currentSnapshot())
            .map(
                newest ->
                    new TableReport.Newest(
                        newest.snapshotId(), Instant.ofEpochMilli(newest.timestampMillis()))),
        table.refs().entrySet().stream()
            .filter(ref -> ref.getValue().isTag())
            .map(Map.Entry::getKey)
            .sorted()
            .toList(),
        List.copyOf(versions));
  }

  private static void addBound(
      @Nullable Map<Integer, ByteBuffer> bounds, NestedField column, Set<String> values) {
    ByteBuffer bound = bounds == null ? null : bounds.get(column.fieldId());
    if (bound != null) {
      values.add(Conversions.fromByteBuffer(column.type(), bound).toString());
    }
  }
}
