package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.log.SerializedTypeInfo;
import dev.tailwater.schemas.Prediction;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/**
 * A prediction and its place in the log.
 *
 * @param partition of the predictions topic
 * @param offset in that partition
 * @param appendTime when the log accepted it, in milliseconds since the epoch
 */
public record ArchivedPrediction(
    Prediction prediction, int partition, long offset, long appendTime) {

  /** The type to give to streams of archived predictions. */
  public static TypeInformation<ArchivedPrediction> typeInfo() {
    return new SerializedTypeInfo<>(
        ArchivedPrediction.class, ArchivedPredictionSerializer.INSTANCE);
  }
}
