package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.TopicSpec;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.connectors.redis.OnlineRow;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.ArchiveJob;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.LiveJob;
import dev.tailwater.jobs.ServedModel;
import dev.tailwater.localstack.KafkaServer;
import dev.tailwater.localstack.RedisServer;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.serving.MicroBatcherSettings;
import dev.tailwater.training.LogisticRegressionTrainer;
import dev.tailwater.training.TrainingData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecutionGraph;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.util.TestStreamEnvironment;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import redis.clients.jedis.RedisClient;

/**
 * A project with one model on real servers: Kafka, Redis, an Iceberg lake, and Flink with one
 * TaskManager that can be killed. Every wait has a limit; nothing waits for a time to pass.
 */
final class LiveSystem implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final Duration POLL = Duration.ofMillis(100);

  private final Path folder;
  private final Plan plan;
  private final ModelPlan model;
  private final int partitions;
  private final KafkaServer kafka;
  private final RedisServer redis;
  private final MiniCluster cluster;
  private final KafkaLog log;
  private final RedisAddress online;
  private final Lake lake;
  private final KafkaConsumer<byte[], byte[]> predictions;
  private final Map<String, ConsumerRecord<byte[], byte[]>> firstPredictions = new HashMap<>();
  private final List<JobClient> jobs = new ArrayList<>();

  private LiveSystem(
      Path folder,
      Plan plan,
      int partitions,
      KafkaServer kafka,
      RedisServer redis,
      MiniCluster cluster) {
    this.folder = folder;
    this.plan = plan;
    this.model = plan.models().get(0);
    this.partitions = partitions;
    this.kafka = kafka;
    this.redis = redis;
    this.cluster = cluster;
    this.log = KafkaLog.at(kafka.bootstrapServers());
    this.online = RedisAddress.parse("redis://127.0.0.1:" + redis.port());
    this.lake = Lake.local(folder.resolve("lake"));
    this.predictions = consumer(List.of(model.to()));
  }

  /**
   * Starts the servers, with the topics that the project needs.
   *
   * @param folder where all of it lives
   * @param partitions of every topic, and parallelism of every job
   */
  static LiveSystem start(Path folder, Plan plan, int partitions) throws Exception {
    KafkaServer kafka = KafkaServer.start(folder.resolve("kafka"), 0);
    try {
      createTopics(KafkaLog.at(kafka.bootstrapServers()), plan, partitions);
      RedisServer redis = RedisServer.start(folder.resolve("redis"), 0);
      try {
        return new LiveSystem(folder, plan, partitions, kafka, redis, cluster(partitions));
      } catch (Exception e) {
        redis.close();
        throw e;
      }
    } catch (Exception e) {
      kafka.close();
      throw e;
    }
  }

  private static void createTopics(KafkaLog log, Plan plan, int partitions) throws IOException {
    List<TopicSpec> topics = new ArrayList<>();
    for (StreamPlan stream : plan.streams()) {
      topics.add(TopicSpec.of(stream.topic(), partitions));
      topics.add(TopicSpec.deadLettersOf(stream.topic()));
    }
    String answers = plan.models().get(0).to();
    topics.add(TopicSpec.of(answers, partitions));
    topics.add(TopicSpec.deadLettersOf(answers));
    assertThat(Topics.ensure(log, topics)).isEmpty();
  }

  private static MiniCluster cluster(int partitions) throws Exception {
    Configuration settings = new Configuration();
    settings.setString("rest.bind-address", "127.0.0.1");
    settings.setString("rest.port", "0");
    settings.setString("taskmanager.memory.network.max", "64mb");
    settings.setString("taskmanager.memory.managed.size", "64mb");
    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(settings)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(2 * partitions)
                .build());
    cluster.start();
    return cluster;
  }

  KafkaLog log() {
    return log;
  }

  RedisAddress redisAddress() {
    return online;
  }

  RedisServer redis() {
    return redis;
  }

  RedisAddress online() {
    return online;
  }

  /** To look at and change what is in Redis, past every reader and writer. */
  RedisClient redisClient() {
    return RedisClient.create("redis://127.0.0.1:" + redis.port());
  }

  Lake lake() {
    return lake;
  }

  // ---- jobs

  /** A model with the inputs of the plan's; what it answers has no meaning. */
  static ServedModel anyModel(Plan plan, long seed) throws Exception {
    Random random = new Random(seed);
    List<String> names =
        plan.models().get(0).vector().stream().map(ModelPlan.Element::name).toList();
    TrainingData.Builder rows = TrainingData.builder(names, 1_000);
    for (int i = 0; i < 1_000; i++) {
      double[] vector = random.doubles(names.size(), 0, 100).toArray();
      rows.add(i, vector, vector[0] > vector[1]);
    }
    return new ServedModel(
        0,
        "1",
        new LogisticRegressionTrainer(LogisticRegressionTrainer.Settings.defaults())
            .train(rows.build())
            .onnx());
  }

  /**
   * Starts the live job.
   *
   * @param savepoint where to go on from; empty for the beginning of the log
   */
  JobClient startLive(ServedModel served, String savepoint) throws Exception {
    StreamExecutionEnvironment env = environment(savepoint);
    LiveJob.build(
        env,
        plan,
        new LiveJob.Config(
            log, online, lake, List.of(served), Map.of(), 0, MicroBatcherSettings.defaults()));
    return started(env.executeAsync("live"));
  }

  JobClient startArchive() throws Exception {
    StreamExecutionEnvironment env = environment("");
    ArchiveJob.build(env, plan, new ArchiveJob.Config(log, lake, Duration.ofHours(24)));
    return started(env.executeAsync("archive"));
  }

  /**
   * An environment whose job runs on the system's Flink.
   *
   * @param savepoint where it goes on from; empty for its beginning
   */
  StreamExecutionEnvironment environment(String savepoint) {
    Configuration settings = new Configuration();
    settings.setString("execution.checkpointing.interval", "1s");
    settings.setString(
        "execution.checkpointing.dir", folder.resolve("checkpoints").toUri().toString());
    settings.setString("restart-strategy.type", "fixed-delay");
    settings.setString("restart-strategy.fixed-delay.attempts", "10");
    settings.setString("restart-strategy.fixed-delay.delay", "200ms");
    if (!savepoint.isEmpty()) {
      settings.setString("execution.state-recovery.path", savepoint);
    }
    return new TestStreamEnvironment(cluster, settings, partitions, List.of(), List.of());
  }

  /** Kills the TaskManager under all jobs, and gives them another. */
  void killTaskManager() throws Exception {
    cluster.startTaskManager();
    cluster.terminateTaskManager(0).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  /**
   * Stops a job with a savepoint and returns where that is.
   *
   * @param drain whether every clock moves to the end of time, so that nothing waits any more
   */
  String stop(JobClient job, boolean drain) throws Exception {
    awaitRunning(job, deadline());
    return job.stopWithSavepoint(
            drain, folder.resolve("savepoints").toUri().toString(), SavepointFormatType.CANONICAL)
        .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  /** Waits until all tasks of a job run. */
  void awaitRunning(JobClient job) {
    awaitRunning(job, deadline());
  }

  /** Waits until something is so. */
  void await(BooleanSupplier condition, String what) {
    long deadline = deadline();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(() -> what + "; " + state()).isLessThan(deadline);
      poll();
    }
  }

  private void awaitRunning(JobClient job, long deadline) {
    while (!allTasksRun(graph(job))) {
      assertThat(System.nanoTime()).as(this::state).isLessThan(deadline);
      poll();
    }
  }

  private static boolean allTasksRun(AccessExecutionGraph graph) {
    return graph.getState() == JobStatus.RUNNING
        && graph.getAllVertices().values().stream()
            .allMatch(task -> task.getAggregateState() == ExecutionState.RUNNING);
  }

  private JobClient started(JobClient job) {
    jobs.add(job);
    return job;
  }

  /** What has become of the jobs, for the message of a wait that was in vain. */
  private String state() {
    return jobs.stream().map(this::state).toList().toString();
  }

  private String state(JobClient job) {
    AccessExecutionGraph graph = graph(job);
    List<String> tasks = new ArrayList<>();
    graph
        .getAllVertices()
        .values()
        .forEach(task -> tasks.add(task.getName() + " " + task.getAggregateState()));
    return "%s %s: %s, last failure: %s"
        .formatted(
            graph.getJobName(),
            graph.getState(),
            tasks,
            graph.getFailureInfo() == null
                ? "none"
                : graph.getFailureInfo().getExceptionAsString());
  }

  private AccessExecutionGraph graph(JobClient job) {
    return cluster.getExecutionGraph(job.getJobID()).orTimeout(30, TimeUnit.SECONDS).join();
  }

  /** The job runs, and has never failed. */
  void assertNeverFailed(JobClient job) {
    AccessExecutionGraph graph = graph(job);
    assertThat(graph.getState()).isEqualTo(JobStatus.RUNNING);
    assertThat(graph.getStatusTimestamp(JobStatus.RESTARTING)).isZero();
  }

  // ---- what came out

  /** The first prediction of each question, of those read so far. */
  Map<String, ConsumerRecord<byte[], byte[]>> predictions() {
    return firstPredictions;
  }

  /** Reads until this many questions have a prediction. */
  void awaitPredictions(int questions) {
    long deadline = deadline();
    while (firstPredictions.size() < questions) {
      assertThat(System.nanoTime())
          .as(() -> firstPredictions.size() + " of " + questions + " predictions; " + state())
          .isLessThan(deadline);
      poll();
    }
  }

  /** Reads what has been predicted since; it paces every loop that waits. */
  private void poll() {
    for (ConsumerRecord<byte[], byte[]> record : predictions.poll(POLL)) {
      firstPredictions.putIfAbsent(new String(record.key(), StandardCharsets.UTF_8), record);
    }
  }

  /** Waits until the archive has this many rows. */
  void awaitArchive(int rows) {
    long deadline = deadline();
    String table = "predictions." + model.name();
    while (lake.count(table) < rows) {
      assertThat(System.nanoTime())
          .as(() -> lake.count(table) + " of " + rows + " rows; " + state())
          .isLessThan(deadline);
      poll();
    }
  }

  /** Waits until a view has offline rows: then the live job's clock has passed events. */
  void awaitFinalRows(String view) {
    long deadline = deadline();
    String table = Lake.featureTable(view).toString();
    while (lake.count(table) == 0) {
      assertThat(System.nanoTime()).as(() -> table + " is empty; " + state()).isLessThan(deadline);
      poll();
    }
  }

  /** The archived questions: each is there once. */
  Set<String> archivedQuestions() throws IOException {
    Set<String> questions = new HashSet<>();
    List<String> repeated = new ArrayList<>();
    try (CloseableIterable<Record> rows = lake.readPredictions(model.name())) {
      for (Record row : rows) {
        String question = (String) row.getField("question_id");
        if (!questions.add(question)) {
          repeated.add(question);
        }
      }
    }
    assertThat(repeated).isEmpty();
    return questions;
  }

  /**
   * Reads dead letters until there are at least this many, and then whatever else there is; once
   * per place, because a job that restarts may write one twice.
   */
  List<DeadLetter> awaitDeadLetters(int count) {
    List<String> topics =
        plan.streams().stream().map(stream -> DeadLetter.topicOf(stream.topic())).toList();
    Map<List<?>, DeadLetter> letters = new LinkedHashMap<>();
    long deadline = deadline();
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(topics)) {
      boolean more = true;
      while (letters.size() < count || more) {
        assertThat(System.nanoTime())
            .as(() -> letters.size() + " of " + count + " dead letters; " + state())
            .isLessThan(deadline);
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
          DeadLetter letter = DeadLetter.read(record);
          letters.put(List.of(letter.topic(), letter.partition(), letter.offset()), letter);
        }
        more =
            consumer.endOffsets(consumer.assignment()).entrySet().stream()
                .anyMatch(end -> consumer.position(end.getKey()) < end.getValue());
      }
    }
    return List.copyOf(letters.values());
  }

  /** Every online row is the newest offline row of its key, and none is missing in either. */
  void assertOnlineEqualsOffline() {
    assertOnlineEqualsOffline(FeatureGraph.layouts(plan));
  }

  /** The same for these versions of views. */
  void assertOnlineEqualsOffline(List<FeatureViewLayout> layouts) {
    try (RedisOnlineStore store = new RedisOnlineStore(online, Duration.ofSeconds(10))) {
      for (FeatureViewLayout layout : layouts) {
        Map<String, Record> offline = lake.newestFeatures(layout);
        Set<String> keys = new HashSet<>();
        store.forEachKey(layout, keys::add);
        assertThat(keys).isNotEmpty().isEqualTo(offline.keySet());
        List<String> differences = new ArrayList<>();
        for (String key : keys) {
          OnlineRow row = store.get(layout, key).orElseThrow();
          Record newest = offline.get(key);
          if (newest == null
              || row.validFrom() != epochMillis(newest, "valid_from")
              || !Arrays.toString(row.values()).equals(values(newest, layout))) {
            differences.add(layout.view() + " " + key + ": " + row + ", offline " + newest);
          }
        }
        assertThat(differences).isEmpty();
      }
    }
  }

  /** The features of an offline row, as text. */
  static String values(Record row, FeatureViewLayout layout) {
    return layout.features().stream().map(Column::name).map(row::getField).toList().toString();
  }

  static long epochMillis(Record row, String column) {
    return ((OffsetDateTime) row.getField(column)).toInstant().toEpochMilli();
  }

  private KafkaConsumer<byte[], byte[]> consumer(List<String> topics) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", log.bootstrapServers());
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    List<TopicPartition> assigned = new ArrayList<>();
    for (String topic : topics) {
      consumer
          .partitionsFor(topic)
          .forEach(known -> assigned.add(new TopicPartition(topic, known.partition())));
    }
    consumer.assign(assigned);
    consumer.seekToBeginning(assigned);
    return consumer;
  }

  private static long deadline() {
    return System.nanoTime() + PATIENCE.toNanos();
  }

  @Override
  public void close() throws Exception {
    try (kafka;
        redis;
        cluster) {
      predictions.close();
    }
  }
}
