package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.jobs.BoundedSources;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * One run of a command on a project.
 *
 * @param config where the project runs
 */
record ProjectSession(Session session, LoadedProject project, EnvironmentConfig config) {

  Console console() {
    return session.console();
  }

  TailwaterHome home() {
    return session.home();
  }

  /** Flink for one bounded job. */
  StreamExecutionEnvironment flink() throws IOException {
    return OneShotFlink.environment(home(), config.parallelism());
  }

  /** Files for the streams that have one; lake and log for the others. */
  BoundedSources history(HistoryOption files) throws IOException {
    return HistorySources.of(project, files.written(), config, home());
  }

  /**
   * The lake that there is.
   *
   * @throws CommandFailedException if there is none
   */
  Lake lake() throws IOException {
    return Lakes.find(config, home());
  }

  /** As {@link #lake}; empty if there is none. */
  Optional<Lake> lakeIfThereIsOne() throws IOException {
    return Lakes.present(config, home());
  }

  /** The folder of the models that are served. */
  Path models() throws IOException {
    return RunningStack.find(home()).map(RunningStack::models).orElse(home().models());
  }

  /**
   * The environment's online store, else that of the running stack.
   *
   * @throws CommandFailedException if there is none
   */
  RedisAddress redis() throws IOException {
    if (config.redisUri().isPresent()) {
      return RedisAddress.parse(config.redisUri().get());
    }
    return RedisAddress.parse(
        RunningStack.find(home())
            .orElseThrow(() -> noStack("there is no online store to ask"))
            .redisUri());
  }

  /**
   * What versions of views are written to and read from.
   *
   * @throws CommandFailedException if one of them is not there
   */
  Bootstrap.Stores stores() throws IOException {
    return new Bootstrap.Stores(
        HistorySources.log(config, home()).orElseThrow(() -> noStack("there is no log")),
        redis(),
        lake(),
        config.checkpointInterval());
  }

  private CommandFailedException noStack(String therefore) {
    return new CommandFailedException(
        "no stack runs in %s, so %s; start one with tailwater up PROJECT, or name another --home"
            .formatted(home().directory(), therefore));
  }
}
