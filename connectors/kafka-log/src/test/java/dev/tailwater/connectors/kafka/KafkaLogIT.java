package dev.tailwater.connectors.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.localstack.KafkaServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Against a real broker, with jobs on Flink's local cluster. Every test has topics of its own. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class KafkaLogIT {

  private static KafkaServer kafka;
  private static KafkaLog log;
  private static KafkaProducer<byte @Nullable [], byte @Nullable []> producer;

  @BeforeAll
  static void start(@TempDir Path directory) throws IOException {
    kafka = KafkaServer.start(directory, 0);
    log = KafkaLog.at(kafka.bootstrapServers());
    producer =
        new KafkaProducer<>(
            log.producerProperties(), new ByteArraySerializer(), new ByteArraySerializer());
  }

  @AfterAll
  static void stop() throws IOException {
    producer.close(Duration.ofSeconds(5));
    kafka.close();
  }

  @Test
  void everyRecordComesWithItsPlaceAndTimesBadOnesToo() throws Exception {
    Topics.ensure(log, List.of(TopicSpec.of("mixed", 2)));
    RecordMetadata good = send("mixed", 0, Payments.json("a", 1_000));
    RecordMetadata broken = send("mixed", 0, "{\"id\": ");
    RecordMetadata tombstone = send("mixed", 0, null);
    RecordMetadata timeless = send("mixed", 0, "{\"id\": \"b\"}");
    RecordMetadata other = send("mixed", 1, Payments.json("c", 3_000));

    List<LogRecord> records = readToPresentEnd("mixed", StartAt.earliest());

    assertThat(records).extracting(record -> record.partition).containsExactly(0, 0, 0, 0, 1);
    assertThat(records).extracting(record -> record.offset).containsExactly(0L, 1L, 2L, 3L, 0L);
    assertThat(records)
        .extracting(record -> record.appendTime)
        .containsExactlyElementsOf(
            Stream.of(good, broken, tombstone, timeless, other)
                .map(RecordMetadata::timestamp)
                .toList());
    assertThat(records)
        .extracting(record -> record.eventTime)
        .containsExactly(1_000L, Long.MIN_VALUE, Long.MIN_VALUE, Long.MIN_VALUE, 3_000L);
    assertThat(records)
        .extracting(record -> record.problem != null)
        .containsExactly(false, true, true, true, false);
    assertThat(records.get(1).bytes).isEqualTo("{\"id\": ".getBytes(UTF_8));
    assertThat(records.get(4).values).containsExactly("c", 3_000L);
  }

  /** A batch that must be sent again, because nobody led its partition yet, can be lost. */
  @Test
  void newTopicsTakeTheirFirstRecordsAtOnce() throws Exception {
    try (KafkaProducer<byte[], byte[]> first =
        new KafkaProducer<>(
            log.producerProperties(), new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int round = 0; round < 10; round++) {
        TopicSpec topic = TopicSpec.of("new-" + round, 8);
        Topics.ensure(log, List.of(topic));
        List<Future<RecordMetadata>> sends =
            IntStream.range(0, topic.partitions())
                .mapToObj(
                    partition ->
                        first.send(
                            new ProducerRecord<>(topic.name(), partition, null, new byte[] {1})))
                .toList();
        for (Future<RecordMetadata> send : sends) {
          assertThat(send.get(30, TimeUnit.SECONDS).offset()).isZero();
        }
      }
      assertThat(first.metrics())
          .hasEntrySatisfying(
              first.metrics().keySet().stream()
                  .filter(
                      name ->
                          name.group().equals("producer-metrics")
                              && name.name().equals("record-retry-total"))
                  .findAny()
                  .orElseThrow(),
              retries -> assertThat(retries.metricValue()).isEqualTo(0.0));
    }
  }

  @Test
  void boundedReadEndsBeforeItsOffsetsAndStartsAtThem() throws Exception {
    Topics.ensure(log, List.of(TopicSpec.of("bounded", 2)));
    sendPayments("bounded", 0, 10);
    Map<Integer, Long> end =
        Topics.endOffsets(log, List.of("bounded")).getOrDefault("bounded", Map.of());
    assertThat(end).containsExactly(Map.entry(0, 10L), Map.entry(1, 0L));
    sendPayments("bounded", 10, 20);

    List<LogRecord> before = read("bounded", StartAt.earliest(), Bound.before(end));
    List<LogRecord> after = readToPresentEnd("bounded", StartAt.offsets(end));

    assertThat(before).extracting(record -> record.offset).containsExactlyElementsOf(range(0, 10));
    assertThat(after).extracting(record -> record.offset).containsExactlyElementsOf(range(10, 20));
  }

  @Test
  void startBeforeTheFirstKeptRecordFailsInsteadOfSkipping() throws Exception {
    Topics.ensure(log, List.of(TopicSpec.of("shortened", 1)));
    sendPayments("shortened", 0, 10);
    try (Admin admin = Admin.create(log.adminProperties())) {
      admin
          .deleteRecords(
              Map.of(new TopicPartition("shortened", 0), RecordsToDelete.beforeOffset(5)))
          .all()
          .get(30, TimeUnit.SECONDS);
    }

    assertThat(Topics.beginningOffsets(log, List.of("shortened")).get("shortened"))
        .containsEntry(0, 5L);
    assertThat(readToPresentEnd("shortened", StartAt.earliest())).hasSize(5);
    assertThatThrownBy(() -> readToPresentEnd("shortened", StartAt.offsets(Map.of(0, 2L))))
        .hasStackTraceContaining(OffsetOutOfRangeException.class.getName());
  }

  @Test
  void savepointContinuesAtTheExactNextOffset(@TempDir Path savepoints) throws Exception {
    Topics.ensure(log, List.of(TopicSpec.of("saved", 1), TopicSpec.of("saved-out", 1)));
    sendPayments("saved", 0, 10);
    JobClient first = copy("saved", "saved-out", new Place(), Optional.empty());
    assertThat(valuesOf("saved-out", 10)).containsExactlyElementsOf(places(0, 10));
    String savepoint =
        first
            .stopWithSavepoint(false, savepoints.toUri().toString(), SavepointFormatType.CANONICAL)
            .get(60, TimeUnit.SECONDS);
    sendPayments("saved", 10, 15);

    JobClient second = copy("saved", "saved-out", new Place(), Optional.of(savepoint));

    assertThat(valuesOf("saved-out", 15)).containsExactlyElementsOf(places(0, 15));
    second.cancel().get(60, TimeUnit.SECONDS);
  }

  @Test
  void committedOffsetsOfAGroupAreWhereItsNextJobStarts(@TempDir Path savepoints) throws Exception {
    Topics.ensure(log, List.of(TopicSpec.of("grouped", 1), TopicSpec.of("grouped-out", 1)));
    sendPayments("grouped", 0, 10);
    KafkaLog group = log.withGroup("copier");
    JobClient job = copy(group, "grouped", "grouped-out", new Place(), Optional.empty());
    awaitCommitted("copier", new TopicPartition("grouped", 0), 10);
    job.stopWithSavepoint(false, savepoints.toUri().toString(), SavepointFormatType.CANONICAL)
        .get(60, TimeUnit.SECONDS);
    sendPayments("grouped", 10, 12);

    List<LogRecord> records =
        collect(
            group.source(
                Payments.in("grouped"), StartAt.committed(), Optional.of(Bound.presentEnd())));

    assertThat(records).extracting(record -> record.offset).containsExactly(10L, 11L);
  }

  @Test
  void noRecordIsLostWhenTheJobRestarts() throws Exception {
    Topics.ensure(log, List.of(TopicSpec.of("restarted", 1), TopicSpec.of("restarted-out", 1)));
    CheckpointAfterRecord.COMPLETED = new CountDownLatch(1);
    FailOnce.FAILED.set(false);
    sendPayments("restarted", 0, 50);
    JobClient job = copy("restarted", "restarted-out", new FailOnce(), Optional.empty());
    assertThat(valuesOf("restarted-out", 50)).containsAll(places(0, 50));
    assertThat(CheckpointAfterRecord.COMPLETED.await(60, TimeUnit.SECONDS)).isTrue();

    sendPayments("restarted", 50, 100); // The record at 75 fails the job once.

    assertThat(valuesOf("restarted-out", "75")).containsAll(places(0, 76));
    assertThat(valuesOf("restarted-out", "99")).containsAll(places(0, 100));
    assertThat(FailOnce.FAILED).isTrue();
    job.cancel().get(60, TimeUnit.SECONDS);
  }

  @Test
  void deadLetterTopicTakesTheLargestLetter() throws Exception {
    Topics.ensure(log, List.of(TopicSpec.deadLettersOf("huge")));
    byte[] incompressible = new byte[DeadLetter.MAX_VALUE_BYTES + 1_000];
    new Random(7).nextBytes(incompressible);
    DeadLetter letter =
        new DeadLetter(
            "payments",
            "huge",
            0,
            0,
            1_000,
            DeadLetter.Code.UNDECODABLE,
            "x".repeat(2_000),
            null,
            incompressible);
    StreamExecutionEnvironment environment = environment(Optional.empty());

    environment
        .fromData(OutgoingRecord.typeInfo(), letter.toRecord())
        .sinkTo(log.sink())
        .uid("sink");
    environment.execute();

    ConsumerRecord<byte[], byte[]> received = recordsOf("huge.dead-letters", 1).get(0);
    assertThat(DeadLetter.read(received).reason()).hasSize(2_000);
    assertThat(received.value()).hasSize(DeadLetter.MAX_VALUE_BYTES);
  }

  @Test
  void ensureCreatesOnceAndReportsWhatIsDifferent() throws Exception {
    assertThat(Topics.ensure(log, List.of(TopicSpec.of("ensured", 2)))).isEmpty();
    assertThat(Topics.ensure(log, List.of(TopicSpec.of("ensured", 2), TopicSpec.of("added", 1))))
        .isEmpty();

    List<Topics.Difference> differences =
        Topics.ensure(
            log,
            List.of(
                new TopicSpec("ensured", 3, Optional.empty(), Map.of("retention.ms", "60000"))));

    assertThat(differences)
        .extracting(Topics.Difference::what, Topics.Difference::expected, Topics.Difference::actual)
        .containsExactly(tuple("partitions", "3", "2"), tuple("retention.ms", "60000", "-1"));
    assertThatThrownBy(() -> Topics.endOffsets(log, List.of("absent")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("absent");
  }

  /** Where the record stood, as text. */
  private static final class Place implements MapFunction<LogRecord, String> {
    @Override
    public String map(LogRecord record) {
      return Long.toString(record.offset);
    }
  }

  /** {@link Place}, and a latch that opens at the first checkpoint after a record. */
  private static class CheckpointAfterRecord
      implements MapFunction<LogRecord, String>, CheckpointListener {

    // Static: the function runs in this JVM, but as a copy.
    static volatile CountDownLatch COMPLETED = new CountDownLatch(1);
    private boolean read;

    @Override
    public String map(LogRecord record) throws Exception {
      read = true;
      return Long.toString(record.offset);
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
      if (read) {
        COMPLETED.countDown();
      }
    }
  }

  /** Fails once, at offset 75. */
  private static final class FailOnce extends CheckpointAfterRecord {

    static final AtomicBoolean FAILED = new AtomicBoolean();

    @Override
    public String map(LogRecord record) throws Exception {
      if (record.offset == 75 && FAILED.compareAndSet(false, true)) {
        throw new IOException("injected failure");
      }
      return super.map(record);
    }
  }

  private static JobClient copy(
      String from, String to, MapFunction<LogRecord, String> text, Optional<String> savepoint)
      throws Exception {
    return copy(log, from, to, text, savepoint);
  }

  private static JobClient copy(
      KafkaLog kafkaLog,
      String from,
      String to,
      MapFunction<LogRecord, String> text,
      Optional<String> savepoint)
      throws Exception {
    StreamExecutionEnvironment environment = environment(savepoint);
    environment
        .fromSource(
            kafkaLog.source(Payments.in(from), StartAt.earliest(), Optional.empty()),
            WatermarkStrategy.noWatermarks(),
            from)
        .uid("source")
        .map(text)
        .returns(String.class)
        .uid("text")
        .map(value -> new OutgoingRecord(to, null, value.getBytes(UTF_8), Map.of()))
        .returns(OutgoingRecord.typeInfo())
        .uid("record")
        .sinkTo(kafkaLog.sink())
        .uid("sink");
    return environment.executeAsync();
  }

  private static StreamExecutionEnvironment environment(Optional<String> savepoint) {
    Configuration configuration = new Configuration();
    configuration.setString("pipeline.generic-types", "false"); // Nothing may fall back to Kryo.
    configuration.setString("restart-strategy.type", "fixed-delay");
    configuration.setString("restart-strategy.fixed-delay.attempts", "1");
    configuration.setString("restart-strategy.fixed-delay.delay", "0 s");
    savepoint.ifPresent(path -> configuration.setString("execution.state-recovery.path", path));
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    environment.enableCheckpointing(200);
    return environment;
  }

  private static List<LogRecord> readToPresentEnd(String topic, StartAt start) throws Exception {
    return read(topic, start, Bound.presentEnd());
  }

  private static List<LogRecord> read(String topic, StartAt start, Bound bound) throws Exception {
    return collect(log.source(Payments.in(topic), start, Optional.of(bound)));
  }

  /** All records of a bounded source, by partition and offset. */
  private static List<LogRecord> collect(KafkaSource<LogRecord> source) throws Exception {
    List<LogRecord> records = new ArrayList<>();
    try (CloseableIterator<LogRecord> results =
        environment(Optional.empty())
            .fromSource(source, WatermarkStrategy.noWatermarks(), "source")
            .executeAndCollect()) {
      results.forEachRemaining(records::add);
    }
    records.sort(
        Comparator.<LogRecord>comparingInt(record -> record.partition)
            .thenComparingLong(record -> record.offset));
    return records;
  }

  private static RecordMetadata send(String topic, int partition, @Nullable String value)
      throws Exception {
    return producer
        .send(
            new ProducerRecord<>(
                topic, partition, null, value == null ? null : value.getBytes(UTF_8)))
        .get(30, TimeUnit.SECONDS);
  }

  /** Sends payments {@code from} to {@code to}, exclusive, to partition 0. */
  private static void sendPayments(String topic, int from, int to) throws Exception {
    for (int i = from; i < to; i++) {
      send(topic, 0, Payments.json("p" + i, i));
    }
  }

  private static List<String> valuesOf(String topic, int count) {
    return recordsOf(topic, count).stream()
        .map(record -> new String(record.value(), UTF_8))
        .toList();
  }

  /** The values of a topic up to and including the first of these. */
  private static List<String> valuesOf(String topic, String last) {
    List<String> values = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(topic)) {
      while (!values.contains(last)) { // The test's own timeout ends it.
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
          values.add(new String(record.value(), UTF_8));
        }
      }
    }
    return values;
  }

  /** The records of a topic's partition 0, once it has at least this many. */
  private static List<ConsumerRecord<byte[], byte[]>> recordsOf(String topic, int count) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(topic)) {
      while (records.size() < count) { // The test's own timeout ends it.
        consumer.poll(Duration.ofSeconds(1)).forEach(records::add);
      }
    }
    return records;
  }

  private static void awaitCommitted(String group, TopicPartition partition, long offset)
      throws Exception {
    try (Admin admin = Admin.create(log.adminProperties())) {
      OffsetAndMetadata committed;
      do { // Flink commits after a checkpoint, and tells nobody. The test's own timeout ends it.
        committed =
            admin
                .listConsumerGroupOffsets(group)
                .partitionsToOffsetAndMetadata()
                .get(30, TimeUnit.SECONDS)
                .get(partition);
      } while (committed == null || committed.offset() < offset);
    }
  }

  private static KafkaConsumer<byte[], byte[]> consumer(String topic) {
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    TopicPartition partition = new TopicPartition(topic, 0);
    consumer.assign(List.of(partition));
    consumer.seekToBeginning(List.of(partition));
    return consumer;
  }

  private static List<Long> range(long from, long to) {
    return LongStream.range(from, to).boxed().toList();
  }

  private static List<String> places(int from, int to) {
    return IntStream.range(from, to).mapToObj(Integer::toString).toList();
  }
}
