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

  private final FeatureColumns columns;
  private final int[] keyOrder;
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
    this.columns = new FeatureColumns(layout, tableColumns);
    this.keyOrder = new int[columns.key.length];
    Arrays.setAll(keyOrder, i -> i);
    this.version = layout.version();
  }

  @Override
  public void flatMap(RowData row, Collector<FeatureRow> out) {
    if (row.getString(columns.definitionVersion).toString().equals(version)) {
      out.collect(read(row));
    }
  }

  private FeatureRow read(RowData row) {
    @Nullable Object[] values = new Object[columns.features.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = LakeTypes.fromRowData(features.get(i).type(), row, columns.features[i]);
    }
    return new FeatureRow(
        view,
        key(row),
        epochMillis(row, columns.validFrom),
        row.isNullAt(columns.validUntil) ? Long.MAX_VALUE : epochMillis(row, columns.validUntil),
        row.getLong(columns.revision),
        row.getLong(columns.generation),
        0,
        values,
        row.getString(columns.causeTopic).toString(),
        row.getInt(columns.causePartition),
        row.getLong(columns.causeOffset),
        false,
        true);
  }

  private static long epochMillis(RowData row, int position) {
    return row.getTimestamp(position, TIMESTAMP_DIGITS).getMillisecond();
  }

  private String key(RowData row) {
    @Nullable Object[] parts = new Object[columns.key.length];
    for (int i = 0; i < parts.length; i++) {
      parts[i] = LakeTypes.fromRowData(key.get(i).type(), row, columns.key[i]);
    }
    return Objects.requireNonNull(EntityKeys.encode(parts, keyOrder));
  }
}
