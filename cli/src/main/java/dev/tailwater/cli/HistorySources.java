package dev.tailwater.cli;

import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.LiveSources;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where a bounded run reads history, as asked for on the command line. */
final class HistorySources {

  private HistorySources() {}

  /**
   * Files for the streams that have one; lake and log for the others.
   *
   * @param written {@code STREAM=FILE}, once per stream
   */
  static BoundedSources of(
      LoadedProject project,
      List<String> written,
      EnvironmentConfig environment,
      TailwaterHome home)
      throws IOException {
    Map<String, Path> files = new LinkedHashMap<>();
    for (String part : written) {
      int equals = part.indexOf('=');
      if (equals < 1 || equals == part.length() - 1) {
        throw new WrongUsageException("--history " + part + " is not STREAM=FILE");
      }
      String stream = part.substring(0, equals);
      int unused = project.stream(stream);
      if (files.put(stream, Path.of(part.substring(equals + 1))) != null) {
        throw new WrongUsageException("--history names stream " + stream + " twice");
      }
    }
    return new BoundedSources(log(environment, home), Lakes.present(environment, home), files);
  }

  /**
   * Lake and log, and on.
   *
   * @throws CommandFailedException if there is no log
   */
  static LiveSources live(EnvironmentConfig environment, TailwaterHome home) throws IOException {
    return new LiveSources(
        log(environment, home)
            .orElseThrow(
                () ->
                    new CommandFailedException(
                        "no log is running for %s; start the stack with tailwater up PROJECT, or name a log with --environment"
                            .formatted(home.directory()))),
        Lakes.present(environment, home));
  }

  /** The environment's log, else that of the running stack. */
  static Optional<KafkaLog> log(EnvironmentConfig environment, TailwaterHome home)
      throws IOException {
    if (environment.kafka().isPresent()) {
      return environment
          .kafka()
          .map(kafka -> new KafkaLog(kafka.bootstrapServers(), kafka.properties()));
    }
    return RunningStack.find(home).map(stack -> KafkaLog.at(stack.bootstrapServers()));
  }
}
