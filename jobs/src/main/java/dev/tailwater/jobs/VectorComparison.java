package dev.tailwater.jobs;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.JobExecutionResult;

/**
 * How the vectors that were served differ from those that a replay of the log computes for the same
 * questions: bit by bit, where NULL and NaN are one, as in the predictions table.
 *
 * @param equal questions whose vectors have the same names and bits
 * @param different questions whose vectors differ in at least one feature
 * @param notServed questions of the replay that nobody was given a vector for
 * @param notReplayed questions that were served, but are not in the replay
 * @param features by feature, for how many questions it differs, by cause; only those that differ
 * @param examples some of the differences, the least expected causes first; at most {@value
 *     #MAX_EXAMPLES}
 */
public record VectorComparison(
    long equal,
    long different,
    long notServed,
    long notReplayed,
    Map<String, Map<Cause, Long>> features,
    List<Difference> examples) {

  /** How many examples are kept. */
  public static final int MAX_EXAMPLES = 20;

  static final String EQUAL = "vector-comparison:equal";
  static final String DIFFERENT = "vector-comparison:different";
  static final String NOT_SERVED = "vector-comparison:not-served";
  static final String NOT_REPLAYED = "vector-comparison:not-replayed";
  static final String EXAMPLES = "vector-comparison-examples";
  private static final String FEATURE = "vector-comparison-feature:";

  /** Why a served value is not the replayed one; the first that holds, in this order. */
  public enum Cause {
    /** The definition has changed since, or one of the two vectors has no such feature. */
    VERSION,
    /**
     * The values are neighbours: at most 4 doubles apart. Arithmetic that should be exact is not.
     */
    FLOAT,
    /**
     * A fact inside the feature's window was appended to the log after the answer was: the answer
     * could not know it.
     */
    LATE,
    /**
     * A fact inside the feature's window was appended within the second before the answer was:
     * whether it had been read is chance where answers do not wait for the watermark.
     */
    RACE,
    /** None of these: a restart, history that the live job did not have, or a fault. */
    OTHER;

    /** Whether this is what a live answer is expected to lack; else it should be looked into. */
    public boolean isExpected() {
      return this == VERSION || this == LATE || this == RACE;
    }
  }

  /**
   * One feature of one question.
   *
   * @param eventTime the question's, in milliseconds since the epoch
   * @param served NaN if it was NULL or not there
   * @param replayed NaN if it is NULL or not there
   */
  public record Difference(
      String questionId,
      long eventTime,
      String feature,
      double served,
      double replayed,
      Cause cause)
      implements Serializable {}

  public VectorComparison {
    Map<String, Map<Cause, Long>> copy = new TreeMap<>();
    features.forEach((feature, causes) -> copy.put(feature, new EnumMap<>(causes)));
    features = copy;
    examples = List.copyOf(examples);
  }

  /** What a finished job that had a comparison found. */
  public static VectorComparison of(JobExecutionResult result) {
    Map<String, Map<Cause, Long>> features = new TreeMap<>();
    List<Difference> examples = new ArrayList<>();
    Map<String, Object> found = result.getAllAccumulatorResults();
    found.forEach(
        (name, value) -> {
          if (name.startsWith(FEATURE) && value instanceof Long count) {
            String[] parts = name.substring(FEATURE.length()).split(":", 2);
            features
                .computeIfAbsent(parts[1], feature -> new EnumMap<>(Cause.class))
                .put(Cause.valueOf(parts[0]), count);
          } else if (name.equals(EXAMPLES) && value instanceof List<?> differences) {
            differences.forEach(difference -> examples.add((Difference) difference));
          }
        });
    examples.sort(
        Comparator.comparing((Difference example) -> example.cause().isExpected())
            .thenComparing(Difference::cause)
            .thenComparing(Difference::eventTime)
            .thenComparing(Difference::questionId)
            .thenComparing(Difference::feature));
    return new VectorComparison(
        count(found, EQUAL),
        count(found, DIFFERENT),
        count(found, NOT_SERVED),
        count(found, NOT_REPLAYED),
        features,
        examples.subList(0, Math.min(examples.size(), MAX_EXAMPLES)));
  }

  private static long count(Map<String, Object> found, String name) {
    return found.get(name) instanceof Long count ? count : 0;
  }

  /** The counter of one feature's differences of one cause. */
  static String counter(Cause cause, String feature) {
    return FEATURE + cause + ":" + feature;
  }

  /** Questions that have both vectors. */
  public long compared() {
    return equal + different;
  }

  /** How many values differ for this cause, over all features. */
  public long count(Cause cause) {
    return features.values().stream().mapToLong(causes -> causes.getOrDefault(cause, 0L)).sum();
  }

  /** Whether every difference is of a kind that is expected of live answers. */
  public boolean isExplained() {
    return features.values().stream()
        .flatMap(causes -> causes.keySet().stream())
        .allMatch(Cause::isExpected);
  }
}
