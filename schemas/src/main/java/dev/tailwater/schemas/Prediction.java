package dev.tailwater.schemas;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The answer to one question, with everything that it reflects.
 *
 * @param questionId the event id of the question; with {@link #model} it identifies the prediction
 * @param modelVersion the version whose answer this is; empty if none was asked
 * @param definitionVersion of the model's definition that made the vector: another one when the
 *     meaning or the order of the inputs changes
 * @param eventTime the question's instant, in milliseconds since the epoch
 * @param score the model's answer or the fallback; NaN when there is none
 * @param reason why the outcome is not {@link Outcome#SCORED}, or null
 * @param latencyMs milliseconds from the question's append to its outcome; NaN when unknown
 * @param vectorNames names of {@link #vector}, in its order, without duplicates; shared between
 *     predictions and never changed
 * @param vector the feature values as the model got them, NaN where one was missing; not copied,
 *     never changed once it is here
 * @param causeTopic topic of the record that asked
 */
public record Prediction(
    String questionId,
    String model,
    String modelVersion,
    String definitionVersion,
    long eventTime,
    double score,
    Outcome outcome,
    @Nullable String reason,
    double latencyMs,
    List<String> vectorNames,
    double[] vector,
    String causeTopic,
    int causePartition,
    long causeOffset)
    implements Serializable {

  /** How a question ended. */
  public enum Outcome {
    /** The model answered in time. */
    SCORED,
    /** The model did not answer in time or failed; the score is the declared fallback. */
    FALLBACK,
    /** The question could not be asked: there is no score. */
    REJECTED
  }

  public Prediction {
    if (vectorNames.size() != vector.length) {
      throw new IllegalArgumentException(
          "prediction "
              + questionId
              + " has "
              + vector.length
              + " feature values, but "
              + vectorNames.size()
              + " names");
    }
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Prediction that
        && questionId.equals(that.questionId)
        && model.equals(that.model)
        && modelVersion.equals(that.modelVersion)
        && definitionVersion.equals(that.definitionVersion)
        && eventTime == that.eventTime
        && Double.compare(score, that.score) == 0
        && outcome == that.outcome
        && Objects.equals(reason, that.reason)
        && Double.compare(latencyMs, that.latencyMs) == 0
        && vectorNames.equals(that.vectorNames)
        && Arrays.equals(vector, that.vector)
        && causeTopic.equals(that.causeTopic)
        && causePartition == that.causePartition
        && causeOffset == that.causeOffset;
  }

  @Override
  public int hashCode() {
    return Objects.hash(questionId, model, modelVersion, causeTopic, causePartition, causeOffset);
  }

  @Override
  public String toString() {
    return "Prediction["
        + ("question " + questionId + ", model " + model + " " + modelVersion)
        + (", definition " + definitionVersion)
        + (", at " + eventTime + ", " + outcome + " " + score)
        + (reason == null ? "" : " (" + reason + ")")
        + (", latency " + latencyMs + " ms, vector " + vectorNames + Arrays.toString(vector))
        + (", cause " + causeTopic + "/" + causePartition + "/" + causeOffset + "]");
  }
}
