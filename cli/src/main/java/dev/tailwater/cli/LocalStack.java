package dev.tailwater.cli;

import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.localstack.FreePorts;
import dev.tailwater.localstack.KafkaServer;
import dev.tailwater.localstack.PortTakenException;
import dev.tailwater.localstack.RedisServer;
import dev.tailwater.localstack.ServerStartException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything a project runs on, on this machine: a Kafka broker and a Redis server as child
 * processes, Flink in this JVM, and a folder for the lake. What the environment names elsewhere is
 * used from there and not started.
 *
 * <p>It stops in the opposite order of its start, by {@link #close()} or when the JVM is told to
 * end (Ctrl-C). Thread-safe.
 */
public final class LocalStack implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(LocalStack.class);

  /** The folder of checkpoints, beside that of the lake. */
  static final String CHECKPOINTS = "checkpoints";

  private static final int PREFERRED_KAFKA_PORT = 9092;
  private static final int PREFERRED_REDIS_PORT = 6379;

  private final TailwaterHome home;
  private final Console console;
  private final Path directory;
  private final Deque<Stoppable> running = new ArrayDeque<>();
  private final Thread onInterrupt = new Thread(this::interrupted, "stop-local-stack");
  private volatile boolean stopping;
  private String bootstrapServers = "";
  private Map<String, String> kafkaProperties = Map.of();
  private RedisAddress redis = RedisAddress.parse("redis://127.0.0.1");
  private Optional<KafkaServer> kafkaServer = Optional.empty();
  private Optional<LocalFlink> flink = Optional.empty();

  private record Stoppable(String name, AutoCloseable part) {}

  private LocalStack(TailwaterHome home, Path directory, Console console) {
    this.home = home;
    this.directory = directory;
    this.console = console;
  }

  /**
   * Starts the stack and leaves the note by which other commands find it.
   *
   * @param directory where the servers keep their data
   * @param project the project it is started for
   * @param models where the project's models are registered
   * @throws CommandFailedException if a stack already runs in this home
   * @throws dev.tailwater.localstack.PortTakenException if a port that the environment fixes is
   *     taken
   */
  public static LocalStack start(
      TailwaterHome home,
      Path directory,
      Path project,
      Path models,
      EnvironmentConfig environment,
      Console console)
      throws IOException {
    LocalStack stack = new LocalStack(home, directory, console);
    Runtime.getRuntime().addShutdownHook(stack.onInterrupt);
    try {
      stack.startParts(environment);
      stack.leaveNote(project, models);
      return stack;
    } catch (IOException | RuntimeException e) {
      stack.close();
      throw e;
    }
  }

  /**
   * Checks that no stack runs in this home.
   *
   * @throws CommandFailedException naming the one that does
   */
  static void requireNoneRunning(TailwaterHome home) throws IOException {
    Optional<RunningStack> other = RunningStack.find(home);
    if (other.isPresent()) {
      throw new CommandFailedException(
          "a stack already runs in %s (process %d, project %s): stop it with Ctrl-C or kill %d, or choose another --home"
              .formatted(
                  home.directory(), other.get().pid(), other.get().project(), other.get().pid()));
    }
  }

  private synchronized void startParts(EnvironmentConfig environment) throws IOException {
    Files.createDirectories(directory);
    if (environment.kafka().isPresent()) {
      bootstrapServers = environment.kafka().get().bootstrapServers();
      kafkaProperties = environment.kafka().get().properties();
      started("Kafka", bootstrapServers + " (from the environment file)");
    } else {
      KafkaServer server =
          onPort(
              environment.kafkaPort(),
              PREFERRED_KAFKA_PORT,
              port -> KafkaServer.start(directory.resolve("kafka"), port));
      running.push(new Stoppable("Kafka", server));
      kafkaServer = Optional.of(server);
      bootstrapServers = server.bootstrapServers();
      started("Kafka", bootstrapServers);
    }
    if (environment.redisUri().isPresent()) {
      redis = RedisAddress.parse(environment.redisUri().get());
      started("Redis", redis + " (from the environment file)");
    } else {
      RedisServer server =
          onPort(
              environment.redisPort(),
              PREFERRED_REDIS_PORT,
              port -> RedisServer.start(directory.resolve("redis"), port));
      running.push(new Stoppable("Redis", server));
      redis = RedisAddress.parse("redis://127.0.0.1:" + server.port());
      started("Redis", redis.toString());
    }
    LocalFlink cluster =
        LocalFlink.start(
            Files.createDirectories(directory.resolve("flink")),
            Files.createDirectories(directory.resolve(CHECKPOINTS)),
            environment);
    running.push(new Stoppable("Flink", cluster));
    flink = Optional.of(cluster);
    started("Flink", cluster.webUrl().toString());
  }

  private interface Starter<T> {
    T start(int port) throws IOException;
  }

  /** Starts on the fixed port; without one on the usual port, or on any if that is taken. */
  private static <T> T onPort(Optional<Integer> fixed, int usual, Starter<T> starter)
      throws IOException {
    if (fixed.isPresent()) {
      return starter.start(fixed.get());
    }
    if (!FreePorts.isFree(usual)) {
      return starter.start(0);
    }
    try {
      return starter.start(usual);
    } catch (ServerStartException | PortTakenException e) {
      if (FreePorts.isFree(usual)) {
        throw e;
      }
      LOG.info("Port {} was taken in this moment: another one is used", usual, e);
      return starter.start(0);
    }
  }

  private void started(String name, String where) {
    console.say("  %-7s %s".formatted(name, where));
  }

  private void leaveNote(Path project, Path models) throws IOException {
    long pid = ProcessHandle.current().pid();
    new RunningStack(
            pid,
            RunningStack.startOf(pid).orElse(0L),
            project.toAbsolutePath().normalize(),
            bootstrapServers,
            redis.toString(),
            webUrl().toString(),
            lakeDirectory(),
            models)
        .write(home);
  }

  /** The log, local or the environment's. */
  public synchronized KafkaLog log() {
    return new KafkaLog(bootstrapServers, kafkaProperties);
  }

  /** Whether the JVM was told to end, so that jobs fail because their servers stop. */
  public boolean isStopping() {
    return stopping;
  }

  /** The local broker, unless the environment names another. */
  public synchronized Optional<KafkaServer> kafkaServer() {
    return kafkaServer;
  }

  public synchronized RedisAddress redis() {
    return redis;
  }

  /** Where the lake is, unless the environment names a catalog. */
  public Path lakeDirectory() {
    return directory.resolve("lake").toAbsolutePath().normalize();
  }

  /** Flink's web page. */
  public URI webUrl() {
    return cluster().webUrl();
  }

  /** A new environment whose jobs run on this stack's Flink. */
  public StreamExecutionEnvironment environment() {
    return cluster().environment();
  }

  private synchronized LocalFlink cluster() {
    return flink.orElseThrow(() -> new IllegalStateException("the local stack was stopped"));
  }

  private void interrupted() {
    stopping = true;
    console.say("");
    console.say("Stopping …");
    stopParts();
    console.say("Stopped; nothing is left running.");
  }

  /** Stops everything that was started, newest first, each within its own time limit. */
  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(onInterrupt);
    } catch (IllegalStateException e) {
      return; // The JVM is ending: the hook stops the parts.
    }
    stopParts();
  }

  private synchronized void stopParts() {
    while (!running.isEmpty()) {
      Stoppable next = running.pop();
      try {
        next.part().close();
      } catch (Exception e) {
        LOG.warn("{} did not stop in order", next.name(), e);
      }
    }
    flink = Optional.empty();
    try {
      Optional<RunningStack> note = RunningStack.find(home);
      if (note.isPresent() && note.get().pid() == ProcessHandle.current().pid()) {
        RunningStack.remove(home);
      }
    } catch (IOException e) {
      LOG.warn("{} was not removed; it is ignored once this process is gone", home.runFile(), e);
    }
  }
}
