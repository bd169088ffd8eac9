package dev.tailwater.cli;

import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.definitions.FeatureHashes;
import dev.tailwater.definitions.InvalidProjectException;
import dev.tailwater.definitions.Project;
import dev.tailwater.definitions.ProjectLoader;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.PlanCompiler;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.Column;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * A valid project on disk.
 *
 * @param directory its folder
 * @param definitions what its files say
 * @param plan what they compile to
 */
public record LoadedProject(Path directory, Project definitions, Plan plan) {

  /**
   * Loads and validates a project.
   *
   * @throws InvalidProjectException with every problem at once
   * @throws CommandFailedException if there is no such folder
   */
  public static LoadedProject load(Path directory) throws InvalidProjectException {
    requireFolder(directory);
    if (directory.toString().isEmpty()) {
      throw new CommandFailedException(
          "'' names no folder; name the folder with the project's YAML files, or . for this one");
    }
    Project definitions = ProjectLoader.load(directory);
    return new LoadedProject(directory, definitions, PlanCompiler.compile(definitions));
  }

  /**
   * Whether there is a folder that may hold a project.
   *
   * @throws CommandFailedException if not
   */
  static void requireFolder(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw new CommandFailedException(
          directory
              + (Files.exists(directory) ? " is not a folder" : ": there is no such folder")
              + "; name the folder with the project's YAML files");
    }
  }

  /** The part of the project that computes these views: {@link Project#only}. */
  LoadedProject only(Collection<String> views) {
    Project part = definitions.only(views);
    return new LoadedProject(directory, part, PlanCompiler.compile(part));
  }

  /** What each feature means, as a hash, by view and feature. */
  Map<String, Map<String, String>> featureHashes() {
    FeatureHashes hashes = FeatureHashes.of(definitions);
    Map<String, Map<String, String>> byView = new LinkedHashMap<>();
    for (ViewPlan view : plan.views()) {
      Map<String, String> byFeature = new LinkedHashMap<>();
      for (Column feature : view.features()) {
        byFeature.put(
            feature.name(),
            Objects.requireNonNull(hashes.features().get(view.name() + "." + feature.name())));
      }
      byView.put(view.name(), byFeature);
    }
    return byView;
  }

  /** The position of a view, by its name. */
  int view(String name) {
    return position("feature view", name, plan.views(), ViewPlan::name);
  }

  /** The position of a model, by its name. */
  int model(String name) {
    return position("model", name, plan.models(), ModelPlan::name);
  }

  /** The position of a stream, by its name. */
  int stream(String name) {
    return position("stream", name, plan.streams(), StreamPlan::name);
  }

  FeatureViewLayout layout(int view) {
    return FeatureGraph.layouts(plan).get(view);
  }

  private <T> int position(String what, String name, List<T> all, Function<T, String> nameOf) {
    for (int i = 0; i < all.size(); i++) {
      if (nameOf.apply(all.get(i)).equals(name)) {
        return i;
      }
    }
    throw new CommandFailedException(
        "project %s has no %s '%s'; %s"
            .formatted(
                plan.project(),
                what,
                name,
                all.isEmpty()
                    ? "it defines none"
                    : "it has " + String.join(", ", all.stream().map(nameOf).toList())));
  }
}
