package dev.tailwater.cli;

import dev.tailwater.cli.demo.EventProducer;
import dev.tailwater.cli.demo.FraudSimulator;
import dev.tailwater.cli.demo.Latencies;
import dev.tailwater.cli.demo.LogWatcher;
import dev.tailwater.cli.demo.SimulatedEvent;
import dev.tailwater.cli.demo.SimulatedEvent.Transaction;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.connectors.redis.OnlineRow;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.BootstrapJob;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.LiveJob;
import dev.tailwater.jobs.VerifyJob;
import dev.tailwater.jobs.VerifyReport;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.serving.ModelRepository;
import dev.tailwater.serving.ModelVersion;
import dev.tailwater.training.Evaluation;
import dev.tailwater.training.TrainingData;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The whole loop on simulated card payments: history into the log, a training set by a bounded
 * replay of it, a model, live payments with features in both stores and scores on the log, labels,
 * and the measured quality. Everything but the people is real.
 */
final class Demo {

  private static final int CUSTOMERS = 1_300;
  private static final int TERMINALS = 400;
  private static final double TRANSACTIONS_PER_DAY = 2_000;
  private static final int PARTITIONS = 2;

  /** Less than what the example's streams declare. */
  private static final Duration DISORDER = Duration.ofSeconds(4);

  private static final Duration LONGEST_LABEL_DELAY = Duration.ofDays(7);
  private static final Duration WARM_UP = Duration.ofSeconds(10);
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final Duration POLL = Duration.ofMillis(200);

  /** Of the entities whose rows are compared with a replay; {@code tailwater verify} takes all. */
  private static final int ONE_KEY_IN = 10;

  private final TailwaterHome home;
  private final Console console;
  private final LoadedProject project;
  private final Settings settings;

  /**
   * The size of the demo.
   *
   * @param transactions of history, 10,000 to 5,000,000: fewer days have hardly a label
   * @param ratePerSecond of live transactions, 1 to 20,000
   * @param liveSeconds how long they go on, 1 to 3,600
   * @param seed of the simulated world
   * @param end event time at about which the world ends; nothing happens after it
   */
  public record Settings(
      int transactions, int ratePerSecond, int liveSeconds, long seed, Instant end) {

    public Settings {
      require(
          transactions >= 10_000 && transactions <= 5_000_000,
          "--transactions",
          transactions,
          "10000 to 5000000");
      require(ratePerSecond >= 1 && ratePerSecond <= 20_000, "--rate", ratePerSecond, "1 to 20000");
      require(liveSeconds >= 1 && liveSeconds <= 3_600, "--seconds", liveSeconds, "1 to 3600");
    }

    int liveTransactions() {
      return ratePerSecond * liveSeconds;
    }

    private static void require(boolean valid, String option, int value, String allowed) {
      if (!valid) {
        throw new CommandFailedException(
            "%s is %d; give a number from %s".formatted(option, value, allowed));
      }
    }
  }

  /** A demo of the fraud example. */
  public Demo(TailwaterHome home, Console console, LoadedProject project, Settings settings) {
    this.home = home;
    this.console = console;
    this.project = project;
    this.settings = settings;
  }

  /**
   * Runs the loop on a stack that has just been started and is empty.
   *
   * @return the figures, as they are printed and as {@code --json} gives them
   * @throws CommandFailedException if a step does not come to its end in time
   */
  public Map<String, Object> run(LocalStack stack) throws Exception {
    Lake lake = Lake.local(stack.lakeDirectory());
    ModelRepository models = ModelRepository.open(home.demo().resolve("models"));
    ProjectJobs jobs = new ProjectJobs(project, stack.log(), stack.redis(), lake, models);
    jobs.ensureTopics(PARTITIONS).forEach(console::say);
    FraudSimulator world = new FraudSimulator(world());

    History history = appendHistory(stack, world);
    train(stack, models);
    Map<String, Map<Integer, Long>> askFrom = askFrom(stack);
    StreamExecutionEnvironment live = stack.environment();
    jobs.buildLive(live, askFrom, 0);
    JobClient liveJob = live.executeAsync("fraud demo: live");
    StreamExecutionEnvironment archive = stack.environment();
    jobs.buildArchive(archive);
    JobClient archiveJob = archive.executeAsync("fraud demo: archive");
    List<JobClient> running = List.of(liveJob, archiveJob);

    try (RedisOnlineStore online = new RedisOnlineStore(stack.redis(), Duration.ofSeconds(10));
        LogWatcher watcher =
            new LogWatcher(stack.log(), model().to(), model().format(), labelReader());
        EventProducer producer =
            new EventProducer(stack.log(), project.plan(), Duration.ZERO, true)) {
      awaitHistory(online, history.last(), running);
      double rate = goLive(world, producer, watcher, running);
      appendLabels(world, producer, watcher, running);
      DemoReport report = check(stack, lake, online, history, producer, watcher, running, rate);
      console.say("");
      console.say("What happened");
      report.lines().forEach(console::say);
      return report.fields();
    }
  }

  private FraudSimulator.Settings world() {
    double days =
        (settings.transactions() + settings.liveTransactions()) / TRANSACTIONS_PER_DAY * 1.1;
    Duration span = Duration.ofHours((long) Math.ceil(days * 24)).plus(LONGEST_LABEL_DELAY);
    return new FraudSimulator.Settings(
        settings.seed(),
        settings.end().minus(span).truncatedTo(ChronoUnit.DAYS),
        CUSTOMERS,
        TERMINALS,
        TRANSACTIONS_PER_DAY,
        DISORDER);
  }

  /**
   * What was appended before anything ran.
   *
   * @param last some of the last transactions: a store that knows them knows the history
   */
  private record History(long transactions, long reports, List<Transaction> last) {}

  private History appendHistory(LocalStack stack, FraudSimulator world) throws IOException {
    long start = System.nanoTime();
    console.say("1  History into the log");
    List<Transaction> last = new ArrayList<>();
    try (EventProducer producer =
        new EventProducer(stack.log(), project.plan(), Duration.ofMillis(20), false)) {
      while (producer.transactions() < settings.transactions()) {
        SimulatedEvent event = world.next();
        producer.send(event);
        if (event instanceof Transaction transaction) {
          if (producer.transactions() > settings.transactions() - 20) {
            last.add(transaction);
          }
          if (producer.transactions() % 1_000 == 0) {
            console.live("   %,d transactions".formatted(producer.transactions()));
          }
        }
      }
      producer.flush();
      done(
          start,
          "%,d transactions and %,d fraud reports",
          producer.transactions(),
          producer.reports());
      return new History(producer.transactions(), producer.reports(), last);
    }
  }

  private void train(LocalStack stack, ModelRepository models) throws Exception {
    long start = System.nanoTime();
    console.say(
        "2  Training set: every past transaction's features, by a bounded replay of the log");
    ModelTraining training =
        new ModelTraining(
            stack.environment(), project, modelPosition(), ModelTraining.Settings.defaults());
    TrainingData data = training.vectors(new BoundedSources(Optional.of(stack.log()), Map.of()));
    done(
        start,
        "%,d labelled vectors of %d inputs, %,d of them fraud",
        data.rows(),
        data.featureNames().size(),
        data.positives());

    start = System.nanoTime();
    console.say("3  Model: logistic regression, exported to ONNX, checked, registered");
    ModelVersion version = training.train(data, models);
    Double auc = version.metadata().metrics().get("holdout_roc_auc");
    done(
        start,
        "%s, AUC %s on the newest fifth of the history",
        version.reference(),
        auc == null ? "unknown" : String.format(Locale.ROOT, "%.3f", auc));
  }

  private void awaitHistory(
      RedisOnlineStore online, List<Transaction> lastOfHistory, List<JobClient> running)
      throws Exception {
    long start = System.nanoTime();
    console.say("4  Live job: features to Redis and Iceberg, scores to the topic " + model().to());
    FeatureViewLayout layout = viewByCustomer();
    await(
        "the live job to replay the history",
        running,
        () -> {
          long known = 0;
          for (Transaction transaction : lastOfHistory) {
            Optional<OnlineRow> row = online.get(layout, transaction.customerId());
            if (row.isPresent() && row.get().validFrom() >= transaction.eventTime()) {
              known++;
            }
          }
          return lastOfHistory.size() - known;
        },
        left -> "   replaying the history …",
        POLL);
    done(
        start,
        "running, and past the history; %,d transactions/s from now on",
        settings.ratePerSecond());
  }

  /** Returns the transactions that were appended in a second. */
  private double goLive(
      FraudSimulator world, EventProducer producer, LogWatcher watcher, List<JobClient> running)
      throws Exception {
    long start = System.nanoTime();
    int wanted = settings.liveTransactions();
    while (producer.transactions() < wanted) {
      long elapsed = System.nanoTime() - start;
      long due = 1 + elapsed * settings.ratePerSecond() / TimeUnit.SECONDS.toNanos(1);
      while (producer.transactions() < Math.min(due, wanted)) {
        producer.send(world.next());
        if (producer.transactions() % settings.ratePerSecond() == 0) {
          console.live(
              "   %,d sent, %,d predictions"
                  .formatted(producer.transactions(), watcher.predictions().size()));
        }
      }
      watcher.check();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    awaitPredictions(producer, watcher, running);
    done(
        start,
        "%,d transactions, %,d predictions",
        producer.transactions(),
        watcher.predictions().size());
    return wanted / seconds;
  }

  private void awaitPredictions(EventProducer producer, LogWatcher watcher, List<JobClient> running)
      throws Exception {
    producer.flush();
    await(
        "the last predictions",
        running,
        () -> producer.transactions() - watcher.predictions().size(),
        left -> "   %,d predictions missing".formatted(left),
        POLL);
  }

  private void appendLabels(
      FraudSimulator world, EventProducer producer, LogWatcher watcher, List<JobClient> running)
      throws Exception {
    long start = System.nanoTime();
    console.say("5  Labels: the fraud reports of the following days");
    world.endPayments();
    while (world.hasNext()) {
      producer.send(world.next());
    }
    awaitPredictions(producer, watcher, running); // A few payments were still on their way.
    await(
        "the labels of the predictions",
        running,
        () ->
            watcher.predictions().keySet().stream()
                .filter(question -> !watcher.labels().containsKey(question))
                .count(),
        left -> "   %,d labels missing".formatted(left),
        POLL);
    done(start, "every prediction has its label");
  }

  private DemoReport check(
      LocalStack stack,
      Lake lake,
      RedisOnlineStore online,
      History history,
      EventProducer producer,
      LogWatcher watcher,
      List<JobClient> running,
      double rate)
      throws Exception {
    long start = System.nanoTime();
    console.say("6  Check: both stores, row by row");
    String predictionTable = Lake.predictionTable(model().name()).toString();
    long predictions = watcher.predictions().size();
    await(
        "the archive of the predictions",
        running,
        () -> predictions - lake.count(predictionTable),
        left -> "   %,d predictions not in the lake yet".formatted(left),
        POLL);
    await(
        "the live job to commit what it has read",
        running,
        () -> uncommitted(stack),
        left -> "   %,d events not committed yet".formatted(left),
        POLL);
    VerifyReport stores = verify(stack, lake, running);
    Map<String, Long> onlineRows = new LinkedHashMap<>();
    Map<String, Long> offlineRows = new LinkedHashMap<>();
    for (FeatureViewLayout layout : FeatureGraph.layouts(project.plan())) {
      LongAdder keys = new LongAdder();
      online.forEachKey(layout, key -> keys.increment());
      onlineRows.put(layout.view(), keys.sum());
      offlineRows.put(layout.view(), lake.count(Lake.featureTable(layout.view()).toString()));
    }
    done(
        start,
        "what is in both stores is what a replay of the log says, of one entity in %d",
        ONE_KEY_IN);

    List<Double> scores = new ArrayList<>();
    List<Boolean> labels = new ArrayList<>();
    List<Long> latencies = new ArrayList<>();
    long scored = 0;
    long warm = warmFrom(producer);
    for (LogWatcher.Seen seen : watcher.predictions().values()) {
      String question = seen.prediction().questionId();
      Boolean label = watcher.labels().get(question);
      if (seen.prediction().outcome() == Prediction.Outcome.SCORED) {
        scored++;
        if (label != null) {
          scores.add(seen.prediction().score());
          labels.add(label);
        }
      }
      Long appended = producer.appendTimes().get(question);
      if (appended != null && appended >= warm) {
        latencies.add(seen.appendTime() - appended);
      }
    }
    Latencies measured = new Latencies(latencies.stream().mapToLong(Long::longValue));
    return new DemoReport(
        history.transactions() + producer.transactions(),
        history.reports() + producer.reports(),
        deadLetters(stack),
        producer.transactions(),
        rate,
        onlineRows,
        offlineRows,
        stores,
        ONE_KEY_IN,
        predictions,
        scored,
        lake.count(predictionTable),
        measured.count(),
        measured.percentile(0.5),
        measured.percentile(0.99),
        labels.size(),
        Collections.frequency(labels, true),
        auc(scores, labels));
  }

  /** Events of the log that no completed checkpoint of the live job contains. */
  private long uncommitted(LocalStack stack) throws IOException {
    return Bootstrap.behind(
        Topics.committedOffsets(stack.log(), LiveJob.group(project.plan())),
        Topics.endOffsets(stack.log(), BootstrapJob.topics(project.plan())),
        Map.of());
  }

  /**
   * Compares until nothing differs: the last rows become final when the watermark passes them, and
   * are there with the checkpoint after it.
   */
  private VerifyReport verify(LocalStack stack, Lake lake, List<JobClient> running)
      throws Exception {
    AtomicReference<VerifyReport> found = new AtomicReference<>();
    VerifyJob.Config config =
        new VerifyJob.Config(
            new BoundedSources(Optional.of(stack.log()), Map.of()).pinned(project.plan()),
            stack.redis(),
            lake,
            IntStream.range(0, project.plan().views().size())
                .boxed()
                .collect(Collectors.toUnmodifiableSet()),
            ONE_KEY_IN,
            Instant.now());
    await(
        "the stores to be what a replay says",
        running,
        () -> {
          VerifyReport report =
              VerifyJob.run(
                  stack.environment(),
                  project.plan(),
                  config,
                  progress -> console.live("   " + progress));
          found.set(report);
          return report.differing();
        },
        left -> "   %,d rows not final yet".formatted(left),
        POLL);
    return Objects.requireNonNull(found.get());
  }

  private long deadLetters(LocalStack stack) throws IOException {
    List<String> topics =
        project.plan().recordedStreams().stream()
            .map(stream -> DeadLetter.topicOf(stream.topic()))
            .toList();
    return Topics.endOffsets(stack.log(), topics).values().stream()
        .flatMap(partitions -> partitions.values().stream())
        .mapToLong(Long::longValue)
        .sum();
  }

  /** The code is compiled while the first live transactions pass: they say little of the others. */
  private long warmFrom(EventProducer producer) {
    long first =
        producer.appendTimes().values().stream().mapToLong(Long::longValue).min().orElse(0);
    return first + Math.min(WARM_UP.toMillis(), settings.liveSeconds() * 1_000L / 4);
  }

  private static OptionalDouble auc(List<Double> scores, List<Boolean> labels) {
    if (scores.isEmpty()) {
      return OptionalDouble.empty();
    }
    boolean[] truth = new boolean[labels.size()];
    for (int i = 0; i < truth.length; i++) {
      truth[i] = labels.get(i);
    }
    return Evaluation.of(scores.stream().mapToDouble(Double::doubleValue).toArray(), truth)
        .rocAuc();
  }

  private int modelPosition() {
    if (project.plan().models().isEmpty()) {
      throw new CommandFailedException(
          project.directory() + " defines no model; run the demo on the fraud example");
    }
    return 0;
  }

  private ModelPlan model() {
    return project.plan().models().get(modelPosition());
  }

  private StreamPlan askStream() {
    return project.plan().streams().get(model().ask());
  }

  /** Everything in the log so far is history: it is not asked about. */
  private Map<String, Map<Integer, Long>> askFrom(LocalStack stack) throws IOException {
    String topic = askStream().topic();
    return Map.of(
        askStream().name(),
        Topics.endOffsets(stack.log(), List.of(topic)).getOrDefault(topic, Map.of()));
  }

  private LogWatcher.LabelReader labelReader() {
    ModelPlan.Labels labels =
        model()
            .labels()
            .orElseThrow(
                () ->
                    new CommandFailedException(
                        "model "
                            + model().name()
                            + " declares no labels; run the demo on the fraud example"));
    StreamPlan stream = project.plan().streams().get(labels.stream());
    return new LogWatcher.LabelReader(
        stream.topic(),
        stream.format().decoder(stream.schema()),
        stream.schema().indexOf(stream.carried().get(labels.on()).name()),
        stream.schema().indexOf(stream.carried().get(labels.value()).name()));
  }

  private FeatureViewLayout viewByCustomer() {
    return FeatureGraph.layouts(project.plan()).stream()
        .filter(layout -> layout.key().size() == 1)
        .filter(layout -> layout.key().get(0).name().equals("customer_id"))
        .findFirst()
        .orElseThrow(
            () ->
                new CommandFailedException(
                    project.directory()
                        + " has no feature view by customer_id; run the demo on the fraud example"));
  }

  private interface Left {
    long now() throws Exception;
  }

  private interface Progress {
    String line(long left);
  }

  /** Waits until nothing is left, a job fails, or nothing has moved for the patience. */
  private void await(
      String what, List<JobClient> running, Left left, Progress progress, Duration poll)
      throws Exception {
    long lastProgress = System.nanoTime();
    long least = Long.MAX_VALUE;
    while (true) {
      long now = left.now();
      if (now <= 0) {
        return;
      }
      requireRunning(running);
      if (now < least) {
        least = now;
        lastProgress = System.nanoTime();
      } else if (System.nanoTime() - lastProgress > PATIENCE.toNanos()) {
        throw new CommandFailedException(
            "waited %d minutes for %s without progress, %,d are missing; look into the log file, and run the demo again"
                .formatted(PATIENCE.toMinutes(), what, now),
            new TimeoutException("no progress with " + what));
      }
      console.live(progress.line(now));
      LockSupport.parkNanos(poll.toNanos());
    }
  }

  private static void requireRunning(List<JobClient> running)
      throws ExecutionException, InterruptedException, TimeoutException {
    for (JobClient job : running) {
      if (job.getJobStatus().get(30, TimeUnit.SECONDS).isTerminalState()) {
        Object unused = job.getJobExecutionResult().get(30, TimeUnit.SECONDS);
        throw new CommandFailedException(
            "job " + job.getJobID() + " ended too early; the log file tells why");
      }
    }
  }

  private void done(long startNanos, String format, Object... values) {
    console.say(
        String.format(Locale.ROOT, "   " + format, values)
            + String.format(Locale.ROOT, "  (%.1f s)", (System.nanoTime() - startNanos) / 1e9));
  }
}
