package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import java.io.Serializable;
import java.util.List;

/**
 * The shape of one entity's state for one source stream.
 *
 * @param columns types of the stored value columns; at most 63
 * @param filters number of stored filter bits; at most 64
 * @param features all features over this state
 * @param identified whether facts carry an event id: then the same id at the same event time counts
 *     once
 * @param latenessMs how far behind the clock a fact can still be inserted
 */
public record StateLayout(
    List<ColumnType> columns,
    int filters,
    List<FeatureSpec> features,
    boolean identified,
    long latenessMs)
    implements Serializable {

  public StateLayout {
    columns = List.copyOf(columns);
    features = List.copyOf(features);
  }

  /** The largest delay + window, in milliseconds; 0 without features. */
  public long horizonMs() {
    long horizon = 0;
    for (FeatureSpec feature : features) {
      horizon = Math.max(horizon, feature.delayMs() + feature.windowMs());
    }
    return horizon;
  }
}
