package dev.tailwater.connectors.iceberg;

import java.io.Serializable;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.BroadcastState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.iceberg.Table;
import org.apache.iceberg.flink.TableLoader;

/**
 * Refuses to start where rows would be dropped or written twice: when the table holds commits above
 * the checkpoint that the job starts from, of the job itself (Iceberg's committer would skip the
 * same numbers) or of another one that went on from the same state (its rows would come again).
 */
final class LineageGuard implements Serializable {

  private static final String FIRST_JOB = "first-job";

  private final TableLoader tableLoader;

  LineageGuard(TableLoader tableLoader) {
    this.tableLoader = tableLoader;
  }

  /**
   * Called when an operator starts; the first subtask looks for all. It leaves state in every
   * checkpoint, by which a later job knows its lineage.
   */
  void open(FunctionInitializationContext start, RuntimeContext task) throws Exception {
    String jobId = task.getJobInfo().getJobId().toString();
    // Every subtask has a copy, so that any of them can be the first one after a rescaling.
    BroadcastState<String, String> state =
        start
            .getOperatorStateStore()
            .getBroadcastState(new MapStateDescriptor<>("lineage", Types.STRING, Types.STRING));
    String lineage = state.get(FIRST_JOB);
    if (lineage == null) {
      lineage = jobId;
      state.put(FIRST_JOB, lineage);
    }
    if (task.getTaskInfo().getIndexOfThisSubtask() == 0) {
      refuseOlder(jobId, lineage, start.getRestoredCheckpointId().orElse(0));
    }
  }

  private void refuseOlder(String jobId, String lineage, long restored) throws Exception {
    TableLoader loader = tableLoader.clone();
    loader.open();
    try {
      Table table = loader.loadTable();
      Lineage.Overhang overhang = Lineage.beyond(table, lineage, restored, jobId).orElse(null);
      if (overhang != null) {
        throw new IllegalStateException(refusal(table, jobId, lineage, restored, overhang));
      }
      Lineage.record(table, jobId, lineage);
    } finally {
      loader.close();
    }
  }

  private static String refusal(
      Table table, String jobId, String lineage, long restored, Lineage.Overhang overhang) {
    boolean own = overhang.jobId().equals(jobId);
    return "Table "
        + table.name()
        + " already holds checkpoint "
        + overhang.checkpoint()
        + " of job "
        + overhang.jobId()
        + (own ? "" : ", which went on from the same state")
        + ", but "
        + (own ? "the job" : "job " + jobId)
        + " was started from "
        + (restored == 0 ? "no checkpoint" : "checkpoint " + restored)
        + ": its rows up to checkpoint "
        + overhang.checkpoint()
        + (own ? " would be dropped. " : " would be written twice. ")
        + "Start it from the newest checkpoint"
        + (restored == 0 ? ", or under a new job id, which writes its rows again" : "")
        + "; or, with every writer stopped, first take the feature tables back to this one: "
        + "tailwater tables rollback --to-checkpoint "
        + lineage
        + "@"
        + restored
        + overhang.rollBackTo().stream()
            .mapToObj(id -> " (this table to snapshot " + id + ")")
            .findFirst()
            .orElse(" (of this table nothing would be left: it is to be dropped)")
        + ".";
  }
}
