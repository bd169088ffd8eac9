package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.Lake.DeployedView;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.ViewPointers;
import dev.tailwater.plan.ViewPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which version of each view readers use, in both stores.
 *
 * <p>Both versions of a view are complete in both stores when a pointer moves, so a reader of
 * either store has a complete version at every moment. The tables follow one by one, the online
 * store in one step for all views: it decides. Where something stopped in between, the stores name
 * different versions; whatever comes next makes the tables follow the online store first.
 */
public final class ViewVersions implements AutoCloseable {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final Lake lake;
  private final ViewPointers pointers;

  public ViewVersions(RedisAddress redis, Lake lake) {
    this.lake = lake;
    this.pointers = new ViewPointers(redis, TIMEOUT);
  }

  /**
   * A view whose readers changed over.
   *
   * @param before empty if they had none
   */
  public record Change(String view, Optional<String> before, String now) {}

  /** The views of a project whose version is not the one that readers use. */
  static List<String> changed(LoadedProject project, Map<String, DeployedView> deployed) {
    return project.plan().views().stream()
        .filter(
            view ->
                Optional.ofNullable(deployed.get(view.name()))
                    .filter(present -> present.version().equals(view.version()))
                    .isEmpty())
        .map(ViewPlan::name)
        .toList();
  }

  /** Makes readers use the versions that the project defines of these views. */
  public List<Change> activate(LoadedProject project, Collection<String> views) {
    Map<String, Map<String, String>> hashes = project.featureHashes();
    Map<String, DeployedView> wanted = new LinkedHashMap<>();
    for (ViewPlan view : project.plan().views()) {
      if (views.contains(view.name())) {
        wanted.put(
            view.name(),
            new DeployedView(view.version(), hashes.getOrDefault(view.name(), Map.of())));
      }
    }
    Map<String, String> before = pointers.current();
    lake.activate(wanted);
    pointers.activate(versions(wanted));
    return changes(before, versions(wanted));
  }

  /**
   * Makes readers use the versions that they used before; once more, and they use the newer ones
   * again.
   *
   * @param views names; empty for all views that have a version before
   * @throws CommandFailedException if there is no version before
   */
  public List<Change> rollback(Collection<String> views) {
    Map<String, String> current = pointers.current();
    Map<String, DeployedView> deployed = lake.deployedViews();
    List<Change> changes = completeTables(current, deployed, views);
    if (!changes.isEmpty()) {
      return changes;
    }
    Map<String, String> previous = pointers.previous();
    Collection<String> chosen = views.isEmpty() ? previous.keySet() : views;
    if (chosen.isEmpty()) {
      throw new CommandFailedException(
          "no view has a version before the present one: nothing was activated by tailwater bootstrap, or it was retired");
    }
    Map<String, String> target = new TreeMap<>();
    for (String view : chosen) {
      String version = previous.get(view);
      if (version == null) {
        throw new CommandFailedException(
            "view %s has no version before the present one (%s); there is one of %s"
                .formatted(
                    view,
                    current.getOrDefault(view, "it has none at all"),
                    previous.isEmpty() ? "no view" : new TreeSet<>(previous.keySet())));
      }
      target.put(view, version);
    }
    // Who asks online is served at once; the tables follow.
    pointers.activate(target);
    follow(target, deployed);
    return changes(current, target);
  }

  /** Makes tables follow the online store where an activation or a rollback was cut short. */
  private List<Change> completeTables(
      Map<String, String> current, Map<String, DeployedView> deployed, Collection<String> views) {
    Map<String, String> target = new TreeMap<>();
    Map<String, String> before = new TreeMap<>();
    deployed.forEach(
        (name, view) -> {
          String online = current.get(name);
          boolean chosen = views.isEmpty() || views.contains(name);
          if (chosen && online != null && !online.equals(view.version())) {
            target.put(name, online);
            before.put(name, view.version());
          }
        });
    follow(target, deployed);
    return changes(before, target);
  }

  private void follow(Map<String, String> target, Map<String, DeployedView> deployed) {
    Map<String, DeployedView> views = new TreeMap<>();
    target.forEach(
        (name, version) ->
            Optional.ofNullable(deployed.get(name))
                .ifPresent(
                    present ->
                        views.put(
                            name,
                            present
                                .previous()
                                .filter(view -> view.version().equals(version))
                                .orElse(new DeployedView(version, Map.of())))));
    lake.activate(views);
  }

  private static Map<String, String> versions(Map<String, DeployedView> views) {
    Map<String, String> versions = new TreeMap<>();
    views.forEach((name, view) -> versions.put(name, view.version()));
    return versions;
  }

  private static List<Change> changes(Map<String, String> before, Map<String, String> now) {
    List<Change> changes = new ArrayList<>();
    now.forEach(
        (view, version) -> {
          if (!version.equals(before.get(view))) {
            changes.add(new Change(view, Optional.ofNullable(before.get(view)), version));
          }
        });
    return changes;
  }

  @Override
  public void close() {
    pointers.close();
  }
}
