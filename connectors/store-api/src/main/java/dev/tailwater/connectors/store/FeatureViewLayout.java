package dev.tailwater.connectors.store;

import dev.tailwater.schemas.Column;
import java.io.Serializable;
import java.util.List;

/**
 * The shape of one feature view in a store.
 *
 * @param view the view's name
 * @param version its definition version, part of every key and table name
 * @param entity the entity's name
 * @param key the entity's key columns, in order
 * @param features the view's features, in order
 * @param timeToLiveMs how long after its last write an entity can still have a value that is not
 *     empty, in milliseconds: the largest delay + window + lateness; more than 2^53 means for ever,
 *     as where a feature covers facts of any age
 */
public record FeatureViewLayout(
    String view,
    String version,
    String entity,
    List<Column> key,
    List<Column> features,
    long timeToLiveMs)
    implements Serializable {

  public FeatureViewLayout {
    key = List.copyOf(key);
    features = List.copyOf(features);
  }
}
