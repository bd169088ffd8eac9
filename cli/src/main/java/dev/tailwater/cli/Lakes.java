package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Which lake a command means. */
final class Lakes {

  private Lakes() {}

  /** The environment's lake, else the one in this folder. */
  static Lake of(EnvironmentConfig environment, Path directory) {
    if (environment.lakeCatalog().isEmpty()) {
      return Lake.local(directory);
    }
    Map<String, String> properties = new HashMap<>(environment.lakeCatalog());
    // In Flink SQL "type" says that it is Iceberg; in the environment file it says which catalog.
    String type = properties.remove("type");
    if (type != null) {
      properties.putIfAbsent("catalog-type", type);
    }
    return Lake.of(properties);
  }

  /**
   * The lake that there is: the environment's, that of the running stack, or the one that the last
   * run left in the home folder.
   */
  static Lake find(EnvironmentConfig environment, TailwaterHome home) throws IOException {
    return present(environment, home)
        .orElseThrow(
            () ->
                new CommandFailedException(
                    "there is no lake in %s yet; run tailwater demo or tailwater up PROJECT first, or name another --home"
                        .formatted(home.directory())));
  }

  /** As {@link #find}; empty if there is none yet. */
  static Optional<Lake> present(EnvironmentConfig environment, TailwaterHome home)
      throws IOException {
    if (!environment.lakeCatalog().isEmpty()) {
      return Optional.of(of(environment, home.directory()));
    }
    Optional<RunningStack> running = RunningStack.find(home);
    if (running.isPresent()) {
      return Optional.of(Lake.local(running.get().lake()));
    }
    Path up = home.stack().resolve("lake");
    Path demo = home.demo().resolve("lake");
    if (isNewer(up, demo)) {
      return Optional.of(Lake.local(up));
    }
    return Files.isDirectory(demo) ? Optional.of(Lake.local(demo)) : Optional.empty();
  }

  private static boolean isNewer(Path lake, Path other) throws IOException {
    if (!Files.isDirectory(lake)) {
      return false;
    }
    return !Files.isDirectory(other)
        || Files.getLastModifiedTime(lake).compareTo(Files.getLastModifiedTime(other)) >= 0;
  }
}
