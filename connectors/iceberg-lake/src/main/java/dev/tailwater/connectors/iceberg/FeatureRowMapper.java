package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
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
  private final int[] keyPositions;
  private final int[] featurePositions;
  private final int validFrom;
  private final int validUntil;
  private final int revision;
  private final int definitionVersion;
  private final int generation;
  private final int causeTopic;
  private final int causePartition;
  private final int causeOffset;

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
    this.keyPositions = positions(layout.key(), tableColumns);
    this.featurePositions = positions(layout.features(), tableColumns);
    this.validFrom = tableColumns.indexOf(FeatureTable.VALID_FROM);
    this.validUntil = tableColumns.indexOf(FeatureTable.VALID_UNTIL);
    this.revision = tableColumns.indexOf(FeatureTable.REVISION);
    this.definitionVersion = tableColumns.indexOf(FeatureTable.DEFINITION_VERSION);
    this.generation = tableColumns.indexOf(FeatureTable.GENERATION);
    this.causeTopic = tableColumns.indexOf(FeatureTable.CAUSE_TOPIC);
    this.causePartition = tableColumns.indexOf(FeatureTable.CAUSE_PARTITION);
    this.causeOffset = tableColumns.indexOf(FeatureTable.CAUSE_OFFSET);
  }

  private static int[] positions(List<Column> columns, List<String> tableColumns) {
    return columns.stream().mapToInt(column -> tableColumns.indexOf(column.name())).toArray();
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
    for (int i = 0; i < keyPositions.length; i++) {
      mapped.setField(keyPositions[i], LakeTypes.rowDataValue(layout.key().get(i).type(), key[i]));
    }
    @Nullable Object[] values = row.values();
    for (int i = 0; i < featurePositions.length; i++) {
      mapped.setField(
          featurePositions[i], LakeTypes.rowDataValue(layout.features().get(i).type(), values[i]));
    }
    mapped.setField(validFrom, TimestampData.fromEpochMillis(row.validFrom()));
    if (row.validUntil() != Long.MAX_VALUE) {
      mapped.setField(validUntil, TimestampData.fromEpochMillis(row.validUntil()));
    }
    mapped.setField(revision, row.revision());
    mapped.setField(definitionVersion, version());
    mapped.setField(generation, row.generation());
    mapped.setField(causeTopic, topic(row.topic()));
    mapped.setField(causePartition, row.partition());
    mapped.setField(causeOffset, row.offset());
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
