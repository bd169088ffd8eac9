package dev.tailwater.cli;

import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.ExplainJob;
import dev.tailwater.jobs.Explanation;
import dev.tailwater.jobs.Explanation.Covered;
import dev.tailwater.jobs.Explanation.Feature;
import dev.tailwater.jobs.Explanation.Place;
import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.Window;
import dev.tailwater.schemas.Timestamps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/** {@code tailwater explain}: which events are in each window of an entity, and which are not. */
final class ExplainCommand {

  /** More values of one feature are not printed. */
  private static final int MAX_SHOWN = 12;

  /** More events are not printed one by one. */
  private static final int MAX_EVENTS = 1_000;

  private final Console console;

  ExplainCommand(Console console) {
    this.console = console;
  }

  /** The instant that a person wrote, or absent. */
  static OptionalLong instant(@Nullable String at) {
    if (at == null) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(Timestamps.parse(at));
    } catch (IllegalArgumentException e) {
      throw new WrongUsageException("--at '" + at + "': " + e.getMessage());
    }
  }

  /** Replays the history and prints the explanation. */
  int run(
      StreamExecutionEnvironment environment,
      Path temporary,
      LoadedProject project,
      String view,
      List<String> key,
      OptionalLong at,
      BoundedSources history,
      boolean json)
      throws Exception {
    int position = project.view(view);
    FeatureViewLayout layout = project.layout(position);
    String entityKey = GetCommand.entityKey(layout, key);
    if (!json) {
      console.live("replaying history …");
    }
    Explanation explanation =
        explain(environment, temporary, project, position, entityKey, at, history);
    if (json) {
      console.print(Json.write(description(layout, entityKey, explanation)));
    } else {
      print(layout, entityKey, explanation);
    }
    return Main.OK;
  }

  private static Explanation explain(
      StreamExecutionEnvironment environment,
      Path temporary,
      LoadedProject project,
      int view,
      String entityKey,
      OptionalLong at,
      BoundedSources history)
      throws Exception {
    Path spine = Files.createTempFile(temporary, "explain", ".csv");
    try {
      Files.writeString(spine, ExplainJob.emptySpine(project.plan(), view));
      return ExplainJob.run(environment, project.plan(), view, entityKey, at, history, spine);
    } catch (IllegalArgumentException e) {
      throw new CommandFailedException(String.valueOf(e.getMessage()), e);
    } finally {
      deleteQuietly(spine);
    }
  }

  private static void deleteQuietly(Path file) throws IOException {
    Files.deleteIfExists(file);
  }

  private void print(FeatureViewLayout layout, String key, Explanation explanation) {
    List<Place> facts = explanation.facts();
    console.print(
        "%s of %s %s at %s: %d %s%s"
            .formatted(
                layout.view(),
                layout.entity(),
                key,
                Timestamps.format(explanation.at()),
                facts.size(),
                facts.size() == 1 ? "event" : "events",
                explanation.later() == 0
                    ? ""
                    : " up to then, and %d later".formatted(explanation.later())));
    int first = Math.max(0, facts.size() - MAX_EVENTS);
    if (first > 0) {
      console.print("  #1 to #%d are not shown".formatted(first));
    }
    for (int i = first; i < facts.size(); i++) {
      Place fact = facts.get(i);
      console.print(
          "  #%d %s %s/%d/%d%s"
              .formatted(
                  i + 1,
                  Timestamps.format(fact.time()),
                  fact.topic(),
                  fact.partition(),
                  fact.offset(),
                  fact.knownFrom().isPresent()
                      ? ", known from " + Timestamps.format(fact.knownFrom().getAsLong())
                      : ""));
    }
    for (Feature feature : explanation.features()) {
      console.print(
          "%s = %s: %s"
              .formatted(
                  feature.column().name(), shown(feature), reason(feature, explanation.at())));
    }
    for (Explanation.Refused refused : explanation.refused()) {
      console.print(
          "not counted: %s/%d/%d %s: %s"
              .formatted(
                  refused.topic(),
                  refused.partition(),
                  refused.offset(),
                  refused.code(),
                  refused.reason()));
    }
    if (explanation.unreadable() > 0) {
      console.print(
          "%d of the records cannot be read, so nobody can say whether they are about it; the dead-letter topics keep them"
              .formatted(explanation.unreadable()));
    }
  }

  private static String shown(Feature feature) {
    return GetCommand.text(feature.column(), feature.value());
  }

  /** As in sum of 2, (…, …]: #1 10.0, #2 5.0; skipped as NULL: #3. */
  private static String reason(Feature feature, long at) {
    List<Covered> covered = feature.covered();
    StringBuilder text = new StringBuilder(name(feature.spec().aggregation().function()));
    text.append(covered.isEmpty() ? " of nothing" : " of " + covered.size());
    text.append(feature.spec().filter() >= 0 ? " that pass its condition, " : ", ");
    text.append(describe(feature.spec().window(), at));
    if (!covered.isEmpty()) {
      text.append(": ").append(last(covered, ExplainCommand::shown));
    }
    if (!feature.nulls().isEmpty()) {
      text.append("; skipped as NULL: ").append(last(feature.nulls(), fact -> "#" + (fact + 1)));
    }
    return text.toString();
  }

  private static String shown(Covered fact) {
    return "#" + (fact.fact() + 1) + (fact.value() == null ? "" : " " + fact.value());
  }

  /** The last of them, and how many more there are. */
  private static <T> String last(List<T> all, Function<T, String> shown) {
    int first = Math.max(0, all.size() - MAX_SHOWN);
    return (first > 0 ? first + " more, " : "")
        + all.subList(first, all.size()).stream().map(shown).collect(Collectors.joining(", "));
  }

  private static String name(Aggregate aggregate) {
    return aggregate.name().toLowerCase(Locale.ROOT);
  }

  /** The window in words, with its edges where they are instants. */
  static String describe(Window window, long at) {
    long now = at - window.delayMs();
    if (window instanceof Window.Sliding sliding) {
      long oldest = now - sliding.windowMs();
      if (sliding.resolutionMs() > 0) {
        oldest = Math.floorDiv(oldest, sliding.resolutionMs()) * sliding.resolutionMs();
      }
      return "%s%s, %s%s"
          .formatted(
              sliding.bounds().includesOldest() ? "[" : "(",
              Instant.ofEpochMilli(oldest),
              Instant.ofEpochMilli(now),
              sliding.bounds().includesNewest() ? "]" : ")");
    }
    String until = "up to " + Instant.ofEpochMilli(now);
    if (window instanceof Window.LastEvents last) {
      return "the last " + last.count() + " events " + until;
    }
    if (window instanceof Window.Session session) {
      return "the session (gap %s) %s".formatted(duration(session.gapMs()), until);
    }
    if (window instanceof Window.Calendar calendar) {
      String period = calendar.period().name().toLowerCase(Locale.ROOT);
      return calendar.previous() == 0
          ? "this %s in %s %s".formatted(period, calendar.zone(), until)
          : "the %s in %s before the one of %s"
              .formatted(
                  calendar.previous() == 1 ? period : calendar.previous() + " " + period + "s",
                  calendar.zone(),
                  Instant.ofEpochMilli(now));
    }
    return "everything " + until;
  }

  /** As definitions have it, in the largest unit that leaves no rest. */
  private static String duration(long milliseconds) {
    String[] units = {"d", "h", "m", "s"};
    long[] lengths = {86_400_000, 3_600_000, 60_000, 1_000};
    for (int unit = 0; unit < units.length; unit++) {
      if (milliseconds % lengths[unit] == 0) {
        return milliseconds / lengths[unit] + units[unit];
      }
    }
    return milliseconds + "ms";
  }

  private static Map<String, @Nullable Object> description(
      FeatureViewLayout layout, String key, Explanation explanation) {
    Map<String, @Nullable Object> description = new LinkedHashMap<>();
    description.put("view", layout.view());
    description.put("version", layout.version());
    description.put("entity", layout.entity());
    description.put("key", key);
    description.put("at", Timestamps.format(explanation.at()));
    description.put(
        "events", explanation.facts().stream().map(ExplainCommand::description).toList());
    Map<String, Object> features = new LinkedHashMap<>();
    for (Feature feature : explanation.features()) {
      Map<String, @Nullable Object> fields = new LinkedHashMap<>();
      fields.put("value", GetCommand.shown(feature.column(), feature.value()));
      fields.put("aggregate", name(feature.spec().aggregation().function()));
      fields.put("window", describe(feature.spec().window(), explanation.at()));
      fields.put("events", feature.covered().stream().map(Covered::fact).toList());
      fields.put("skipped_as_null", feature.nulls());
      features.put(feature.column().name(), fields);
    }
    description.put("features", features);
    description.put(
        "not_counted",
        explanation.refused().stream()
            .map(
                refused ->
                    Map.of(
                        "topic", refused.topic(),
                        "partition", refused.partition(),
                        "offset", refused.offset(),
                        "code", refused.code(),
                        "reason", refused.reason()))
            .toList());
    description.put("unreadable", explanation.unreadable());
    return description;
  }

  private static Map<String, Object> description(Place fact) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("topic", fact.topic());
    description.put("partition", fact.partition());
    description.put("offset", fact.offset());
    description.put("time", Timestamps.format(fact.time()));
    fact.knownFrom()
        .ifPresent(instant -> description.put("known_from", Timestamps.format(instant)));
    return description;
  }
}
