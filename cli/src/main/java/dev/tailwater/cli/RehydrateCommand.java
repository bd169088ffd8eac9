package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.ViewPointers;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.RehydrateJob;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** {@code tailwater rehydrate}: an online store that lost its rows gets them back. */
final class RehydrateCommand {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final Console console;

  RehydrateCommand(Console console) {
    this.console = console;
  }

  /** Fills the online store, then points its readers to the versions that they used before. */
  int run(
      StreamExecutionEnvironment environment,
      LoadedProject project,
      Set<Integer> views,
      BoundedSources history,
      RedisAddress redis,
      Lake lake,
      boolean json)
      throws Exception {
    Map<String, String> versions = versions(project, views, lake);
    Map<String, Long> rows;
    try {
      rows =
          RehydrateJob.run(
              environment,
              project.plan(),
              new RehydrateJob.Config(history.pinned(project.plan()), redis, lake, views),
              console::live);
    } catch (IllegalArgumentException e) {
      throw new CommandFailedException(String.valueOf(e.getMessage()), e);
    }
    // The version before has no rows any more: there is no way back to it.
    try (ViewPointers pointers = new ViewPointers(redis, TIMEOUT)) {
      pointers.activate(versions);
    }
    if (json) {
      Map<String, Object> described = new LinkedHashMap<>();
      versions.forEach(
          (view, version) ->
              described.put(
                  view, Map.of("version", version, "entities", rows.getOrDefault(view, 0L))));
      console.print(Json.write(Map.of("views", described)));
    } else {
      versions.forEach(
          (view, version) ->
              console.say(
                  "%s: %,d entities are there again; readers use version %s"
                      .formatted(view, rows.getOrDefault(view, 0L), version)));
    }
    return Main.OK;
  }

  /** The version of each view that readers use: the project must define the same. */
  private static Map<String, String> versions(
      LoadedProject project, Set<Integer> views, Lake lake) {
    Map<String, Lake.DeployedView> deployed = lake.deployedViews();
    Map<String, String> versions = new TreeMap<>();
    for (int view : views) {
      FeatureViewLayout layout = project.layout(view);
      Lake.DeployedView offline = deployed.get(layout.view());
      if (offline == null) {
        throw new CommandFailedException(
            "view %s has no rows in the lake: it was never deployed, so there is nothing to restore; start it with tailwater up"
                .formatted(layout.view()));
      }
      if (!offline.version().equals(layout.version())) {
        throw new CommandFailedException(
            "readers of view %s use version %s, the project defines version %s; rehydrate with the project that was deployed, or name other views with --views"
                .formatted(layout.view(), offline.version(), layout.version()));
      }
      versions.put(layout.view(), layout.version());
    }
    return versions;
  }
}
