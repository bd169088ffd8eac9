package dev.tailwater.jobs;

import dev.tailwater.connectors.files.SpineFile;
import dev.tailwater.connectors.files.SpineRows;
import dev.tailwater.connectors.iceberg.TrainingSetDraft;
import dev.tailwater.schemas.Column;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.accumulators.ListAccumulator;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Puts the rows of the spine before their features, which come in the spine's order: sums them up,
 * and writes them to the files of a table. At the end of input its accumulators tell the summary
 * and the files; nothing else leaves it. One subtask.
 */
final class WholeRowsOperator extends AbstractStreamOperator<Void>
    implements OneInputStreamOperator<TrainingSetRow, Void>, BoundedOneInput {

  static final String SUMMARY = "training-set-summary";
  static final String FILES = "training-set-files";

  private final String spine;
  private final List<Column> keys;
  private final List<Column> features;
  private final @Nullable TrainingSetDraft table;

  private transient SpineRows rows;
  private transient int spineColumns;
  private transient TrainingSetSummary.Builder summary;
  private transient TrainingSetDraft.@Nullable Writer writer;

  WholeRowsOperator(
      Path spine, List<Column> keys, List<Column> features, @Nullable TrainingSetDraft table) {
    this.spine = spine.toString();
    this.keys = List.copyOf(keys);
    this.features = List.copyOf(features);
    this.table = table;
  }

  @Override
  public void open() throws Exception {
    super.open();
    rows = SpineFile.open(Path.of(spine), keys).rows();
    List<Column> columns = new ArrayList<>(rows.columns());
    spineColumns = columns.size();
    columns.addAll(features);
    summary = new TrainingSetSummary.Builder(columns);
    if (table != null) {
      writer =
          table.open(
              getRuntimeContext().getTaskInfo().getIndexOfThisSubtask(),
              getRuntimeContext().getTaskInfo().getAttemptNumber());
    }
  }

  @Override
  public void processElement(StreamRecord<TrainingSetRow> element) throws Exception {
    TrainingSetRow answered = element.getValue();
    rows.advanceTo(answered.row());
    @Nullable Object[] whole = new Object[1 + spineColumns + features.size()];
    whole[0] = answered.row();
    System.arraycopy(rows.values(), 0, whole, 1, spineColumns);
    System.arraycopy(answered.features(), 0, whole, 1 + spineColumns, features.size());
    summary.add(whole, 1);
    if (writer != null) {
      writer.write(whole);
    }
  }

  @Override
  public void endInput() throws Exception {
    rows.requireEnd();
    report(SUMMARY, List.of(summary.build()));
    if (writer != null) {
      report(FILES, writer.finish());
    }
  }

  private <T> void report(String name, List<T> values) {
    ListAccumulator<T> told = new ListAccumulator<>();
    values.forEach(told::add);
    getRuntimeContext().addAccumulator(name, told);
  }

  @Override
  public void close() throws Exception {
    try (SpineRows open = rows;
        TrainingSetDraft.Writer files = writer) {
      super.close();
    }
  }
}
