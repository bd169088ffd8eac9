package dev.tailwater.localstack;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A Redis server in a process of its own on 127.0.0.1, without a password. It refuses writes when
 * memory is full instead of evicting keys, and ends with this JVM, however that ends. Thread-safe.
 */
public final class RedisServer implements AutoCloseable {

  /** What is left of the data when the server starts again. */
  public enum Persistence {
    /** Nothing. */
    NONE("no"),
    /** Everything but the last second before a crash: an append-only file, synced every second. */
    APPEND_ONLY("yes");

    private final String appendOnly;

    Persistence(String appendOnly) {
      this.appendOnly = appendOnly;
    }
  }

  private static final Duration START_TIMEOUT = Duration.ofSeconds(60);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(5);
  private static final long PING_INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final int PING_TIMEOUT_MS = 1_000;

  private final DataDirectory directory;
  private final int port;
  private final Persistence persistence;
  private ServerProcess process;

  private RedisServer(
      DataDirectory directory, int port, Persistence persistence, ServerProcess process) {
    this.directory = directory;
    this.port = port;
    this.persistence = persistence;
    this.process = process;
  }

  /** Starts a server that keeps its data, as {@link #start(Path, int, Persistence)}. */
  public static RedisServer start(Path dataDirectory, int port) throws IOException {
    return start(dataDirectory, port, Persistence.APPEND_ONLY);
  }

  /**
   * Starts a server and waits until it answers.
   *
   * @param dataDirectory where its data, its settings and {@code redis.log} are; created if absent
   * @param port where it listens; 0 for any free port
   * @throws PortTakenException if another process listens on the port
   * @throws ServerStartException if it does not answer within 60 seconds, there is no binary for
   *     this machine, or the folder is in use
   */
  public static RedisServer start(Path dataDirectory, int port, Persistence persistence)
      throws IOException {
    int chosen = FreePorts.choose(port, "Redis");
    DataDirectory directory = DataDirectory.open(dataDirectory, "Redis server");
    try {
      return new RedisServer(
          directory, chosen, persistence, launch(directory, chosen, persistence));
    } catch (IOException | RuntimeException e) {
      directory.close();
      throw e;
    }
  }

  private static ServerProcess launch(DataDirectory directory, int port, Persistence persistence)
      throws IOException {
    Path binary = RedisBinary.extract(directory.resolve("redis-server"));
    Path logFile = directory.logFile("redis.log");
    Path settings = directory.resolve("redis.conf");
    Path data = Files.createDirectories(directory.resolve("data"));
    Files.write(
        settings,
        List.of(
            "bind 127.0.0.1",
            "port " + port,
            "protected-mode yes",
            "daemonize no",
            "dir " + quoted(data),
            "logfile " + quoted(logFile),
            "loglevel notice",
            "save \"\"",
            "appendonly " + persistence.appendOnly,
            "appendfsync everysec",
            "maxmemory-policy noeviction"),
        StandardCharsets.UTF_8);
    ServerProcess process =
        ServerProcess.start(
            "Redis",
            List.of(binary.toString(), settings.toString()),
            directory.path(),
            logFile,
            STOP_TIMEOUT);
    awaitAnswer(process, port, logFile);
    return process;
  }

  private static String quoted(Path path) {
    return '"' + path.toString().replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  /** Redis tells nobody when it is ready (it may still read its data), so it is asked. */
  private static void awaitAnswer(ServerProcess process, int port, Path logFile)
      throws IOException {
    long deadline = System.nanoTime() + START_TIMEOUT.toNanos();
    while (!answers(port)) {
      if (!process.isAlive()) {
        throw new ServerStartException(
            "Redis ended while it started; the end of %s:%n%s"
                .formatted(logFile, ServerProcess.endOf(logFile)));
      }
      if (System.nanoTime() > deadline || Thread.currentThread().isInterrupted()) {
        process.kill();
        throw new ServerStartException(
            "Redis did not answer on port %d within %s; the end of %s:%n%s"
                .formatted(port, START_TIMEOUT, logFile, ServerProcess.endOf(logFile)));
      }
      LockSupport.parkNanos(PING_INTERVAL_NANOS);
    }
  }

  private static boolean answers(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(
          new InetSocketAddress(InetAddress.getLoopbackAddress(), port), PING_TIMEOUT_MS);
      socket.setSoTimeout(PING_TIMEOUT_MS);
      socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
      InputStream answer = socket.getInputStream();
      return answer.read() == '+'; // While it reads its data it answers -LOADING.
    } catch (IOException e) {
      return false;
    }
  }

  /** Where the server listens, on 127.0.0.1. */
  public int port() {
    return port;
  }

  /** The server's own log. */
  public Path logFile() {
    return directory.resolve("redis.log");
  }

  /** The server's process id. */
  public synchronized long processId() {
    return process.processId();
  }

  /** Whether the server's process runs. */
  public synchronized boolean isAlive() {
    return process.isAlive();
  }

  /** Completes when the present process ends, for whatever reason. */
  public synchronized CompletableFuture<Void> onExit() {
    return process.onExit();
  }

  /** Ends the server at once, as a crash would; {@link #restart} brings it back. */
  public synchronized void kill() {
    process.kill();
  }

  /**
   * Starts the server again on the same port and data, after {@link #kill} or its own end. A server
   * that still runs is stopped first.
   *
   * @throws PortTakenException if another process took the port meanwhile
   */
  public synchronized void restart() throws IOException {
    process.stop();
    process = launch(directory, FreePorts.choose(port, "Redis"), persistence);
  }

  /** Stops the server orderly, kills it if that takes over 5 seconds, and frees the folder. */
  @Override
  public synchronized void close() throws IOException {
    process.stop();
    directory.close();
  }
}
