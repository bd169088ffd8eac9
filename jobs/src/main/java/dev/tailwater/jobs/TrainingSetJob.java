package dev.tailwater.jobs;

import dev.tailwater.connectors.files.SpineFile;
import dev.tailwater.connectors.files.SpineRows;
import dev.tailwater.connectors.iceberg.TrainingSetDraft;
import dev.tailwater.connectors.iceberg.TrainingSetSnapshot;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntFunction;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
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
   * What a training set is written to.
   *
   * @param file the file to write, replaced once it is complete
   * @param table the table whose content it becomes with {@link TrainingSetDraft#commit}
   */
  public record Output(Optional<Path> file, Optional<TrainingSetDraft> table) {

    /** To a file only. */
    public static Output file(Path file) {
      return new Output(Optional.of(file), Optional.empty());
    }
  }

  /**
   * What a finished job made.
   *
   * @param files those of the table, to be committed; none without a table
   */
  public record Made(TrainingSetSummary summary, List<TrainingSetDraft.WrittenFile> files) {

    /** Of the job that {@link TrainingSetJob#build} added. */
    public static Made of(JobExecutionResult result) {
      List<TrainingSetSummary> summary = result.getAccumulatorResult(WholeRowsOperator.SUMMARY);
      List<TrainingSetDraft.WrittenFile> files =
          result.getAccumulatorResult(WholeRowsOperator.FILES);
      return new Made(summary.get(0), files == null ? List.of() : files);
    }
  }

  /**
   * Adds the job; {@link Made} tells what it made, {@link RefusedRecords} what is not in it.
   *
   * @param views positions of the views, whose features become the columns {@code view.feature}
   * @param spine the file with the rows; it has the key columns of the views' entities
   * @return the streams whose history it reads, by name
   */
  public static Set<String> build(
      StreamExecutionEnvironment env,
      Plan project,
      int[] views,
      Path spine,
      BoundedSources sources,
      Output output) {
    List<Column> features = features(project, views);
    Set<String> read = new TreeSet<>();
    IntFunction<Source<LogRecord, ?, ?>> history =
        stream -> {
          read.add(project.streams().get(stream).name());
          return sources.of(project.streams().get(stream));
        };
    DataStream<TrainingSetRow> inOrder =
        answers(env, project, views, spine, history, sources.files())
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
            .name("spine-order");
    inOrder
        .transform(
            "whole-rows",
            Types.VOID,
            new WholeRowsOperator(
                spine, columns(project, views, spine), features, output.table().orElse(null)))
        .setParallelism(1)
        .uid("whole-rows")
        .sinkTo(new DiscardingSink<>())
        .setParallelism(1)
        .uid("sink:whole-rows")
        .name("sink:whole-rows");
    output
        .file()
        .ifPresent(
            file ->
                inOrder
                    .sinkTo(new TrainingSetSink(spine, keys(project, views), file, features))
                    .setParallelism(1)
                    .uid("sink:training-set")
                    .name("sink:training-set"));
    return read;
  }

  /**
   * The columns that a table of the training set has: the row's number, the spine's columns, the
   * features. A dot in a name, as in {@code view.feature}, would have to be quoted in SQL: it is
   * two underscores here.
   *
   * @throws IllegalArgumentException if a name is there twice
   */
  public static List<Column> tableColumns(Plan project, int[] views, Path spine) {
    List<Column> columns = new ArrayList<>();
    columns.add(new Column(TrainingSetSnapshot.ROW, ColumnType.LONG, false));
    try (SpineRows rows = SpineFile.open(spine, columns(project, views, spine)).rows()) {
      for (Column column : rows.columns()) {
        columns.add(new Column(column.name().replace(".", "__"), column.type(), column.nullable()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(spine + " cannot be read", e);
    }
    columns.addAll(tableFeatures(project, views));
    Set<String> names = new HashSet<>();
    for (Column column : columns) {
      if (!names.add(column.name())) {
        throw new IllegalArgumentException(
            "%s: the table would have the column %s twice; rename it in the spine"
                .formatted(spine, column.name()));
      }
    }
    return columns;
  }

  /** The feature columns, as they are named in a table. */
  static List<Column> tableFeatures(Plan project, int[] views) {
    return features(project, views, "__");
  }

  /** The columns that are read of the spine: the keys, and {@value SpinePlan#ABOUT} if it is. */
  private static List<Column> columns(Plan project, int[] views, Path spine) {
    return SpinePlan.of(project, views, namesEvents(project, views, spine)).columns();
  }

  private static boolean namesEvents(Plan project, int[] views, Path spine) {
    return SpinePlan.excludesSelf(project, views)
        && SpineFile.open(spine, List.of()).columnNames().contains(SpinePlan.ABOUT);
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
    SpinePlan plan = SpinePlan.of(project, views, namesEvents(project, views, spine));
    Map<String, Path> files = new HashMap<>(history);
    files.put(plan.plan().streams().get(plan.spine()).name(), spine);
    return answers(
        env, project, views, plan, SpineFile.open(spine, plan.columns()).source(), sources, files);
  }

  /**
   * The answered rows, in no order.
   *
   * @param plan of these views and the columns that the rows have
   * @param rows the spine's
   * @param sources the history of each stream, by its position in the plan
   * @param files what is read from files, by stream
   */
  static DataStream<TrainingSetRow> answers(
      StreamExecutionEnvironment env,
      Plan project,
      int[] views,
      SpinePlan plan,
      Source<LogRecord, ?, ?> rows,
      IntFunction<Source<LogRecord, ?, ?>> sources,
      Map<String, Path> files) {
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.bounded(env),
            plan.plan(),
            stream -> stream == plan.spine() ? rows : sources.apply(stream),
            new FeatureGraph.Options(List.of(plan.ask(views)), false, 0, Set.of()));
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
    return features(project, views, ".");
  }

  private static List<Column> features(Plan project, int[] views, String between) {
    List<Column> features = new ArrayList<>();
    for (int v : views) {
      ViewPlan view = project.views().get(v);
      for (Column feature : view.features()) {
        features.add(
            new Column(view.name() + between + feature.name(), feature.type(), feature.nullable()));
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
