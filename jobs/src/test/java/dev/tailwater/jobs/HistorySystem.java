package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.RawEnd;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.TopicSpec;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.localstack.KafkaServer;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Timestamps;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecutionGraph;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.util.TestStreamEnvironment;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** A log with the payments of {@link CardPlan}, good and bad ones, their lake, and Flink. */
final class HistorySystem implements AutoCloseable {

  private static final String STREAM = "payments";
  static final int PARTITIONS = 3;
  static final int PARALLELISM = 2;

  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final long POLL_MS = 50;
  private static final long START_MS = 1_000_000_000_000L;

  private final Path folder;
  private final KafkaServer kafka;
  private final MiniCluster cluster;
  private final Admin admin;
  private final KafkaProducer<byte[], byte[]> producer;
  private final List<byte[]> paid = new ArrayList<>();
  private Plan plan = CardPlan.plan();
  private long now = START_MS;

  private HistorySystem(Path folder, KafkaServer kafka, MiniCluster cluster) {
    this.folder = folder;
    this.kafka = kafka;
    this.cluster = cluster;
    Properties properties = new Properties();
    properties.put("bootstrap.servers", kafka.bootstrapServers());
    this.admin = Admin.create(properties);
    this.producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static HistorySystem start(Path folder) throws Exception {
    KafkaServer kafka = KafkaServer.start(folder.resolve("kafka"), 0);
    try {
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
                  .setNumSlotsPerTaskManager(2 * PARALLELISM)
                  .build());
      cluster.start();
      return new HistorySystem(folder, kafka, cluster);
    } catch (Exception e) {
      kafka.close();
      throw e;
    }
  }

  /** Begins with an empty topic, and a lake of its own. */
  Lake begin(String name) throws Exception {
    StreamPlan stream = CardPlan.plan().streams().get(0);
    plan = CardPlan.on(stream.name() + "-" + name);
    paid.clear();
    assertThat(Topics.ensure(log(), List.of(TopicSpec.of(topic(), PARTITIONS)))).isEmpty();
    return Lake.local(folder.resolve("lake-" + name));
  }

  String topic() {
    return plan.streams().get(0).topic();
  }

  Plan plan() {
    return plan;
  }

  KafkaLog log() {
    return KafkaLog.at(kafka.bootstrapServers());
  }

  // ---- the log

  /** Appends payments: most are good, the others bad in every way that there is. */
  void pay(int records, Random random) throws Exception {
    List<Future<RecordMetadata>> sends = new ArrayList<>();
    for (int i = 0; i < records; i++) {
      int card = random.nextInt(12);
      byte @Nullable [] value = payment(card, random);
      ProducerRecord<byte[], byte[]> record =
          new ProducerRecord<>(topic(), card % PARTITIONS, key(card, random), value);
      Headers headers = record.headers();
      for (int h = random.nextInt(3); h > 0; h--) {
        headers.add("trace", random.nextInt(4) == 0 ? null : new byte[] {(byte) h, -1});
      }
      sends.add(producer.send(record));
    }
    producer.flush();
    for (Future<RecordMetadata> send : sends) {
      var unused = send.get(); // Its failure is the test's.
    }
  }

  private byte @Nullable [] payment(int card, Random random) {
    now += random.nextInt(200);
    int kind = random.nextInt(40);
    if (kind == 0) {
      return null;
    }
    if (kind == 1) {
      byte[] noise = new byte[random.nextInt(20)];
      random.nextBytes(noise);
      return noise;
    }
    if (kind == 2 && !paid.isEmpty()) {
      return paid.get(random.nextInt(paid.size())); // Perhaps in another partition, perhaps late.
    }
    if (kind == 3 && !paid.isEmpty()) {
      String earlier = new String(paid.get(paid.size() - 1), StandardCharsets.UTF_8);
      return bytes(earlier.replaceAll("\"amount\":[-.0-9]+", "\"amount\":-1.5"));
    }
    long paidAt =
        switch (kind) {
          case 4 -> now - 20_000 - random.nextInt(100_000);
          case 5 -> now - random.nextInt(7_000);
          case 6 -> 4_000_000_000_000L;
          default -> now - random.nextInt(1_000);
        };
    String time = kind == 7 ? "null" : "\"" + Timestamps.format(paidAt) + "\"";
    String of = kind == 8 ? "null" : "\"card-" + card + "\"";
    byte[] payment =
        bytes(
            "{\"payment_id\":\"p%d\",\"paid_at\":%s,\"card_id\":%s,\"amount\":%s}"
                .formatted(paid.size(), time, of, random.nextInt(10_000) / 100.0));
    paid.add(payment);
    return payment;
  }

  private static byte @Nullable [] key(int card, Random random) {
    if (random.nextBoolean()) {
      return null;
    }
    return bytes("card-" + card);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  Map<Integer, Long> ends() throws IOException {
    return Topics.endOffsets(log(), List.of(topic())).getOrDefault(topic(), Map.of());
  }

  /** Retention: the log forgets the records before these offsets. */
  void forget(Map<Integer, Long> before) throws Exception {
    Map<TopicPartition, RecordsToDelete> deletions = new HashMap<>();
    before.forEach(
        (partition, offset) ->
            deletions.put(
                new TopicPartition(topic(), partition), RecordsToDelete.beforeOffset(offset)));
    Object unused = admin.deleteRecords(deletions).all().get(30, TimeUnit.SECONDS);
  }

  // ---- jobs

  StreamExecutionEnvironment environment() {
    return environment("");
  }

  /** An environment whose jobs checkpoint and restart, from a savepoint if there is one. */
  StreamExecutionEnvironment environment(String savepoint) {
    Configuration settings = new Configuration();
    settings.setString("execution.checkpointing.interval", "200ms");
    settings.setString(
        "execution.checkpointing.dir", folder.resolve("checkpoints").toUri().toString());
    settings.setString("restart-strategy.type", "fixed-delay");
    settings.setString("restart-strategy.fixed-delay.attempts", "10");
    settings.setString("restart-strategy.fixed-delay.delay", "50ms");
    if (!savepoint.isEmpty()) {
      settings.setString("execution.state-recovery.path", savepoint);
    }
    return new TestStreamEnvironment(cluster, settings, PARALLELISM, List.of(), List.of());
  }

  JobClient startArchive(Lake lake, String savepoint) throws Exception {
    StreamExecutionEnvironment env = environment(savepoint);
    ArchiveJob.build(env, plan, new ArchiveJob.Config(log(), lake, Duration.ofHours(1)));
    return env.executeAsync("archive");
  }

  /** Archives everything that is in the log now, and stops without a trace of state. */
  void archive(Lake lake) throws Exception {
    JobClient job = startArchive(lake, "");
    awaitArchived(lake, job);
    cancel(job);
  }

  void awaitArchived(Lake lake, JobClient job) throws IOException {
    Map<Integer, Long> ends = ends();
    await(job, () -> archived(lake).equals(ends));
  }

  static Map<Integer, Long> archived(Lake lake) {
    Map<Integer, Long> next = new HashMap<>();
    lake.rawEnd(STREAM)
        .map(RawEnd::partitions)
        .orElse(Map.of())
        .forEach((partition, end) -> next.put(partition, end.nextOffset()));
    return next;
  }

  void cancel(JobClient job) throws Exception {
    job.cancel().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    await(job, () -> graph(job).getState().isGloballyTerminalState());
  }

  String savepoint(JobClient job) throws Exception {
    await(
        job,
        () ->
            graph(job).getAllVertices().values().stream()
                .allMatch(task -> task.getAggregateState() == ExecutionState.RUNNING));
    return job.triggerSavepoint(
            folder.resolve("savepoints").toUri().toString(), SavepointFormatType.CANONICAL)
        .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  /** Everything that is in the log. */
  List<ConsumerRecord<byte[], byte[]>> read() throws IOException {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", kafka.bootstrapServers());
    Map<Integer, Long> ends = ends();
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          ends.keySet().stream().map(partition -> new TopicPartition(topic(), partition)).toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (partitions.stream()
          .anyMatch(next -> consumer.position(next) < ends.getOrDefault(next.partition(), 0L))) {
        assertThat(System.nanoTime()).isLessThan(deadline);
        consumer.poll(Duration.ofMillis(100)).forEach(records::add);
      }
    }
    return records;
  }

  /** Kills the TaskManager under all jobs, and gives them another. */
  void killTaskManager() throws Exception {
    cluster.startTaskManager();
    cluster.terminateTaskManager(0).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  AccessExecutionGraph graph(JobClient job) {
    return cluster.getExecutionGraph(job.getJobID()).orTimeout(30, TimeUnit.SECONDS).join();
  }

  void await(JobClient job, BooleanSupplier condition) {
    await(job, condition, () -> "");
  }

  /**
   * Waits for a condition, within a limit, and only while the job runs.
   *
   * @param state what to say of a wait that was in vain
   */
  void await(JobClient job, BooleanSupplier condition, Supplier<String> state) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      AccessExecutionGraph graph = graph(job);
      if (condition.getAsBoolean()) {
        return;
      }
      assertThat(!graph.getState().isTerminalState() && System.nanoTime() < deadline)
          .as(
              () ->
                  state.get()
                      + " "
                      + graph.getState()
                      + ", last failure: "
                      + (graph.getFailureInfo() == null
                          ? "none"
                          : graph.getFailureInfo().getExceptionAsString()))
          .isTrue();
      try {
        // Asking costs what the servers need: they run on the same cores.
        boolean unused = new CountDownLatch(1).await(POLL_MS, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        throw new AssertionError("the test was interrupted", e);
      }
    }
  }

  @Override
  public void close() throws Exception {
    try (kafka;
        cluster) {
      producer.close();
      admin.close();
    }
  }
}
