package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.files.EventFiles;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.TopicSpec;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.connectors.redis.OnlineRow;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.ArchiveJob;
import dev.tailwater.jobs.Ask;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.JobSettings;
import dev.tailwater.jobs.LiveJob;
import dev.tailwater.jobs.ServedModel;
import dev.tailwater.localstack.KafkaServer;
import dev.tailwater.localstack.RedisServer;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.PredictionFormat;
import dev.tailwater.schemas.RecordEncoder;
import dev.tailwater.schemas.Timestamps;
import dev.tailwater.serving.MicroBatcherSettings;
import dev.tailwater.training.LogisticRegressionTrainer;
import dev.tailwater.training.TrainingData;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.util.TestStreamEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The promise of the one graph: 200,000 published transactions, shuffled within the declared
 * disorder, through Kafka at parallelism 2, with two killed TaskManagers and one stop with
 * savepoint on the way, give the same answers, scores and final rows, bit for bit, as the file read
 * in order by a bounded run. Nothing is lost and nothing counts twice.
 */
class LiveEqualsBoundedIT {

  private static final int TRANSACTIONS = 200_000;
  private static final int PARTITIONS = 2;
  private static final long SEED = 20_261_122;
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private final Plan plan = FraudHandbook.plan();
  private final List<FeatureViewLayout> layouts = FeatureGraph.layouts(plan);
  private final StreamPlan stream = plan.streams().get(0);
  private final ModelPlan model = plan.models().get(0);

  @Test
  void evenWhenTaskManagersAreKilledAndTheJobIsMovedToASavepoint(@TempDir Path folder)
      throws Exception {
    System.out.println("seed " + SEED);
    Path history = first(FraudHandbook.data().resolve("transactions.csv.gz"), folder);
    ServedModel served = new ServedModel(0, "1", anyModel());
    Bounded bounded = runBounded(history, served);
    assertThat(bounded.predictions()).hasSize(TRANSACTIONS);

    try (KafkaServer kafka = KafkaServer.start(folder.resolve("kafka"), 0);
        RedisServer redis = RedisServer.start(folder.resolve("redis"), 0);
        MiniCluster cluster = cluster()) {
      KafkaLog log = KafkaLog.at(kafka.bootstrapServers());
      Topics.ensure(
          log,
          List.of(
              TopicSpec.of(stream.topic(), PARTITIONS),
              TopicSpec.of(model.to(), PARTITIONS),
              TopicSpec.deadLettersOf(stream.topic()),
              TopicSpec.deadLettersOf(model.to())));
      RedisAddress online = RedisAddress.parse("redis://127.0.0.1:" + redis.port());
      Lake lake = Lake.local(folder.resolve("lake"));
      LiveJob.Config config =
          new LiveJob.Config(
              log, online, lake, List.of(served), Map.of(), 0, MicroBatcherSettings.defaults());

      JobClient archive = startArchive(cluster, folder, log, lake);
      JobClient live = startLive(cluster, folder, config, "");
      Map<String, ConsumerRecord<byte[], byte[]>> published = new HashMap<>();
      try (KafkaConsumer<byte[], byte[]> consumer = predictions(log);
          Transactions transactions = new Transactions(history, log)) {
        transactions.send(50_000);
        awaitPredictions(consumer, published, 30_000);
        transactions.send(40_000);
        kill(cluster);
        awaitPredictions(consumer, published, 70_000);
        transactions.send(40_000);
        kill(cluster);
        awaitPredictions(consumer, published, 100_000);

        String savepoint =
            live.stopWithSavepoint(
                    false,
                    folder.resolve("savepoints").toUri().toString(),
                    SavepointFormatType.CANONICAL)
                .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        transactions.send(TRANSACTIONS - 130_000);
        live = startLive(cluster, folder, config, savepoint);
        awaitPredictions(consumer, published, transactions.answerableAtTheEnd());
        // Draining moves every clock to the end of time: nothing waits any more.
        live.stopWithSavepoint(
                true,
                folder.resolve("savepoints").toUri().toString(),
                SavepointFormatType.CANONICAL)
            .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        awaitPredictions(consumer, published, TRANSACTIONS);
        awaitArchive(consumer, lake);
      }
      archive
          .stopWithSavepoint(
              true, folder.resolve("savepoints").toUri().toString(), SavepointFormatType.CANONICAL)
          .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);

      assertThat(deadLetters(log)).isZero();
      assertSamePredictions(bounded, published);
      assertOnePredictionRowPerQuestion(lake, bounded);
      assertSameFinalRows(lake, bounded);
      assertOnlineEqualsOffline(online, lake);
    }
  }

  // ---- what must be equal

  private void assertSamePredictions(
      Bounded bounded, Map<String, ConsumerRecord<byte[], byte[]>> published) throws Exception {
    assertThat(published.keySet()).isEqualTo(bounded.predictions().keySet());
    PredictionFormat.Decoder decoder = PredictionFormat.JSON.decoder();
    List<String> differences = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> record : published.values()) {
      Prediction live = decoder.decode(record.value());
      Prediction replayed = bounded.predictions().get(live.questionId());
      if (replayed == null
          || !Arrays.equals(live.vector(), replayed.vector())
          || Double.compare(live.score(), replayed.score()) != 0
          || live.outcome() != Prediction.Outcome.SCORED) {
        differences.add("live " + live + ", bounded " + replayed);
      }
    }
    assertThat(differences).isEmpty();
  }

  private void assertOnePredictionRowPerQuestion(Lake lake, Bounded bounded) throws IOException {
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
    assertThat(questions).isEqualTo(bounded.predictions().keySet());
  }

  private void assertSameFinalRows(Lake lake, Bounded bounded) throws IOException {
    for (int view = 0; view < layouts.size(); view++) {
      Map<String, String> live = new HashMap<>();
      List<String> repeated = new ArrayList<>();
      try (CloseableIterable<Record> rows = lake.readFeatures(layouts.get(view).view())) {
        for (Record row : rows) {
          String place = key(row, layouts.get(view)) + "@" + epochMillis(row, "valid_from");
          Object until = row.getField("valid_until");
          String found =
              values(row, layouts.get(view))
                  + until(until == null ? Long.MAX_VALUE : epochMillis(row, "valid_until"));
          if (live.put(place, found) != null) {
            repeated.add(place);
          }
        }
      }
      assertThat(repeated).isEmpty();
      assertThat(live).isEqualTo(bounded.finalRows().get(view));
    }
  }

  private void assertOnlineEqualsOffline(RedisAddress address, Lake lake) {
    try (RedisOnlineStore online = new RedisOnlineStore(address, Duration.ofSeconds(10))) {
      for (FeatureViewLayout layout : layouts) {
        Map<String, Record> offline = lake.newestFeatures(layout);
        Set<String> keys = new HashSet<>();
        online.forEachKey(layout, keys::add);
        assertThat(keys).isEqualTo(offline.keySet());
        List<String> differences = new ArrayList<>();
        for (String key : keys) {
          OnlineRow row = online.get(layout, key).orElseThrow();
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

  private static String until(long validUntil) {
    return validUntil == Long.MAX_VALUE ? "" : " until " + validUntil;
  }

  private static String key(Record row, FeatureViewLayout layout) {
    return String.valueOf(row.getField(layout.key().get(0).name()));
  }

  private static String values(Record row, FeatureViewLayout layout) {
    return layout.features().stream().map(Column::name).map(row::getField).toList().toString();
  }

  private static long epochMillis(Record row, String column) {
    return ((OffsetDateTime) row.getField(column)).toInstant().toEpochMilli();
  }

  // ---- the bounded run

  /** Predictions by question; per view the values by key and event time. */
  private record Bounded(
      Map<String, Prediction> predictions, List<Map<String, String>> finalRows) {}

  private Bounded runBounded(Path history, ServedModel served) throws Exception {
    Map<String, Prediction> predictions = new HashMap<>();
    try (CloseableIterator<Prediction> results =
        boundedGraph(history, false)
            .predictions(served, MicroBatcherSettings.defaults(), false)
            .executeAndCollect()) {
      results.forEachRemaining(p -> predictions.put(p.questionId(), p));
    }
    List<Map<String, String>> rows = new ArrayList<>();
    layouts.forEach(layout -> rows.add(new HashMap<>()));
    FeatureGraph graph = boundedGraph(history, true);
    DataStream<FeatureRow> all =
        graph.featureRows().values().stream()
            .reduce((some, more) -> some.union(more))
            .orElseThrow();
    try (CloseableIterator<FeatureRow> results = all.executeAndCollect()) {
      results.forEachRemaining(
          row ->
              rows.get(row.view())
                  .put(
                      row.key() + "@" + row.validFrom(),
                      Arrays.toString(row.values()) + until(row.validUntil())));
    }
    return new Bounded(predictions, rows);
  }

  private FeatureGraph boundedGraph(Path history, boolean rows) {
    StreamExecutionEnvironment env =
        JobSettings.bounded(StreamExecutionEnvironment.createLocalEnvironment(PARTITIONS));
    List<Ask> asks = rows ? List.of() : List.of(Ask.always(0, model.views()));
    return FeatureGraph.build(
        env,
        plan,
        s -> EventFiles.source(history, stream.schema(), stream.eventTime()),
        new FeatureGraph.Options(asks, rows, 0, Set.of()));
  }

  // ---- the live run

  private static MiniCluster cluster() throws Exception {
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
                .setNumSlotsPerTaskManager(2 * PARTITIONS)
                .build());
    cluster.start();
    return cluster;
  }

  /** Kills the TaskManager under all jobs, and gives them another. */
  private static void kill(MiniCluster cluster) throws Exception {
    cluster.startTaskManager();
    cluster.terminateTaskManager(0).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  private static StreamExecutionEnvironment environment(
      MiniCluster cluster, Path folder, String savepoint) {
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
    return new TestStreamEnvironment(cluster, settings, PARTITIONS, List.of(), List.of());
  }

  private JobClient startLive(
      MiniCluster cluster, Path folder, LiveJob.Config config, String savepoint) throws Exception {
    StreamExecutionEnvironment env = environment(cluster, folder, savepoint);
    LiveJob.build(env, plan, config);
    return env.executeAsync("live");
  }

  private JobClient startArchive(MiniCluster cluster, Path folder, KafkaLog log, Lake lake)
      throws Exception {
    StreamExecutionEnvironment env = environment(cluster, folder, "");
    ArchiveJob.build(env, plan, new ArchiveJob.Config(log, lake, Duration.ofHours(24)));
    return env.executeAsync("archive");
  }

  private KafkaConsumer<byte[], byte[]> predictions(KafkaLog log) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", log.bootstrapServers());
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    List<TopicPartition> partitions = new ArrayList<>();
    for (int partition = 0; partition < PARTITIONS; partition++) {
      partitions.add(new TopicPartition(model.to(), partition));
    }
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    return consumer;
  }

  /** Reads until this many questions have a prediction; the first of each counts. */
  private void awaitPredictions(
      KafkaConsumer<byte[], byte[]> consumer,
      Map<String, ConsumerRecord<byte[], byte[]>> published,
      int questions) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (published.size() < questions) {
      assertThat(System.nanoTime()).as("%d predictions", published.size()).isLessThan(deadline);
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
        published.putIfAbsent(new String(record.key(), StandardCharsets.UTF_8), record);
      }
    }
  }

  /** Waits until the archive has a row for every question. */
  private void awaitArchive(KafkaConsumer<byte[], byte[]> pacing, Lake lake) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    String table = "predictions." + model.name();
    while (lake.count(table) < TRANSACTIONS) {
      assertThat(System.nanoTime()).as("%d rows", lake.count(table)).isLessThan(deadline);
      pacing.poll(Duration.ofMillis(200));
    }
  }

  private long deadLetters(KafkaLog log) throws IOException {
    return Topics.endOffsets(log, List.of(stream.topic() + ".dead-letters")).values().stream()
        .flatMap(byPartition -> byPartition.values().stream())
        .mapToLong(Long::longValue)
        .sum();
  }

  // ---- the events

  /** The first transactions of the published file. */
  private static Path first(Path published, Path folder) throws IOException {
    Path file = folder.resolve("first-transactions.csv");
    try (BufferedReader reader = FraudHandbook.open(published);
        Writer writer = Files.newBufferedWriter(file)) {
      for (int line = 0; line <= TRANSACTIONS; line++) {
        writer.write(reader.readLine() + "\n");
      }
    }
    return file;
  }

  private byte[] anyModel() throws Exception {
    Random random = new Random(SEED);
    List<String> names = model.vector().stream().map(ModelPlan.Element::name).toList();
    TrainingData.Builder rows = TrainingData.builder(names, 1_000);
    for (int i = 0; i < 1_000; i++) {
      double[] vector = random.doubles(names.size(), 0, 100).toArray();
      rows.add(i, vector, vector[0] > vector[1]);
    }
    return new LogisticRegressionTrainer(LogisticRegressionTrainer.Settings.defaults())
        .train(rows.build())
        .onnx();
  }

  /** The transactions in an order in which they may arrive, and how to send them. */
  private final class Transactions implements AutoCloseable {

    private final KafkaProducer<byte[], byte[]> producer;
    private final List<ProducerRecord<byte[], byte[]>> arriving = new ArrayList<>();
    private final int answerableAtTheEnd;
    private int sent;

    Transactions(Path history, KafkaLog log) throws IOException {
      producer =
          new KafkaProducer<>(
              log.producerProperties(), new ByteArraySerializer(), new ByteArraySerializer());
      Random random = new Random(SEED);
      RecordEncoder encoder = stream.format().encoder(stream.schema());
      Map<ProducerRecord<byte[], byte[]>, Long> arrival = new HashMap<>();
      Map<Integer, ProducerRecord<byte[], byte[]>> newest = new TreeMap<>();
      Map<Integer, Long> newestTime = new TreeMap<>();
      List<Long> times = new ArrayList<>();
      try (BufferedReader reader = FraudHandbook.open(history)) {
        List<String> header = List.of(reader.readLine().split(","));
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
          Object[] values = parse(line.split(","), header);
          long time = (Long) values[stream.eventTime()];
          int partition = random.nextInt(PARTITIONS);
          ProducerRecord<byte[], byte[]> record =
              new ProducerRecord<>(stream.topic(), partition, null, encoder.encode(values));
          arriving.add(record);
          arrival.put(record, time + random.nextLong(stream.disorderMs()));
          times.add(time);
          if (time >= newestTime.getOrDefault(partition, Long.MIN_VALUE)) {
            newestTime.put(partition, time);
            newest.put(partition, record);
          }
        }
      }
      arriving.sort(Comparator.comparing(record -> arrival.getOrDefault(record, 0L)));
      // The newest of each partition comes last: when it has been read, all have been.
      arriving.removeAll(Set.copyOf(newest.values()));
      arriving.addAll(newest.values());
      long watermark =
          newestTime.values().stream().min(Long::compare).orElseThrow() - stream.disorderMs() - 1;
      answerableAtTheEnd = (int) times.stream().filter(time -> time <= watermark).count();
    }

    private Object[] parse(String[] fields, List<String> header) {
      List<Column> columns = stream.schema().columns();
      Object[] values = new Object[columns.size()];
      for (int i = 0; i < values.length; i++) {
        String text = fields[header.indexOf(columns.get(i).name())];
        values[i] =
            switch (columns.get(i).type()) {
              case BOOLEAN -> Boolean.valueOf(text);
              case INT -> Integer.valueOf(text);
              case LONG -> Long.valueOf(text);
              case DOUBLE -> Double.valueOf(text);
              case STRING -> text;
              case TIMESTAMP -> Timestamps.parse(text);
            };
      }
      return values;
    }

    /** How many questions the watermark has passed when everything has been read. */
    int answerableAtTheEnd() {
      return answerableAtTheEnd;
    }

    void send(int count) {
      for (int end = sent + count; sent < end; sent++) {
        producer.send(arriving.get(sent));
      }
      producer.flush();
    }

    @Override
    public void close() {
      producer.close();
    }
  }
}
