package dev.tailwater.connectors.iceberg;

import dev.tailwater.schemas.Prediction;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Archived predictions as rows of {@link PredictionTable#SCHEMA}. NaN, "none", becomes NULL. */
final class PredictionMapper extends RichFlatMapFunction<ArchivedPrediction, RowData>
    implements CheckpointedFunction {

  private final RestoreGuard guard;

  private transient ListState<Long> lastCheckpoint;

  PredictionMapper(RestoreGuard guard) {
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
  public void flatMap(ArchivedPrediction archived, Collector<RowData> out) {
    out.collect(map(archived));
  }

  static RowData map(ArchivedPrediction archived) {
    Prediction prediction = archived.prediction();
    Map<StringData, @Nullable Double> vector = new LinkedHashMap<>();
    for (int i = 0; i < prediction.vector().length; i++) {
      vector.put(
          StringData.fromString(prediction.vectorNames().get(i)), orNull(prediction.vector()[i]));
    }
    return GenericRowData.of(
        StringData.fromString(prediction.questionId()),
        StringData.fromString(prediction.model()),
        StringData.fromString(prediction.modelVersion()),
        StringData.fromString(prediction.definitionVersion()),
        TimestampData.fromEpochMillis(prediction.eventTime()),
        orNull(prediction.score()),
        StringData.fromString(prediction.outcome().name()),
        StringData.fromString(prediction.reason()),
        orNull(prediction.latencyMs()),
        new GenericMapData(vector),
        StringData.fromString(prediction.causeTopic()),
        prediction.causePartition(),
        prediction.causeOffset(),
        StringData.fromString(archived.run()),
        archived.partition() < 0 ? null : archived.partition(),
        archived.offset() < 0 ? null : archived.offset(),
        TimestampData.fromEpochMillis(archived.appendTime()));
  }

  private static @Nullable Double orNull(double value) {
    return Double.isNaN(value) ? null : value;
  }
}
