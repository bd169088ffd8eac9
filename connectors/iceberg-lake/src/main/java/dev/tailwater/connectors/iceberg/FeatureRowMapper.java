package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import java.util.List;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** The rows of one view that are for the offline store, as rows of its table. */
final class FeatureRowMapper extends RichFlatMapFunction<FeatureRow, RowData>
    implements CheckpointedFunction {

  private final int view;
  private final FeatureViewLayout layout;
  private final LineageGuard guard;

  private final int width;
  private final FeatureColumns columns;

  /** Topics are few and repeat: the last one is kept in Flink's form. */
  private transient @Nullable String lastTopic;

  private transient @Nullable StringData lastTopicData;
  private transient @Nullable StringData version;

  /**
   * A mapper for one table.
   *
   * @param tableColumns in the table's order; those that are not the layout's stay NULL
   */
  FeatureRowMapper(
      int view, FeatureViewLayout layout, List<String> tableColumns, LineageGuard guard) {
    this.view = view;
    this.layout = layout;
    this.guard = guard;
    this.width = tableColumns.size();
    this.columns = new FeatureColumns(layout, tableColumns);
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    guard.open(context, getRuntimeContext());
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) {
    // The guard's state does not change while the job runs.
  }

  @Override
  public void flatMap(FeatureRow row, Collector<RowData> out) {
    if (row.offline() && row.view() == view) {
      out.collect(map(row));
    }
  }

  RowData map(FeatureRow row) {
    GenericRowData mapped = new GenericRowData(width);
    Object[] key = EntityKeys.decode(row.key(), layout.key());
    for (int i = 0; i < columns.key.length; i++) {
      mapped.setField(columns.key[i], LakeTypes.rowDataValue(layout.key().get(i).type(), key[i]));
    }
    @Nullable Object[] values = row.values();
    for (int i = 0; i < columns.features.length; i++) {
      mapped.setField(
          columns.features[i], LakeTypes.rowDataValue(layout.features().get(i).type(), values[i]));
    }
    mapped.setField(columns.validFrom, TimestampData.fromEpochMillis(row.validFrom()));
    if (row.validUntil() != Long.MAX_VALUE) {
      mapped.setField(columns.validUntil, TimestampData.fromEpochMillis(row.validUntil()));
    }
    mapped.setField(columns.revision, row.revision());
    mapped.setField(columns.definitionVersion, version());
    mapped.setField(columns.generation, row.generation());
    mapped.setField(columns.causeTopic, topic(row.topic()));
    mapped.setField(columns.causePartition, row.partition());
    mapped.setField(columns.causeOffset, row.offset());
    return mapped;
  }

  private StringData version() {
    StringData present = version;
    if (present == null) {
      present = StringData.fromString(layout.version());
      version = present;
    }
    return present;
  }

  private StringData topic(String topic) {
    StringData present = lastTopicData;
    if (present == null || !topic.equals(lastTopic)) {
      present = StringData.fromString(topic);
      lastTopicData = present;
      lastTopic = topic;
    }
    return present;
  }
}
