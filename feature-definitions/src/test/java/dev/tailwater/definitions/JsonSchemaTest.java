package dev.tailwater.definitions;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

class JsonSchemaTest {

  private static final Load YAML = new Load(LoadSettings.builder().build());
  private static final Map<?, ?> SCHEMA = schema();

  private static Map<?, ?> schema() {
    try (InputStream in = Project.class.getResourceAsStream("tailwater.schema.json")) {
      // JSON is YAML.
      return (Map<?, ?>) YAML.loadFromString(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void hasTheKeysOfTheLoaderAndNoOthers() {
    Map<String, Set<String>> sections = new LinkedHashMap<>(Grammar.documents());
    sections.put("expectation", Grammar.EXPECTATION);
    sections.put("feature", Grammar.FEATURE);
    sections.put("source", Grammar.SOURCE);
    sections.put("refresh", Grammar.REFRESH);
    sections.put("labels", Grammar.LABELS);

    sections.forEach(
        (name, keys) -> {
          assertThat(child(definition(name), "properties").keySet()).as(name).isEqualTo(keys);
          assertThat(definition(name).get("additionalProperties")).as(name).isEqualTo(false);
        });
    assertThat(list(SCHEMA, "oneOf")).hasSize(Grammar.documents().size());
    assertThat(list(definition("feature"), "oneOf")).hasSize(AggregateForm.values().length);
  }

  static Stream<Path> examples() throws IOException {
    List<Path> files;
    try (Stream<Path> examples = Files.walk(Path.of("examples"));
        Stream<Path> tests =
            Files.walk(Path.of("../end-to-end-tests/src/test/resources/projects"))) {
      files =
          Stream.concat(examples, tests)
              .filter(file -> file.toString().endsWith(".yaml"))
              .filter(file -> !file.endsWith("tailwater.yaml"))
              .toList();
    }
    return files.stream();
  }

  @ParameterizedTest
  @MethodSource("examples")
  void acceptsTheExamples(Path file) throws IOException {
    for (Object document : YAML.loadAllFromString(Files.readString(file))) {
      assertThat(accepts(SCHEMA, document)).as("%s", document).isTrue();
    }
  }

  @Test
  void refusesWhatTheLoaderRefuses() {
    for (String wrong :
        List.of(
            "{kind: entity, name: Customer, key: {id: string}}",
            "{kind: entity, name: customer, key: {id: double}}",
            "{kind: entity, name: customer}",
            "{kind: entity, name: customer, key: {id: string}, other: 1}",
            "{kind: feature-view, name: v, entity: e, from: s, features: {a: {over: 1d}}}",
            "{kind: feature-view, name: v, entity: e, from: s, features: {a: {sum: x, over: 1x}}}",
            "{kind: feature-view, name: v, entity: e, from: s,"
                + " features: {a: {sum: x, avg: x, over: 1d}}}",
            "{kind: feature-view, name: v, entity: e, from: s,"
                + " features: {a: {last_k: x, k: 1001, over: 1d}}}",
            "{kind: feature-view, name: v, entity: e, from: s,"
                + " features: {a: {sum: x, over: this year}}}",
            "{kind: feature-view, name: v, entity: e, from: s, refresh: always,"
                + " features: {a: {sum: x, over: 1d}}}",
            "{kind: feature-view, name: v, entity: e, from: [{map: {x: y}}],"
                + " features: {a: {sum: x, over: 1d}}}",
            "{kind: test, view: v, given: [], expect: [{at: x}]}",
            "{kind: test, view: v, given: [{id: 1}], expect: [{at: x}]}",
            "{kind: model, name: m, ask: s, vector: [a], fallback: 2}",
            "{kind: stream, name: s, schema: s.avsc, event_time: t, format: xml}")) {
      assertThat(accepts(SCHEMA, YAML.loadFromString(wrong))).as(wrong).isFalse();
    }
  }

  @Test
  void acceptsTheWholeLanguage() {
    for (String correct :
        List.of(
            "{kind: stream, name: s, schema: s.avsc, event_time: t, format: debezium-json}",
            "{kind: feature-view, name: v, entity: e, refresh: {every: 1m}, knowledge: as_known,"
                + " from: [{stream: s, key: {k: a}, map: {x: y + 1}}],"
                + " features: {a: {quantile: x, q: 0.5, over: [7d, lifetime], resolution: 1h},"
                + " b: {last_k: x, k: 3, over: last 10 events, self: exclude},"
                + " c: {count: '*', by: x, max_keys: 9, over: previous 3 months, zone: UTC},"
                + " d: {first: x, over: session, gap: 1h, empty: none}}}",
            "{kind: feature-view, name: v, entity: e, from: s, refresh: never,"
                + " features: {a: {count: '*', over: 1d, bounds: '[)'}}}",
            "{kind: test, view: v, given: [{at: '10:00', id: 1, appended: '10:40'},"
                + " {id: 1, deleted: true}],"
                + " expect: [{at: '11:00', a: {near: 1, by: 0.5}, b: [1], c: null}]}")) {
      assertThat(accepts(SCHEMA, YAML.loadFromString(correct))).as(correct).isTrue();
    }
  }

  private static Map<?, ?> definition(String name) {
    return child(child(SCHEMA, "definitions"), name);
  }

  private static Map<?, ?> child(Map<?, ?> schema, String key) {
    Map<?, ?> child = (Map<?, ?>) schema.get(key);
    assertThat(child).as(key).isNotNull();
    return child == null ? Map.of() : child;
  }

  private static List<?> list(Map<?, ?> schema, String key) {
    return schema.get(key) instanceof List<?> list ? list : List.of();
  }

  /** The part of JSON Schema that the schema uses; another keyword fails the test. */
  private static boolean accepts(Map<?, ?> schema, @Nullable Object value) {
    for (Map.Entry<?, ?> rule : schema.entrySet()) {
      Object expected = Objects.requireNonNull(rule.getValue(), "a rule says something");
      if (!accepts(schema, String.valueOf(rule.getKey()), expected, value)) {
        return false;
      }
    }
    return true;
  }

  private static boolean accepts(
      Map<?, ?> schema, String keyword, Object rule, @Nullable Object value) {
    return switch (keyword) {
      case "$schema", "title", "description", "definitions" -> true;
      case "$ref" -> accepts(definition(String.valueOf(rule).substring(14)), value);
      case "const" -> rule.equals(value);
      case "enum" -> list(schema, keyword).contains(value);
      case "type" ->
          rule instanceof List<?> types
              ? types.stream().anyMatch(type -> isOf(String.valueOf(type), value))
              : isOf(String.valueOf(rule), value);
      case "oneOf" -> matching(schema, keyword, value) == 1;
      case "anyOf" -> matching(schema, keyword, value) > 0;
      case "allOf" -> matching(schema, keyword, value) == list(schema, keyword).size();
      case "required" ->
          !(value instanceof Map<?, ?> map) || map.keySet().containsAll(list(schema, keyword));
      case "properties" ->
          !(value instanceof Map<?, ?> map)
              || child(schema, keyword).entrySet().stream()
                  .allMatch(
                      property ->
                          !map.containsKey(property.getKey())
                              || accepts(
                                  (Map<?, ?>) property.getValue(), map.get(property.getKey())));
      case "additionalProperties" -> additional(schema, rule, value);
      case "propertyNames" ->
          !(value instanceof Map<?, ?> map)
              || map.keySet().stream().allMatch(name -> accepts((Map<?, ?>) rule, name));
      case "items" ->
          !(value instanceof List<?> items)
              || items.stream().allMatch(item -> accepts((Map<?, ?>) rule, item));
      case "pattern" -> !(value instanceof String text) || text.matches(String.valueOf(rule));
      case "minLength", "minItems", "minProperties" -> sizeOf(value) >= (int) rule;
      case "maxProperties" -> sizeOf(value) <= (int) rule;
      case "minimum" -> value instanceof Number number && number.doubleValue() >= (int) rule;
      case "maximum" -> value instanceof Number number && number.doubleValue() <= (int) rule;
      default -> throw new AssertionError("the schema uses " + keyword);
    };
  }

  private static long matching(Map<?, ?> schema, String keyword, @Nullable Object value) {
    return list(schema, keyword).stream()
        .filter(option -> accepts((Map<?, ?>) option, value))
        .count();
  }

  private static boolean additional(Map<?, ?> schema, Object rule, @Nullable Object value) {
    if (!(value instanceof Map<?, ?> map)) {
      return true;
    }
    Set<?> known = schema.get("properties") instanceof Map<?, ?> p ? p.keySet() : Set.of();
    return map.entrySet().stream()
        .filter(entry -> !known.contains(entry.getKey()))
        .allMatch(entry -> rule instanceof Map<?, ?> values && accepts(values, entry.getValue()));
  }

  private static int sizeOf(@Nullable Object value) {
    return value instanceof List<?> list
        ? list.size()
        : value instanceof Map<?, ?> map
            ? map.size()
            : value instanceof String text ? text.length() : Integer.MAX_VALUE;
  }

  private static boolean isOf(String type, @Nullable Object value) {
    return switch (type) {
      case "object" -> value instanceof Map;
      case "array" -> value instanceof List;
      case "string" -> value instanceof String;
      case "boolean" -> value instanceof Boolean;
      case "number" -> value instanceof Number;
      case "integer" -> value instanceof Integer;
      case "null" -> value == null;
      default -> throw new AssertionError("the schema uses the type " + type);
    };
  }
}
