package dev.tailwater.definitions;

import dev.tailwater.expressions.Suggestions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the definitions of a project: every {@code *.yaml} and {@code *.yml} below its folder,
 * except {@code tailwater.yaml} and what is hidden. A file may hold several documents, has at most
 * 1 MiB, and there are at most 10,000.
 */
public final class ProjectLoader {

  private final Path folder;
  private final Problems problems = new Problems();

  private ProjectLoader(Path folder) {
    this.folder = folder;
  }

  /**
   * Reads and checks a project.
   *
   * @throws InvalidProjectException if anything is wrong with it, with every problem there is
   */
  public static Project load(Path projectDirectory) {
    Path folder;
    try {
      folder = projectDirectory.toRealPath();
    } catch (IOException e) {
      throw notAFolder(projectDirectory);
    }
    if (!Files.isDirectory(folder)) {
      throw notAFolder(projectDirectory);
    }
    return new ProjectLoader(folder).load();
  }

  private static InvalidProjectException notAFolder(Path path) {
    return new InvalidProjectException(
        List.of(
            new Problem(
                path.toString(), 0, "", "", "is not a folder", "name the folder of a project")));
  }

  private Project load() {
    ProjectFiles files = new ProjectFiles(folder, problems);
    Map<String, List<Section>> documents = byKind(files.documents());

    Registry<StreamReader.Read> streams = new Registry<>("stream", problems);
    StreamReader streamReader = new StreamReader(files, problems);
    read(documents, "stream", streams, streamReader::read);

    Registry<EntityDefinition> entities = new Registry<>("entity", problems);
    EntityReader entityReader = new EntityReader(problems);
    read(documents, "entity", entities, entityReader::read);

    Registry<FeatureViewReader.Read> views = new Registry<>("feature-view", problems);
    FeatureViewReader viewReader =
        new FeatureViewReader(streams, entities, views, entityReader, problems);
    readViews(documents, views, viewReader);

    Registry<ModelDefinition> models = new Registry<>("model", problems);
    ModelReader modelReader =
        new ModelReader(
            streams, entities, views, entityReader, viewReader, streamReader.topics(), problems);
    read(documents, "model", models, modelReader::read);

    TestReader testReader = new TestReader(streams, entities, views, problems);
    List<TestDefinition> tests = new ArrayList<>();
    for (Section document : documents.getOrDefault("test", List.of())) {
      testReader.read(document).ifPresent(tests::add);
    }

    if (documents.getOrDefault("stream", List.of()).isEmpty()) {
      problems.add(
          new Problem(
              ".",
              0,
              "",
              "",
              "the project has no stream",
              "write a file with kind: stream that names a topic and its schema"));
    }
    problems.throwIfAny();
    return new Project(
        Names.ofProject(String.valueOf(folder.getFileName())),
        streams.all().stream().map(StreamReader.Read::definition).toList(),
        entities.all(),
        views.all().stream().map(FeatureViewReader.Read::definition).toList(),
        models.all(),
        tests);
  }

  private Map<String, List<Section>> byKind(List<Section> documents) {
    Map<String, List<Section>> byKind = new LinkedHashMap<>();
    for (Section document : documents) {
      Optional<Text> kind =
          document.required(
              Grammar.KIND, "write kind: stream, entity, feature-view, model or test");
      if (kind.isEmpty()) {
        continue;
      }
      if (!Grammar.documents().containsKey(kind.get().value())) {
        problems.add(
            kind.get(),
            "is not a kind of definition",
            Suggestions.nextStep(kind.get().value(), Grammar.documents().keySet()));
      } else {
        byKind.computeIfAbsent(kind.get().value(), key -> new ArrayList<>()).add(document);
      }
    }
    return byKind;
  }

  private interface Reader<T> {
    Optional<T> read(Text name, Section document);
  }

  /** Declares all names of a kind first, so that the order of files does not matter. */
  private <T> void read(
      Map<String, List<Section>> documents, String kind, Registry<T> registry, Reader<T> reader) {
    for (Section document : documents.getOrDefault(kind, List.of())) {
      Optional<Text> name = Names.ofDocument(document, problems);
      boolean declared = name.isPresent() && registry.declare(name.get());
      Optional<T> definition = reader.read(name.orElse(unnamed(document)), document);
      if (declared) {
        definition.ifPresent(found -> registry.define(name.get(), found));
      }
    }
  }

  /** Declares all views before the first is read: one may be based on another. */
  private void readViews(
      Map<String, List<Section>> documents,
      Registry<FeatureViewReader.Read> views,
      FeatureViewReader reader) {
    List<Section> unnamed = new ArrayList<>();
    for (Section document : documents.getOrDefault("feature-view", List.of())) {
      Optional<Text> name = Names.ofDocument(document, problems);
      if (name.isPresent() && views.declare(name.get())) {
        reader.announce(name.get(), document);
      } else {
        unnamed.add(document);
      }
    }
    reader.readAnnounced();
    for (Section document : unnamed) {
      reader.read(unnamed(document), document);
    }
  }

  /** A document without a good name is read all the same: its other problems count too. */
  private static Text unnamed(Section document) {
    Text here = document.at("name");
    return here.withValue("in line " + here.line());
  }
}
