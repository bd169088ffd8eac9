package dev.tailwater.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * One contender in a fresh JVM: so that no contender runs on another's warm code, grown heap or
 * threads, and what it costs to start is counted.
 */
final class ContenderProcess {

  private static final Path OWN_STATUS = Path.of("/proc/self/status");

  private ContenderProcess() {}

  /**
   * What a contender's process cost.
   *
   * @param wallSeconds from the start of the process to its end
   * @param peakMemoryBytes the most physical memory it held, heap and native, or -1 where the
   *     operating system does not tell (anything but Linux)
   */
  record Measured(Contender.Result result, double wallSeconds, long peakMemoryBytes) {}

  /**
   * Starts the process, which shares this process's standard streams, and waits for it.
   *
   * @param heap as for {@code java -Xmx}
   * @param archive of classes, see {@link #archive}; absent for none
   * @throws IOException if it fails or does not end in time; it is not running then
   */
  static Measured run(
      Contender contender, Path csv, String heap, Duration timeout, Optional<Path> archive)
      throws IOException, InterruptedException {
    return run(
        contender,
        csv,
        heap,
        timeout,
        archive.map(file -> List.of("-XX:SharedArchiveFile=" + file)).orElse(List.of()));
  }

  /**
   * Runs the contender once over few transactions and keeps the classes that its JVM has loaded
   * then as they are in memory, as {@code ./tailwater} does for its commands when it is built.
   *
   * @param transactions a short file
   * @param archive the file to write
   */
  static void archive(
      Contender contender, Path transactions, String heap, Duration timeout, Path archive)
      throws IOException, InterruptedException {
    Measured unused =
        run(
            contender,
            transactions,
            heap,
            timeout,
            // It warns of every class that is too old to be archived.
            List.of(
                "-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-XX:ArchiveClassesAtExit=" + archive));
  }

  private static Measured run(
      Contender contender, Path csv, String heap, Duration timeout, List<String> options)
      throws IOException, InterruptedException {
    Path work = Files.createTempDirectory("fraud-bench");
    try {
      Path report = work.resolve("report");
      List<String> arguments = new ArrayList<>();
      arguments.add("-Xmx" + heap);
      arguments.addAll(contender.jvmOptions());
      options.forEach(option -> arguments.add(quoted(option)));
      arguments.addAll(
          List.of(
              "-cp",
              quoted(System.getProperty("java.class.path")),
              FraudBench.class.getName(),
              "--child",
              contender.name(),
              quoted(csv.toAbsolutePath().toString()),
              quoted(report.toString())));
      // A file, because command lines are too short for the class path on some systems.
      Path file = work.resolve("arguments");
      Files.write(file, arguments);
      ProcessBuilder builder =
          new ProcessBuilder(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(), "@" + file);
      builder.inheritIO();
      long start = System.nanoTime();
      Process process = builder.start();
      try {
        if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
          throw new IOException(
              contender.name() + " did not end within " + timeout + ": choose a longer --timeout");
        }
      } finally {
        process.destroyForcibly();
      }
      double wallSeconds = (System.nanoTime() - start) / 1e9;
      if (process.exitValue() != 0 || !Files.exists(report)) {
        throw new IOException(
            contender.name()
                + " ended with exit code "
                + process.exitValue()
                + " and without a result: its output above says why");
      }
      return read(report, wallSeconds);
    } finally {
      delete(work);
    }
  }

  /** The child's side: runs the contender and leaves its result in {@code report}. */
  static void runHere(Contender contender, Path csv, Path report) throws Exception {
    Contender.Result result = contender.run(csv);
    Properties properties = new Properties();
    properties.setProperty("job-seconds", Double.toString(result.jobSeconds()));
    properties.setProperty("feature-seconds", Double.toString(result.featureSeconds()));
    properties.setProperty("checksum", Double.toString(result.checksum()));
    properties.setProperty("peak-memory-bytes", Long.toString(peakMemoryBytes(OWN_STATUS)));
    try (OutputStream out = Files.newOutputStream(report)) {
      properties.store(out, null);
    }
  }

  private static Measured read(Path report, double wallSeconds) throws IOException {
    Properties properties = new Properties();
    try (InputStream in = Files.newInputStream(report)) {
      properties.load(in);
    }
    return new Measured(
        new Contender.Result(
            Double.parseDouble(properties.getProperty("job-seconds")),
            Double.parseDouble(properties.getProperty("feature-seconds")),
            Double.parseDouble(properties.getProperty("checksum"))),
        wallSeconds,
        Long.parseLong(properties.getProperty("peak-memory-bytes")));
  }

  /**
   * The most physical memory that a process ever held.
   *
   * @param status the process's status file in {@code /proc}
   * @return bytes, or -1 where there is no such file
   */
  static long peakMemoryBytes(Path status) throws IOException {
    if (!Files.isReadable(status)) {
      return -1;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    return -1;
  }

  /** An argument as a Java argument file wants it. */
  static String quoted(String argument) {
    return '"' + argument.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private static void delete(Path directory) throws IOException {
    List<Path> files;
    try (Stream<Path> found = Files.list(directory)) {
      files = found.toList();
    }
    for (Path file : files) {
      Files.delete(file);
    }
    Files.delete(directory);
  }
}
