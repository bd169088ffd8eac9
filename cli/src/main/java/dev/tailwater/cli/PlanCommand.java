package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.Lake.DeployedView;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.Chains;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.SampleJob.Costs;
import dev.tailwater.jobs.SampleJob.EntityCost;
import dev.tailwater.jobs.SampleJob.ViewCost;
import dev.tailwater.kernel.Window;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** {@code tailwater plan}: what would change against what is deployed, and what it would cost. */
final class PlanCommand {

  private final Console console;

  PlanCommand(Console console) {
    this.console = console;
  }

  /** What becomes of a feature. */
  enum Change {
    NEW,
    CHANGED,
    UNCHANGED,
    REMOVED,
    /** The view has another version than the deployed one, whose features were not recorded. */
    UNKNOWN
  }

  /**
   * Prints the changes and, if there is a sample, the costs.
   *
   * @param lake what is deployed; empty if there is none yet
   * @throws CommandFailedException if a view's table cannot take the new version; after printing
   */
  int run(LoadedProject project, Optional<Lake> lake, Optional<Costs> costs, boolean json) {
    for (StreamPlan stream : project.plan().recordedStreams()) {
      lake.ifPresent(present -> present.requireRawName(stream.name(), stream.topic()));
    }
    Map<String, DeployedView> deployed = lake.map(Lake::deployedViews).orElse(Map.of());
    Map<String, Map<String, Change>> changes = changes(project, deployed);
    Map<String, String> refused = lake.map(present -> refused(project, present)).orElse(Map.of());
    if (json) {
      console.print(Json.write(description(project, deployed, changes, refused, costs)));
    } else {
      print(project, deployed, changes, refused);
      costs.ifPresent(this::print);
    }
    if (!refused.isEmpty()) {
      throw new CommandFailedException(
          "bootstrap would refuse %s: what the plan shows as refused says why, and what to do"
              .formatted(String.join(", ", refused.keySet())));
    }
    return Main.OK;
  }

  /** By view why its table cannot take its rows. */
  private static Map<String, String> refused(LoadedProject project, Lake lake) {
    Map<String, String> refused = new LinkedHashMap<>();
    for (FeatureViewLayout layout : FeatureGraph.layouts(project.plan())) {
      lake.featureTableProblem(layout).ifPresent(why -> refused.put(layout.view(), why));
    }
    return refused;
  }

  /** By view and feature; views that are deployed and no longer defined are there too. */
  static Map<String, Map<String, Change>> changes(
      LoadedProject project, Map<String, DeployedView> deployed) {
    Map<String, Map<String, String>> defined = project.featureHashes();
    Map<String, Map<String, Change>> changes = new LinkedHashMap<>();
    for (ViewPlan view : project.plan().views()) {
      DeployedView present = deployed.get(view.name());
      Map<String, Change> ofView = new LinkedHashMap<>();
      defined
          .getOrDefault(view.name(), Map.of())
          .forEach((feature, hash) -> ofView.put(feature, change(view, feature, hash, present)));
      if (present != null) {
        new TreeSet<>(present.features().keySet())
            .forEach(feature -> ofView.putIfAbsent(feature, Change.REMOVED));
      }
      changes.put(view.name(), ofView);
    }
    deployed.forEach(
        (name, view) -> {
          if (!changes.containsKey(name)) {
            Map<String, Change> removed = new TreeMap<>();
            view.features().keySet().forEach(feature -> removed.put(feature, Change.REMOVED));
            changes.put(name, removed);
          }
        });
    return changes;
  }

  private static Change change(
      ViewPlan view, String feature, String hash, @Nullable DeployedView deployed) {
    if (deployed == null) {
      return Change.NEW;
    }
    if (view.version().equals(deployed.version())) {
      return Change.UNCHANGED;
    }
    if (deployed.features().isEmpty()) {
      return Change.UNKNOWN;
    }
    String before = deployed.features().get(feature);
    if (before == null) {
      return Change.NEW;
    }
    return before.equals(hash) ? Change.UNCHANGED : Change.CHANGED;
  }

  private void print(
      LoadedProject project,
      Map<String, DeployedView> deployed,
      Map<String, Map<String, Change>> changes,
      Map<String, String> refused) {
    changes.forEach(
        (name, features) -> {
          DeployedView present = deployed.get(name);
          Optional<ViewPlan> view = view(project.plan(), name);
          console.print(
              "%s: %s"
                  .formatted(
                      name,
                      view.isEmpty()
                          ? "deployed, but no longer defined; its table and keys stay"
                          : present == null
                              ? "new, version " + view.get().version()
                              : present.version().equals(view.get().version())
                                  ? "unchanged, version " + present.version()
                                  : "version %s becomes %s"
                                      .formatted(present.version(), view.get().version())));
          for (Change change : Change.values()) {
            List<String> names =
                features.entrySet().stream()
                    .filter(feature -> feature.getValue() == change)
                    .map(Map.Entry::getKey)
                    .toList();
            if (!names.isEmpty()) {
              console.print("  %-9s %s".formatted(word(change), String.join(", ", names)));
            }
          }
          view.filter(defined -> needsReplay(defined, present))
              .ifPresent(
                  defined -> console.print("  replay    " + history(project.plan(), defined)));
          Optional.ofNullable(refused.get(name))
              .ifPresent(why -> console.print("  refused   " + why));
        });
  }

  private static String word(Change change) {
    return change == Change.UNKNOWN ? "unknown" : change.name().toLowerCase(java.util.Locale.ROOT);
  }

  /** As bootstrap decides: rows of another version are computed anew, whatever has changed. */
  private static boolean needsReplay(ViewPlan view, @Nullable DeployedView deployed) {
    return !view.version().equals(deployed == null ? null : deployed.version());
  }

  private static Optional<ViewPlan> view(Plan plan, String name) {
    return plan.views().stream().filter(view -> view.name().equals(name)).findFirst();
  }

  /** Which streams, and how far back the newest values reach. */
  private static String history(Plan plan, ViewPlan view) {
    long reachMs = Chains.reachMs(plan, view);
    return "%s: the whole history for the offline table; online values reach back %s"
        .formatted(
            String.join(
                ", ", Chains.recordedStreams(plan, view).stream().map(StreamPlan::name).toList()),
            reachMs >= Window.UNBOUNDED_MS
                ? "to the first event"
                : GetCommand.shown(Duration.ofMillis(reachMs)));
  }

  private void print(Costs costs) {
    console.print("measured on the sample:");
    for (EntityCost cost : costs.entities()) {
      console.print(
          "  state of %s: %d bytes per key (largest %d), %d bytes: %d of %d keys have state at the end of %d events"
              .formatted(
                  cost.entity(),
                  cost.keysAtEnd() == 0 ? 0 : cost.bytes() / cost.keysAtEnd(),
                  cost.largestBytes(),
                  cost.bytes(),
                  cost.keysAtEnd(),
                  cost.keys(),
                  cost.facts()));
    }
    for (ViewCost cost : costs.views()) {
      console.print(
          "  rows of %s: %.2f per event, %.2f of them because time passes"
              .formatted(
                  cost.view(),
                  perEvent(cost.rows(), cost.facts()),
                  perEvent(cost.refreshRows(), cost.facts())));
    }
  }

  private static double perEvent(long rows, long facts) {
    return facts == 0 ? 0 : (double) rows / facts;
  }

  private static Map<String, @Nullable Object> description(
      LoadedProject project,
      Map<String, DeployedView> deployed,
      Map<String, Map<String, Change>> changes,
      Map<String, String> refused,
      Optional<Costs> costs) {
    Map<String, @Nullable Object> description = new LinkedHashMap<>();
    description.put("project", project.plan().project());
    List<Object> views = new ArrayList<>();
    changes.forEach(
        (name, features) -> {
          Optional<ViewPlan> view = view(project.plan(), name);
          DeployedView present = deployed.get(name);
          Map<String, @Nullable Object> fields = new LinkedHashMap<>();
          fields.put("view", name);
          fields.put("version", view.map(ViewPlan::version).orElse(null));
          fields.put("deployed_version", present == null ? null : present.version());
          Map<String, Object> words = new LinkedHashMap<>();
          features.forEach((feature, change) -> words.put(feature, word(change)));
          fields.put("features", words);
          fields.put(
              "replay",
              view.filter(defined -> needsReplay(defined, present))
                  .map(defined -> history(project.plan(), defined))
                  .orElse(null));
          fields.put("refused", refused.get(name));
          views.add(fields);
        });
    description.put("views", views);
    description.put(
        "state",
        costs.map(Costs::entities).orElse(List.of()).stream()
            .map(
                cost ->
                    Map.of(
                        "entity", cost.entity(),
                        "events", cost.facts(),
                        "keys", cost.keys(),
                        "keys_at_end", cost.keysAtEnd(),
                        "bytes", cost.bytes(),
                        "largest_key_bytes", cost.largestBytes()))
            .toList());
    description.put(
        "rows",
        costs.map(Costs::views).orElse(List.of()).stream()
            .map(
                cost ->
                    Map.of(
                        "view", cost.view(),
                        "events", cost.facts(),
                        "rows", cost.rows(),
                        "refresh_rows", cost.refreshRows()))
            .toList());
    return description;
  }
}
