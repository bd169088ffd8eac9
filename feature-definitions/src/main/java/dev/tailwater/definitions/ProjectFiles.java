package dev.tailwater.definitions;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/** Finds and reads the files of a project, within limits. */
final class ProjectFiles {

  /** Settings of one environment, not definitions. */
  private static final String ENVIRONMENT = "tailwater.yaml";

  private static final int MAX_FILES = 10_000;
  private static final int MAX_BYTES = 1 << 20;
  private static final int MAX_DEPTH = 50;

  private static final String NOT_YAML =
      "look for a bracket, a quote or an indentation there or above; quote a text that has ': ' or"
          + " ' #' in it";

  private static final String FLATTER = "write it flatter: definitions have few levels";

  /** Where the tags of plain YAML begin, as that of a text. */
  private static final String PLAIN_TAG = "tag:yaml.org,2002:";

  private static final Set<String> PLAIN_TAGS =
      Set.of("str", "int", "float", "bool", "null", "map", "seq");

  private final Path project;
  private final Problems problems;

  ProjectFiles(Path project, Problems problems) {
    this.project = project;
    this.problems = problems;
  }

  /** The documents of all files, ordered by file name and place in the file. */
  List<Section> documents() {
    List<Section> documents = new ArrayList<>();
    for (Path file : definitionFiles()) {
      String name = nameOf(file);
      read(file, new Text(name, 0, "", "", false))
          .ifPresent(text -> documents.addAll(parse(name, text)));
    }
    return documents;
  }

  /**
   * The text of a file in the project.
   *
   * @param reference names the file, relative to the project folder
   */
  Optional<String> readReferenced(Text reference) {
    Path file;
    try {
      file = project.resolve(reference.value()).normalize();
      if (!file.startsWith(project)
          || (Files.exists(file) && !file.toRealPath().startsWith(project.toRealPath()))) {
        problems.add(reference, "is outside the project folder", "copy the file into the project");
        return Optional.empty();
      }
    } catch (IOException | IllegalArgumentException e) {
      problems.add(
          reference, "is not a file name", "write its path relative to the project folder");
      return Optional.empty();
    }
    if (!Files.isRegularFile(file)) {
      problems.add(reference, "is not a file", "write its path relative to the project folder");
      return Optional.empty();
    }
    return read(file, reference);
  }

  private List<Path> definitionFiles() {
    List<Path> files = new ArrayList<>();
    try {
      Files.walkFileTree(
          project,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
              return !folder.equals(project) && isHidden(folder)
                  ? FileVisitResult.SKIP_SUBTREE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (isDefinition(file)) {
                files.add(file);
              } else {
                refuseIfMeant(file);
              }
              return files.size() > MAX_FILES
                  ? FileVisitResult.TERMINATE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
              problems.add(
                  new Text(nameOf(file), 0, "", "", false),
                  "cannot be read (" + e + ")",
                  "check its permissions");
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e); // The visitor reports its own failures: this is a defect.
    }
    if (files.size() > MAX_FILES) {
      problems.add(
          new Text(".", 0, "", "", false),
          "has more than " + MAX_FILES + " YAML files",
          "is this the project folder?");
      return List.of();
    }
    files.sort(Comparator.comparing(this::nameOf));
    return files;
  }

  /** What is left out although its name says that it holds definitions. */
  private void refuseIfMeant(Path file) {
    String name = String.valueOf(file.getFileName());
    String lower = name.toLowerCase(Locale.ROOT);
    Text here = new Text(nameOf(file), 0, "", "", false);
    if (isHidden(file) || name.equals(ENVIRONMENT) || !lower.matches(".*\\.ya?ml")) {
      return;
    }
    if (!name.endsWith(lower.substring(lower.lastIndexOf('.')))) {
      problems.add(
          here, "is not read: its name ends in capitals", "rename it so that it ends in .yaml");
    } else if (Files.isSymbolicLink(file) && !Files.exists(file)) {
      problems.add(here, "is a link to a file that does not exist", "correct or remove the link");
    }
  }

  private static boolean isDefinition(Path file) {
    String name = String.valueOf(file.getFileName());
    return (name.endsWith(".yaml") || name.endsWith(".yml"))
        && !name.equals(ENVIRONMENT)
        && !isHidden(file)
        && Files.isRegularFile(file);
  }

  private static boolean isHidden(Path file) {
    return String.valueOf(file.getFileName()).startsWith(".");
  }

  private String nameOf(Path file) {
    return project.relativize(file).toString().replace('\\', '/');
  }

  private Optional<String> read(Path file, Text at) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        problems.add(
            at, "has " + Files.size(file) + " bytes, more than " + MAX_BYTES, "split the file");
        return Optional.empty();
      }
      byte[] bytes = Files.readAllBytes(file);
      return Optional.of(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException e) {
      problems.add(at, "is not UTF-8 text", "save it as UTF-8");
    } catch (IOException e) {
      problems.add(at, "cannot be read (" + e + ")", "check its permissions");
    }
    return Optional.empty();
  }

  private List<Section> parse(String file, String text) {
    List<Section> documents = new ArrayList<>();
    LoadSettings settings =
        LoadSettings.builder()
            .setLabel(file)
            .setCodePointLimit(MAX_BYTES)
            // The whole text at once: the reader fails on a surrogate pair across two buffers.
            .setBufferSize(text.length() + 2)
            .build();
    try {
      for (Node node : new Compose(settings).composeAllFromString(text)) {
        if (hasProblem(file, node, 0)) {
          continue;
        }
        if (node instanceof MappingNode mapping) {
          documents.add(new Section(file, "", mapping, problems));
        } else if (Section.lineOf(node) > 0 && !isEmpty(node)) {
          problems.add(
              new Text(file, Section.lineOf(node), "", "", false),
              "is not a definition",
              "start it with kind: stream, entity, feature-view, model or test");
        }
      }
    } catch (MarkedYamlEngineException e) {
      int line = e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(0);
      String column =
          e.getProblemMark().map(mark -> " at column " + (mark.getColumn() + 1)).orElse("");
      problems.add(
          new Text(file, line, "", "", false),
          "is not YAML" + column + ": " + e.getProblem(),
          NOT_YAML);
    } catch (ReaderException e) {
      problems.add(
          new Text(file, lineAt(text, e.getPosition()), "", "", false),
          "is not YAML: has the character U+%04X, which is not allowed".formatted(e.getCodePoint()),
          "remove it");
    } catch (YamlEngineException e) {
      problems.add(
          new Text(file, 0, "", "", false), "is not YAML: " + e.getMessage(), "write YAML 1.2");
    } catch (StackOverflowError e) {
      problems.add(new Text(file, 0, "", "", false), "is nested too deeply", FLATTER);
    }
    return documents;
  }

  private static int lineAt(String text, int position) {
    return 1 + (int) text.chars().limit(position).filter(c -> c == '\n').count();
  }

  private static boolean isEmpty(Node node) {
    return node instanceof org.snakeyaml.engine.v2.nodes.ScalarNode scalar
        && scalar.getValue().isEmpty();
  }

  /**
   * Refuses anchors, with which a small file can stand for an endless document, depth, and tags,
   * which would say something about a value that nobody reads.
   */
  private boolean hasProblem(String file, Node node, int depth) {
    Text here = new Text(file, Section.lineOf(node), "", "", false);
    if (node.getAnchor().isPresent()) {
      problems.add(here, "has a YAML anchor", "write the value out where it is used");
      return true;
    }
    String tag = node.getTag().getValue();
    if (!tag.startsWith(PLAIN_TAG) || !PLAIN_TAGS.contains(tag.substring(PLAIN_TAG.length()))) {
      problems.add(here, "has the YAML tag " + tag, "write the value without a tag");
      return true;
    }
    if (depth > MAX_DEPTH) {
      problems.add(here, "is nested more than " + MAX_DEPTH + " levels deep", FLATTER);
      return true;
    }
    if (node instanceof SequenceNode sequence) {
      for (Node element : sequence.getValue()) {
        if (hasProblem(file, element, depth + 1)) {
          return true;
        }
      }
    }
    if (node instanceof MappingNode mapping) {
      for (NodeTuple tuple : mapping.getValue()) {
        if (hasProblem(file, tuple.getKeyNode(), depth + 1)
            || hasProblem(file, tuple.getValueNode(), depth + 1)) {
          return true;
        }
      }
    }
    return false;
  }
}
