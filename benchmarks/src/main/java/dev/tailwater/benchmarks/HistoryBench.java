package dev.tailwater.benchmarks;

import dev.tailwater.connectors.files.EventFiles;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.RawEnd;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.kafka.TopicSpec;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.jobs.ArchiveJob;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.JobSettings;
import dev.tailwater.localstack.KafkaServer;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.RecordEncoder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * How fast is history archived, and how fast is it replayed from the lake, against from the log?
 * The replay is that of {@link TailwaterBounded}: every transaction is a fact and asks for all
 * features. Kafka runs in a process of its own, Flink and the lake in this one.
 */
public final class HistoryBench {

  static final String USAGE =
      """
      usage: history.sh TRANSACTIONS.csv[.gz] [--runs 3] [--timeout 900]
        --runs     replays of each kind; the median counts
        --timeout  seconds within which everything must be archived
      """;

  private static final int PARTITIONS = 2;
  private static final long POLL_MS = 100;

  private HistoryBench() {}

  /** Exits with 0, with 1 if the run failed, with 2 for wrong usage. */
  public static void main(String[] arguments) throws Exception {
    if (List.of(arguments).contains("--help")) {
      System.out.print(USAGE);
      return;
    }
    Arguments given;
    int runs;
    int timeout;
    try {
      given = Arguments.parse(arguments, List.of("--runs", "--timeout"));
      runs = given.positive("--runs", 3);
      timeout = given.positive("--timeout", 900);
    } catch (IllegalArgumentException e) {
      System.err.println("history.sh: " + e.getMessage());
      System.err.print(USAGE);
      System.exit(2);
      return;
    }
    Path work = Files.createTempDirectory("history-bench");
    try (KafkaServer kafka = KafkaServer.start(work.resolve("kafka"), 0)) {
      run(given.file(), KafkaLog.at(kafka.bootstrapServers()), work, runs, timeout);
    } catch (IOException e) {
      System.err.println("history.sh: " + e.getMessage());
      System.exit(1);
    } finally {
      delete(work);
    }
  }

  private static void run(Path file, KafkaLog log, Path work, int runs, int timeout)
      throws Exception {
    Plan plan = BenchmarkProject.FRAUD_HANDBOOK.plan();
    StreamPlan stream = plan.streams().get(0);
    List<TopicSpec> topics = new ArrayList<>();
    for (String topic : List.of(stream.topic(), plan.models().get(0).to())) {
      topics.add(TopicSpec.of(topic, PARTITIONS));
      topics.add(TopicSpec.deadLettersOf(topic));
    }
    Topics.ensure(log, topics).forEach(System.err::println);
    append(file, log, stream);
    Map<Integer, Long> ends =
        Topics.endOffsets(log, List.of(stream.topic())).getOrDefault(stream.topic(), Map.of());
    long events = ends.values().stream().mapToLong(Long::longValue).sum();

    Lake lake = Lake.local(work.resolve("lake"));
    print("archived", events, archive(log, lake, plan, ends, work, timeout));

    Map<String, BoundedSources> histories = new LinkedHashMap<>();
    histories.put("log", new BoundedSources(Optional.of(log), Map.of()));
    histories.put("lake", new BoundedSources(Optional.empty(), Optional.of(lake), Map.of()));
    Map<String, List<Contender.Result>> results = new LinkedHashMap<>();
    for (int run = 0; run < runs; run++) {
      for (Map.Entry<String, BoundedSources> history : histories.entrySet()) {
        results
            .computeIfAbsent(history.getKey(), name -> new ArrayList<>())
            .add(TailwaterBounded.run(history.getValue()));
      }
    }
    results.forEach((name, measured) -> print("from " + name, events, median(measured)));
    long checksums =
        results.values().stream()
            .flatMap(List::stream)
            .mapToLong(result -> Math.round(result.checksum()))
            .distinct()
            .count();
    System.out.println(
        checksums == 1 ? "the same features from both" : "THE FEATURES ARE NOT THE SAME");
    if (checksums != 1) {
      System.exit(1);
    }
  }

  private static double median(List<Contender.Result> results) {
    double[] seconds =
        results.stream().mapToDouble(Contender.Result::jobSeconds).sorted().toArray();
    return seconds[seconds.length / 2];
  }

  private static void print(String what, long events, double seconds) {
    System.out.printf(
        Locale.ROOT,
        "%-10s %,d events in %6.1f s: %,9.0f events/s%n",
        what,
        events,
        seconds,
        events / seconds);
  }

  /** Copies the file to the stream's topic. */
  private static void append(Path file, KafkaLog log, StreamPlan stream) throws Exception {
    StreamExecutionEnvironment env = TailwaterBounded.environment();
    JobSettings.bounded(env)
        .fromSource(
            EventFiles.source(file, stream.schema(), stream.eventTime()),
            WatermarkStrategy.noWatermarks(),
            "file",
            LogRecordSerializer.typeInfo(stream.schema()))
        .setParallelism(1)
        .map(new ToRecord(stream))
        .returns(OutgoingRecord.typeInfo())
        .setParallelism(1)
        .sinkTo(log.sink())
        .setParallelism(1);
    env.execute("append");
  }

  /** Archives everything and returns how many seconds that took. */
  private static double archive(
      KafkaLog log, Lake lake, Plan plan, Map<Integer, Long> ends, Path work, int timeout)
      throws Exception {
    StreamExecutionEnvironment env = TailwaterBounded.environment();
    Configuration settings = new Configuration();
    settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofSeconds(5));
    settings.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY, work.resolve("checkpoints").toUri().toString());
    env.configure(settings);
    ArchiveJob.build(env, plan, new ArchiveJob.Config(log, lake, Duration.ofHours(1)));
    long start = System.nanoTime();
    JobClient job = env.executeAsync("archive");
    while (!archived(lake, plan.streams().get(0)).equals(ends)) {
      if (System.nanoTime() - start > TimeUnit.SECONDS.toNanos(timeout)
          || job.getJobStatus().get() == JobStatus.FAILED) {
        throw new IOException(
            "not everything is archived after " + timeout + " s; see the log, or give --timeout");
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(POLL_MS));
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    job.cancel().get();
    return seconds;
  }

  private static Map<Integer, Long> archived(Lake lake, StreamPlan stream) {
    Map<Integer, Long> next = new HashMap<>();
    lake.rawEnd(stream.name())
        .map(RawEnd::partitions)
        .orElse(Map.of())
        .forEach((partition, end) -> next.put(partition, end.nextOffset()));
    return next;
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  private static final class ToRecord extends RichMapFunction<LogRecord, OutgoingRecord> {

    private final StreamPlan stream;

    private transient RecordEncoder encoder;

    ToRecord(StreamPlan stream) {
      this.stream = stream;
    }

    @Override
    public void open(OpenContext context) {
      encoder = stream.format().encoder(stream.schema());
    }

    @Override
    public OutgoingRecord map(LogRecord record) {
      if (record.values == null) {
        throw new IllegalArgumentException("a row cannot be read: " + record.problem);
      }
      byte[] key =
          stream.messageKey() < 0
              ? null
              : String.valueOf(record.values[stream.messageKey()]).getBytes(StandardCharsets.UTF_8);
      return new OutgoingRecord(stream.topic(), key, encoder.encode(record.values), Map.of());
    }
  }
}
