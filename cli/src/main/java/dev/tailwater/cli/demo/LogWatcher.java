package dev.tailwater.cli.demo;

import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.PredictionFormat;
import dev.tailwater.schemas.RecordDecoder;
import dev.tailwater.schemas.UndecodableRecordException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/**
 * Reads back what the loop puts on the log: predictions, and the labels that arrive later. What it
 * knows is complete up to the records that it has read. Thread-safe.
 */
public final class LogWatcher implements AutoCloseable {

  private static final Duration POLL = Duration.ofMillis(200);

  /** A prediction, and when the log accepted it, in milliseconds since the epoch. */
  public record Seen(Prediction prediction, long appendTime) {}

  /**
   * How labels are read.
   *
   * @param on position of the question's id in a decoded record
   * @param value position of the label in a decoded record
   */
  public record LabelReader(String topic, RecordDecoder decoder, int on, int value) {}

  private final String predictionsTopic;
  private final LabelReader labelReader;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final PredictionFormat.Decoder predictionDecoder;
  private final Map<String, Seen> predictions = new ConcurrentHashMap<>();
  private final Map<String, Boolean> labels = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
  private final Thread reader;

  private volatile boolean stopping;
  private volatile long predictionRecords;

  /** Starts to read both topics from their beginning. */
  public LogWatcher(
      KafkaLog log, String predictionsTopic, PredictionFormat format, LabelReader labelReader) {
    this.predictionDecoder = format.decoder();
    this.predictionsTopic = predictionsTopic;
    this.labelReader = labelReader;
    Map<String, Object> properties = new HashMap<>(log.clientProperties());
    properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, log.bootstrapServers());
    properties.put(ConsumerConfig.CLIENT_ID_CONFIG, "tailwater-demo-watcher");
    properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    this.consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    this.reader = new Thread(this::read, "log-watcher");
    reader.setDaemon(true);
    reader.start();
  }

  /** Predictions read so far, by question. */
  public Map<String, Seen> predictions() {
    return predictions;
  }

  /** Prediction records read so far; more than the questions if one was answered twice. */
  public long predictionRecords() {
    return predictionRecords;
  }

  /** Labels read so far, by question. */
  public Map<String, Boolean> labels() {
    return labels;
  }

  /**
   * Throws what stopped the reading, if anything did.
   *
   * @throws IOException naming the reason
   */
  public void check() throws IOException {
    Exception problem = failure.get();
    if (problem != null) {
      throw new IOException(
          "the log could not be read back: " + problem.getMessage() + "; check that Kafka runs",
          problem);
    }
  }

  private void read() {
    try (consumer) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (String topic : List.of(predictionsTopic, labelReader.topic())) {
        for (PartitionInfo partition : consumer.partitionsFor(topic)) {
          partitions.add(new TopicPartition(topic, partition.partition()));
        }
      }
      consumer.assign(partitions);
      while (!stopping) {
        for (ConsumerRecord<byte[], byte[]> consumed : consumer.poll(POLL)) {
          take(consumed);
        }
      }
    } catch (WakeupException e) {
      // Asked to stop.
    } catch (Exception e) {
      failure.set(e);
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> consumed) throws UndecodableRecordException {
    if (consumed.topic().equals(predictionsTopic)) {
      Prediction prediction = predictionDecoder.decode(consumed.value());
      predictions.putIfAbsent(prediction.questionId(), new Seen(prediction, consumed.timestamp()));
      predictionRecords++;
      return;
    }
    @Nullable Object[] row = labelReader.decoder().decode(consumed.value());
    Object question = row[labelReader.on()];
    Object value = row[labelReader.value()];
    if (question != null && value != null) {
      labels.put(question.toString(), isPositive(value));
    }
  }

  private static boolean isPositive(Object value) {
    return value instanceof Number number ? number.doubleValue() != 0 : Boolean.TRUE.equals(value);
  }

  @Override
  public void close() {
    stopping = true;
    consumer.wakeup();
    try {
      reader.join(10_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
