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
  static final Set<String> FEATURE_VIEW =
      keys(KIND, "name", "entity", "from", "key", "refresh", "knowledge", "features");
  static final Set<String> SOURCE = keys("stream", "key", "map");
  static final Set<String> REFRESH = keys("every");
  static final Set<String> FEATURE = feature();
  static final Set<String> MODEL =
      keys(
          KIND,
          "name",
          "ask",
          "key",
          "vector",
          "about",
          "answer",
          "deadline",
          "fallback",
          "to",
          "format",
          "labels");
  static final Set<String> LABELS = keys("stream", "on", "value", "within");

  static final Set<String> TEST = keys(KIND, "name", "view", "given", "expect");
  static final Set<String> NEAR = keys("near", "by");

  private Grammar() {}

  private static Set<String> feature() {
    Set<String> keys = new LinkedHashSet<>(AggregateForm.keys());
    keys.addAll(AggregateForm.allArguments());
    keys.addAll(
        List.of("over", "delay", "resolution", "bounds", "zone", "gap", "where", "self", "empty"));
    return Collections.unmodifiableSet(keys);
  }

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
    documents.put("test", TEST);
    return documents;
  }
}
