package dev.tailwater.jobs;

import java.util.EnumMap;
import java.util.Map;
import org.apache.flink.api.common.JobExecutionResult;

/**
 * What became of the questions of a bounded run, against what was served for them.
 *
 * @param questions how many, by kind; kinds without any are left out
 */
public record ScoreComparison(Map<Kind, Long> questions) {

  private static final String COUNTER = "score-comparison:";

  /** What became of one question. */
  public enum Kind {
    /** The version that served it gave the same score, bit for bit. */
    EQUAL,
    /** The version that served it was given another vector, and gave another score. */
    DIFFERENT_VECTOR,
    /** The version that served it was given the same vector, and gave another score: a fault. */
    NOT_REPRODUCED,
    /** Another version served it. */
    OTHER_VERSION,
    /** It was answered without a model: with the fallback, or rejected. */
    SERVED_WITHOUT_MODEL,
    /** Nothing was served for it. */
    NOT_SERVED,
    /** The run could not score it. */
    NOT_SCORED
  }

  public ScoreComparison {
    questions = questions.isEmpty() ? Map.of() : new EnumMap<>(questions);
  }

  /** What a finished job that scored found. */
  public static ScoreComparison of(JobExecutionResult result) {
    Map<Kind, Long> questions = new EnumMap<>(Kind.class);
    result
        .getAllAccumulatorResults()
        .forEach(
            (name, value) -> {
              if (name.startsWith(COUNTER) && value instanceof Long count) {
                questions.put(Kind.valueOf(name.substring(COUNTER.length())), count);
              }
            });
    return new ScoreComparison(questions);
  }

  static String counter(Kind kind) {
    return COUNTER + kind;
  }

  /** How many questions there were in all. */
  public long count() {
    return questions.values().stream().mapToLong(Long::longValue).sum();
  }

  /** How many questions were of this kind. */
  public long count(Kind kind) {
    return questions.getOrDefault(kind, 0L);
  }
}
