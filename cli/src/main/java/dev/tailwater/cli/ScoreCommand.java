package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.RefusedRecords;
import dev.tailwater.jobs.ScoreComparison;
import dev.tailwater.jobs.ScoreComparison.Kind;
import dev.tailwater.jobs.ScoreJob;
import dev.tailwater.jobs.ScorePair;
import dev.tailwater.jobs.ServedModel;
import dev.tailwater.jobs.VectorComparison;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.serving.MicroBatcherSettings;
import dev.tailwater.serving.ModelRepository;
import dev.tailwater.serving.ModelRepositoryException;
import dev.tailwater.serving.ModelVersion;
import dev.tailwater.training.Evaluation;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;

/** {@code tailwater score}: many questions at once, kept in the lake and compared with the live. */
final class ScoreCommand {

  private static final DateTimeFormatter RUN_TIME =
      DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

  private final Console console;

  /**
   * What was asked for.
   *
   * @param version of the model, or null for the one that is served now
   * @param questions where the vectors come from
   * @param range of the questions' event times
   * @param threshold a score at or above it is an alarm
   * @param dryRun whether nothing is to be kept
   */
  record Request(
      String model,
      @Nullable Integer version,
      ScoreJob.Questions questions,
      TimeRange range,
      double threshold,
      boolean dryRun) {

    /** What the options mean together. */
    static Request of(
        String model,
        @Nullable Integer version,
        @Nullable Path spine,
        @Nullable String from,
        @Nullable String to,
        boolean asServed,
        double threshold,
        boolean dryRun) {
      if (spine != null && (asServed || from != null || to != null)) {
        throw new WrongUsageException(
            "--spine names the questions: leave out --as-served, --from and --to");
      }
      if (Double.isNaN(threshold)) {
        throw new WrongUsageException("--threshold is NaN; give a score, as in 0.5");
      }
      ScoreJob.Questions questions =
          spine != null
              ? new ScoreJob.Questions.Rows(spine)
              : asServed ? new ScoreJob.Questions.AsServed() : new ScoreJob.Questions.Asked();
      TimeRange range = TimeRange.of(from, to);
      return new Request(model, version, questions, range, threshold, dryRun);
    }
  }

  /** What a finished run is reported from. */
  private record Result(
      String version,
      Optional<String> run,
      ScoreComparison scores,
      VectorComparison vectors,
      ScoreDifferences differences) {

    boolean isReproduced() {
      return scores.count(Kind.NOT_REPRODUCED) == 0;
    }
  }

  ScoreCommand(Console console) {
    this.console = console;
  }

  /** Runs the job and prints what came of it. */
  int run(
      StreamExecutionEnvironment environment,
      LoadedProject project,
      Request request,
      BoundedSources history,
      Optional<Lake> lake,
      ModelRepository models,
      Instant now,
      boolean json)
      throws Exception {
    int position = project.model(request.model());
    ModelPlan model = project.plan().models().get(position);
    ModelVersion version = version(models, model, request.version());
    Optional<String> run =
        request.dryRun()
            ? Optional.empty()
            : Optional.of(
                "batch-%s-%s"
                    .formatted(RUN_TIME.format(now), UUID.randomUUID().toString().substring(0, 8)));
    ScoreJob.Config config =
        new ScoreJob.Config(
            new ServedModel(position, Integer.toString(version.version()), models.onnx(version)),
            request.questions(),
            request.range().from(),
            request.range().until(),
            run,
            now.toEpochMilli(),
            MicroBatcherSettings.defaults());
    console.live("replaying history …");
    ScoreDifferences differences = new ScoreDifferences(request.threshold());
    JobExecutionResult finished;
    try (CloseableIterator<ScorePair> pairs =
        ScoreJob.build(environment, project.plan(), config, history, lake).collectAsync()) {
      JobClient job = environment.executeAsync("scores of " + version.reference());
      long seen = 0;
      while (pairs.hasNext()) {
        differences.add(pairs.next());
        if (++seen % 10_000 == 0) {
          console.live("comparing: %,d questions".formatted(seen));
        }
      }
      finished = job.getJobExecutionResult().get();
    }
    RefusedRecords.of(finished).lines().forEach(console::say);
    Result result =
        new Result(
            version.reference(),
            run,
            ScoreComparison.of(finished),
            VectorComparison.of(finished),
            differences);
    if (json) {
      console.print(Json.write(fields(result)));
    } else {
      lines(result, model, request.threshold()).forEach(console::print);
    }
    if (!result.isReproduced()) {
      console.say(
          "%s gave other scores for the same vectors than when it served them: the model does not answer alike, or its file was changed"
              .formatted(version.reference()));
      return Main.FAILED;
    }
    return Main.OK;
  }

  private static ModelVersion version(
      ModelRepository models, ModelPlan model, @Nullable Integer wanted)
      throws ModelRepositoryException {
    ModelVersion version =
        wanted != null
            ? models.version(model.name(), wanted)
            : models
                .champion(model.name())
                .orElseThrow(
                    () ->
                        new CommandFailedException(
                            "model %s has no version to serve yet; run tailwater train, or name one with --model-version"
                                .formatted(model.name())));
    List<String> inputs = model.vector().stream().map(ModelPlan.Element::name).toList();
    if (!version.metadata().inputNames().equals(inputs)) {
      throw new CommandFailedException(
          "%s was trained on other inputs than model %s has now (%s, now %s); score with the definitions of its time, or with another --model-version"
              .formatted(
                  version.reference(), model.name(), version.metadata().inputNames(), inputs));
    }
    return version;
  }

  // ---- the report

  private static Map<String, Object> fields(Result result) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("model", result.version());
    result.run().ifPresent(run -> fields.put("run", run));
    fields.put("questions", result.scores().count());
    Map<String, Object> scores = new LinkedHashMap<>();
    for (Kind kind : Kind.values()) {
      scores.put(kind.name().toLowerCase(Locale.ROOT), result.scores().count(kind));
    }
    fields.put("scores", scores);
    fields.put("vectors", VectorReport.fields(result.vectors()));
    ScoreDifferences.Distances distances = result.differences().distances();
    if (distances.questions() > 0) {
      Map<String, Object> of = new LinkedHashMap<>();
      of.put("questions", distances.questions());
      of.put("mean", distances.mean());
      of.put("mean_absolute", distances.meanAbsolute());
      of.put("absolute", distances.quantiles());
      of.put("crossed_up", distances.crossedUp());
      of.put("crossed_down", distances.crossedDown());
      fields.put("differences", of);
    }
    Map<String, Object> truth = new LinkedHashMap<>();
    result
        .differences()
        .evaluations()
        .forEach((name, evaluation) -> truth.put(name, evaluation.metrics("")));
    if (!truth.isEmpty()) {
      fields.put("labels", truth);
    }
    return fields;
  }

  private static List<String> lines(Result result, ModelPlan model, double threshold) {
    ScoreComparison scores = result.scores();
    List<String> lines = new ArrayList<>();
    lines.add(
        "%s scored %,d questions%s"
            .formatted(
                result.version(),
                scores.count() - scores.count(Kind.NOT_SCORED),
                result
                    .run()
                    .map(
                        run ->
                            "; they are in predictions.%s with run = '%s'"
                                .formatted(model.name(), run))
                    .orElse("; nothing was kept (--dry-run)")));
    Map<Kind, String> meanings = new EnumMap<>(Kind.class);
    meanings.put(Kind.EQUAL, "the same score as served, bit for bit");
    meanings.put(Kind.DIFFERENT_VECTOR, "another score than served: the vector is another");
    meanings.put(Kind.NOT_REPRODUCED, "another score than served, from the same vector");
    meanings.put(Kind.OTHER_VERSION, "served by another version");
    meanings.put(Kind.SERVED_WITHOUT_MODEL, "served the fallback, or rejected");
    meanings.put(Kind.NOT_SERVED, "not served");
    meanings.put(Kind.NOT_SCORED, "could not be scored; the reasons are in the table");
    meanings.forEach(
        (kind, meaning) -> {
          if (scores.count(kind) > 0) {
            lines.add("  %,12d  %s".formatted(scores.count(kind), meaning));
          }
        });
    if (result.vectors().different() > 0) {
      lines.add("");
      lines.addAll(VectorReport.lines(result.vectors()));
    }
    lines.addAll(distanceLines(result, threshold));
    lines.addAll(truthLines(result));
    return lines;
  }

  private static List<String> distanceLines(Result result, double threshold) {
    ScoreDifferences.Distances distances = result.differences().distances();
    if (distances.questions() == 0 || distances.quantiles().getOrDefault("p100", 0.0) == 0) {
      return List.of();
    }
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.add(
        "New minus served score, %,d questions%s"
            .formatted(
                distances.questions(),
                result.differences().leftOut() > 0
                    ? " (the first that came; %,d more)".formatted(result.differences().leftOut())
                    : ""));
    lines.add(
        "  mean %s, mean distance %s"
            .formatted(number(distances.mean()), number(distances.meanAbsolute())));
    List<String> quantiles = new ArrayList<>();
    distances.quantiles().forEach((name, value) -> quantiles.add(name + " " + number(value)));
    lines.add("  distance " + String.join(", ", quantiles));
    lines.add(
        "  crossed %s: %,d up, %,d down"
            .formatted(number(threshold), distances.crossedUp(), distances.crossedDown()));
    return lines;
  }

  private static List<String> truthLines(Result result) {
    Map<String, Evaluation> evaluations = result.differences().evaluations();
    if (evaluations.isEmpty()) {
      return List.of();
    }
    Evaluation any = evaluations.values().iterator().next();
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.add(
        "Against the labels, %,d questions, %,d positive".formatted(any.rows(), any.positives()));
    List<String> metrics = List.of("roc_auc", "average_precision", "log_loss");
    List<String> names = new ArrayList<>(List.of("", "AUC", "average precision", "log loss"));
    TextTable table = new TextTable(names, new boolean[] {false, true, true, true});
    evaluations.forEach(
        (name, evaluation) -> {
          Map<String, Double> values = evaluation.metrics("");
          List<String> row = new ArrayList<>();
          row.add(name.equals("scored") ? result.version() : name);
          metrics.forEach(
              metric ->
                  row.add(values.containsKey(metric) ? number(values.get(metric)) : "unknown"));
          table.add(row);
        });
    table.lines().forEach(line -> lines.add("  " + line));
    return lines;
  }

  private static String number(@Nullable Double value) {
    return value == null ? "unknown" : String.format(Locale.ROOT, "%.4g", value);
  }
}
