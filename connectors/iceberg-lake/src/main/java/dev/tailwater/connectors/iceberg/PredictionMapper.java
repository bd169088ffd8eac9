package dev.tailwater.connectors.iceberg;

import dev.tailwater.schemas.Prediction;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.jspecify.annotations.Nullable;

/** Archived predictions as rows of {@link PredictionTable#SCHEMA}. NaN, "none", becomes NULL. */
final class PredictionMapper implements MapFunction<ArchivedPrediction, RowData> {

  @Override
  public RowData map(ArchivedPrediction archived) {
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
