package dev.tailwater.benchmarks;

import dev.tailwater.connectors.files.EventFiles;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.TopicSpec;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.localstack.KafkaServer;
import dev.tailwater.localstack.RedisServer;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.CsvDecoder;
import dev.tailwater.schemas.CsvRecords;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.RecordEncoder;
import dev.tailwater.schemas.UndecodableRecordException;
import dev.tailwater.training.LogisticRegressionTrainer;
import dev.tailwater.training.TrainingData;
import dev.tailwater.training.TrainingException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToLongFunction;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * How fast is the live path, and how long does a transaction wait for its prediction?
 *
 * <p>Everything is real: a Kafka broker and a Redis server in processes of their own, Iceberg
 * tables, an ONNX model, and Flink with the live job in a process whose memory is measured. First a
 * backlog is worked off; then, with its state and in the same job, transactions come at a steady
 * pace. Usage: see {@link #USAGE}.
 */
public final class LiveBench {

  static final String USAGE =
      """
      usage: live.sh TRANSACTIONS.csv[.gz] [--transactions 200000] [--rate 1000] [--warm-up 20]
                     [--seconds 60] [--heap 1536m] [--timeout 600] [--trace FILE]
        --transactions  in the topic before the job starts
        --rate          transactions per second after that
        --warm-up       seconds at that rate before latency counts
        --seconds       for which latency counts
        --heap          the largest Java heap of Flink's JVM
        --timeout       seconds within which the backlog must be worked off
        --trace         a CSV file to write: per measured transaction when it was appended, and its
                        two latencies, in milliseconds
      """;

  static final String MODEL = "model.onnx";

  /** Held here, because a logger that nobody holds forgets its level. */
  private static final Logger TRAINING_LOG = Logger.getLogger("org.tribuo");

  private static final int PARTITIONS = 2;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private LiveBench() {}

  /** Exits with 0, with 1 if the run failed, with 2 for wrong usage. */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length == 1 && arguments[0].equals("--help")) {
      System.out.print(USAGE);
      return;
    }
    Options options;
    try {
      options = Options.parse(arguments);
    } catch (IllegalArgumentException e) {
      System.err.println("live.sh: " + e.getMessage());
      System.err.print(USAGE);
      System.exit(2);
      return;
    }
    Path work = Files.createTempDirectory("live-bench");
    try {
      run(options, work);
    } catch (IOException e) {
      System.err.println("live.sh: " + e.getMessage());
      System.exit(1);
    } finally {
      delete(work);
    }
  }

  private static void run(Options options, Path work) throws Exception {
    TRAINING_LOG.setLevel(Level.WARNING);
    Plan plan = BenchmarkProject.FRAUD_HANDBOOK.plan();
    StreamPlan stream = plan.streams().get(0);
    ModelPlan model = plan.models().get(0);
    Files.write(work.resolve(MODEL), model(model));
    Files.createDirectory(work.resolve("flink"));
    try (KafkaServer kafka = KafkaServer.start(work.resolve("kafka"), 0);
        RedisServer redis = RedisServer.start(work.resolve("redis"), 0)) {
      KafkaLog log = KafkaLog.at(kafka.bootstrapServers());
      Topics.ensure(
          log,
          List.of(
              TopicSpec.of(stream.topic(), PARTITIONS),
              TopicSpec.deadLettersOf(stream.topic()),
              TopicSpec.of(model.to(), PARTITIONS)));
      try (Questions questions = new Questions(log, stream, options.csv());
          LivePredictions predictions = new LivePredictions(log, model.to())) {
        for (int i = 0; i < options.transactions(); i++) {
          questions.send();
        }
        questions.flush();

        System.err.println("starting the live job on " + options.transactions() + " transactions");
        long start = System.currentTimeMillis();
        Process flink = startFlink(options.heap(), kafka, redis, work);
        try {
          predictions.await(options.transactions(), flink, options.timeout());
          report(throughput(options, start, predictions));

          System.err.println("pacing " + options.rate() + " transactions/s");
          questions.sendPaced(options.rate(), options.warmUp());
          String firstMeasured = questions.sendPaced(options.rate(), options.seconds());
          predictions.await(questions.sent(), flink, PATIENCE);
          List<Answered> answers =
              answers(questions.appendTimesFrom(firstMeasured), predictions.byQuestion());
          report(latency(options, answers));
          if (options.trace().isPresent()) {
            trace(answers, options.trace().get());
          }
          report(memory(flink));
        } finally {
          flink.destroy();
          flink.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
          flink.destroyForcibly();
        }
      }
    }
  }

  private static Process startFlink(String heap, KafkaServer kafka, RedisServer redis, Path work)
      throws IOException {
    // The collector of the tailwater command.
    Path arguments = work.resolve("arguments");
    Files.write(
        arguments,
        List.of(
            "-Xmx" + heap,
            "-XX:+UseG1GC",
            "-XX:MaxGCPauseMillis=20",
            "-cp",
            ContenderProcess.quoted(System.getProperty("java.class.path")),
            LiveFlink.class.getName(),
            kafka.bootstrapServers(),
            "redis://127.0.0.1:" + redis.port(),
            ContenderProcess.quoted(work.toString())));
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "@" + arguments)
        .inheritIO()
        .start();
  }

  /** A logistic regression on noise: what it says does not matter, only that it is asked. */
  private static byte[] model(ModelPlan model) throws TrainingException {
    List<String> names = model.vector().stream().map(ModelPlan.Element::name).toList();
    TrainingData.Builder data = TrainingData.builder(names, 1000);
    Random random = new Random(1);
    for (int row = 0; row < 1000; row++) {
      double[] vector = random.doubles(names.size()).toArray();
      data.add(row, vector, vector[0] + random.nextGaussian() > 0.5);
    }
    return new LogisticRegressionTrainer(LogisticRegressionTrainer.Settings.defaults())
        .train(data.build())
        .onnx();
  }

  private static String throughput(Options options, long start, LivePredictions predictions) {
    long[] appended =
        predictions.byQuestion().values().stream()
            .mapToLong(LivePredictions.Seen::appendTime)
            .sorted()
            .toArray();
    double firstSeconds = (appended[0] - start) / 1e3;
    double lastSeconds = (appended[appended.length - 1] - start) / 1e3;
    return String.format(
        Locale.ROOT,
        "backlog   %,d transactions: first prediction after %.1f s (start of the JVM included),"
            + " last after %.1f s: %,.0f predictions/s between them%n",
        options.transactions(),
        firstSeconds,
        lastSeconds,
        appended.length / (lastSeconds - firstSeconds));
  }

  /** A question, by the time the log had it, with its answer. */
  private record Answered(long appendTime, LivePredictions.Seen prediction) {}

  private static List<Answered> answers(
      Map<String, Long> appendTimes, Map<String, LivePredictions.Seen> byQuestion) {
    List<Answered> answers = new ArrayList<>();
    appendTimes.forEach(
        (id, time) -> answers.add(new Answered(time, Objects.requireNonNull(byQuestion.get(id)))));
    answers.sort(Comparator.comparingLong(Answered::appendTime));
    return answers;
  }

  private static void trace(List<Answered> answers, Path file) throws IOException {
    List<String> lines = new ArrayList<>(List.of("append_time,to_appended_ms,to_consumed_ms"));
    for (Answered answer : answers) {
      long asked = answer.appendTime();
      LivePredictions.Seen seen = answer.prediction();
      lines.add(asked + "," + (seen.appendTime() - asked) + "," + (seen.seenTime() - asked));
    }
    Files.write(file, lines);
  }

  private static String latency(Options options, List<Answered> answers) {
    long unscored =
        answers.stream()
            .filter(answer -> answer.prediction().outcome() != Prediction.Outcome.SCORED)
            .count();
    return String.format(
            Locale.ROOT,
            "latency   %,d transactions at %,d/s, %,d of them not scored%n",
            answers.size(),
            options.rate(),
            unscored)
        + "  appended → prediction appended  "
        + percentiles(answers, LivePredictions.Seen::appendTime)
        + "  appended → prediction consumed  "
        + percentiles(answers, LivePredictions.Seen::seenTime);
  }

  private static String percentiles(
      List<Answered> answers, ToLongFunction<LivePredictions.Seen> time) {
    long[] latencies =
        answers.stream()
            .mapToLong(answer -> time.applyAsLong(answer.prediction()) - answer.appendTime())
            .sorted()
            .toArray();
    return String.format(
        Locale.ROOT,
        "p50 %d ms, p99 %d ms, p99.9 %d ms, largest %d ms%n",
        percentile(latencies, 0.5),
        percentile(latencies, 0.99),
        percentile(latencies, 0.999),
        latencies[latencies.length - 1]);
  }

  /** The smallest value that at least this share of all does not exceed. */
  static long percentile(long[] sorted, double share) {
    return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
  }

  private static String memory(Process flink) throws IOException {
    long peak = ContenderProcess.peakMemoryBytes(Path.of("/proc/" + flink.pid() + "/status"));
    return String.format(
        Locale.ROOT, "memory    Flink's JVM at its peak: %s MiB%n", peak < 0 ? "?" : peak >> 20);
  }

  private static void report(String lines) {
    System.out.print(lines);
    System.out.flush();
  }

  static void delete(Path directory) throws IOException {
    List<Path> files;
    try (Stream<Path> found = Files.walk(directory)) {
      files = found.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
  }

  /** The transactions of a file, appended to the log one after the other. Not thread-safe. */
  static class Questions implements AutoCloseable {

    private final StreamPlan stream;
    private final Path csv;
    private final CsvRecords records;
    private final CsvDecoder decoder;
    private final RecordEncoder encoder;
    private final KafkaProducer<byte[], byte[]> producer;
    private final List<String> ids = new ArrayList<>();
    private final Map<String, Long> appendTimes = new ConcurrentHashMap<>();
    private volatile @Nullable Exception failure;

    Questions(KafkaLog log, StreamPlan stream, Path csv) throws IOException {
      EventFiles.check(csv, stream.schema(), stream.eventTime());
      this.stream = stream;
      this.csv = csv;
      InputStream bytes = new BufferedInputStream(Files.newInputStream(csv));
      records = new CsvRecords(csv.toString().endsWith(".gz") ? new GZIPInputStream(bytes) : bytes);
      records.next();
      decoder = new CsvDecoder(records.header(), stream.schema().columns());
      encoder = stream.format().encoder(stream.schema());
      producer =
          new KafkaProducer<>(
              log.producerProperties(), new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** Called with each transaction before it is sent. */
    void sending(@Nullable Object[] values) {}

    int sent() {
      return ids.size();
    }

    void send() throws IOException {
      Exception problem = failure;
      if (problem != null) {
        throw new IOException("the log refused a transaction: " + problem.getMessage(), problem);
      }
      if (!records.next()) {
        throw new IOException(csv + " has only " + sent() + " transactions: send fewer");
      }
      @Nullable Object[] values;
      try {
        values = decoder.decode(records);
      } catch (UndecodableRecordException e) {
        throw new IOException(csv + ", transaction " + sent() + ": " + e.getMessage(), e);
      }
      String id = String.valueOf(values[stream.eventId()]);
      byte[] key = String.valueOf(values[stream.messageKey()]).getBytes(StandardCharsets.UTF_8);
      ids.add(id);
      sending(values);
      producer.send(
          new ProducerRecord<>(stream.topic(), key, encoder.encode(values)),
          (metadata, problemOfSend) -> {
            if (problemOfSend != null) {
              failure = problemOfSend;
            } else {
              appendTimes.put(id, metadata.timestamp());
            }
          });
    }

    /** Sends at a steady pace, catching up after a pause; returns the first one's id. */
    String sendPaced(int rate, int seconds) throws IOException {
      int first = sent();
      long start = System.nanoTime();
      for (int i = 0; i < rate * seconds; i++) {
        sendInTurn(start, i, rate);
      }
      return ids.get(first);
    }

    /** Sends the next one when its turn has come, by its number since the start. */
    void sendInTurn(long startNanos, long number, int rate) throws IOException {
      long due = startNanos + number * TimeUnit.SECONDS.toNanos(1) / rate;
      for (long early = due - System.nanoTime(); early > 0; early = due - System.nanoTime()) {
        LockSupport.parkNanos(early);
      }
      send();
    }

    void flush() {
      producer.flush();
    }

    /** When the log accepted each transaction, from one on; waits until it has them all. */
    Map<String, Long> appendTimesFrom(String first) {
      flush();
      Map<String, Long> times = new ConcurrentHashMap<>();
      for (String id : ids.subList(ids.lastIndexOf(first), ids.size())) {
        times.put(id, appendTimes.get(id));
      }
      return times;
    }

    @Override
    public void close() throws IOException {
      producer.close(PATIENCE);
      records.close();
    }
  }

  /** What the command line says. */
  record Options(
      Path csv,
      int transactions,
      int rate,
      int warmUp,
      int seconds,
      String heap,
      Duration timeout,
      Optional<Path> trace) {

    /**
     * Reads the command line.
     *
     * @throws IllegalArgumentException naming the argument and what is wrong with it
     */
    static Options parse(String[] arguments) {
      Arguments given =
          Arguments.parse(
              arguments,
              List.of(
                  "--transactions",
                  "--rate",
                  "--warm-up",
                  "--seconds",
                  "--heap",
                  "--timeout",
                  "--trace"));
      return new Options(
          given.file(),
          given.positive("--transactions", 200_000),
          given.positive("--rate", 1000),
          given.positive("--warm-up", 20),
          given.positive("--seconds", 60),
          given.heap("1536m"),
          Duration.ofSeconds(given.positive("--timeout", 600)),
          given.path("--trace"));
    }
  }
}
