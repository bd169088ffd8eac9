package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.LiveSources;
import dev.tailwater.jobs.SampledVerifyJob;
import dev.tailwater.jobs.SampledVerifyJob.Found;
import dev.tailwater.jobs.VectorComparison;
import dev.tailwater.jobs.VerifyJob;
import dev.tailwater.jobs.VerifyReport;
import dev.tailwater.jobs.VerifyReport.Cause;
import dev.tailwater.jobs.VerifyReport.CheckReport;
import dev.tailwater.jobs.VerifyReport.Difference;
import dev.tailwater.jobs.VerifyReport.ViewReport;
import dev.tailwater.schemas.Timestamps;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * {@code tailwater verify}: both stores against each other and against a replay of history, row by
 * row.
 */
final class VerifyCommand {

  private static final String SERVED = "served = replay";

  private static final Duration WATCH_EVERY = Duration.ofSeconds(2);

  private final Console console;

  VerifyCommand(Console console) {
    this.console = console;
  }

  /**
   * The views that are compared.
   *
   * @param views separated by commas, or null for all
   */
  static Set<Integer> views(LoadedProject project, @Nullable String views) {
    List<Integer> all = IntStream.range(0, project.plan().views().size()).boxed().toList();
    if (all.isEmpty()) {
      throw new CommandFailedException(
          "project "
              + project.plan().project()
              + " has no feature view, so there is nothing to compare; define one");
    }
    return views == null
        ? Set.copyOf(all)
        : Arrays.stream(TrainingSetCommand.views(project, null, views))
            .boxed()
            .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Of how many keys one is compared.
   *
   * @param sample {@code 100} or {@code 1/100}, or null for all
   */
  static int oneKeyIn(@Nullable String sample) {
    if (sample == null) {
      return 1;
    }
    String number = sample.startsWith("1/") ? sample.substring(2) : sample;
    int oneIn;
    try {
      oneIn = Integer.parseInt(number);
    } catch (NumberFormatException e) {
      oneIn = 0;
    }
    if (oneIn < 1) {
      throw new WrongUsageException(
          "--sample '" + sample + "' is not a share of the keys; write 1/100 for one key in 100");
    }
    return oneIn;
  }

  /**
   * Compares and prints what was found.
   *
   * @param models whether the vectors that were served are compared, too
   * @return {@link Main#OK} if nothing differs, else {@link Main#FAILED}
   */
  int run(
      StreamExecutionEnvironment environment,
      LoadedProject project,
      Set<Integer> views,
      boolean models,
      int oneKeyIn,
      BoundedSources history,
      RedisAddress redis,
      Lake lake,
      boolean json)
      throws Exception {
    VerifyReport report;
    List<ServedVectors> served = new ArrayList<>();
    try {
      BoundedSources pinned = history.pinned(project.plan());
      report =
          VerifyJob.run(
              environment,
              project.plan(),
              new VerifyJob.Config(pinned, redis, lake, views, oneKeyIn, Instant.now()),
              console::live);
      for (int model = 0; models && model < project.plan().models().size(); model++) {
        if (lake.hasPredictions(project.plan().models().get(model).name())) {
          served.add(
              ServedVectors.compare(
                  console,
                  environment,
                  project.plan(),
                  model,
                  pinned,
                  lake,
                  TimeRange.of(null, null)));
        }
      }
    } catch (IllegalArgumentException e) {
      throw new CommandFailedException(String.valueOf(e.getMessage()), e);
    }
    boolean equal = report.allEqual() && served.stream().allMatch(ServedVectors::isAsPromised);
    if (json) {
      console.print(Json.write(description(report, served, equal, oneKeyIn)));
    } else {
      print(project, report, served, oneKeyIn);
      console.say(
          "%s, of %s."
              .formatted(
                  equal
                      ? "Nothing differs that must not"
                      : "Something differs; docs/parity.md says what each reason means",
                  oneKeyIn == 1 ? "all keys" : "one key in " + number(oneKeyIn)));
    }
    return equal ? Main.OK : Main.FAILED;
  }

  /**
   * Watches the online store until the command is interrupted or the job fails, and says what it
   * finds.
   */
  int watch(
      StreamExecutionEnvironment environment,
      LoadedProject project,
      int oneKeyIn,
      LiveSources history,
      RedisAddress redis)
      throws Exception {
    SampledVerifyJob.build(
        environment,
        project.plan(),
        new SampledVerifyJob.Config(history, redis, oneKeyIn, SampledVerifyJob.PATIENCE));
    JobClient job = environment.executeAsync(project.plan().project() + ": verify");
    console.say("Watching one key in %s of every entity. Stop: Ctrl-C".formatted(number(oneKeyIn)));
    Map<Cause, Long> told = Map.of();
    CompletableFuture<JobExecutionResult> end = job.getJobExecutionResult();
    while (true) {
      try {
        Object unused = end.get(WATCH_EVERY.toSeconds(), TimeUnit.SECONDS);
        return Main.OK;
      } catch (TimeoutException stillRunning) {
        Found found = Found.of(job.getAccumulators().get());
        console.live(
            "%s rows checked, %s different"
                .formatted(number(found.checked()), number(sum(found.different()))));
        if (!found.different().equals(told) && sum(found.different()) > 0) {
          told = found.different();
          console.print(
              "%s of %s rows differ: %s; the log file names some of them"
                  .formatted(number(sum(told)), number(found.checked()), causes(told)));
        }
      }
    }
  }

  private void print(
      LoadedProject project, VerifyReport report, List<ServedVectors> served, int oneKeyIn) {
    TextTable table =
        new TextTable(
            List.of("view", "check", "rows", "equal", "open", "different", "why"),
            new boolean[] {false, false, true, true, true, true, false});
    TextTable features =
        new TextTable(
            List.of("view", "check", "feature", "different", "of all", "why"),
            new boolean[] {false, false, false, true, true, false});
    boolean someFeatures = false;
    for (ViewReport view : report.views()) {
      for (CheckReport check : view.checks()) {
        table.add(
            List.of(
                view.view(),
                check.check().title(),
                number(check.compared()),
                number(check.equal()),
                number(check.open()),
                number(check.differing()),
                causes(check.different())));
        for (Map.Entry<String, Map<Cause, Long>> feature : check.features().entrySet()) {
          someFeatures = true;
          long different = sum(feature.getValue());
          features.add(
              List.of(
                  view.view(),
                  check.check().title(),
                  feature.getKey(),
                  number(different),
                  share(different, check.compared()),
                  causes(feature.getValue())));
        }
      }
    }
    for (ServedVectors model : served) {
      VectorComparison vectors = model.vectors();
      table.add(
          List.of(
              model.model(),
              SERVED,
              number(vectors.compared()),
              number(vectors.equal()),
              number(vectors.notServed() + vectors.notReplayed()),
              number(vectors.different()),
              ""));
      for (Map.Entry<String, Map<VectorComparison.Cause, Long>> feature :
          vectors.features().entrySet()) {
        someFeatures = true;
        long different = feature.getValue().values().stream().mapToLong(Long::longValue).sum();
        features.add(
            List.of(
                model.model(),
                SERVED,
                feature.getKey(),
                number(different),
                share(different, vectors.compared()),
                feature.getValue().entrySet().stream()
                    .map(
                        cause ->
                            number(cause.getValue())
                                + " "
                                + cause.getKey().name().toLowerCase(Locale.ROOT))
                    .collect(Collectors.joining(", "))));
      }
    }
    table.lines().forEach(console::print);
    if (someFeatures) {
      console.print("");
      features.lines().forEach(console::print);
    }
    printExamples(project, report);
    report
        .finalFrom()
        .forEach(
            (view, instant) ->
                console.say(
                    "%s: rows up to %s must be in the offline store"
                        .formatted(view, Timestamps.format(instant))));
    served.stream()
        .filter(model -> !model.mustBeEqual() && model.vectors().different() > 0)
        .forEach(
            model ->
                console.say(
                    "%s answers on arrival: what it was given is an observation, and may differ"
                        .formatted(model.model())));
  }

  private void printExamples(LoadedProject project, VerifyReport report) {
    for (ViewReport view : report.views()) {
      FeatureViewLayout layout = project.layout(project.view(view.view()));
      for (CheckReport check : view.checks()) {
        for (Difference difference : check.examples()) {
          console.print("");
          for (String line : lines(project, layout, difference)) {
            console.print(line);
          }
        }
      }
    }
  }

  private static List<String> lines(
      LoadedProject project, FeatureViewLayout layout, Difference difference) {
    List<String> lines = new ArrayList<>();
    String title =
        "%s, %s: %s"
            .formatted(difference.view(), difference.check().title(), difference.cause().title());
    if (difference.cause() == Cause.VERSION) {
      lines.add(
          title
              + ": the project defines version %s, readers of the %s store use %s"
                  .formatted(
                      difference.expected(),
                      difference.check() == VerifyReport.Check.ONLINE ? "online" : "offline",
                      difference.found()));
      lines.add("  deploy it with tailwater up, or compare the project that is deployed");
      return lines;
    }
    String at =
        difference.instant() == Long.MIN_VALUE
            ? ""
            : " at " + Timestamps.format(difference.instant());
    lines.add(title + ": " + layout.entity() + " " + difference.key() + at);
    if (!difference.feature().isEmpty()) {
      lines.add(
          "  %s is %s, should be %s"
              .formatted(
                  difference.feature(),
                  shown(difference.feature(), difference.found()),
                  shown(difference.feature(), difference.expected())));
    }
    if (!at.isEmpty()) {
      lines.add(
          "  tailwater explain %s %s %s --at %s"
              .formatted(
                  project.directory(),
                  difference.view(),
                  key(layout, difference.key()),
                  Timestamps.format(difference.instant())));
    }
    return lines;
  }

  /** The key as it is typed. */
  private static String key(FeatureViewLayout layout, String key) {
    Object[] values = EntityKeys.decode(key, layout.key());
    return IntStream.range(0, values.length)
        .mapToObj(i -> quoted(layout.key().get(i).name() + "=" + values[i]))
        .collect(Collectors.joining(" "));
  }

  private static String quoted(String word) {
    return word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }

  private static String shown(String feature, String value) {
    if (!feature.equals("valid_until") && !feature.equals("valid_from")) {
      return value;
    }
    long instant = Long.parseLong(value);
    return instant == Long.MAX_VALUE ? "never" : Timestamps.format(instant);
  }

  private static String causes(Map<Cause, Long> different) {
    return different.entrySet().stream()
        .filter(cause -> cause.getValue() > 0)
        .map(cause -> number(cause.getValue()) + " " + cause.getKey().title())
        .collect(Collectors.joining(", "));
  }

  private static long sum(Map<Cause, Long> different) {
    return different.values().stream().mapToLong(Long::longValue).sum();
  }

  private static String share(long part, long all) {
    return String.format(Locale.ROOT, "%.4f%%", 100.0 * part / all);
  }

  private static String number(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  private static Map<String, @Nullable Object> description(
      VerifyReport report, List<ServedVectors> served, boolean equal, int oneKeyIn) {
    List<Object> views = new ArrayList<>();
    for (ViewReport view : report.views()) {
      Map<String, Object> checks = new LinkedHashMap<>();
      for (CheckReport check : view.checks()) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("rows", check.compared());
        fields.put("equal", check.equal());
        fields.put("open", check.open());
        fields.put("different", check.differing());
        fields.put("causes", names(check.different()));
        Map<String, Object> features = new LinkedHashMap<>();
        check.features().forEach((feature, causes) -> features.put(feature, names(causes)));
        fields.put("features", features);
        fields.put("examples", check.examples().stream().map(VerifyCommand::description).toList());
        checks.put(check.check().title().replace(" = ", "_equals_"), fields);
      }
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("view", view.view());
      fields.put("version", view.version());
      Long finalUntil = report.finalFrom().get(view.view());
      if (finalUntil != null) {
        fields.put("final_until", Timestamps.format(finalUntil));
      }
      fields.put("checks", checks);
      views.add(fields);
    }
    Map<String, @Nullable Object> description = new LinkedHashMap<>();
    description.put("equal", equal);
    description.put("one_key_in", oneKeyIn);
    description.put("views", views);
    description.put("models", served.stream().map(VerifyCommand::description).toList());
    return description;
  }

  private static Map<String, Object> names(Map<Cause, Long> causes) {
    Map<String, Object> names = new LinkedHashMap<>();
    causes.forEach((cause, count) -> names.put(cause.title().replace(' ', '_'), count));
    return names;
  }

  private static Map<String, Object> description(ServedVectors model) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("model", model.model());
    fields.put("must_be_equal", model.mustBeEqual());
    fields.put("vectors", model.vectors().compared());
    fields.putAll(VectorReport.fields(model.vectors()));
    return fields;
  }

  private static Map<String, Object> description(Difference difference) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("cause", difference.cause().title().replace(' ', '_'));
    fields.put("key", difference.key());
    if (difference.instant() != Long.MIN_VALUE) {
      fields.put("valid_from", Timestamps.format(difference.instant()));
    }
    if (!difference.feature().isEmpty()) {
      fields.put("feature", difference.feature());
    }
    fields.put("expected", difference.expected());
    fields.put("found", difference.found());
    return fields;
  }
}
