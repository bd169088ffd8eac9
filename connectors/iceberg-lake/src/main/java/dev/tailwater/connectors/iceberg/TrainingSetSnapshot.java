package dev.tailwater.connectors.iceberg;

import dev.tailwater.schemas.Column;
import java.io.Serializable;
import java.util.List;
import java.util.Map;

/**
 * A training set in the lake.
 *
 * @param name of its table, without {@code training.}
 * @param snapshotId the snapshot with the rows
 * @param columns of the rows, in the table's order
 * @param properties that the set was committed with
 */
public record TrainingSetSnapshot(
    String name, long snapshotId, List<Column> columns, Map<String, String> properties)
    implements Serializable {

  /** The column with the row's number in the spine, from 0. */
  public static final String ROW = "spine_row";

  /** The column with the instant that the features are as of. */
  public static final String EVENT_TIME = "event_time";

  public TrainingSetSnapshot {
    columns = List.copyOf(columns);
    properties = Map.copyOf(properties);
  }
}
