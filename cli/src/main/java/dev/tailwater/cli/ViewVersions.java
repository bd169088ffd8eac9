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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which version of each view readers use, in both stores.
 *
 * <p>Both versions of a view are complete in both stores when a pointer moves, so a reader of
 * either store has a complete version at every moment. The online store moves first, in one step
 * for all views, and the tables follow one by one. Where that was cut short, the online store knows
 * it; whatever comes next makes the tables follow first.
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

  /** The views of a project of which readers of either store use another version. */
  Set<String> changed(LoadedProject project) {
    Set<String> changed = new LinkedHashSet<>(changed(project, lake.deployedViews()));
    Map<String, String> current = pointers.current();
    for (ViewPlan view : project.plan().views()) {
      if (!view.version().equals(current.getOrDefault(view.name(), view.version()))) {
        changed.add(view.name());
      }
    }
    return changed;
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
    pointers.activate(versions(wanted));
    lake.activate(wanted);
    pointers.finish(wanted.keySet());
    return changes(before, versions(wanted));
  }

  /**
   * What a rollback did.
   *
   * @param online after how long readers of the online store had the versions; the tables followed
   */
  public record Rollback(List<Change> changes, Duration online) {
    public Rollback {
      changes = List.copyOf(changes);
    }
  }

  /**
   * Makes readers use the versions that they used before; once more, and they use the newer ones
   * again. If an activation or a rollback of these views was cut short, that is completed instead.
   *
   * @param views names; empty for all views that have a version before
   * @throws CommandFailedException if there is no version before
   */
  public Rollback rollback(Collection<String> views) {
    long start = System.nanoTime();
    Map<String, String> unfinished = pointers.unfinished();
    if (!views.isEmpty()) {
      unfinished.keySet().retainAll(views);
    }
    if (!unfinished.isEmpty()) {
      List<Change> changes = follow(unfinished);
      return new Rollback(changes, Duration.ZERO);
    }
    Map<String, String> current = pointers.current();
    Map<String, String> target = target(views, current, pointers.previous());
    pointers.activate(target);
    Duration online = Duration.ofNanos(System.nanoTime() - start);
    List<Change> unused = follow(target);
    return new Rollback(changes(current, target), online);
  }

  private static Map<String, String> target(
      Collection<String> views, Map<String, String> current, Map<String, String> previous) {
    Collection<String> chosen = views.isEmpty() ? previous.keySet() : views;
    if (chosen.isEmpty()) {
      throw new CommandFailedException(
          "no view has a version before the present one: tailwater bootstrap has activated nothing here, or its versions were retired");
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
    return target;
  }

  /** Makes the tables follow the online store. */
  private List<Change> follow(Map<String, String> target) {
    Map<String, DeployedView> deployed = lake.deployedViews();
    Map<String, DeployedView> views = new TreeMap<>();
    Map<String, String> before = new TreeMap<>();
    target.forEach(
        (name, version) -> {
          Optional<DeployedView> present = Optional.ofNullable(deployed.get(name));
          present.ifPresent(view -> before.put(name, view.version()));
          views.put(
              name,
              present
                  .flatMap(DeployedView::previous)
                  .filter(view -> view.version().equals(version))
                  .orElse(
                      new DeployedView(
                          version,
                          present
                              .filter(view -> view.version().equals(version))
                              .map(DeployedView::features)
                              .orElse(Map.of()))));
        });
    lake.activate(views);
    pointers.finish(target.keySet());
    return changes(before, target);
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
