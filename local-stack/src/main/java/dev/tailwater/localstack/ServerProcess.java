package dev.tailwater.localstack;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * A server behind a shell that stops it when its standard input ends. The pipe to that input is
 * held by this JVM alone, so the server ends when this JVM does, even when it is killed.
 *
 * <p>The shell writes the server's process id as its first line of output; the server may write
 * {@code READY} as the second. An interrupt from the terminal (Ctrl-C) reaches neither: the owner
 * decides in which order to stop. (macOS has no {@code setsid}; there Redis, which does not inherit
 * the ignored signal, stops at once and orderly.) Thread-safe.
 */
final class ServerProcess {

  private static final Duration KILL_TIMEOUT = Duration.ofSeconds(10);

  /**
   * Arguments: seconds an orderly stop may take, then the server's command. The server is waited
   * for in the foreground, so that the shell ends with it; the watch on the input runs beside it
   * and reads descriptor 3, because a background command's own input is /dev/null. The watch ends
   * with the server: it must never signal another process that got the same id later.
   */
  private static final String WATCHDOG =
      """
      trap '' INT HUP
      patience=$1
      shift
      exec 3<&0
      command -v setsid >/dev/null && set -- setsid "$@"
      "$@" 3<&- </dev/null &
      server=$!
      echo $server
      exec 1>&-
      (
        cat <&3 >/dev/null
        kill -TERM $server 2>/dev/null || exit 0
        while [ $patience -gt 0 ] && kill -0 $server 2>/dev/null; do
          sleep 1
          patience=$((patience - 1))
        done
        kill -KILL $server 2>/dev/null
      ) 2>/dev/null &
      watch=$!
      exec 3<&-
      wait $server
      ended=$?
      kill -KILL $watch 2>/dev/null
      exit $ended
      """;

  private final String name;
  private final Path logFile;
  private final Duration patience;
  private final Process shell;
  private final ProcessHandle server;
  private final CompletableFuture<Boolean> ready;

  private ServerProcess(
      String name,
      Path logFile,
      Duration patience,
      Process shell,
      ProcessHandle server,
      CompletableFuture<Boolean> ready) {
    this.name = name;
    this.logFile = logFile;
    this.patience = patience;
    this.shell = shell;
    this.server = server;
    this.ready = ready;
  }

  /**
   * Starts the command; its error output is appended to the log file.
   *
   * @param patience how long an orderly stop may take before the server is killed, whole seconds
   */
  static ServerProcess start(
      String name, List<String> command, Path directory, Path logFile, Duration patience)
      throws IOException {
    if (!Files.isExecutable(Path.of("/bin/sh"))) {
      throw new ServerStartException(
          "%s needs /bin/sh, which this system (%s) lacks: the local stack runs on Linux and macOS"
              .formatted(name, System.getProperty("os.name")));
    }
    List<String> shellCommand =
        concat(
            List.of("/bin/sh", "-c", WATCHDOG, "watchdog", Long.toString(patience.toSeconds())),
            command);
    Process shell =
        new ProcessBuilder(shellCommand)
            .directory(directory.toFile())
            .redirectError(ProcessBuilder.Redirect.appendTo(logFile.toFile()))
            .start();
    CompletableFuture<Long> processId = new CompletableFuture<>();
    CompletableFuture<Boolean> ready = new CompletableFuture<>();
    Thread reader = new Thread(() -> read(shell, processId, ready), name + " output");
    reader.setDaemon(true);
    reader.start();
    try {
      long id = processId.get(KILL_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
      ProcessHandle server =
          ProcessHandle.of(id)
              .orElseThrow(() -> new ServerStartException(died(name, command, logFile)));
      return new ServerProcess(name, logFile, patience, shell, server, ready);
    } catch (ExecutionException | TimeoutException e) {
      shell.destroyForcibly();
      throw new ServerStartException(died(name, command, logFile));
    } catch (InterruptedException e) {
      shell.getOutputStream().close();
      Thread.currentThread().interrupt();
      throw new ServerStartException(name + " was not started: the thread was interrupted");
    } catch (ServerStartException e) {
      shell.getOutputStream().close();
      throw e;
    }
  }

  private static List<String> concat(List<String> first, List<String> second) {
    return Stream.concat(first.stream(), second.stream()).toList();
  }

  /** The two lines; whatever follows is drained, so that the server never blocks on a full pipe. */
  private static void read(
      Process shell, CompletableFuture<Long> processId, CompletableFuture<Boolean> ready) {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(shell.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!processId.isDone()) {
          processId.complete(Long.parseLong(line.strip()));
        } else if (line.equals("READY")) {
          ready.complete(true);
        }
      }
    } catch (IOException | NumberFormatException e) {
      processId.completeExceptionally(e);
    }
    processId.completeExceptionally(new IOException("no output"));
    ready.complete(false);
  }

  /** Waits until the server writes {@code READY}. */
  void awaitReady(Duration timeout) throws IOException {
    try {
      if (!ready.get(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        kill();
        throw new ServerStartException(
            "%s ended while it started; the end of %s:%n%s"
                .formatted(name, logFile, endOf(logFile)));
      }
    } catch (TimeoutException e) {
      kill();
      throw new ServerStartException(
          "%s was not ready within %s; the end of %s:%n%s"
              .formatted(name, timeout, logFile, endOf(logFile)));
    } catch (ExecutionException e) {
      throw new IllegalStateException(e); // Nothing completes it exceptionally.
    } catch (InterruptedException e) {
      kill();
      Thread.currentThread().interrupt();
      throw new ServerStartException(name + " was not started: the thread was interrupted");
    }
  }

  boolean isAlive() {
    return shell.isAlive();
  }

  long processId() {
    return server.pid();
  }

  CompletableFuture<Void> onExit() {
    return shell.onExit().thenAccept(ended -> {});
  }

  /** Asks the server to stop and waits; it is killed when its patience is over. */
  void stop() {
    closeInput();
    if (!ended(patience.plusSeconds(2))) {
      kill();
    }
  }

  /** Ends the server at once, as a crash would, and waits until it is gone. */
  void kill() {
    server.destroyForcibly();
    if (!ended(KILL_TIMEOUT)) {
      shell.destroyForcibly();
    }
    closeInput(); // Ends the watch.
  }

  private boolean ended(Duration timeout) {
    try {
      return shell.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false; // The caller then kills it.
    }
  }

  private void closeInput() {
    try {
      shell.getOutputStream().close();
    } catch (IOException e) {
      // The other end is gone already, which is what closing is for.
    }
  }

  private static String died(String name, List<String> command, Path logFile) {
    return "%s could not be started with %s; the end of %s:%n%s"
        .formatted(name, command.get(0), logFile, endOf(logFile));
  }

  /** The last lines of a log file, short enough for an error message. */
  static String endOf(Path logFile) {
    try {
      if (!Files.exists(logFile)) {
        return "(no such file)";
      }
      // Any bytes are Latin-1: quoting a log must not fail on its encoding.
      Charset anyBytes = StandardCharsets.ISO_8859_1;
      List<String> lines =
          Files.readAllLines(logFile, anyBytes).stream()
              .filter(line -> !line.startsWith("\tat ")) // Say what happened, not where.
              .toList();
      return String.join("\n", lines.subList(Math.max(0, lines.size() - 12), lines.size()));
    } catch (IOException e) {
      return "(unreadable: " + e.getMessage() + ")";
    }
  }
}
