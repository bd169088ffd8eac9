package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.LakeTables;
import dev.tailwater.connectors.iceberg.TableCare;
import dev.tailwater.connectors.iceberg.TableReport;
import dev.tailwater.jobs.MaintenanceJob;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code tailwater maintain}: one round of table care, beside whatever writes the tables. */
final class MaintainCommand {

  private final Session session;
  private final Lake lake;
  private final TableCare care;

  MaintainCommand(Session session, Lake lake, TableCare care) {
    this.session = session;
    this.lake = lake;
    this.care = care;
  }

  /**
   * Does a round.
   *
   * @param table the only table, or empty for all
   * @param dryRun whether only what is due is shown
   */
  int run(Optional<String> table, boolean dryRun, boolean json, Instant now) throws Exception {
    List<String> tables = tables(table);
    if (dryRun) {
      showDue(tables, json, now);
      return Main.OK;
    }
    List<MaintenanceJob.Outcome> outcomes =
        MaintenanceJob.once(
            () -> {
              try {
                return OneShotFlink.environment(session.home(), 1);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            },
            lake,
            tables,
            care,
            now,
            session.console()::live);
    show(outcomes, json);
    List<String> unfinished =
        outcomes.stream()
            .filter(outcome -> !outcome.isComplete())
            .map(outcome -> outcome.after().name())
            .toList();
    if (!unfinished.isEmpty()) {
      throw new CommandFailedException(
          "not all that was due could be done in "
              + String.join(", ", unfinished)
              + ": another commit was in the way, or files could not be read or written (the log"
              + " file of this run says which); nothing is lost, run it again");
    }
    return Main.OK;
  }

  private List<String> tables(Optional<String> table) {
    List<String> names = new LakeTables(lake).names();
    if (table.isEmpty()) {
      if (names.isEmpty()) {
        throw new CommandFailedException(
            lake + " has no tables yet: they are made when a job first writes them");
      }
      return names;
    }
    if (!names.contains(table.get())) {
      throw new CommandFailedException(
          lake + " has no table " + table.get() + "; there are " + String.join(", ", names));
    }
    return List.of(table.get());
  }

  private void showDue(List<String> tables, boolean json, Instant now) {
    TextTable text =
        new TextTable(
            List.of("table", "files to compact", "bytes", "into about", "snapshots to expire"),
            new boolean[] {false, true, true, true, true});
    List<Object> all = new ArrayList<>();
    for (String table : tables) {
      LakeTables.DueCare due = new LakeTables(lake).due(table, care, now);
      text.add(
          List.of(
              table,
              Integer.toString(due.files().size()),
              Long.toString(due.bytes()),
              Integer.toString(due.filesAfter()),
              Integer.toString(due.snapshots().size())));
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("table", table);
      fields.put("files_to_compact", due.files().size());
      fields.put("bytes_to_compact", due.bytes());
      fields.put("files_after", due.filesAfter());
      fields.put("snapshots_to_expire", due.snapshots().size());
      all.add(fields);
    }
    if (json) {
      session.console().print(Json.write(Map.of("due", all)));
      return;
    }
    text.lines().forEach(session.console()::print);
    session.console().say("Files that nothing names are only looked for when they are deleted.");
  }

  private void show(List<MaintenanceJob.Outcome> outcomes, boolean json) {
    if (json) {
      session
          .console()
          .print(
              Json.write(
                  Map.of(
                      "tables",
                      outcomes.stream()
                          .map(
                              outcome ->
                                  Map.of(
                                      "before", TablesCommand.fields(outcome.before()),
                                      "after", TablesCommand.fields(outcome.after()),
                                      "complete", outcome.isComplete()))
                          .toList())));
      return;
    }
    TextTable text =
        new TextTable(
            List.of("table", "rows", "files", "small", "bytes", "snapshots"),
            new boolean[] {false, true, true, true, true, true});
    for (MaintenanceJob.Outcome outcome : outcomes) {
      TableReport before = outcome.before();
      TableReport after = outcome.after();
      text.add(
          List.of(
              after.name(),
              change(before.rows(), after.rows()),
              change(before.dataFiles(), after.dataFiles()),
              change(before.smallFiles(), after.smallFiles()),
              change(before.bytes(), after.bytes()),
              change(before.snapshots(), after.snapshots())));
    }
    text.lines().forEach(session.console()::print);
  }

  private static String change(long before, long after) {
    return before == after ? Long.toString(after) : before + " → " + after;
  }
}
