package dev.tailwater.benchmarks;

import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.PredictionFormat;
import dev.tailwater.schemas.UndecodableRecordException;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/** Reads the predictions topic as it grows, in a thread of its own. Thread-safe. */
final class LivePredictions implements AutoCloseable {

  private static final Duration POLL = Duration.ofMillis(100);
  private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /**
   * A prediction as it was seen; times in milliseconds since the epoch.
   *
   * @param appendTime when the log accepted it
   * @param seenTime when a consumer had it
   */
  record Seen(long appendTime, long seenTime, Prediction.Outcome outcome) {}

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final PredictionFormat.Decoder decoder = PredictionFormat.JSON.decoder();
  private final Map<String, Seen> byQuestion = new ConcurrentHashMap<>();
  private final Thread reader = new Thread(this::read, "predictions");
  private volatile boolean stopping;
  private volatile @Nullable Exception failure;

  /** Starts to read the topic from its beginning. */
  LivePredictions(KafkaLog log, String topic) {
    Properties properties = new Properties();
    properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, log.bootstrapServers());
    properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    consumer.assign(
        consumer.partitionsFor(topic).stream()
            .map(partition -> new TopicPartition(topic, partition.partition()))
            .toList());
    reader.setDaemon(true);
    reader.start();
  }

  private void read() {
    try (consumer) {
      while (!stopping) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
          long now = System.currentTimeMillis();
          Prediction prediction = decoder.decode(record.value());
          byQuestion.putIfAbsent(
              prediction.questionId(), new Seen(record.timestamp(), now, prediction.outcome()));
        }
      }
    } catch (UndecodableRecordException | RuntimeException e) {
      failure = e;
    }
  }

  /** The first prediction of each question so far. */
  Map<String, Seen> byQuestion() {
    return byQuestion;
  }

  /**
   * Waits until so many questions are answered.
   *
   * @param producer of the predictions; when it ends, waiting is in vain
   * @throws IOException if that does not happen in time, or the topic cannot be read
   */
  void await(int questions, Process producer, Duration timeout) throws IOException {
    long end = System.nanoTime() + timeout.toNanos();
    while (byQuestion.size() < questions) {
      Exception problem = failure;
      if (problem != null) {
        throw new IOException("the predictions cannot be read: " + problem.getMessage(), problem);
      }
      if (!producer.isAlive()) {
        throw new IOException(
            "the live job ended with exit code "
                + producer.exitValue()
                + " after "
                + byQuestion.size()
                + " predictions: its output above says why");
      }
      if (System.nanoTime() > end) {
        throw new IOException(
            byQuestion.size()
                + " of "
                + questions
                + " questions were answered within "
                + timeout
                + ": give a longer --timeout, or fewer --transactions");
      }
      LockSupport.parkNanos(LOOK_AGAIN_NANOS);
    }
  }

  @Override
  public void close() throws InterruptedException {
    stopping = true;
    reader.join();
  }
}
