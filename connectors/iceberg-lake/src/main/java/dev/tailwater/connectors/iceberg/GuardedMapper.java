package dev.tailwater.connectors.iceberg;

import java.util.List;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.table.data.RowData;

/** Makes the rows of a table, unless the sink behind it would drop them. */
final class GuardedMapper<T> extends RichMapFunction<T, RowData> implements CheckpointedFunction {

  private final MapFunction<T, RowData> mapper;
  private final RestoreGuard guard;

  private transient ListState<Long> lastCheckpoint;

  GuardedMapper(MapFunction<T, RowData> mapper, RestoreGuard guard) {
    this.mapper = mapper;
    this.guard = guard;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    lastCheckpoint = guard.check(context, getRuntimeContext());
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    lastCheckpoint.update(List.of(context.getCheckpointId()));
  }

  @Override
  public RowData map(T value) throws Exception {
    return mapper.map(value);
  }
}
