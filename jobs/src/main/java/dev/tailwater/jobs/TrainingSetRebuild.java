package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.TrainingSetSnapshot;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.RecordSchema;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.ListAccumulator;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Computes a training set of the lake again, from its own spine and the same history, and compares
 * bit for bit what is stored with what is computed. Row by row: nothing large is in memory.
 */
public final class TrainingSetRebuild {

  private static final String NAME = "rebuild:";
  private static final int MAX_EXAMPLES = 5;

  private TrainingSetRebuild() {}

  /**
   * What a rebuild found.
   *
   * @param rows that were computed
   * @param differingRows of which a feature is stored otherwise
   * @param missingRows computed, but not stored
   * @param surplusRows stored more than once
   * @param byFeature rows by the feature that differs
   * @param examples some differences, each with its row
   */
  public record Result(
      long rows,
      long differingRows,
      long missingRows,
      long surplusRows,
      Map<String, Long> byFeature,
      List<String> examples) {

    public Result {
      byFeature = new TreeMap<>(byFeature);
      examples = List.copyOf(examples);
    }

    /** Of the job that {@link TrainingSetRebuild#build} added. */
    public static Result of(JobExecutionResult result) {
      Map<String, Long> byFeature = new TreeMap<>();
      List<String> examples = new ArrayList<>();
      result
          .getAllAccumulatorResults()
          .forEach(
              (name, value) -> {
                if (name.startsWith(NAME + "feature:") && value instanceof Long rows) {
                  byFeature.put(name.substring((NAME + "feature:").length()), rows);
                } else if (name.equals(NAME + "examples") && value instanceof List<?> texts) {
                  texts.forEach(text -> examples.add(String.valueOf(text)));
                }
              });
      return new Result(
          counted(result, "rows"),
          counted(result, "differing"),
          counted(result, "missing"),
          counted(result, "surplus"),
          byFeature,
          examples.stream().sorted().limit(MAX_EXAMPLES).toList());
    }

    private static long counted(JobExecutionResult result, String name) {
      return result.getAllAccumulatorResults().get(NAME + name) instanceof Long count ? count : 0;
    }

    /** Whether what is stored is, to the bit, what is computed. */
    public boolean isEqual() {
      return differingRows == 0 && missingRows == 0 && surplusRows == 0;
    }
  }

  /**
   * Adds the job; {@link Result} tells what it found.
   *
   * @param set whose definitions are still those of the project
   * @param views positions of the views that it was made of
   * @param sources the history that it was made of
   * @throws IllegalArgumentException if the set lacks a column
   */
  public static void build(
      StreamExecutionEnvironment env,
      Plan project,
      int[] views,
      Lake lake,
      TrainingSetSnapshot set,
      BoundedSources sources) {
    List<String> stored = set.columns().stream().map(Column::name).toList();
    boolean about = SpinePlan.excludesSelf(project, views) && stored.contains(SpinePlan.ABOUT);
    SpinePlan plan = SpinePlan.of(project, views, about);
    List<Column> spine = new ArrayList<>(plan.columns());
    spine.add(plan.plan().streams().get(plan.spine()).schema().columns().get(spine.size()));
    List<Column> features = TrainingSetJob.tableFeatures(project, views);
    requireColumns(set, spine);
    requireColumns(set, features);

    TypeInformation<TrainingSetRow> type = TrainingSetRow.typeInfo(features);
    DataStream<TrainingSetRow> computed =
        TrainingSetJob.answers(
            env,
            project,
            views,
            plan,
            lake.trainingRows(set, spine),
            stream -> sources.of(project.streams().get(stream)),
            sources.files());
    DataStream<TrainingSetRow> written =
        env.fromSource(
                lake.trainingRows(set, features),
                WatermarkStrategy.<LogRecord>noWatermarks(),
                "stored-rows",
                LogRecordSerializer.typeInfo(new RecordSchema("StoredRow", features, "")))
            .uid("stored-rows")
            .map(row -> new TrainingSetRow(row.offset, Objects.requireNonNull(row.values)))
            .returns(type)
            .uid("stored-features")
            .name("stored-features");
    computed
        .connect(written)
        .keyBy(TrainingSetRow::row, TrainingSetRow::row, Types.LONG)
        .process(new Compare(type, features))
        .returns(Types.VOID)
        .uid("compare")
        .name("compare")
        .sinkTo(new DiscardingSink<>())
        .uid("sink:compare")
        .name("sink:compare");
  }

  private static void requireColumns(TrainingSetSnapshot set, List<Column> wanted) {
    for (Column column : wanted) {
      if (set.columns().stream()
          .noneMatch(c -> c.name().equals(column.name()) && c.type() == column.type())) {
        throw new IllegalArgumentException(
            "training.%s has no column %s of type %s, so it is not what was written; it has %s"
                .formatted(set.name(), column.name(), column.type(), set.columns()));
      }
    }
  }

  /** Both sides of one row number. */
  private static final class Compare
      extends KeyedCoProcessFunction<Long, TrainingSetRow, TrainingSetRow, Void> {

    /** The last timer there is: it fires when both inputs of the key have ended. */
    private static final long END = Long.MAX_VALUE - 1;

    private final TypeInformation<TrainingSetRow> type;
    private final List<Column> features;

    private transient ListState<TrainingSetRow> computed;
    private transient ListState<TrainingSetRow> stored;
    private transient LongCounter rows;
    private transient LongCounter differing;
    private transient LongCounter missing;
    private transient LongCounter surplus;
    private transient ListAccumulator<String> examples;
    private transient int told;

    Compare(TypeInformation<TrainingSetRow> type, List<Column> features) {
      this.type = type;
      this.features = List.copyOf(features);
    }

    @Override
    public void open(OpenContext context) {
      computed = getRuntimeContext().getListState(new ListStateDescriptor<>("computed-row", type));
      stored = getRuntimeContext().getListState(new ListStateDescriptor<>("stored-row", type));
      rows = counter("rows");
      differing = counter("differing");
      missing = counter("missing");
      surplus = counter("surplus");
      examples = new ListAccumulator<>();
      getRuntimeContext().addAccumulator(NAME + "examples", examples);
    }

    private LongCounter counter(String name) {
      return getRuntimeContext().getLongCounter(NAME + name);
    }

    @Override
    public void processElement1(TrainingSetRow row, Context context, Collector<Void> out)
        throws Exception {
      computed.add(row);
      context.timerService().registerEventTimeTimer(END);
    }

    @Override
    public void processElement2(TrainingSetRow row, Context context, Collector<Void> out)
        throws Exception {
      stored.add(row);
      context.timerService().registerEventTimeTimer(END);
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<Void> out) throws Exception {
      List<TrainingSetRow> now = new ArrayList<>();
      computed.get().forEach(now::add);
      List<TrainingSetRow> before = new ArrayList<>();
      stored.get().forEach(before::add);
      computed.clear();
      stored.clear();
      rows.add(1);
      if (before.size() > 1) {
        surplus.add(before.size() - 1);
        tell("row %d is stored %d times".formatted(context.getCurrentKey(), before.size()));
      } else if (before.isEmpty() || now.isEmpty()) {
        missing.add(1);
        tell(
            "row %d is %s"
                .formatted(
                    context.getCurrentKey(),
                    now.isEmpty() ? "stored, but not computed" : "computed, but not stored"));
      } else {
        compare(before.get(0), now.get(0));
      }
    }

    private void compare(TrainingSetRow before, TrainingSetRow now) {
      boolean equal = true;
      for (int i = 0; i < features.size(); i++) {
        Object was = before.features()[i];
        Object is = now.features()[i];
        // Objects' equality of doubles is that of their bits: -0 is not 0, NaN is NaN.
        if (!Objects.equals(was, is)) {
          equal = false;
          counter("feature:" + features.get(i).name()).add(1);
          tell(
              "row %d: %s is stored as %s, and computed as %s"
                  .formatted(now.row(), features.get(i).name(), text(was), text(is)));
        }
      }
      if (!equal) {
        differing.add(1);
      }
    }

    private static String text(@Nullable Object value) {
      return value == null ? "NULL" : value.toString();
    }

    private void tell(String difference) {
      if (told < MAX_EXAMPLES) {
        told++;
        examples.add(difference);
      }
    }
  }
}
