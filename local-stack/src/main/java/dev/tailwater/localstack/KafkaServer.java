package dev.tailwater.localstack;

import java.io.File;
import java.io.IOException;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/**
 * A Kafka broker, with its controller, in a JVM of its own on 127.0.0.1. Its topics live in a data
 * folder and are there again after a restart; records are dated by the broker (log append time) and
 * are never deleted by age. It ends with this JVM, however that ends. Thread-safe.
 */
public final class KafkaServer implements AutoCloseable {

  private static final Duration START_TIMEOUT = Duration.ofSeconds(90);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(10);

  private final DataDirectory directory;
  private final int port;
  private ServerProcess process;

  private KafkaServer(DataDirectory directory, int port, ServerProcess process) {
    this.directory = directory;
    this.port = port;
    this.process = process;
  }

  /**
   * Starts a broker and waits until it answers.
   *
   * @param dataDirectory where its topics, its settings and {@code kafka.log} are; created if
   *     absent
   * @param port where it listens; 0 for any free port
   * @throws PortTakenException if another process listens on the port
   * @throws ServerStartException if it is not ready within 90 seconds, or the folder is in use
   */
  public static KafkaServer start(Path dataDirectory, int port) throws IOException {
    int chosen = FreePorts.choose(port, "Kafka");
    DataDirectory directory = DataDirectory.open(dataDirectory, "Kafka broker");
    try {
      return new KafkaServer(directory, chosen, launch(directory, chosen));
    } catch (IOException | RuntimeException e) {
      directory.close();
      throw e;
    }
  }

  private static ServerProcess launch(DataDirectory directory, int port) throws IOException {
    Path properties = writeSettings(directory, port);
    Path arguments = directory.resolve("kafka.arguments");
    Files.write(arguments, javaArguments(properties), StandardCharsets.UTF_8);
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    ServerProcess process =
        ServerProcess.start(
            "Kafka",
            List.of(java.toString(), "@" + arguments),
            directory.path(),
            directory.logFile("kafka.log"),
            STOP_TIMEOUT);
    process.awaitReady(START_TIMEOUT);
    return process;
  }

  /** In a file, because a class path can be longer than a command line may be. */
  private static List<String> javaArguments(Path properties) {
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(entry -> Path.of(entry).toAbsolutePath().toString())
            .collect(Collectors.joining(File.pathSeparator));
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "-Xms64m",
                "-Xmx384m",
                "-XX:+UseSerialGC",
                "-XX:+ExitOnOutOfMemoryError",
                "-Djava.awt.headless=true",
                "-Dlog4j2.configurationFile=classpath:dev/tailwater/localstack/kafka-log4j2.properties"));
    // A JVM that is to start quickly, as a test's, has no use for a broker that starts slowly.
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> argument.startsWith("-XX:TieredStopAtLevel="))
        .forEach(arguments::add);
    arguments.addAll(
        List.of(
            "-cp",
            quoted(classPath),
            KafkaServerMain.class.getName(),
            quoted(properties.toString())));
    return arguments;
  }

  private static String quoted(String argument) {
    return '"' + argument.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private static Path writeSettings(DataDirectory directory, int port) throws IOException {
    int controllerPort = FreePorts.free();
    Properties settings = new Properties();
    settings.putAll(
        Map.ofEntries(
            Map.entry("process.roles", "broker,controller"),
            Map.entry("node.id", "1"),
            Map.entry("controller.quorum.voters", "1@127.0.0.1:" + controllerPort),
            Map.entry("controller.listener.names", "CONTROLLER"),
            Map.entry(
                "listeners",
                "PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d"
                    .formatted(port, controllerPort)),
            Map.entry("advertised.listeners", "PLAINTEXT://127.0.0.1:" + port),
            Map.entry("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
            Map.entry("inter.broker.listener.name", "PLAINTEXT"),
            Map.entry("log.dirs", directory.resolve("topics").toString()),
            // A misspelt topic must be an error, not a new topic.
            Map.entry("auto.create.topics.enable", "false"),
            Map.entry("log.message.timestamp.type", "LogAppendTime"),
            // The log is what everything else is rebuilt from.
            Map.entry("log.retention.ms", "-1"),
            Map.entry("offsets.retention.minutes", Integer.toString(60 * 24 * 365)),
            // One broker has nobody to replicate to.
            Map.entry("offsets.topic.replication.factor", "1"),
            Map.entry("offsets.topic.num.partitions", "1"),
            Map.entry("transaction.state.log.replication.factor", "1"),
            Map.entry("transaction.state.log.min.isr", "1"),
            Map.entry("transaction.state.log.num.partitions", "1"),
            Map.entry("share.coordinator.state.topic.replication.factor", "1"),
            Map.entry("share.coordinator.state.topic.min.isr", "1"),
            Map.entry("share.coordinator.state.topic.num.partitions", "1"),
            Map.entry("group.initial.rebalance.delay.ms", "0"),
            // A crashed broker is let in again only when its old session is over, so not too long;
            // a broker on a busy laptop must not lose its session, so not too short.
            Map.entry("broker.session.timeout.ms", "6000"),
            Map.entry("broker.heartbeat.interval.ms", "500"),
            // Sized for a developer's machine, not for a cluster.
            Map.entry("num.network.threads", "2"),
            Map.entry("num.io.threads", "2"),
            Map.entry("background.threads", "2"),
            Map.entry("num.recovery.threads.per.data.dir", "1"),
            Map.entry("log.cleaner.threads", "1"),
            Map.entry("log.cleaner.dedupe.buffer.size", Integer.toString(8 << 20)),
            Map.entry("log.segment.bytes", Integer.toString(256 << 20))));
    Path file = directory.resolve("kafka.properties");
    try (Writer writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      settings.store(writer, null);
    }
    return file;
  }

  /** Where clients connect, {@code 127.0.0.1:port}. */
  public String bootstrapServers() {
    return "127.0.0.1:" + port;
  }

  /** Where the broker listens. */
  public int port() {
    return port;
  }

  /** The broker's own log. */
  public Path logFile() {
    return directory.resolve("kafka.log");
  }

  /** The broker's process id. */
  public synchronized long processId() {
    return process.processId();
  }

  /** Whether the broker's process runs. */
  public synchronized boolean isAlive() {
    return process.isAlive();
  }

  /** Completes when the present process ends, for whatever reason. */
  public synchronized CompletableFuture<Void> onExit() {
    return process.onExit();
  }

  /** Ends the broker at once, as a crash would; {@link #restart} brings it back. */
  public synchronized void killForcibly() {
    process.kill();
  }

  /**
   * Starts the broker again on the same port and data, after {@link #killForcibly} or its own end.
   * A broker that still runs is stopped first.
   *
   * @throws PortTakenException if another process took the port meanwhile
   */
  public synchronized void restart() throws IOException {
    process.stop();
    process = launch(directory, FreePorts.choose(port, "Kafka"));
  }

  /** Stops the broker orderly, kills it if that takes over 10 seconds, and frees the folder. */
  @Override
  public synchronized void close() throws IOException {
    process.stop();
    directory.close();
  }
}
