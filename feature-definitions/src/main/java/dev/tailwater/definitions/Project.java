package dev.tailwater.definitions;

import java.util.List;
import java.util.Optional;

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
    List<ModelDefinition> models) {

  public Project {
    streams = List.copyOf(streams);
    entities = List.copyOf(entities);
    views = List.copyOf(views);
    models = List.copyOf(models);
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
}
