package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.VerifyJob;
import dev.tailwater.jobs.VerifyReport;
import dev.tailwater.jobs.VerifyReport.Cause;
import dev.tailwater.jobs.VerifyReport.CheckReport;
import dev.tailwater.jobs.VerifyReport.Difference;
import dev.tailwater.jobs.VerifyReport.ViewReport;
import dev.tailwater.schemas.Timestamps;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * {@code tailwater verify}: both stores against each other and against a replay of history, row by
 * row.
 */
final class VerifyCommand {

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
   * @return {@link Main#OK} if nothing differs, else {@link Main#FAILED}
   */
  int run(
      StreamExecutionEnvironment environment,
      LoadedProject project,
      Set<Integer> views,
      int oneKeyIn,
      BoundedSources history,
      RedisAddress redis,
      Lake lake,
      boolean json)
      throws Exception {
    VerifyReport report;
    try {
      report =
          VerifyJob.run(
              environment,
              project.plan(),
              new VerifyJob.Config(
                  history.pinned(project.plan()), redis, lake, views, oneKeyIn, Instant.now()),
              console::live);
    } catch (IllegalArgumentException e) {
      throw new CommandFailedException(String.valueOf(e.getMessage()), e);
    }
    if (json) {
      console.print(Json.write(description(report, oneKeyIn)));
    } else {
      print(project, report, oneKeyIn);
    }
    return report.allEqual() ? Main.OK : Main.FAILED;
  }

  private void print(LoadedProject project, VerifyReport report, int oneKeyIn) {
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
                number(sum(check.different())),
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
                  String.format(Locale.ROOT, "%.4f%%", 100.0 * different / check.compared()),
                  causes(feature.getValue())));
        }
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
    String keys = oneKeyIn == 1 ? "all keys" : "one key in " + number(oneKeyIn);
    console.say(
        report.allEqual()
            ? "Nothing differs, of " + keys + "."
            : "Something differs, of " + keys + ". What each reason means: docs/parity.md");
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
        .map(cause -> number(cause.getValue()) + " " + cause.getKey().title())
        .collect(Collectors.joining(", "));
  }

  private static long sum(Map<Cause, Long> different) {
    return different.values().stream().mapToLong(Long::longValue).sum();
  }

  private static String number(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  private static Map<String, @Nullable Object> description(VerifyReport report, int oneKeyIn) {
    List<Object> views = new ArrayList<>();
    for (ViewReport view : report.views()) {
      Map<String, Object> checks = new LinkedHashMap<>();
      for (CheckReport check : view.checks()) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("rows", check.compared());
        fields.put("equal", check.equal());
        fields.put("open", check.open());
        fields.put("different", sum(check.different()));
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
    description.put("equal", report.allEqual());
    description.put("one_key_in", oneKeyIn);
    description.put("views", views);
    return description;
  }

  private static Map<String, Object> names(Map<Cause, Long> causes) {
    Map<String, Object> names = new LinkedHashMap<>();
    causes.forEach((cause, count) -> names.put(cause.title().replace(' ', '_'), count));
    return names;
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
