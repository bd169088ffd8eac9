package dev.tailwater.definitions;

import java.util.List;

/**
 * The features of one entity from one stream.
 *
 * @param keyColumns the stream's columns that hold the entity's key, in the order of the key
 * @param features ordered by name with numbers by value, so that neither the order in which they
 *     were written nor their files change a stored row
 */
public record FeatureViewDefinition(
    String name,
    String entity,
    String stream,
    List<String> keyColumns,
    List<FeatureDefinition> features) {

  public FeatureViewDefinition {
    keyColumns = List.copyOf(keyColumns);
    features = List.copyOf(features);
  }
}
