package dev.tailwater.definitions;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Every key of the language. The loader allows these and no others. */
final class Grammar {

  static final String KIND = "kind";

  static final Set<String> STREAM =
      keys(
          KIND,
          "name",
          "topic",
          "format",
          "schema",
          "event_time",
          "event_id",
          "key",
          "disorder",
          "lateness",
          "idle_after",
          "ahead",
          "derive",
          "expect");
  static final Set<String> EXPECTATION = keys("that", "else");
  static final Set<String> ENTITY = keys(KIND, "name", "key");
  static final Set<String> FEATURE_VIEW = keys(KIND, "name", "entity", "from", "key", "features");
  static final Set<String> AGGREGATES = keys("count", "sum", "avg", "min", "max");
  static final Set<String> FEATURE =
      keys("count", "sum", "avg", "min", "max", "over", "delay", "where", "empty");
  static final Set<String> MODEL =
      keys(
          KIND,
          "name",
          "ask",
          "key",
          "vector",
          "answer",
          "deadline",
          "fallback",
          "to",
          "format",
          "labels");
  static final Set<String> LABELS = keys("stream", "on", "value", "within");

  private Grammar() {}

  /** In the order in which they are usually written, for messages. */
  private static Set<String> keys(String... keys) {
    return Collections.unmodifiableSet(new LinkedHashSet<>(List.of(keys)));
  }

  /** The keys of each kind of document. */
  static Map<String, Set<String>> documents() {
    Map<String, Set<String>> documents = new LinkedHashMap<>();
    documents.put("stream", STREAM);
    documents.put("entity", ENTITY);
    documents.put("feature-view", FEATURE_VIEW);
    documents.put("model", MODEL);
    return documents;
  }
}
