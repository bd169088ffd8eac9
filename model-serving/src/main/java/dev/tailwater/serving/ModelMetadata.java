package dev.tailwater.serving;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is known about a model when it is registered.
 *
 * @param inputNames the vector's element names, in order
 * @param definitionVersion version of the definition the training vectors were computed by
 * @param trainedFrom event time of the first training row
 * @param trainedUntil event time of the last training row
 * @param metrics name to finite value, for example {@code holdout_roc_auc}; sorted by name
 */
public record ModelMetadata(
    List<String> inputNames,
    String definitionVersion,
    Instant trainedFrom,
    Instant trainedUntil,
    Map<String, Double> metrics) {

  public ModelMetadata {
    inputNames = List.copyOf(inputNames);
    if (inputNames.isEmpty()) {
      throw new IllegalArgumentException("a model needs at least one input name");
    }
    if (trainedUntil.isBefore(trainedFrom)) {
      throw new IllegalArgumentException(
          "trained_until (%s) is before trained_from (%s)".formatted(trainedUntil, trainedFrom));
    }
    metrics.forEach(
        (name, value) -> {
          if (!Double.isFinite(value)) {
            throw new IllegalArgumentException(
                "metric '%s' is %s: leave a metric out if it has no value".formatted(name, value));
          }
        });
    metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
  }
}
