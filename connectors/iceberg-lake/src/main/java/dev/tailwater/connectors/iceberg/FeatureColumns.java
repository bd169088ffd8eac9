package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import java.io.Serializable;
import java.util.List;

/** Where a table holds what a row of a view consists of. */
final class FeatureColumns implements Serializable {

  final int[] key;
  final int[] features;
  final int validFrom;
  final int validUntil;
  final int revision;
  final int definitionVersion;
  final int generation;
  final int causeTopic;
  final int causePartition;
  final int causeOffset;

  /**
   * The columns of one table.
   *
   * @param tableColumns in the table's order; may be more than the layout's
   * @throws IllegalArgumentException if the table lacks a column of the view
   */
  FeatureColumns(FeatureViewLayout layout, List<String> tableColumns) {
    key = positions(layout, layout.key(), tableColumns);
    features = positions(layout, layout.features(), tableColumns);
    validFrom = tableColumns.indexOf(FeatureTable.VALID_FROM);
    validUntil = tableColumns.indexOf(FeatureTable.VALID_UNTIL);
    revision = tableColumns.indexOf(FeatureTable.REVISION);
    definitionVersion = tableColumns.indexOf(FeatureTable.DEFINITION_VERSION);
    generation = tableColumns.indexOf(FeatureTable.GENERATION);
    causeTopic = tableColumns.indexOf(FeatureTable.CAUSE_TOPIC);
    causePartition = tableColumns.indexOf(FeatureTable.CAUSE_PARTITION);
    causeOffset = tableColumns.indexOf(FeatureTable.CAUSE_OFFSET);
  }

  private static int[] positions(
      FeatureViewLayout layout, List<Column> columns, List<String> tableColumns) {
    return columns.stream()
        .mapToInt(
            column -> {
              int position = tableColumns.indexOf(column.name());
              if (position < 0) {
                throw new IllegalArgumentException(
                    "Table features."
                        + layout.view()
                        + " has no column "
                        + column.name()
                        + ": version "
                        + layout.version()
                        + " of the view was never deployed. Start it first.");
              }
              return position;
            })
        .toArray();
  }
}
