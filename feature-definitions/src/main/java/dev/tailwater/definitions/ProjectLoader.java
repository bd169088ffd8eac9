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
    FeatureViewReader viewReader = new FeatureViewReader(streams, entities, entityReader, problems);
    read(documents, "feature-view", views, viewReader::read);

    Registry<ModelDefinition> models = new Registry<>("model", problems);
    ModelReader modelReader =
        new ModelReader(
            streams, entities, views, entityReader, viewReader, streamReader.topics(), problems);
    read(documents, "model", models, modelReader::read);

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
        models.all());
  }

  private Map<String, List<Section>> byKind(List<Section> documents) {
    Map<String, List<Section>> byKind = new LinkedHashMap<>();
    for (Section document : documents) {
      Optional<Text> kind =
          document.required(Grammar.KIND, "write kind: stream, entity, feature-view or model");
      if (kind.isEmpty()) {
        continue;
      }
      if (kind.get().value().equals("test")) {
        problems.add(
            kind.get(),
            "documents are not run yet, and a test that is never run proves nothing",
            "remove the document");
      } else if (!Grammar.documents().containsKey(kind.get().value())) {
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
      // A document without a good name is read all the same: its other problems count too.
      Text here = document.at("name");
      Optional<T> definition =
          reader.read(name.orElse(here.withValue("in line " + here.line())), document);
      if (declared) {
        definition.ifPresent(found -> registry.define(name.get(), found));
      }
    }
  }
}
