package dev.tailwater.definitions;

import dev.tailwater.expressions.Suggestions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The definitions of one kind by name, the ones with problems included. */
final class Registry<T> {

  private final String kind;
  private final Problems problems;
  private final Map<String, Text> declared = new LinkedHashMap<>();
  private final Map<String, T> definitions = new LinkedHashMap<>();

  Registry(String kind, Problems problems) {
    this.kind = kind;
    this.problems = problems;
  }

  /** Declares a name, before its definition is read; reported if it is taken. */
  boolean declare(Text name) {
    Text earlier = declared.putIfAbsent(name.value(), name);
    if (earlier != null) {
      problems.add(
          name,
          "is already the name of the " + kind + " in " + earlier.file() + ":" + earlier.line(),
          "rename one of them");
    }
    return earlier == null;
  }

  void define(Text name, T definition) {
    definitions.put(name.value(), definition);
  }

  /** The definition that is referred to: reported if unknown; absent too if it has problems. */
  Optional<T> find(Text reference) {
    if (!declared.containsKey(reference.value())) {
      problems.add(
          reference,
          "is not a known " + kind,
          Suggestions.nextStep(reference.value(), declared.keySet()));
    }
    return Optional.ofNullable(definitions.get(reference.value()));
  }

  boolean isDeclared(String name) {
    return declared.containsKey(name);
  }

  Optional<T> get(String name) {
    return Optional.ofNullable(definitions.get(name));
  }

  /** The names, those of definitions with problems included. */
  Set<String> names() {
    return declared.keySet();
  }

  /** The definitions in the order in which they were declared. */
  List<T> all() {
    List<T> all = new ArrayList<>();
    for (String name : declared.keySet()) {
      get(name).ifPresent(all::add);
    }
    return all;
  }
}
