package dev.tailwater.benchmarks;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.definitions.AnswerMode;
import dev.tailwater.jobs.Ask;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.JobSettings;
import dev.tailwater.jobs.ScoringRequest;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiter;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.runtime.checkpoint.AbstractCheckpointStats;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.legacy.SinkFunction;
import org.jspecify.annotations.Nullable;

/**
 * What does state cost the live graph: on which backend, with how many keys, and if half of all
 * events are about one of them? Every event of {@link BenchmarkProject#CARD_STATE} is a fact and
 * asks for all features at once.
 */
public final class StateBench {

  static final String USAGE =
      """
      usage: state.sh [--events 2000000] [--keys 100000] [--many-keys 1000000]
        --events     payments of each throughput run
        --keys       cards they are spread over
        --many-keys  cards of the checkpoint that is taken and restored, with two payments each
      """;

  private static final int PARALLELISM = 2;
  private static final long FIRST_PAYMENT = 1_767_225_600_000L;
  private static final long SPAN_MS = TimeUnit.DAYS.toMillis(60);

  /** Filled by the sink, which runs in this JVM. */
  private static volatile Progress progress = new Progress(0);

  private StateBench() {}

  /** Exits with 2 for usage. */
  public static void main(String[] arguments) throws Exception {
    if (List.of(arguments).contains("--help")) {
      System.out.print(USAGE);
      return;
    }
    Arguments given;
    try {
      given = Arguments.withoutFile(arguments, List.of("--events", "--keys", "--many-keys"));
    } catch (IllegalArgumentException e) {
      System.err.println("state.sh: " + e.getMessage());
      System.err.print(USAGE);
      System.exit(2);
      return;
    }
    int events = given.positive("--events", 2_000_000);
    int keys = given.positive("--keys", 100_000);
    int manyKeys = given.positive("--many-keys", 1_000_000);
    System.out.printf(
        Locale.ROOT,
        "%,d payments of %,d cards, %d features each; parallelism %d, %d processors%n",
        events,
        keys,
        BenchmarkProject.CARD_STATE.plan().views().get(0).features().size(),
        PARALLELISM,
        Runtime.getRuntime().availableProcessors());
    throughput("hashmap", new Payments(100_000, keys, HotCard.NONE)); // The JVM warms up.
    for (String backend : List.of("hashmap", "rocksdb")) {
      double even = throughput(backend, new Payments(events, keys, HotCard.NONE));
      double hot = throughput(backend, new Payments(events, keys, HotCard.IN_ONE_PARTITION));
      double everywhere =
          throughput(backend, new Payments(events, keys, HotCard.IN_ALL_PARTITIONS));
      System.out.printf(
          Locale.ROOT,
          "%-8s even %,9.0f payments/s   half of them one card, in one partition %,9.0f payments/s,"
              + " %.2f times as long, in both %,9.0f payments/s, %.2f times as long%n",
          backend,
          even,
          hot,
          even / hot,
          everywhere,
          even / everywhere);
    }
    for (String backend : List.of("hashmap", "rocksdb")) {
      checkpoint(backend, new Payments(2 * manyKeys, manyKeys, HotCard.NONE));
    }
  }

  /** Payments per second, from the first one answered to the last. */
  private static double throughput(String backend, Payments payments) throws Exception {
    Path work = Files.createTempDirectory("state-bench");
    Progress run = new Progress(payments.count());
    progress = run;
    try (MiniCluster cluster = cluster(backend, work)) {
      JobID job = submit(cluster, work, payments, 0, null);
      run.await();
      cluster.cancelJob(job).get();
    } finally {
      delete(work);
    }
    return run.perSecond();
  }

  private static void checkpoint(String backend, Payments payments) throws Exception {
    Path work = Files.createTempDirectory("state-bench");
    try (MiniCluster cluster = cluster(backend, work)) {
      Progress run = new Progress(payments.count());
      progress = run;
      JobID job = submit(cluster, work, payments, 0, null);
      run.await();
      String path = cluster.triggerCheckpoint(job).get();
      AbstractCheckpointStats stats =
          cluster
              .getExecutionGraph(job)
              .get()
              .getCheckpointStatsSnapshot()
              .getHistory()
              .getLatestCompletedCheckpoint();
      cluster.cancelJob(job).get();
      int more = 1_000;
      run = new Progress(more);
      progress = run;
      long start = System.nanoTime();
      job = submit(cluster, work, payments, more, path);
      run.awaitFirst();
      double restoreSeconds = (System.nanoTime() - start) / 1e9;
      run.await();
      cluster.cancelJob(job).get();
      System.out.printf(
          Locale.ROOT,
          "%-8s %,d cards, %,d payments: checkpoint %,d MiB (%,d bytes a card) in %,d ms; from the"
              + " start of a job with it to its first answer %.1f s%n",
          backend,
          payments.keys(),
          payments.count(),
          stats.getStateSize() >> 20,
          stats.getStateSize() / payments.keys(),
          stats.getEndToEndDuration(),
          restoreSeconds);
    } finally {
      delete(work);
    }
  }

  private static MiniCluster cluster(String backend, Path work) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
    configuration.set(RestOptions.BIND_PORT, "0");
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(1024));
    configuration.set(CoreOptions.TMP_DIRS, work.resolve("flink").toString());
    configuration.set(StateBackendOptions.STATE_BACKEND, backend);
    configuration.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY, work.resolve("checkpoints").toUri().toString());
    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(PARALLELISM)
                .build());
    cluster.start();
    return cluster;
  }

  private static JobID submit(
      MiniCluster cluster, Path work, Payments payments, int more, @Nullable String checkpoint)
      throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY, work.resolve("checkpoints").toUri().toString());
    configuration.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    if (checkpoint != null) {
      configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, checkpoint);
    }
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(PARALLELISM);
    env.enableCheckpointing(TimeUnit.DAYS.toMillis(1));
    Plan plan = BenchmarkProject.CARD_STATE.plan();
    StreamPlan stream = plan.streams().get(0);
    ModelPlan model = plan.models().get(0);
    // Beyond its payments the source is silent, but does not end: the state stays.
    DataGeneratorSource<LogRecord> source =
        new DataGeneratorSource<>(
            payments,
            4L * payments.count(),
            new ThenSilent(checkpoint == null ? payments.count() : more),
            LogRecordSerializer.typeInfo(stream.schema()));
    FeatureGraph.build(
            JobSettings.asking(env),
            plan,
            position -> source,
            new FeatureGraph.Options(
                List.of(new Ask(0, model.views(), AnswerMode.ON_ARRIVAL, -1, Map.of())),
                false,
                0,
                Set.of()))
        .vectors(0)
        .addSink(new Counting())
        .name("count");
    JobID job = cluster.submitJob(env.getStreamGraph()).get().getJobID();
    Progress run = progress;
    cluster.requestJobResult(job).thenAccept(run::ended);
    return job;
  }

  /** Where the payments of a card are that has half of all. */
  private enum HotCard {
    NONE,
    /** As in a log whose message key is the card. */
    IN_ONE_PARTITION,
    /** As in a log with another message key; its partitions are read unevenly. */
    IN_ALL_PARTITIONS
  }

  /**
   * Payments in event-time order, spread evenly over sixty days. The generator gives each of its
   * two readers one half of the numbers: so each half is a partition, and a card, unless it is hot,
   * has all of its payments in one of them.
   */
  private record Payments(int count, int keys, HotCard hotCard)
      implements GeneratorFunction<Long, LogRecord> {

    @Override
    public LogRecord map(Long number) {
      long half = 4L * count / PARALLELISM;
      long hash = mix(number);
      LogRecord record = new LogRecord();
      record.partition = (int) (number / half);
      record.offset = number % half;
      record.eventTime = FIRST_PAYMENT + record.offset * (SPAN_MS * PARALLELISM / count);
      record.appendTime = record.eventTime;
      long spread = Long.remainderUnsigned(hash >>> 1, keys / PARALLELISM);
      boolean hot =
          switch (hotCard) {
            case NONE -> false;
            case IN_ONE_PARTITION -> record.partition == 0;
            case IN_ALL_PARTITIONS -> number % PARALLELISM == 0;
          };
      long card = hot ? 0 : 1 + spread * PARALLELISM + record.partition;
      record.values =
          new Object[] {number, record.eventTime, card, (hash >>> 40) % 100_000 / 100.0};
      return record;
    }

    /** SplitMix64's output function. */
    private static long mix(long number) {
      long mixed = number * 0x9e3779b97f4a7c15L;
      mixed = (mixed ^ mixed >>> 30) * 0xbf58476d1ce4e5b9L;
      mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
      return mixed ^ mixed >>> 31;
    }
  }

  /** Lets so many records pass in all readers together, and then none. */
  private record ThenSilent(int records) implements RateLimiterStrategy {

    @Override
    public RateLimiter<SourceSplit> createRateLimiter(int parallelism) {
      return new RateLimiter<>() {
        private int left = records / parallelism;

        @Override
        public CompletionStage<Void> acquire(int records) {
          left -= records;
          return left >= 0 ? CompletableFuture.completedFuture(null) : new CompletableFuture<>();
        }
      };
    }
  }

  /** How many answers there were, and when. */
  private static final class Progress {

    private final int expected;
    private final AtomicInteger answers = new AtomicInteger();
    private final CountDownLatch first = new CountDownLatch(1);
    private final CountDownLatch last = new CountDownLatch(1);
    private volatile long firstNanos;
    private volatile long lastNanos;
    private volatile @Nullable Throwable failure;

    Progress(int expected) {
      this.expected = expected;
    }

    void answered() {
      int count = answers.incrementAndGet();
      if (count == 1) {
        firstNanos = System.nanoTime();
        first.countDown();
      }
      if (count == expected) {
        lastNanos = System.nanoTime();
        last.countDown();
      }
    }

    /** The job has ended, which it does by itself only when it fails. */
    void ended(JobResult result) {
      failure = result.getSerializedThrowable().orElse(null);
      first.countDown();
      last.countDown();
    }

    void awaitFirst() throws InterruptedException, IOException {
      await(first);
    }

    void await() throws InterruptedException, IOException {
      await(last);
    }

    private void await(CountDownLatch latch) throws InterruptedException, IOException {
      boolean inTime = latch.await(20, TimeUnit.MINUTES);
      if (failure != null) {
        throw new IOException("the job failed", failure);
      }
      if (!inTime) {
        throw new IOException(
            "after 20 minutes %,d of %,d payments were answered"
                .formatted(answers.get(), expected));
      }
    }

    double perSecond() {
      return expected * 1e9 / (lastNanos - firstNanos);
    }
  }

  private static final class Counting implements SinkFunction<ScoringRequest> {

    @Override
    public void invoke(ScoringRequest answered, Context context) {
      progress.answered();
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
