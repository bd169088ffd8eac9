package dev.tailwater.definitions;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Every key of the language. The loader allows these and no others. */
final class Grammar {

  static final String KIND = "kind";

  static final Set<String> STREAM =
      Set.of(
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
  static final Set<String> EXPECTATION = Set.of("that", "else");
  static final Set<String> ENTITY = Set.of(KIND, "name", "key");
  static final Set<String> FEATURE_VIEW = Set.of(KIND, "name", "entity", "from", "key", "features");
  static final Set<String> AGGREGATES = Set.of("count", "sum", "avg", "min", "max");
  static final Set<String> FEATURE =
      Set.of("count", "sum", "avg", "min", "max", "over", "delay", "where", "empty");
  static final Set<String> MODEL =
      Set.of(KIND, "name", "ask", "key", "vector", "deadline", "fallback", "to", "labels");
  static final Set<String> LABELS = Set.of("stream", "on", "value", "within");

  private Grammar() {}

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
