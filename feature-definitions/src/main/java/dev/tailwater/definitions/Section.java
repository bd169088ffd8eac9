package dev.tailwater.definitions;

import dev.tailwater.expressions.Suggestions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** One YAML mapping. Reading it reports what does not have the shape that was asked for. */
final class Section {

  private final String file;
  private final String path;
  private final int line;
  private final Problems problems;
  private final Map<String, Node> values = new LinkedHashMap<>();
  private final Map<String, Integer> lines = new LinkedHashMap<>();

  Section(String file, String path, MappingNode mapping, Problems problems) {
    this.file = file;
    this.path = path;
    this.line = lineOf(mapping);
    this.problems = problems;
    for (NodeTuple tuple : mapping.getValue()) {
      if (!(tuple.getKeyNode() instanceof ScalarNode scalar)) {
        problems.add(
            new Text(file, lineOf(tuple.getKeyNode()), path, "", false),
            "has a key that is not a name",
            "write name: value");
        continue;
      }
      String key = scalar.getValue();
      Integer earlier = lines.putIfAbsent(key, lineOf(scalar));
      if (earlier != null) {
        problems.add(
            new Text(file, lineOf(scalar), pathOf(key), "", false),
            "is already written in line " + earlier,
            "keep one of them");
        continue;
      }
      values.put(key, tuple.getValueNode());
    }
  }

  /** Where this mapping is, for problems of what is missing in it. */
  Text here() {
    return new Text(file, line, path, "", false);
  }

  /** Where a key is, for problems of the key itself. */
  Text at(String key) {
    return new Text(file, lines.getOrDefault(key, line), pathOf(key), "", false);
  }

  Set<String> keys() {
    return values.keySet();
  }

  boolean has(String key) {
    return values.containsKey(key);
  }

  /** Reports every key that is not among these. */
  void allowOnly(Set<String> known) {
    for (String key : values.keySet()) {
      if (!known.contains(key)) {
        problems.add(at(key), "is not known here", Suggestions.nextStep(key, known));
      }
    }
  }

  /** The scalar at a key, if there is one. */
  Optional<Text> text(String key) {
    Node node = values.get(key);
    return node == null ? Optional.empty() : scalar(key, node, false);
  }

  /** The scalar at a key, which may be null, if there is one. */
  Optional<Text> nullableText(String key) {
    Node node = values.get(key);
    return node == null ? Optional.empty() : scalar(key, node, true);
  }

  /** The scalar at a key, which must be there. */
  Optional<Text> required(String key, String nextStep) {
    return present(key, nextStep) ? text(key) : Optional.empty();
  }

  /** Reports a key that must be there and is not. */
  boolean present(String key, String nextStep) {
    if (!has(key)) {
      problems.add(new Text(file, line, pathOf(key), "", false), "is missing", nextStep);
    }
    return has(key);
  }

  /** The mapping at a key, if there is one. */
  Optional<Section> section(String key) {
    Node node = values.get(key);
    if (node == null) {
      return Optional.empty();
    }
    if (node instanceof MappingNode mapping) {
      return Optional.of(new Section(file, pathOf(key), mapping, problems));
    }
    problems.add(at(key), "is not a mapping", "write " + key + ": {name: value}");
    return Optional.empty();
  }

  boolean isSection(String key) {
    return values.get(key) instanceof MappingNode;
  }

  boolean isList(String key) {
    return values.get(key) instanceof SequenceNode;
  }

  /** The scalar, or the list of scalars, at a key; empty if there is none. */
  List<Text> texts(String key) {
    List<Text> texts = new ArrayList<>();
    if (values.get(key) instanceof SequenceNode sequence) {
      if (sequence.getValue().isEmpty()) {
        problems.add(at(key), "is an empty list", "write at least one");
      }
      for (Node node : sequence.getValue()) {
        scalar(key, node, false).ifPresent(texts::add);
      }
    } else {
      text(key).ifPresent(texts::add);
    }
    return texts;
  }

  /** The scalars of the list at a key, of which some may be null or empty text. */
  List<Text> nullableTexts(String key) {
    List<Text> texts = new ArrayList<>();
    if (values.get(key) instanceof SequenceNode sequence) {
      for (Node node : sequence.getValue()) {
        scalar(key, node, true).ifPresent(texts::add);
      }
    }
    return texts;
  }

  /** The mappings in the list at a key; empty if there is none. */
  List<Section> sections(String key) {
    if (has(key) && !isList(key)) {
      problems.add(at(key), "is not a list", "write " + key + ": [{name: value}]");
      return List.of();
    }
    List<Section> sections = new ArrayList<>();
    if (values.get(key) instanceof SequenceNode sequence) {
      if (sequence.getValue().isEmpty()) {
        problems.add(at(key), "is an empty list", "write at least one");
      }
      for (Node node : sequence.getValue()) {
        if (node instanceof MappingNode mapping) {
          sections.add(new Section(file, pathOf(key), mapping, problems));
        } else {
          problems.add(
              new Text(file, lineOf(node), pathOf(key), "", false),
              "has an element that is not a mapping",
              "write {name: value}");
        }
      }
    }
    return sections;
  }

  /**
   * The elements of the list at a key; an element {@code name: text} that YAML read as a mapping is
   * the text that was written.
   */
  List<Text> elements(String key) {
    if (has(key) && !isList(key)) {
      problems.add(at(key), "is not a list", "write " + key + ": [first, second]");
      return List.of();
    }
    List<Text> texts = new ArrayList<>();
    if (values.get(key) instanceof SequenceNode sequence) {
      for (Node node : sequence.getValue()) {
        if (node instanceof MappingNode mapping
            && mapping.getValue().size() == 1
            && mapping.getValue().get(0).getKeyNode() instanceof ScalarNode name
            && mapping.getValue().get(0).getValueNode() instanceof ScalarNode value) {
          texts.add(
              new Text(
                  file,
                  lineOf(node),
                  pathOf(key),
                  name.getValue() + ": " + value.getValue(),
                  false));
        } else {
          scalar(key, node, false).ifPresent(texts::add);
        }
      }
    }
    return texts;
  }

  private Optional<Text> scalar(String key, Node node, boolean nullable) {
    if (!(node instanceof ScalarNode scalar)) {
      problems.add(
          new Text(file, lineOf(node), pathOf(key), "", false),
          "is not a single value",
          "write " + key + ": value");
      return Optional.empty();
    }
    boolean isNull = scalar.getTag().equals(Tag.NULL);
    if (!nullable && (isNull || scalar.getValue().isBlank())) {
      problems.add(
          new Text(file, lineOf(node), pathOf(key), "", false),
          "has no value",
          "write one, or leave the key out");
      return Optional.empty();
    }
    return Optional.of(new Text(file, lineOf(node), pathOf(key), scalar.getValue(), isNull));
  }

  private String pathOf(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  static int lineOf(Node node) {
    return node.getStartMark().map(mark -> mark.getLine() + 1).orElse(0);
  }
}
