package dev.tailwater.definitions;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The features of one entity from one stream, from several that are seen as one, or from the events
 * of another view.
 *
 * @param sources the streams whose events are the view's facts, in the order that facts of one
 *     instant have
 * @param basedOn the view whose values at each event are columns too; the sources are then the
 *     streams that view is computed from in the end, in its order and as it maps them
 * @param refresh a row whose values changed because time passed is written anew this often; zero
 *     for never
 * @param features ordered by name with numbers by value, so that neither the order in which they
 *     were written nor their files change a stored row
 */
public record FeatureViewDefinition(
    String name,
    String entity,
    List<Source> sources,
    Optional<String> basedOn,
    Duration refresh,
    Knowledge knowledge,
    List<FeatureDefinition> features) {

  public FeatureViewDefinition {
    sources = List.copyOf(sources);
    features = List.copyOf(features);
  }

  /** The names of its streams. */
  public List<String> streams() {
    return sources.stream().map(Source::stream).toList();
  }

  /** Whether its features read names that every source maps, and not the columns of a stream. */
  public boolean readsMappedNames() {
    return sources.size() > 1 || sources.stream().anyMatch(source -> !source.mapped().isEmpty());
  }

  /** The feature with this name. */
  public Optional<FeatureDefinition> feature(String featureName) {
    return features.stream().filter(feature -> feature.name().equals(featureName)).findFirst();
  }

  /**
   * One stream of a view.
   *
   * @param keyColumns the stream's columns that hold the entity's key, in the order of the key
   * @param mapped what the names that the features read mean in this stream, the same names in
   *     every source; empty if features read the stream's own columns
   */
  public record Source(String stream, List<String> keyColumns, Map<String, Expression> mapped) {

    public Source {
      keyColumns = List.copyOf(keyColumns);
      mapped = Collections.unmodifiableMap(new LinkedHashMap<>(mapped));
    }
  }
}
