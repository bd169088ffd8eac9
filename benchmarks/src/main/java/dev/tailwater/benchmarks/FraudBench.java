package dev.tailwater.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What do the fraud table's twelve windowed features cost, side by side with the floor and the
 * peers?
 *
 * <p>Every contender computes {@link FraudFeatures} for every transaction of one file, in a JVM of
 * its own with the same heap. Usage: see {@link #USAGE}.
 */
public final class FraudBench {

  static final String USAGE =
      """
      usage: fraud.sh TRANSACTIONS.csv[.gz] [--contenders NAME,...] [--heap 4g] [--repeat 1]
                      [--timeout 1200] [--archive yes]
        --contenders  which to run, in this order (default: all of %s)
        --heap        the largest Java heap of each contender's JVM
        --repeat      how often each runs; the run with the median job time is shown
        --timeout     seconds after which a run is stopped and counts as failed
        --archive     no: every JVM loads its classes from the jars; else from an archive that a
                      run over few transactions has left, which is not measured
      """;

  /** Running sums drift and sums depend on order; anything beyond that is a wrong answer. */
  private static final double CHECKSUM_TOLERANCE = 1e-9;

  /** Enough to come through every step, too few for the compiler to remember anything. */
  private static final int SAMPLE_ROWS = 1_000;

  private FraudBench() {}

  /** Everyone who takes part: the floor first, because it is the measure of the others. */
  static List<Contender> contenders() {
    return List.of(
        new PrimitiveLoop(), new DuckDbWindows(), new TailwaterBounded(), new FlinkSqlOver());
  }

  /** Exits with 0, with 1 if a contender failed or computed something else, with 2 for usage. */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length == 4 && arguments[0].equals("--child")) {
      ContenderProcess.runHere(named(arguments[1]), Path.of(arguments[2]), Path.of(arguments[3]));
      return;
    }
    if (arguments.length == 1 && arguments[0].equals("--help")) {
      System.out.printf(USAGE, names());
      return;
    }
    Options options;
    try {
      options = Options.parse(arguments);
    } catch (IllegalArgumentException e) {
      System.err.println("fraud.sh: " + e.getMessage());
      System.err.printf(USAGE, names());
      System.exit(2);
      return;
    }
    System.exit(run(options) ? 0 : 1);
  }

  private static boolean run(Options options) throws InterruptedException {
    int rows;
    try {
      rows = Transactions.read(options.csv()).rows;
    } catch (IOException e) {
      System.err.println("fraud.sh: " + e.getMessage());
      return false;
    }
    Map<String, ContenderProcess.Measured> measured = new LinkedHashMap<>();
    boolean succeeded = true;
    for (Contender contender : options.contenders()) {
      System.err.println("running " + contender.name() + " ...");
      try {
        measured.put(contender.name(), median(contender, options));
      } catch (IOException e) {
        System.err.println("fraud.sh: " + e.getMessage());
        succeeded = false;
      }
    }
    System.out.print(report(rows, options.heap(), measured));
    for (String problem : disagreements(measured)) {
      System.err.println("fraud.sh: " + problem);
      succeeded = false;
    }
    return succeeded;
  }

  private static ContenderProcess.Measured median(Contender contender, Options options)
      throws IOException, InterruptedException {
    List<ContenderProcess.Measured> runs = new ArrayList<>();
    Path work = Files.createTempDirectory("fraud-bench-archive");
    Path sample = work.resolve("sample.csv");
    Path archive = work.resolve("classes.jsa");
    try {
      if (options.archive()) {
        Transactions.copyFirst(options.csv(), sample, SAMPLE_ROWS);
        ContenderProcess.archive(contender, sample, options.heap(), options.timeout(), archive);
      }
      for (int i = 0; i < options.repeat(); i++) {
        runs.add(
            ContenderProcess.run(
                contender,
                options.csv(),
                options.heap(),
                options.timeout(),
                options.archive() ? Optional.of(archive) : Optional.empty()));
      }
    } finally {
      Files.deleteIfExists(sample);
      Files.deleteIfExists(archive);
      Files.delete(work);
    }
    runs.sort(Comparator.comparingDouble(run -> run.result().jobSeconds()));
    return runs.get(runs.size() / 2);
  }

  /** The table. A ratio is this contender's job time over the other's: 2.0 is twice as long. */
  static String report(int rows, String heap, Map<String, ContenderProcess.Measured> measured) {
    StringBuilder table = new StringBuilder();
    line(
        table,
        "%,d transactions, %d features each; %d processors, heap %s, Java %s%n",
        rows,
        FraudFeatures.COUNT,
        Runtime.getRuntime().availableProcessors(),
        heap,
        Runtime.version().feature());
    table.append(
        String.format(
            Locale.ROOT,
            "%-12s %8s %8s %10s %10s %9s",
            "contender",
            "wall s",
            "job s",
            "features s",
            "rows/s",
            "peak MiB"));
    for (String other : measured.keySet()) {
      table.append(String.format(Locale.ROOT, " %12s", "÷ " + other));
    }
    line(table, "");
    for (Map.Entry<String, ContenderProcess.Measured> entry : measured.entrySet()) {
      ContenderProcess.Measured run = entry.getValue();
      double jobSeconds = run.result().jobSeconds();
      double featureSeconds = run.result().featureSeconds();
      table.append(
          String.format(
              Locale.ROOT,
              "%-12s %8.2f %8.2f %10s %,10.0f %9s",
              entry.getKey(),
              run.wallSeconds(),
              jobSeconds,
              Double.isNaN(featureSeconds)
                  ? "-"
                  : String.format(Locale.ROOT, "%.2f", featureSeconds),
              rows / jobSeconds,
              run.peakMemoryBytes() < 0 ? "-" : Long.toString(run.peakMemoryBytes() >> 20)));
      for (ContenderProcess.Measured other : measured.values()) {
        table.append(
            String.format(Locale.ROOT, " %12.3f", jobSeconds / other.result().jobSeconds()));
      }
      line(table, "");
    }
    return table.toString();
  }

  private static void line(StringBuilder table, String format, Object... values) {
    table.append(String.format(Locale.ROOT, format, values)).append(System.lineSeparator());
  }

  /** Which contenders did not compute what the first one that tells did. */
  static List<String> disagreements(Map<String, ContenderProcess.Measured> measured) {
    List<String> problems = new ArrayList<>();
    double expected = Double.NaN;
    for (Map.Entry<String, ContenderProcess.Measured> entry : measured.entrySet()) {
      double checksum = entry.getValue().result().checksum();
      if (Double.isNaN(checksum)) {
        continue;
      }
      if (Double.isNaN(expected)) {
        expected = checksum;
      } else if (Math.abs(checksum - expected) > CHECKSUM_TOLERANCE * Math.abs(expected)) {
        problems.add(
            entry.getKey()
                + ": its features sum to "
                + checksum
                + ", but should to "
                + expected
                + ": it computes something else, so its times mean nothing");
      }
    }
    return problems;
  }

  private static Contender named(String name) {
    for (Contender contender : contenders()) {
      if (contender.name().equals(name)) {
        return contender;
      }
    }
    throw new IllegalArgumentException(
        "--contenders: there is no '" + name + "'; choose from " + names());
  }

  private static String names() {
    return String.join(",", contenders().stream().map(Contender::name).toList());
  }

  /** What the command line says. */
  record Options(
      Path csv,
      List<Contender> contenders,
      String heap,
      int repeat,
      Duration timeout,
      boolean archive) {

    /**
     * Reads the command line.
     *
     * @throws IllegalArgumentException naming the argument and what is wrong with it
     */
    static Options parse(String[] arguments) {
      Arguments given =
          Arguments.parse(
              arguments, List.of("--contenders", "--heap", "--repeat", "--timeout", "--archive"));
      return new Options(
          given.file(),
          Stream.of(given.text("--contenders", names()).split(",", -1))
              .map(FraudBench::named)
              .toList(),
          given.heap("4g"),
          given.positive("--repeat", 1),
          Duration.ofSeconds(given.positive("--timeout", 1200)),
          given.yes("--archive"));
    }
  }
}
