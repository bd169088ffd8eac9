package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.TrainingSetDraft;
import dev.tailwater.connectors.iceberg.TrainingSetSnapshot;
import dev.tailwater.definitions.ModelDefinition;
import dev.tailwater.definitions.StreamDefinition;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.RefusedRecords;
import dev.tailwater.jobs.TrainingSetJob;
import dev.tailwater.jobs.TrainingSetRebuild;
import dev.tailwater.jobs.TrainingSetSummary;
import dev.tailwater.plan.ModelPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/** {@code tailwater training-set}: the features of each row of a spine as of its event time. */
final class TrainingSetCommand {

  private final ProjectSession on;
  private final Console console;
  private final LoadedProject project;

  TrainingSetCommand(ProjectSession on) {
    this.on = on;
    this.console = on.console();
    this.project = on.project();
  }

  /** Does what the options, which were checked, ask for. */
  int run(TrainingSetOptions options) throws Exception {
    if (options.rebuild != null) {
      return rebuild(options.rebuild, options);
    }
    TimeRange range = TimeRange.of(options.from, options.to);
    return options.comparesTruths()
        ? compareTruths(String.valueOf(options.model), range, options)
        : make(options, range);
  }

  private int make(TrainingSetOptions options, TimeRange range) throws Exception {
    // What was served is there already: no view is asked again.
    int[] views = options.asServed ? new int[0] : views(project, options.model, options.views);
    Path out = options.out;
    if (out != null) {
      requireFolder(out);
    }
    Optional<Lake> lake = options.table == null ? on.lakeIfThereIsOne() : Optional.of(on.lake());
    if (options.asServed) {
      requireServed(on.lake(), String.valueOf(options.model));
    }
    BoundedSources history = history(options).pinned(project.plan());
    String statement = statement(options, range);
    Path written = null;
    try {
      Path spine = options.spine;
      if (statement != null) {
        console.live("reading the rows …");
        written = Files.createTempFile(OneShotFlink.temporary(on.home()), "spine", ".parquet");
        LakeSql sql = LakeSql.open(lake, OneShotFlink.temporary(on.home()));
        long rows =
            SpineQuery.write(sql.withStreams(project, history, statement), statement, written);
        console.say("the spine has %,d rows".formatted(rows));
        spine = written;
      }
      if (spine == null) {
        throw new IllegalStateException("the options were not checked: there are no rows");
      }
      return make(options, views, spine, statement, history, lake);
    } finally {
      if (written != null) {
        Files.deleteIfExists(written);
      }
    }
  }

  private int make(
      TrainingSetOptions options,
      int[] views,
      Path spine,
      @Nullable String statement,
      BoundedSources history,
      Optional<Lake> lake)
      throws Exception {
    Optional<TrainingSetDraft> draft = Optional.empty();
    if (options.table != null) {
      draft =
          Optional.of(
              lake.orElseThrow()
                  .draftTrainingSet(
                      options.table,
                      Optional.ofNullable(options.tag),
                      TrainingSetJob.tableColumns(project.plan(), views, spine)));
    }
    console.live("replaying history …");
    StreamExecutionEnvironment environment = on.flink();
    Set<String> streams =
        TrainingSetJob.build(
            environment,
            project.plan(),
            views,
            spine,
            history,
            new TrainingSetJob.Output(Optional.ofNullable(options.out), draft));
    JobExecutionResult result = environment.execute("training set of " + project.plan().project());
    RefusedRecords refused = RefusedRecords.of(result);
    refused.lines().forEach(console::say);
    TrainingSetJob.Made made = TrainingSetJob.Made.of(result);
    Map<String, @Nullable Object> told = new LinkedHashMap<>();
    told.put("rows", made.summary().rows());
    if (options.out != null) {
      told.put("out", options.out.toString());
    }
    if (draft.isPresent()) {
      TrainingSetRecord record =
          TrainingSetRecord.of(
              project,
              views,
              streams,
              history,
              statement == null
                  ? TrainingSetRecord.Spine.file(spine)
                  : TrainingSetRecord.Spine.sql(statement),
              made.summary().rows(),
              options.asServed);
      long snapshot = draft.get().commit(made.files(), record.properties());
      told.put("table", "training." + options.table);
      told.put("tag", options.tag);
      told.put("snapshot", snapshot);
    }
    tell(options, told, made.summary(), refused);
    return Main.OK;
  }

  private void tell(
      TrainingSetOptions options,
      Map<String, @Nullable Object> told,
      TrainingSetSummary summary,
      RefusedRecords refused) {
    Optional<String> label = Optional.ofNullable(options.label).or(() -> modelLabel(options.model));
    if (options.label != null && TrainingSetReport.find(summary, options.label).isEmpty()) {
      console.say(
          "the set has no column %s, so nothing is told of a label".formatted(options.label));
    }
    if (options.json) {
      told.put(
          "label",
          label
              .flatMap(name -> TrainingSetReport.find(summary, name))
              .map(c -> c.name())
              .orElse(null));
      told.put("left_out", refused.byCode());
      told.put("columns", TrainingSetReport.json(summary));
      console.print(Json.write(told));
      return;
    }
    TrainingSetReport.lines(summary, label).forEach(console::print);
    List<String> places = new ArrayList<>();
    if (options.out != null) {
      places.add(options.out.toString());
    }
    if (options.table != null) {
      places.add("training." + options.table + (options.tag == null ? "" : "@" + options.tag));
    }
    console.say(
        "%s: %,d rows × %d columns"
            .formatted(String.join(" and ", places), summary.rows(), summary.columns().size()));
  }

  private Optional<String> modelLabel(@Nullable String model) {
    return model == null
        ? Optional.empty()
        : project
            .definitions()
            .model(model)
            .flatMap(ModelDefinition::labels)
            .map(ModelDefinition.Labels::value);
  }

  /** Tells where the vectors that were served are not the true ones; that is no failure. */
  private int compareTruths(String model, TimeRange range, TrainingSetOptions options)
      throws Exception {
    int position = project.model(model);
    Lake lake = on.lake();
    requireServed(lake, model);
    ServedVectors served =
        ServedVectors.compare(
            console,
            on.flink(),
            project.plan(),
            position,
            history(options).pinned(project.plan()),
            lake,
            range);
    served.refused().lines().forEach(console::say);
    if (options.json) {
      Map<String, Object> told = new LinkedHashMap<>(VectorReport.fields(served.vectors()));
      told.put("left_out", served.refused().byCode());
      console.print(Json.write(told));
      return Main.OK;
    }
    console.print(VectorReport.summary(model, served.vectors()));
    VectorReport.lines(served.vectors()).forEach(console::print);
    return Main.OK;
  }

  private static void requireServed(Lake lake, String model) {
    if (!lake.hasPredictions(model)) {
      throw new CommandFailedException(
          "model %s has no predictions in the lake, so nothing is known of what was served; leave out --as-served, or run the jobs that serve and archive it (tailwater up)"
              .formatted(model));
    }
  }

  /** Computes a set again and compares. */
  private int rebuild(String name, TrainingSetOptions options) throws Exception {
    int at = name.indexOf('@');
    Lake lake = on.lake();
    TrainingSetSnapshot set =
        lake.trainingSet(
            at < 0 ? name : name.substring(0, at),
            at < 0 ? Optional.empty() : Optional.of(name.substring(at + 1)));
    String called = "training." + name;
    TrainingSetRecord record = new TrainingSetRecord(set.properties());
    int[] views = record.requireSame(project, called);
    BoundedSources history = record.history(history(options), called);
    console.live("replaying history …");
    StreamExecutionEnvironment environment = on.flink();
    TrainingSetRebuild.build(environment, project.plan(), views, lake, set, history);
    TrainingSetRebuild.Result result =
        TrainingSetRebuild.Result.of(
            environment.execute("rebuild of a training set of " + project.plan().project()));
    boolean equal = result.isEqual() && result.rows() == record.rows();
    int features = TrainingSetJob.features(project.plan(), views).size();
    if (options.json) {
      Map<String, @Nullable Object> told = new LinkedHashMap<>();
      told.put("set", called);
      told.put("snapshot", set.snapshotId());
      told.put("equal", equal);
      told.put("rows", result.rows());
      told.put("recorded_rows", record.rows());
      told.put("features", features);
      told.put("differing_rows", result.differingRows());
      told.put("missing_rows", result.missingRows());
      told.put("surplus_rows", result.surplusRows());
      told.put("by_feature", result.byFeature());
      told.put("examples", result.examples());
      console.print(Json.write(told));
    } else if (equal) {
      console.print(
          "%s: rebuilt bit for bit: %,d rows × %d features"
              .formatted(called, result.rows(), features));
    } else {
      console.print(
          "%s: differs from what its history says: %,d of %,d rows differ, %,d are missing, %,d are there more than once; the set was written with %,d rows"
              .formatted(
                  called,
                  result.differingRows(),
                  result.rows(),
                  result.missingRows(),
                  result.surplusRows(),
                  record.rows()));
      result
          .byFeature()
          .forEach((feature, rows) -> console.print("  %s: %,d rows".formatted(feature, rows)));
      result.examples().forEach(example -> console.print("  " + example));
    }
    return equal ? Main.OK : Main.FAILED;
  }

  /** Which views were asked for: those of a model, or those named, separated by commas. */
  static int[] views(LoadedProject project, @Nullable String model, @Nullable String views) {
    if (model != null) {
      int[] read = project.plan().models().get(project.model(model)).views();
      if (read.length == 0) {
        throw new CommandFailedException(
            "model " + model + " reads no feature view; name views with --views");
      }
      return read;
    }
    return Arrays.stream(String.valueOf(views).split(",", -1))
        .map(String::strip)
        .mapToInt(project::view)
        .distinct()
        .sorted()
        .toArray();
  }

  /** The query that gives the rows; null if a file does. */
  private @Nullable String statement(TrainingSetOptions options, TimeRange range) {
    if (options.spineSql != null) {
      return options.spineSql;
    }
    if (options.model == null || options.spine != null) {
      return null;
    }
    ModelPlan model = project.plan().models().get(project.model(options.model));
    return options.asServed ? served(model, range) : asked(model, range);
  }

  /** The questions of a model, each event once: the first place in the log counts. */
  private String asked(ModelPlan model, TimeRange range) {
    StreamDefinition stream =
        project.definitions().stream(project.plan().streams().get(model.ask()).name())
            .orElseThrow();
    List<String> columns = new ArrayList<>();
    stream.columns().forEach(column -> columns.add(quoted(column.name())));
    boolean named = columns.contains(quoted("event_time"));
    String table = "streams." + quoted(stream.name());
    if (stream.eventId().isPresent()) {
      String id = quoted(stream.eventId().get());
      table =
          "(SELECT *, ROW_NUMBER() OVER (PARTITION BY %s, _event_time ORDER BY _partition, _offset) AS nth FROM %s) WHERE nth = 1 AND "
              .formatted(id, table);
      columns.add(id + " AS about");
    } else {
      table += " WHERE ";
    }
    return "SELECT %s%s FROM %s%s"
        .formatted(
            named ? "" : "_event_time AS event_time, ",
            String.join(", ", columns),
            table,
            within("_event_time", range));
  }

  /** The first answer to each live question that was given a vector. */
  private String served(ModelPlan model, TimeRange range) {
    List<String> columns = new ArrayList<>();
    for (ModelPlan.Element element : model.vector()) {
      columns.add("vector[%s] AS %s".formatted(text(element.name()), quoted(element.name())));
    }
    return """
        SELECT question_id, event_time, model_version, outcome, score, %s
        FROM (
          SELECT *, ROW_NUMBER() OVER (
            PARTITION BY question_id ORDER BY log_partition, log_offset) AS nth
          FROM predictions.%s WHERE run = 'live')
        WHERE nth = 1 AND outcome <> 'REJECTED' AND %s"""
        .formatted(String.join(", ", columns), quoted(model.name()), within("event_time", range));
  }

  private static String within(String column, TimeRange range) {
    List<String> conditions = new ArrayList<>();
    if (range.from() > Long.MIN_VALUE) {
      conditions.add("%s >= TO_TIMESTAMP_LTZ(%d, 3)".formatted(column, range.from()));
    }
    if (range.until() < Long.MAX_VALUE) {
      conditions.add("%s < TO_TIMESTAMP_LTZ(%d, 3)".formatted(column, range.until()));
    }
    return conditions.isEmpty() ? "TRUE" : String.join(" AND ", conditions);
  }

  private static String quoted(String name) {
    return "`" + name.replace("`", "``") + "`";
  }

  private static String text(String value) {
    return "'" + value.replace("'", "''") + "'";
  }

  private BoundedSources history(TrainingSetOptions options) throws IOException {
    return on.history(options.history);
  }

  private static void requireFolder(Path out) {
    Path folder = out.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new CommandFailedException(
          "--out %s: there is no folder %s; create it first".formatted(out, folder));
    }
  }
}
