package dev.tailwater.connectors.iceberg;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.actions.SizeBasedFileRewritePlanner;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.flink.TableLoader;
import org.apache.iceberg.flink.maintenance.api.DeleteOrphanFiles;
import org.apache.iceberg.flink.maintenance.api.ExpireSnapshots;
import org.apache.iceberg.flink.maintenance.api.MaintenanceTaskBuilder;
import org.apache.iceberg.flink.maintenance.api.RewriteDataFiles;
import org.apache.iceberg.flink.maintenance.api.TableMaintenance;
import org.apache.iceberg.flink.maintenance.api.TriggerLockFactory;
import org.apache.iceberg.flink.maintenance.operator.TableChange;
import org.apache.iceberg.io.SupportsPrefixOperations;

/**
 * Compaction, expiry and removal of orphans with Iceberg's operators for Flink, beside the writers.
 *
 * <p>A compaction replaces files by others with the same rows in one commit, and is given up if
 * somebody else has replaced them meanwhile; appends never conflict with it. What a round could not
 * do is logged and left to the next one: it does not fail the job.
 */
public final class LakeMaintenance {

  /** What is done to a table, in this order. */
  public enum Step {
    /** Small files of a partition become large ones. */
    COMPACT,
    /** Old snapshots are forgotten, and the files that only they named are deleted. */
    EXPIRE,
    /** Files that no snapshot names are deleted. */
    DELETE_ORPHANS
  }

  /** One commit of a compaction holds at most a tenth of it, so that a failure costs that much. */
  private static final int COMMITS_PER_COMPACTION = 10;

  /** One group of files is rewritten by one task: a bound on what it redoes after a failure. */
  private static final long GROUP_BYTES = 2L << 30;

  private LakeMaintenance() {}

  /**
   * Adds operators that look after one table for as long as the job runs. At most one job of a
   * JobManager may do so, because Iceberg's operators find each other by the name of the table.
   *
   * @param table as in {@code features.customer_spend}; it exists
   */
  public static void keep(StreamExecutionEnvironment env, Lake lake, String table, TableCare care) {
    prepare(env);
    TableLoader loader = lake.tableLoader(TableIdentifier.parse(table));
    Duration pace = pace(care.every());
    append(
        TableMaintenance.forTable(env, loader).lockCheckDelay(pace).rateLimit(pace),
        table,
        List.of(
            compaction(care).scheduleOnInterval(care.every()),
            expiry(care).scheduleOnInterval(care.every()),
            // An orphan is gone at twice that age: listing every file more often is not worth it.
            orphans(lake, table, care).scheduleOnInterval(care.deleteOrphansAfter())));
  }

  /** How often is looked whether something is due; Iceberg counts in whole seconds. */
  private static Duration pace(Duration every) {
    return Duration.ofSeconds(Math.max(1, every.toSeconds() / 5));
  }

  /**
   * Adds operators that do one step to one table, and end.
   *
   * @param table as in {@code features.customer_spend}; it exists
   */
  public static void once(
      StreamExecutionEnvironment env, Lake lake, String table, Step step, TableCare care) {
    prepare(env);
    MaintenanceTaskBuilder<?> task =
        switch (step) {
          case COMPACT -> compaction(care).scheduleOnCommitCount(1);
          case EXPIRE -> expiry(care).scheduleOnCommitCount(1);
          case DELETE_ORPHANS -> orphans(lake, table, care).scheduleOnCommitCount(1);
        };
    // A bounded stream of one change triggers the task once; its end lets the task finish.
    append(
        TableMaintenance.forChangeStream(
            env.fromData(
                    TypeInformation.of(TableChange.class),
                    TableChange.builder().commitCount(1).build())
                .uid("trigger:" + table)
                .name("trigger:" + table),
            lake.tableLoader(TableIdentifier.parse(table)),
            new NoLock()),
        table,
        List.of(task));
  }

  /**
   * What Iceberg's operators pass to each other has no serializer of Flink's own, and Kryo cannot
   * copy all of it either: the operators of a chain must hand it on as it is.
   */
  private static void prepare(StreamExecutionEnvironment env) {
    Configuration settings = new Configuration();
    settings.set(ExecutionOptions.RUNTIME_MODE, RuntimeExecutionMode.STREAMING);
    settings.set(PipelineOptions.GENERIC_TYPES, true);
    settings.set(PipelineOptions.OBJECT_REUSE, true);
    env.configure(settings);
  }

  private static void append(
      TableMaintenance.Builder maintenance, String table, List<MaintenanceTaskBuilder<?>> tasks) {
    try {
      // One task each: rewritten files do not leave the chain that commits them.
      maintenance.uidSuffix("maintain:" + table).parallelism(1).add(tasks).append();
    } catch (IOException e) {
      throw new UncheckedIOException("Table " + table + " could not be opened for maintenance", e);
    }
  }

  /** The options of Iceberg's planner. */
  static Map<String, String> compactionOptions(TableCare care) {
    Map<String, String> options = new LinkedHashMap<>();
    options.put(
        SizeBasedFileRewritePlanner.TARGET_FILE_SIZE_BYTES, Long.toString(care.targetFileBytes()));
    options.put(
        SizeBasedFileRewritePlanner.MIN_FILE_SIZE_BYTES, Long.toString(care.smallFileBytes()));
    options.put(
        SizeBasedFileRewritePlanner.MAX_FILE_SIZE_BYTES, Long.toString(largestFileBytes(care)));
    options.put(
        SizeBasedFileRewritePlanner.MIN_INPUT_FILES, Integer.toString(care.minInputFiles()));
    options.put(
        SizeBasedFileRewritePlanner.MAX_FILE_GROUP_SIZE_BYTES, Long.toString(groupBytes(care)));
    return options;
  }

  private static RewriteDataFiles.Builder compaction(TableCare care) {
    return RewriteDataFiles.builder()
        .targetFileSizeBytes(care.targetFileBytes())
        .minFileSizeBytes(care.smallFileBytes())
        .maxFileSizeBytes(largestFileBytes(care))
        .minInputFiles(care.minInputFiles())
        .maxFileGroupSizeBytes(groupBytes(care))
        .partialProgressEnabled(true)
        .partialProgressMaxCommits(COMMITS_PER_COMPACTION);
  }

  private static long largestFileBytes(TableCare care) {
    return care.targetFileBytes() / 10 * 18;
  }

  private static long groupBytes(TableCare care) {
    return Math.max(GROUP_BYTES, 2 * care.targetFileBytes());
  }

  private static ExpireSnapshots.Builder expiry(TableCare care) {
    return ExpireSnapshots.builder()
        .maxSnapshotAge(care.keepSnapshotsFor())
        .retainLast(care.keepSnapshots());
  }

  private static DeleteOrphanFiles.Builder orphans(Lake lake, String table, TableCare care) {
    // A file system of Hadoop's lists its folders; an object store lists by prefix.
    boolean byPrefix =
        lake.onCatalog(
            catalog ->
                Lake.loaded(catalog, TableIdentifier.parse(table)).io()
                    instanceof SupportsPrefixOperations);
    return DeleteOrphanFiles.builder().minAge(care.deleteOrphansAfter()).usePrefixListing(byPrefix);
  }

  /** One trigger can run into no other. */
  private static final class NoLock implements TriggerLockFactory {

    @Override
    public void open() {}

    @Override
    public Lock createLock() {
      return new Free();
    }

    @Override
    public Lock createRecoveryLock() {
      return new Free();
    }

    @Override
    public void close() {}

    private static final class Free implements Lock {

      @Override
      public boolean tryLock() {
        return true;
      }

      @Override
      public boolean isHeld() {
        return false;
      }

      @Override
      public void unlock() {}
    }
  }
}
