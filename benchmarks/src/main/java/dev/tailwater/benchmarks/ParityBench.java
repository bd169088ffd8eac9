package dev.tailwater.benchmarks;

import dev.tailwater.connectors.files.EventFiles;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.TopicSpec;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.ArchiveJob;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.JobSettings;
import dev.tailwater.jobs.LiveJob;
import dev.tailwater.jobs.VerifyJob;
import dev.tailwater.jobs.VerifyReport;
import dev.tailwater.localstack.KafkaServer;
import dev.tailwater.localstack.RedisServer;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.CsvDecoder;
import dev.tailwater.schemas.CsvRecords;
import dev.tailwater.schemas.RecordEncoder;
import dev.tailwater.schemas.UndecodableRecordException;
import dev.tailwater.serving.MicroBatcherSettings;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Are both stores, bit for bit, what a replay computes, after a live job and an archive job have
 * read everything there is, and TaskManagers were killed on the way? How long does it take to know?
 *
 * <p>Everything is real: a Kafka broker and a Redis server in processes of their own, Iceberg
 * tables, and a Flink cluster whose TaskManagers are killed. Usage: see {@link #USAGE}.
 */
public final class ParityBench {

  static final String USAGE =
      """
      usage: parity.sh TRANSACTIONS.csv[.gz] [--transactions N] [--kills 2] [--timeout 3600]
        --transactions  the first N of the file; all of it if absent
        --kills         TaskManagers that are killed while the live job works
        --timeout       seconds within which the live job must have stored everything
      Exit code 0: nothing differs; 1: something does, or the run failed; 2: wrong usage.
      """;

  private static final int PARTITIONS = 2;
  private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(10);

  private ParityBench() {}

  /** Exits with the code that {@link #USAGE} names. */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length == 1 && arguments[0].equals("--help")) {
      System.out.print(USAGE);
      return;
    }
    Options options;
    try {
      options = Options.parse(arguments);
    } catch (IllegalArgumentException e) {
      System.err.println("parity.sh: " + e.getMessage());
      System.err.print(USAGE);
      System.exit(2);
      return;
    }
    Path work = Files.createTempDirectory("parity-bench");
    boolean equal;
    try {
      equal = run(options, work);
    } catch (IOException e) {
      System.err.println("parity.sh: " + e.getMessage());
      equal = false;
    } finally {
      delete(work);
    }
    System.exit(equal ? 0 : 1);
  }

  /** Returns whether nothing differs. */
  private static boolean run(Options options, Path work) throws Exception {
    Plan plan = BenchmarkProject.FRAUD_HANDBOOK.plan();
    StreamPlan stream = plan.streams().get(0);
    ModelPlan model = plan.models().get(0);
    try (KafkaServer kafka = KafkaServer.start(work.resolve("kafka"), 0);
        RedisServer redis = RedisServer.start(work.resolve("redis"), 0)) {
      KafkaLog log = KafkaLog.at(kafka.bootstrapServers());
      RedisAddress online = RedisAddress.parse("redis://127.0.0.1:" + redis.port());
      Lake lake = Lake.local(work.resolve("lake"));
      Topics.ensure(
          log,
          List.of(
              TopicSpec.of(stream.topic(), PARTITIONS),
              TopicSpec.deadLettersOf(stream.topic()),
              TopicSpec.of(model.to(), PARTITIONS),
              TopicSpec.deadLettersOf(model.to())));
      Sent sent = send(log, stream, options);
      long until = sent.watermark(stream.disorderMs());
      report("log       %,d transactions in %d partitions", sent.transactions(), PARTITIONS);

      long start = System.nanoTime();
      try (MiniCluster cluster = cluster(work)) {
        cluster.start();
        submit(
            cluster,
            work,
            "live",
            env ->
                LiveJob.build(
                    env,
                    plan,
                    new LiveJob.Config(
                        log,
                        online,
                        lake,
                        List.of(),
                        Map.of(),
                        0,
                        MicroBatcherSettings.defaults())));
        submit(
            cluster,
            work,
            "archive",
            env ->
                ArchiveJob.build(env, plan, new ArchiveJob.Config(log, lake, Duration.ofDays(1))));
        awaitStored(cluster, lake, plan, sent, until, options, start);
        report(
            "live      everything is stored after %.1f s, %d TaskManagers were killed; %s",
            seconds(start), options.kills(), rows(lake, plan));
      }
      return verify(plan, log, online, lake, work);
    }
  }

  // ---- the log

  /**
   * What was sent.
   *
   * @param times of all events, ascending
   * @param newest event time by partition
   */
  private record Sent(long[] times, long[] newest) {

    int transactions() {
      return times.length;
    }

    /** Where the watermark is when everything was read. */
    long watermark(long disorderMs) {
      return Arrays.stream(newest).min().orElseThrow() - disorderMs - 1;
    }

    /** The last event that the watermark has passed. */
    long newestFinal(long watermark) {
      return Arrays.stream(times).filter(time -> time <= watermark).max().orElseThrow();
    }
  }

  private static Sent send(KafkaLog log, StreamPlan stream, Options options) throws IOException {
    Path csv = options.csv();
    EventFiles.check(csv, stream.schema(), stream.eventTime());
    RecordEncoder encoder = stream.format().encoder(stream.schema());
    List<Long> times = new ArrayList<>();
    long[] newest = new long[PARTITIONS];
    Arrays.fill(newest, Long.MIN_VALUE);
    AtomicReference<@Nullable Exception> refused = new AtomicReference<>();
    InputStream bytes = new BufferedInputStream(Files.newInputStream(csv));
    try (CsvRecords records =
            new CsvRecords(csv.toString().endsWith(".gz") ? new GZIPInputStream(bytes) : bytes);
        KafkaProducer<byte[], byte[]> producer =
            new KafkaProducer<>(
                log.producerProperties(), new ByteArraySerializer(), new ByteArraySerializer())) {
      records.next();
      CsvDecoder decoder = new CsvDecoder(records.header(), stream.schema().columns());
      while (times.size() < options.transactions() && records.next()) {
        @Nullable Object[] values = decoder.decode(records);
        byte[] key = String.valueOf(values[stream.messageKey()]).getBytes(StandardCharsets.UTF_8);
        int partition = Math.floorMod(Arrays.hashCode(key), PARTITIONS);
        long time =
            ((Number) java.util.Objects.requireNonNull(values[stream.eventTime()])).longValue();
        producer.send(
            new ProducerRecord<>(stream.topic(), partition, key, encoder.encode(values)),
            (metadata, problem) -> {
              if (problem != null) {
                refused.compareAndSet(null, problem);
              }
            });
        times.add(time);
        newest[partition] = Math.max(newest[partition], time);
      }
      producer.flush();
      Exception problem = refused.get();
      if (problem != null) {
        throw new IOException("the log refused a transaction: " + problem.getMessage(), problem);
      }
    } catch (UndecodableRecordException e) {
      throw new IOException(csv + ", transaction " + times.size() + ": " + e.getMessage(), e);
    }
    return new Sent(times.stream().mapToLong(Long::longValue).sorted().toArray(), newest);
  }

  // ---- the live system

  private static MiniCluster cluster(Path work) throws IOException {
    Configuration settings = new Configuration();
    settings.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
    settings.set(RestOptions.BIND_PORT, "0");
    settings.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
    settings.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(96));
    settings.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(96));
    settings.set(CoreOptions.TMP_DIRS, Files.createDirectories(work.resolve("flink")).toString());
    return new MiniCluster(
        new MiniClusterConfiguration.Builder()
            .setConfiguration(settings)
            .setNumTaskManagers(1)
            .setNumSlotsPerTaskManager(2 * PARTITIONS)
            .build());
  }

  /** Adds a job to an environment. */
  private interface Build {
    void on(StreamExecutionEnvironment env) throws Exception;
  }

  private static void submit(MiniCluster cluster, Path work, String name, Build build)
      throws Exception {
    Configuration settings = new Configuration();
    settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, CHECKPOINT_INTERVAL);
    settings.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY, work.resolve("checkpoints").toUri().toString());
    settings.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    settings.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 10);
    settings.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(200));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(PARTITIONS, settings);
    build.on(env);
    JobID unused =
        cluster.submitJob(env.getStreamGraph().getJobGraph()).get(60, TimeUnit.SECONDS).getJobID();
    System.err.println("started the " + name + " job");
  }

  /** Kills TaskManagers at even parts of the way, until the final row of every event is there. */
  private static void awaitStored(
      MiniCluster cluster, Lake lake, Plan plan, Sent sent, long until, Options options, long start)
      throws Exception {
    List<FeatureViewLayout> layouts = FeatureGraph.layouts(plan);
    long newest = sent.newestFinal(until);
    int killed = 0;
    while (true) {
      int place = (int) ((killed + 1L) * (sent.transactions() - 1) / (options.kills() + 1));
      long next = killed < options.kills() ? sent.times()[place] : newest;
      await(
          () ->
              layouts.stream()
                  .allMatch(
                      layout -> lake.newestLiveInstant(layout).orElse(Long.MIN_VALUE) >= next),
          options.timeout(),
          start);
      if (killed == options.kills()) {
        break;
      }
      System.err.printf(
          Locale.ROOT, "killing TaskManager %d after %.1f s%n", killed, seconds(start));
      cluster.startTaskManager();
      cluster.terminateTaskManager(killed).get(60, TimeUnit.SECONDS);
      killed++;
    }
    String raw = Lake.rawTable(plan.streams().get(0).name()).toString();
    await(() -> lake.count(raw) >= sent.transactions(), options.timeout(), start);
  }

  private static void await(BooleanSupplier condition, Duration timeout, long start)
      throws IOException {
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - start > timeout.toNanos()) {
        throw new IOException(
            "the live job has not stored everything within " + timeout.toSeconds() + " s");
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(500));
    }
  }

  private static String rows(Lake lake, Plan plan) {
    List<String> counts = new ArrayList<>();
    for (FeatureViewLayout layout : FeatureGraph.layouts(plan)) {
      String table = Lake.featureTable(layout.view()).toString();
      counts.add(String.format(Locale.ROOT, "%,d rows in %s", lake.count(table), table));
    }
    String raw = Lake.rawTable(plan.streams().get(0).name()).toString();
    counts.add(String.format(Locale.ROOT, "%,d in %s", lake.count(raw), raw));
    return String.join(", ", counts);
  }

  // ---- the comparison

  private static boolean verify(Plan plan, KafkaLog log, RedisAddress online, Lake lake, Path work)
      throws Exception {
    Configuration settings = JobSettings.oneShotCluster(PARTITIONS);
    settings.set(CoreOptions.TMP_DIRS, work.resolve("flink").toString());
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(PARTITIONS, settings);
    BoundedSources history =
        new BoundedSources(Optional.of(log), Optional.of(lake), Map.of()).pinned(plan);
    Set<Integer> views = Set.copyOf(IntStream.range(0, plan.views().size()).boxed().toList());
    long start = System.nanoTime();
    VerifyReport report =
        VerifyJob.run(
            env,
            plan,
            new VerifyJob.Config(history, online, lake, views, 1, Instant.now()),
            System.err::println);
    double seconds = seconds(start);
    for (VerifyReport.ViewReport view : report.views()) {
      for (VerifyReport.CheckReport check : view.checks()) {
        report(
            "verify    %s, %s: %,d compared, %,d equal (%.4f %%), %,d open, different %s",
            view.view(),
            check.check().title(),
            check.compared(),
            check.equal(),
            100.0 * check.equal() / Math.max(1, check.compared() - check.open()),
            check.open(),
            check.different());
        check.examples().forEach(example -> System.out.println("          " + example));
      }
    }
    report("verify    took %.1f s", seconds);
    return report.allEqual();
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  private static void report(String format, Object... values) {
    System.out.printf(Locale.ROOT, format + "%n", values);
    System.out.flush();
  }

  private static void delete(Path directory) throws IOException {
    List<Path> files;
    try (Stream<Path> found = Files.walk(directory)) {
      files = found.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
  }

  /** What the command line says. */
  record Options(Path csv, int transactions, int kills, Duration timeout) {

    /**
     * Reads the command line.
     *
     * @throws IllegalArgumentException naming the argument and what is wrong with it
     */
    static Options parse(String[] arguments) {
      Arguments given =
          Arguments.parse(arguments, List.of("--transactions", "--kills", "--timeout"));
      return new Options(
          given.file(),
          given.positive("--transactions", Integer.MAX_VALUE),
          given.positive("--kills", 2),
          Duration.ofSeconds(given.positive("--timeout", 3600)));
    }
  }
}
