package dev.tailwater.training;

import dev.tailwater.serving.ModelMetadata;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A model that can be served, and what is known about it.
 *
 * @param onnx the model file; it takes raw vectors, missing values as NaN. Not to be modified
 * @param inputNames the vector's elements, in order
 * @param trainedFrom event time of the first training row
 * @param trainedUntil event time of the last training row
 * @param metrics name to finite value; a metric that has no value is left out
 */
public record TrainedModel(
    byte[] onnx,
    List<String> inputNames,
    Instant trainedFrom,
    Instant trainedUntil,
    Map<String, Double> metrics) {

  public TrainedModel {
    inputNames = List.copyOf(inputNames);
    metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
  }

  /** The same model with further metrics. */
  public TrainedModel with(Map<String, Double> further) {
    Map<String, Double> all = new TreeMap<>(metrics);
    all.putAll(further);
    return new TrainedModel(onnx, inputNames, trainedFrom, trainedUntil, all);
  }

  /**
   * For the model repository.
   *
   * @param definitionVersion version of the definition the training vectors were computed by
   */
  public ModelMetadata metadata(String definitionVersion) {
    return new ModelMetadata(inputNames, definitionVersion, trainedFrom, trainedUntil, metrics);
  }
}
