package dev.tailwater.cli;

import dev.tailwater.jobs.VectorComparison;
import dev.tailwater.jobs.VectorComparison.Cause;
import dev.tailwater.jobs.VectorComparison.Difference;
import dev.tailwater.schemas.Timestamps;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How served and replayed vectors differ, for people and for programs. */
final class VectorReport {

  /** More examples are in the JSON. */
  private static final int SHOWN_EXAMPLES = 5;

  private VectorReport() {}

  /** What {@code --json} prints of it. */
  static Map<String, Object> fields(VectorComparison comparison) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("equal", comparison.equal());
    fields.put("different", comparison.different());
    fields.put("not_served", comparison.notServed());
    fields.put("not_replayed", comparison.notReplayed());
    Map<String, Object> features = new LinkedHashMap<>();
    comparison
        .features()
        .forEach(
            (feature, causes) -> {
              Map<String, Object> counts = new LinkedHashMap<>();
              causes.forEach((cause, count) -> counts.put(text(cause), count));
              features.put(feature, counts);
            });
    fields.put("features", features);
    fields.put(
        "examples",
        comparison.examples().stream()
            .map(
                example -> {
                  Map<String, Object> difference = new LinkedHashMap<>();
                  difference.put("question", example.questionId());
                  difference.put("event_time", Timestamps.format(example.eventTime()));
                  difference.put("feature", example.feature());
                  difference.put("served", example.served());
                  difference.put("replayed", example.replayed());
                  difference.put("cause", text(example.cause()));
                  return difference;
                })
            .toList());
    return fields;
  }

  /** How many there are of what, in one sentence. */
  static String summary(String model, VectorComparison comparison) {
    return "%s: %,d questions were served and replayed: %,d vectors are equal bit for bit, %,d are different%s%s"
        .formatted(
            model,
            comparison.compared(),
            comparison.equal(),
            comparison.different(),
            others(comparison.notServed(), "were not served, or are not archived yet"),
            others(comparison.notReplayed(), "were served and are not in the history"));
  }

  private static String others(long questions, String what) {
    return questions == 0 ? "" : "; %,d more %s".formatted(questions, what);
  }

  /** A table of features by cause, and some examples; empty if all vectors are equal. */
  static List<String> lines(VectorComparison comparison) {
    if (comparison.different() == 0) {
      return List.of();
    }
    List<String> lines = new ArrayList<>();
    lines.add(
        "Vectors of %,d of %,d questions are not as served:"
            .formatted(comparison.different(), comparison.compared()));
    List<Cause> causes = new ArrayList<>();
    for (Cause cause : Cause.values()) {
      if (comparison.count(cause) > 0) {
        causes.add(cause);
      }
    }
    List<String> names = new ArrayList<>(List.of("feature"));
    causes.forEach(cause -> names.add(text(cause)));
    boolean[] right = new boolean[names.size()];
    Arrays.fill(right, 1, right.length, true);
    TextTable table = new TextTable(names, right);
    comparison
        .features()
        .forEach(
            (feature, counts) -> {
              List<String> row = new ArrayList<>(List.of(feature));
              causes.forEach(cause -> row.add("%,d".formatted(counts.getOrDefault(cause, 0L))));
              table.add(row);
            });
    table.lines().forEach(line -> lines.add("  " + line));
    comparison.examples().stream()
        .limit(SHOWN_EXAMPLES)
        .forEach(example -> lines.add("  " + line(example)));
    return lines;
  }

  private static String line(Difference example) {
    return "question %s at %s: %s was %s, is %s (%s)"
        .formatted(
            example.questionId(),
            Timestamps.format(example.eventTime()),
            example.feature(),
            value(example.served()),
            value(example.replayed()),
            text(example.cause()));
  }

  private static String value(double value) {
    return Double.isNaN(value) ? "NULL" : Double.toString(value);
  }

  private static String text(Cause cause) {
    return cause.name().toLowerCase(Locale.ROOT);
  }
}
