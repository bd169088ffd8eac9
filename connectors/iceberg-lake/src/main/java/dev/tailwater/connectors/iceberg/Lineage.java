package dev.tailwater.connectors.iceberg;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotSummary;
import org.apache.iceberg.Table;
import org.apache.iceberg.UpdateProperties;
import org.apache.iceberg.flink.sink.SinkUtil;
import org.apache.iceberg.util.PropertyUtil;
import org.apache.iceberg.util.SnapshotUtil;

/**
 * The jobs that go on from one another's checkpoints, by the id of the first. Checkpoint numbers go
 * on as well: of two jobs of a lineage, what the table holds above the number that the second was
 * restored from is what it is about to write again.
 */
final class Lineage {

  /** For a job that was restored from another's checkpoint: the first job of its lineage. */
  private static final String PROPERTY = "tailwater.lineage.";

  /** Beyond this many, jobs of which no snapshot is left are forgotten. */
  private static final int REMEMBERED_JOBS = 50;

  private Lineage() {}

  /** The first job of the lineage that a job belongs to: itself unless the table knows better. */
  static String of(Table table, String jobId) {
    return table.properties().getOrDefault(PROPERTY + jobId, jobId);
  }

  /** Remembers which lineage a job goes on with. */
  static void record(Table table, String jobId, String lineage) {
    if (of(table, jobId).equals(lineage)) {
      return;
    }
    UpdateProperties update = table.updateProperties().set(PROPERTY + jobId, lineage);
    Set<String> known = PropertyUtil.propertiesWithPrefix(table.properties(), PROPERTY).keySet();
    if (known.size() >= REMEMBERED_JOBS) {
      Set<String> forgotten = new HashSet<>(known);
      table.snapshots().forEach(snapshot -> forgotten.remove(job(snapshot)));
      forgotten.remove(jobId);
      forgotten.forEach(job -> update.remove(PROPERTY + job));
    }
    update.commit();
  }

  /**
   * What a table holds above a checkpoint of a lineage.
   *
   * @param jobId the job that committed last
   * @param checkpoint its number
   * @param rollBackTo the newest snapshot before all of it; empty if the table's history begins
   *     with it, or the snapshot has expired
   * @param undone the snapshots after {@code rollBackTo}, the newest first
   */
  record Overhang(String jobId, long checkpoint, OptionalLong rollBackTo, List<Snapshot> undone) {}

  /**
   * What a table holds above a checkpoint of a lineage.
   *
   * @param lineage the first job
   * @param checkpoint 0 for none
   * @param jobId the job that asks: of its own commits the empty ones count as well, because
   *     Iceberg skips every checkpoint up to them
   */
  static Optional<Overhang> beyond(Table table, String lineage, long checkpoint, String jobId) {
    List<Snapshot> ancestors = new ArrayList<>();
    SnapshotUtil.currentAncestors(table).forEach(ancestors::add);
    int newest = -1;
    int oldest = -1;
    for (int i = 0; i < ancestors.size(); i++) {
      if (isBeyond(table, ancestors.get(i), lineage, checkpoint, jobId)) {
        newest = newest < 0 ? i : newest;
        oldest = i;
      }
    }
    if (newest < 0) {
      return Optional.empty();
    }
    Snapshot last = ancestors.get(newest);
    return Optional.of(
        new Overhang(
            job(last),
            checkpoint(last),
            oldest + 1 < ancestors.size()
                ? OptionalLong.of(ancestors.get(oldest + 1).snapshotId())
                : OptionalLong.empty(),
            List.copyOf(ancestors.subList(0, oldest + 1))));
  }

  private static boolean isBeyond(
      Table table, Snapshot snapshot, String lineage, long checkpoint, String jobId) {
    String writer = job(snapshot);
    long committed = checkpoint(snapshot);
    // A bounded job without checkpoints commits once, at its end, under the largest number.
    return committed > checkpoint
        && committed != Long.MAX_VALUE
        && of(table, writer).equals(lineage)
        && (writer.equals(jobId) || addedRows(snapshot) > 0);
  }

  /** The job that committed a snapshot; empty if it was none. */
  static String job(Snapshot snapshot) {
    return snapshot.summary().getOrDefault(SinkUtil.FLINK_JOB_ID, "");
  }

  private static long checkpoint(Snapshot snapshot) {
    return Long.parseLong(
        snapshot.summary().getOrDefault(SinkUtil.MAX_COMMITTED_CHECKPOINT_ID, "0"));
  }

  static long addedRows(Snapshot snapshot) {
    return Long.parseLong(snapshot.summary().getOrDefault(SnapshotSummary.ADDED_RECORDS_PROP, "0"));
  }
}
