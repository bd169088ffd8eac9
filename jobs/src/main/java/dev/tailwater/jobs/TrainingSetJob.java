package dev.tailwater.jobs;

import dev.tailwater.connectors.files.SpineFile;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.Column;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * A training set: the features of each row of a spine as of the row's event time, by a bounded
 * replay of history through the one graph. A spine that has the column {@value SpinePlan#ABOUT}
 * names the event that each row is about: features with {@code self: exclude} do not count it.
 */
public final class TrainingSetJob {

  private TrainingSetJob() {}

  /**
   * Adds the job.
   *
   * @param views positions of the views, whose features become the columns {@code view.feature}
   * @param spine the file with the rows; it has the key columns of the views' entities
   * @param out the file to write; {@link RefusedRecords} tells what is not in it
   */
  public static void build(
      StreamExecutionEnvironment env,
      Plan project,
      int[] views,
      Path spine,
      BoundedSources sources,
      Path out) {
    List<Column> features = features(project, views);
    answers(env, project, views, spine, sources)
        // One key, sorted by row number: the spine's order, spilled to disk where it is large.
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<TrainingSetRow>noWatermarks()
                .withTimestampAssigner((row, ignored) -> row.row()))
        .uid("row-number")
        .name("row-number")
        .keyBy(row -> 0, Types.INT)
        .process(new InOrder())
        .returns(TrainingSetRow.typeInfo(features))
        .setParallelism(1)
        .uid("spine-order")
        .name("spine-order")
        .sinkTo(new TrainingSetSink(spine, keys(project, views), out, features))
        .setParallelism(1)
        .uid("sink:training-set")
        .name("sink:training-set");
  }

  /** The answered rows, in no order. */
  static DataStream<TrainingSetRow> answers(
      StreamExecutionEnvironment env,
      Plan project,
      int[] views,
      Path spine,
      BoundedSources sources) {
    return answers(
        env,
        project,
        views,
        spine,
        stream -> sources.of(project.streams().get(stream)),
        sources.files());
  }

  /**
   * The answered rows, in no order.
   *
   * @param sources the history of each stream, by its position in the plan
   * @param history the streams whose history is a file, by name
   */
  static DataStream<TrainingSetRow> answers(
      StreamExecutionEnvironment env,
      Plan project,
      int[] views,
      Path spine,
      IntFunction<Source<LogRecord, ?, ?>> sources,
      Map<String, Path> history) {
    boolean about =
        SpinePlan.excludesSelf(project, views)
            && SpineFile.open(spine, List.of()).columnNames().contains(SpinePlan.ABOUT);
    SpinePlan plan = SpinePlan.of(project, views, about);
    SpineFile rows = SpineFile.open(spine, plan.columns());
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.bounded(env),
            plan.plan(),
            stream -> stream == plan.spine() ? rows.source() : sources.apply(stream),
            new FeatureGraph.Options(List.of(plan.ask(views)), false, 0, Set.of()));
    Map<String, Path> files = new HashMap<>(history);
    files.put(plan.plan().streams().get(plan.spine()).name(), spine);
    RefusedRecords.report(graph, files);
    return answers(graph, project, views);
  }

  /**
   * What the views say at each row of a spine.
   *
   * @param graph of the {@link SpinePlan} of these views, whose spine asks for all of them
   * @return the rows in no order
   */
  public static DataStream<TrainingSetRow> answers(FeatureGraph graph, Plan project, int[] views) {
    TypeInformation<TrainingSetRow> type = TrainingSetRow.typeInfo(features(project, views));
    return graph
        .answers()
        .filter(Envelope::isQuestion)
        .map(new ToTrainingSetRow(project, views))
        .returns(type)
        .uid("training-set-row")
        .name("training-set-row");
  }

  /** The key columns that the spine needs, by which its file is read. */
  public static List<Column> keys(Plan project, int[] views) {
    return SpinePlan.of(project, views).columns();
  }

  /** The feature columns, as they are named in the training set. */
  public static List<Column> features(Plan project, int[] views) {
    List<Column> features = new ArrayList<>();
    for (int v : views) {
      ViewPlan view = project.views().get(v);
      for (Column feature : view.features()) {
        features.add(
            new Column(view.name() + "." + feature.name(), feature.type(), feature.nullable()));
      }
    }
    return features;
  }

  /** Puts the answers of all views into one row; a row without a key has no features. */
  private static final class ToTrainingSetRow implements MapFunction<Envelope, TrainingSetRow> {

    private final int[] views;
    private final int[] widths;
    private final int width;

    ToTrainingSetRow(Plan project, int[] views) {
      this.views = views;
      this.widths = new int[views.length];
      int total = 0;
      for (int i = 0; i < views.length; i++) {
        widths[i] = project.views().get(views[i]).features().size();
        total += widths[i];
      }
      this.width = total;
    }

    @Override
    public TrainingSetRow map(Envelope question) {
      @Nullable Object[] features = new Object[width];
      int at = 0;
      for (int i = 0; i < views.length; i++) {
        @Nullable Object[] answer = question.answers[views[i]];
        if (answer != null) {
          System.arraycopy(answer, 0, features, at, widths[i]);
        }
        at += widths[i];
      }
      return new TrainingSetRow(question.offset, features);
    }
  }

  private static final class InOrder
      extends KeyedProcessFunction<Integer, TrainingSetRow, TrainingSetRow> {

    @Override
    public void processElement(TrainingSetRow row, Context context, Collector<TrainingSetRow> out) {
      out.collect(row);
    }
  }
}
