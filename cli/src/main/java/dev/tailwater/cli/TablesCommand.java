package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.LakeTables;
import dev.tailwater.connectors.iceberg.TableCare;
import dev.tailwater.connectors.iceberg.TableReport;
import dev.tailwater.connectors.iceberg.TableRollback;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * {@code tailwater tables}: what the tables of the lake are made of, and back to what they were.
 */
final class TablesCommand {

  private static final Pattern CHECKPOINT = Pattern.compile("([0-9a-f]{32})@([0-9]{1,18})");
  private static final String FEATURES = "features.";

  private final Console console;
  private final Lake lake;
  private final TableCare care;

  TablesCommand(Console console, Lake lake, TableCare care) {
    this.console = console;
    this.lake = lake;
    this.care = care;
  }

  int show(boolean json) {
    List<TableReport> tables = new LakeTables(lake).report(care.smallFileBytes());
    if (json) {
      console.print(
          Json.write(Map.of("tables", tables.stream().map(TablesCommand::fields).toList())));
      return Main.OK;
    }
    if (tables.isEmpty()) {
      console.say(lake + " has no tables yet: they are made when a job first writes them");
      return Main.OK;
    }
    TextTable text =
        new TextTable(
            List.of(
                "table",
                "rows",
                "files",
                "small",
                "bytes",
                "snapshots",
                "newest commit",
                "snapshot",
                "tags",
                "versions"),
            new boolean[] {false, true, true, true, true, true, false, true, false, false});
    for (TableReport table : tables) {
      text.add(
          List.of(
              table.name(),
              Long.toString(table.rows()),
              Integer.toString(table.dataFiles()),
              Integer.toString(table.smallFiles()),
              Long.toString(table.bytes()),
              Integer.toString(table.snapshots()),
              table.newest().map(newest -> newest.committedAt().toString()).orElse("-"),
              table.newest().map(newest -> Long.toString(newest.snapshotId())).orElse("-"),
              String.join(",", table.tags()),
              String.join(",", table.definitionVersions())));
    }
    text.lines().forEach(console::print);
    return Main.OK;
  }

  /** A table as JSON has it. */
  static Map<String, @Nullable Object> fields(TableReport table) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("table", table.name());
    fields.put("rows", table.rows());
    fields.put("data_files", table.dataFiles());
    fields.put("small_files", table.smallFiles());
    fields.put("bytes", table.bytes());
    fields.put("snapshots", table.snapshots());
    fields.put("newest_snapshot", table.newest().map(TableReport.Newest::snapshotId).orElse(null));
    fields.put(
        "newest_snapshot_at",
        table.newest().map(newest -> newest.committedAt().toString()).orElse(null));
    fields.put("tags", table.tags());
    fields.put("definition_versions", table.definitionVersions());
    return fields;
  }

  /**
   * Takes tables back.
   *
   * @param table null for all feature tables, with a checkpoint
   * @param snapshot of the table, unless a checkpoint is given
   * @param checkpoint the first job of a lineage, and a number, as in {@code JOB@17}
   * @param force whether what other jobs have written since may go as well
   */
  int rollBack(
      @Nullable String table, @Nullable Long snapshot, @Nullable String checkpoint, boolean force) {
    List<TableRollback> rollbacks = plan(table, snapshot, checkpoint);
    if (rollbacks.isEmpty()) {
      console.say("Nothing to do: the tables hold nothing above checkpoint " + checkpoint);
      return Main.OK;
    }
    for (TableRollback rollback : rollbacks) {
      if (rollback.writers().size() > 1 && !force) {
        throw new CommandFailedException(
            "%s: going back to snapshot %d would also undo what other jobs have written since (the lineages of jobs %s); add --force if that may go, and write it again afterwards"
                .formatted(rollback.table(), rollback.to(), String.join(", ", rollback.writers())));
      }
    }
    for (TableRollback rollback : rollbacks) {
      new LakeTables(lake).rollBack(rollback);
      console.print(
          "%s: snapshot %d, %d commits and %d rows undone. Undo this with: tailwater tables rollback %s %d"
              .formatted(
                  rollback.table(),
                  rollback.to(),
                  rollback.undone().size(),
                  rollback.rows(),
                  rollback.table(),
                  rollback.from()));
    }
    return Main.OK;
  }

  private List<TableRollback> plan(
      @Nullable String table, @Nullable Long snapshot, @Nullable String checkpoint) {
    LakeTables tables = new LakeTables(lake);
    if (checkpoint == null) {
      if (table == null || snapshot == null) {
        throw new WrongUsageException(
            "name a table and a snapshot of it, or --to-checkpoint JOB@N for all feature tables");
      }
      return List.of(tables.planRollback(table, snapshot));
    }
    if (snapshot != null) {
      throw new WrongUsageException("give a snapshot or --to-checkpoint, not both");
    }
    Matcher matcher = CHECKPOINT.matcher(checkpoint);
    if (!matcher.matches()) {
      throw new WrongUsageException(
          "--to-checkpoint '"
              + checkpoint
              + "' is not a job id, @ and a number: copy it from the message that refused the job");
    }
    List<String> names =
        table != null
            ? List.of(table)
            : tables.names().stream().filter(name -> name.startsWith(FEATURES)).toList();
    List<TableRollback> rollbacks = new ArrayList<>();
    for (String name : names) {
      tables
          .planRollback(name, matcher.group(1), Long.parseLong(matcher.group(2)))
          .ifPresent(rollbacks::add);
    }
    return rollbacks;
  }
}
