package dev.tailwater.connectors.iceberg;

import java.io.Serializable;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.flink.TableLoader;
import org.apache.iceberg.flink.sink.SinkUtil;
import org.apache.iceberg.util.SnapshotUtil;

/**
 * Refuses to start where the sink would silently drop rows. Iceberg's committer skips every
 * checkpoint whose number is not above the one last committed by a job of the same id. That number
 * is reached again when such a job is restored from an older checkpoint, or started without one.
 */
final class RestoreGuard implements Serializable {

  private final TableLoader tableLoader;

  RestoreGuard(TableLoader tableLoader) {
    this.tableLoader = tableLoader;
  }

  /**
   * Called when an operator starts; the first subtask looks for all.
   *
   * @return state that the operator must write to in every checkpoint: Flink tells which checkpoint
   *     it restores only to tasks that have state in it
   */
  ListState<Long> check(FunctionInitializationContext start, RuntimeContext task) throws Exception {
    if (task.getTaskInfo().getIndexOfThisSubtask() == 0) {
      refuseOlder(start, task);
    }
    return start
        .getOperatorStateStore()
        .getListState(new ListStateDescriptor<>("last-checkpoint", Types.LONG));
  }

  private void refuseOlder(FunctionInitializationContext start, RuntimeContext task)
      throws Exception {
    String jobId = task.getJobInfo().getJobId().toString();
    long restored = start.getRestoredCheckpointId().orElse(0);
    TableLoader loader = tableLoader.clone();
    loader.open();
    try {
      Table table = loader.loadTable();
      long committed = lastCommitted(table, jobId);
      // A bounded job without checkpoints commits once, at its end, under the largest number.
      if (committed > restored && committed != Long.MAX_VALUE) {
        throw new IllegalStateException(
            "Table "
                + table.name()
                + " already holds checkpoint "
                + committed
                + " of job "
                + jobId
                + ", but the job was started from "
                + (restored == 0 ? "no checkpoint" : "checkpoint " + restored)
                + ": its rows up to checkpoint "
                + committed
                + " would be dropped. Start it under a new job id (rows since the older checkpoint"
                + " are then written again), or from the newest checkpoint.");
      }
    } finally {
      loader.close();
    }
  }

  private static long lastCommitted(Table table, String jobId) {
    for (Snapshot snapshot : SnapshotUtil.currentAncestors(table)) {
      String checkpoint = snapshot.summary().get(SinkUtil.MAX_COMMITTED_CHECKPOINT_ID);
      if (checkpoint != null && jobId.equals(snapshot.summary().get(SinkUtil.FLINK_JOB_ID))) {
        return Long.parseLong(checkpoint);
      }
    }
    return 0;
  }
}
