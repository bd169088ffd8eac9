package dev.tailwater.definitions;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * All definitions of a project, checked: every name that is referred to exists and has the right
 * type. Definitions are in the order of their files' names and their place in the file.
 *
 * @param name of the folder, as a name that is safe for topics, keys and tables
 */
public record Project(
    String name,
    List<StreamDefinition> streams,
    List<EntityDefinition> entities,
    List<FeatureViewDefinition> views,
    List<ModelDefinition> models,
    List<TestDefinition> tests) {

  public Project {
    streams = List.copyOf(streams);
    entities = List.copyOf(entities);
    views = List.copyOf(views);
    models = List.copyOf(models);
    tests = List.copyOf(tests);
  }

  /**
   * The part of the project that computes these views: they and the views that they are based on,
   * with all streams and entities, but without models and tests. What is left means what it meant.
   *
   * @throws IllegalArgumentException if there is no view of such a name
   */
  public Project only(Collection<String> viewNames) {
    Set<String> kept = new HashSet<>();
    for (String name : viewNames) {
      Optional<FeatureViewDefinition> next = view(name);
      if (next.isEmpty()) {
        throw new IllegalArgumentException("project " + this.name + " has no view " + name);
      }
      for (; next.isPresent(); next = next.get().basedOn().flatMap(this::view)) {
        kept.add(next.get().name());
      }
    }
    return new Project(
        name,
        streams,
        entities,
        views.stream().filter(view -> kept.contains(view.name())).toList(),
        List.of(),
        List.of());
  }

  /** The stream with this name. */
  public Optional<StreamDefinition> stream(String streamName) {
    return streams.stream().filter(stream -> stream.name().equals(streamName)).findFirst();
  }

  /** The entity with this name. */
  public Optional<EntityDefinition> entity(String entityName) {
    return entities.stream().filter(entity -> entity.name().equals(entityName)).findFirst();
  }

  /** The feature view with this name. */
  public Optional<FeatureViewDefinition> view(String viewName) {
    return views.stream().filter(view -> view.name().equals(viewName)).findFirst();
  }

  /** The model with this name. */
  public Optional<ModelDefinition> model(String modelName) {
    return models.stream().filter(model -> model.name().equals(modelName)).findFirst();
  }

  /**
   * The feature, as {@code view.feature}, that a name stands for in a view that is based on
   * another; empty for what its sources map, or a column of the stream. A name without a view is
   * first such a one, then a feature's of the nearest view.
   */
  public Optional<String> featureNamed(String name, FeatureViewDefinition view) {
    if (view.basedOn().isEmpty()) {
      return Optional.empty();
    }
    if (name.indexOf('.') >= 0) {
      return Optional.of(name);
    }
    if (isColumn(name, view)) {
      return Optional.empty();
    }
    for (FeatureViewDefinition base = view; base.basedOn().isPresent(); ) {
      base = view(base.basedOn().get()).orElseThrow();
      if (base.feature(name).isPresent()) {
        return Optional.of(base.name() + "." + name);
      }
    }
    throw new IllegalStateException(name + " was checked but is not known in view " + view.name());
  }

  private boolean isColumn(String name, FeatureViewDefinition view) {
    if (view.readsMappedNames()) {
      return view.sources().get(0).mapped().containsKey(name);
    }
    StreamDefinition stream = stream(view.streams().get(0)).orElseThrow();
    return stream.columns().stream().anyMatch(column -> column.name().equals(name));
  }
}
