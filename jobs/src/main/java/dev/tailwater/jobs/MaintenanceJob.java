package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.LakeMaintenance;
import dev.tailwater.connectors.iceberg.LakeTables;
import dev.tailwater.connectors.iceberg.TableCare;
import dev.tailwater.connectors.iceberg.TableReport;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * Keeps the tables of a lake in order beside the jobs that write them: few and large files, a
 * bounded number of snapshots, nothing that no snapshot names.
 */
public final class MaintenanceJob {

  private MaintenanceJob() {}

  /**
   * Adds the job that looks after tables until it is cancelled, and reports on all of them. Tables
   * that are made later are reported on, and looked after once the job is started again.
   *
   * @param tables at least one, as in {@code features.customer_spend}
   */
  public static void build(
      StreamExecutionEnvironment env, Lake lake, List<String> tables, TableCare care) {
    tables.forEach(table -> LakeMaintenance.keep(env, lake, table, care));
    env.fromSource(
            new DataGeneratorSource<>(
                round -> round,
                Long.MAX_VALUE,
                RateLimiterStrategy.perSecond(1.0 / care.every().toSeconds()),
                Types.LONG),
            WatermarkStrategy.noWatermarks(),
            "source:rounds")
        .uid("source:rounds")
        .setParallelism(1)
        .map(new TableFigures(lake, care.smallFileBytes()))
        .returns(Types.LONG)
        .uid("table-figures")
        .name("table-figures")
        .setParallelism(1)
        .sinkTo(new DiscardingSink<>())
        .uid("sink:table-figures")
        .name("sink:table-figures")
        .setParallelism(1);
  }

  /**
   * What a round did to a table.
   *
   * @param before the table as it was
   * @param after as it is now
   * @param left what was due and has not been done: another commit was in the way, or it failed
   */
  public record Outcome(TableReport before, TableReport after, LakeTables.DueCare left) {

    /** Whether all that was due has been done. */
    public boolean isComplete() {
      return left.files().isEmpty() && left.snapshots().isEmpty();
    }
  }

  /**
   * Does one round and waits for its end: a job for each step.
   *
   * @param environments a new environment for each job
   * @param tables as in {@code features.customer_spend}
   * @param now by which snapshots are too old
   * @param progress is told each step
   */
  public static List<Outcome> once(
      Supplier<StreamExecutionEnvironment> environments,
      Lake lake,
      List<String> tables,
      TableCare care,
      Instant now,
      Consumer<String> progress)
      throws Exception {
    LakeTables keeper = new LakeTables(lake);
    List<TableReport> before = reports(keeper, tables, care);
    List<LakeTables.DueCare> due = new ArrayList<>();
    for (TableReport table : before) {
      due.add(keeper.due(table.name(), care, now));
    }
    for (LakeMaintenance.Step step : LakeMaintenance.Step.values()) {
      progress.accept(
          switch (step) {
            case COMPACT -> "compacting files …";
            case EXPIRE -> "expiring snapshots …";
            case DELETE_ORPHANS -> "deleting files that nothing names …";
          });
      StreamExecutionEnvironment env = environments.get();
      before.forEach(table -> LakeMaintenance.once(env, lake, table.name(), step, care));
      Object unused = env.execute("maintain: " + step);
    }
    Map<String, TableReport> after = new HashMap<>();
    reports(keeper, tables, care).forEach(table -> after.put(table.name(), table));
    List<Outcome> outcomes = new ArrayList<>();
    for (int i = 0; i < before.size(); i++) {
      String name = before.get(i).name();
      TableReport present = after.get(name);
      if (present != null) { // Else it was dropped meanwhile.
        outcomes.add(new Outcome(before.get(i), present, keeper.stillDue(name, due.get(i))));
      }
    }
    return outcomes;
  }

  private static List<TableReport> reports(LakeTables keeper, List<String> tables, TableCare care) {
    return keeper.report(care.smallFileBytes()).stream()
        .filter(table -> tables.contains(table.name()))
        .toList();
  }
}
