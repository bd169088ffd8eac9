package dev.tailwater.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The folder that holds everything a local stack keeps: logs, data, models and the note about the
 * stack that is running. It can be deleted whenever no stack runs.
 *
 * @param directory absolute
 */
public record TailwaterHome(Path directory) {

  public TailwaterHome {
    directory = directory.toAbsolutePath().normalize();
  }

  /**
   * The folder that was asked for: the option, else the variable {@code TAILWATER_HOME}, else
   * {@code .tailwater} in the current directory.
   *
   * @throws CommandFailedException if it is a file
   */
  static TailwaterHome choose(@Nullable Path option, Map<String, String> environment) {
    TailwaterHome home =
        new TailwaterHome(
            Optional.ofNullable(option)
                .or(() -> Optional.ofNullable(environment.get("TAILWATER_HOME")).map(Path::of))
                .orElse(Path.of(".tailwater")));
    if (Files.exists(home.directory()) && !Files.isDirectory(home.directory())) {
      throw new CommandFailedException(
          home.directory() + " is not a folder; give --home or TAILWATER_HOME a folder");
    }
    return home;
  }

  public Path logs() {
    return directory.resolve("logs");
  }

  /** The note about the running stack. */
  public Path runFile() {
    return directory.resolve("run.json");
  }

  /** Data of the servers of {@code up}, kept from run to run. */
  public Path stack() {
    return directory.resolve("stack");
  }

  /** Everything of {@code demo}, made anew by every run. */
  public Path demo() {
    return directory.resolve("demo");
  }

  /** Registered models of the projects that are run with {@code up}. */
  public Path models() {
    return directory.resolve("models");
  }
}
