package dev.tailwater.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The note that a running stack leaves in the home folder, so that other commands find it. It holds
 * addresses of local servers only, never a secret.
 *
 * @param pid the process that runs the stack
 * @param startedAt when that process started, in milliseconds since the epoch: with the pid it
 *     tells the process from a later one that was given the same pid
 * @param project the project's folder
 * @param bootstrapServers where Kafka listens
 * @param redisUri where Redis listens
 * @param webUrl Flink's web page
 * @param lake the folder of the lake
 * @param models the folder of the registered models
 */
public record RunningStack(
    long pid,
    long startedAt,
    Path project,
    String bootstrapServers,
    String redisUri,
    String webUrl,
    Path lake,
    Path models) {

  /** The folder of the checkpoints of its jobs. */
  Path checkpoints() {
    return lake.resolveSibling(LocalStack.CHECKPOINTS);
  }

  /** Replaces the note of this home. */
  void write(TailwaterHome home) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("pid", pid);
    fields.put("started_at", startedAt);
    fields.put("project", project.toString());
    fields.put("bootstrap_servers", bootstrapServers);
    fields.put("redis_uri", redisUri);
    fields.put("web_url", webUrl);
    fields.put("lake", lake.toString());
    fields.put("models", models.toString());
    Files.createDirectories(home.directory());
    Path unfinished = home.runFile().resolveSibling("run.json.new");
    Files.writeString(unfinished, Json.write(fields) + "\n");
    Files.move(
        unfinished,
        home.runFile(),
        StandardCopyOption.REPLACE_EXISTING,
        StandardCopyOption.ATOMIC_MOVE);
  }

  /** Takes the note away. */
  static void remove(TailwaterHome home) throws IOException {
    Files.deleteIfExists(home.runFile());
  }

  /**
   * The stack that runs in this home. A note whose process is gone, or that cannot be read, is
   * stale: it is removed.
   */
  static Optional<RunningStack> find(TailwaterHome home) throws IOException {
    if (!Files.isRegularFile(home.runFile())) {
      return Optional.empty();
    }
    Optional<RunningStack> noted;
    try {
      noted = Optional.of(parse(Json.readFlatObject(Files.readString(home.runFile()))));
    } catch (IOException | IllegalArgumentException e) {
      logger().warn("{} cannot be read and is removed", home.runFile(), e);
      noted = Optional.empty();
    }
    Optional<RunningStack> running =
        noted.filter(
            stack -> startOf(stack.pid()).filter(at -> at == stack.startedAt()).isPresent());
    if (running.isEmpty()) {
      remove(home);
    }
    return running;
  }

  /**
   * When a living process started, in milliseconds since the epoch; 0 where the system does not
   * tell; empty if there is no such process.
   */
  static Optional<Long> startOf(long pid) {
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .map(process -> process.info().startInstant().map(Instant::toEpochMilli).orElse(0L));
  }

  /**
   * The stack that runs in this home.
   *
   * @throws CommandFailedException if there is none
   */
  static RunningStack require(TailwaterHome home) throws IOException {
    return find(home)
        .orElseThrow(
            () ->
                new CommandFailedException(
                    "no stack runs in %s; start one with tailwater up PROJECT, or name another --home"
                        .formatted(home.directory())));
  }

  private static RunningStack parse(Map<String, String> fields) {
    return new RunningStack(
        Long.parseLong(required(fields, "pid")),
        Long.parseLong(required(fields, "started_at")),
        Path.of(required(fields, "project")),
        required(fields, "bootstrap_servers"),
        required(fields, "redis_uri"),
        required(fields, "web_url"),
        Path.of(required(fields, "lake")),
        Path.of(required(fields, "models")));
  }

  private static String required(Map<String, String> fields, String name) {
    String value = fields.get(name);
    if (value == null) {
      throw new IllegalArgumentException("'" + name + "' is missing");
    }
    return value;
  }

  private static Logger logger() {
    return LoggerFactory.getLogger(RunningStack.class);
  }
}
