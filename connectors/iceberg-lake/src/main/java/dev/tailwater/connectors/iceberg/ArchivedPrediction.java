package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.log.SerializedTypeInfo;
import dev.tailwater.schemas.Prediction;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/**
 * A prediction and where it was made: its place in the log, or the bounded run that scored it.
 *
 * @param run {@value #LIVE}, or the name of the bounded run
 * @param partition of the predictions topic, or -1 if it was never on the log
 * @param offset in that partition, or -1 if it was never on the log
 * @param appendTime when the log accepted it, or when the bounded run began; in milliseconds since
 *     the epoch
 */
public record ArchivedPrediction(
    Prediction prediction, String run, int partition, long offset, long appendTime) {

  /** The run of every prediction that was on the log. */
  public static final String LIVE = "live";

  /** A prediction at its place in the log. */
  public ArchivedPrediction(Prediction prediction, int partition, long offset, long appendTime) {
    this(prediction, LIVE, partition, offset, appendTime);
  }

  /**
   * A prediction that a bounded run made, and that was never on the log.
   *
   * @param run its name; never {@value #LIVE}
   * @param began in milliseconds since the epoch
   */
  public static ArchivedPrediction ofRun(Prediction prediction, String run, long began) {
    return new ArchivedPrediction(prediction, run, -1, -1, began);
  }

  /** The type to give to streams of archived predictions. */
  public static TypeInformation<ArchivedPrediction> typeInfo() {
    return new SerializedTypeInfo<>(
        ArchivedPrediction.class, ArchivedPredictionSerializer.INSTANCE);
  }
}
