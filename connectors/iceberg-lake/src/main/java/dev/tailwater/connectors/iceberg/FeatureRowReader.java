package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one version of a view as the rows that {@link FeatureRowMapper} was given: for the
 * offline store. How many facts the entity had seen is not in the table, and 0.
 */
final class FeatureRowReader implements FlatMapFunction<RowData, FeatureRow> {

  /** Iceberg keeps microseconds. */
  private static final int TIMESTAMP_DIGITS = 6;

  private final int view;
  private final List<Column> key;
  private final List<Column> features;

  private final int[] keyPositions;
  private final int[] keyOrder;
  private final int[] featurePositions;
  private final int validFrom;
  private final int validUntil;
  private final int revision;
  private final int definitionVersion;
  private final int generation;
  private final int causeTopic;
  private final int causePartition;
  private final int causeOffset;
  private final String version;

  /**
   * A reader of one table.
   *
   * @param tableColumns in the table's order
   * @throws IllegalArgumentException if the table lacks a column of the view
   */
  FeatureRowReader(int view, FeatureViewLayout layout, List<String> tableColumns) {
    this.view = view;
    this.key = layout.key();
    this.features = layout.features();
    this.keyPositions = positions(layout, key, tableColumns);
    this.keyOrder = new int[keyPositions.length];
    Arrays.setAll(keyOrder, i -> i);
    this.featurePositions = positions(layout, features, tableColumns);
    this.validFrom = tableColumns.indexOf(FeatureTable.VALID_FROM);
    this.validUntil = tableColumns.indexOf(FeatureTable.VALID_UNTIL);
    this.revision = tableColumns.indexOf(FeatureTable.REVISION);
    this.definitionVersion = tableColumns.indexOf(FeatureTable.DEFINITION_VERSION);
    this.generation = tableColumns.indexOf(FeatureTable.GENERATION);
    this.causeTopic = tableColumns.indexOf(FeatureTable.CAUSE_TOPIC);
    this.causePartition = tableColumns.indexOf(FeatureTable.CAUSE_PARTITION);
    this.causeOffset = tableColumns.indexOf(FeatureTable.CAUSE_OFFSET);
    this.version = layout.version();
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

  @Override
  public void flatMap(RowData row, Collector<FeatureRow> out) {
    if (row.getString(definitionVersion).toString().equals(version)) {
      out.collect(read(row));
    }
  }

  private FeatureRow read(RowData row) {
    @Nullable Object[] values = new Object[featurePositions.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = LakeTypes.fromRowData(features.get(i).type(), row, featurePositions[i]);
    }
    return new FeatureRow(
        view,
        key(row),
        epochMillis(row, validFrom),
        row.isNullAt(validUntil) ? Long.MAX_VALUE : epochMillis(row, validUntil),
        row.getLong(revision),
        row.getLong(generation),
        0,
        values,
        row.getString(causeTopic).toString(),
        row.getInt(causePartition),
        row.getLong(causeOffset),
        false,
        true);
  }

  private static long epochMillis(RowData row, int position) {
    return row.getTimestamp(position, TIMESTAMP_DIGITS).getMillisecond();
  }

  private String key(RowData row) {
    @Nullable Object[] parts = new Object[keyPositions.length];
    for (int i = 0; i < parts.length; i++) {
      parts[i] = LakeTypes.fromRowData(key.get(i).type(), row, keyPositions[i]);
    }
    return Objects.requireNonNull(EntityKeys.encode(parts, keyOrder));
  }
}
