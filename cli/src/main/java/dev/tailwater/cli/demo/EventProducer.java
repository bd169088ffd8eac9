package dev.tailwater.cli.demo;

import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.RecordEncoder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Appends simulated events to the topics of a plan's streams, in each stream's format. Not
 * thread-safe, except {@link #appendTimes()}.
 */
public final class EventProducer implements AutoCloseable {

  private record Target(StreamPlan stream, RecordEncoder encoder) {}

  private final KafkaProducer<byte[], byte[]> producer;
  private final Map<String, Target> targets = new HashMap<>();
  private final boolean keepAppendTimes;
  private final Map<String, Long> appendTimes = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
  private long transactions;
  private long reports;

  /**
   * A producer for the streams of a plan.
   *
   * @param linger how long a record may wait for others to be sent with
   * @param keepAppendTimes whether to remember when the log accepted each payment
   */
  public EventProducer(KafkaLog log, Plan plan, Duration linger, boolean keepAppendTimes) {
    Properties properties = log.producerProperties();
    properties.put(ProducerConfig.CLIENT_ID_CONFIG, "tailwater-demo");
    properties.put(ProducerConfig.LINGER_MS_CONFIG, Math.toIntExact(linger.toMillis()));
    this.producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    for (StreamPlan stream : plan.recordedStreams()) {
      targets.put(stream.name(), new Target(stream, stream.format().encoder(stream.schema())));
    }
    this.keepAppendTimes = keepAppendTimes;
  }

  /**
   * Appends one event; its customer decides the partition. Returns before the log has it.
   *
   * @throws IOException if an earlier event was not accepted
   */
  public void send(SimulatedEvent event) throws IOException {
    Target target = targets.get(event.stream());
    if (target == null) {
      throw new IllegalArgumentException(
          "the project has no stream '"
              + event.stream()
              + "', which the simulator writes to; run the demo on the fraud example");
    }
    throwFailure();
    producer.send(
        new ProducerRecord<>(
            target.stream().topic(),
            event.customerId().getBytes(StandardCharsets.UTF_8),
            target.encoder().encode(event.row(target.stream().schema()))),
        (metadata, problem) -> {
          if (problem != null) {
            failure.compareAndSet(null, problem);
          } else if (keepAppendTimes && event instanceof SimulatedEvent.Transaction transaction) {
            appendTimes.put(transaction.transactionId(), metadata.timestamp());
          }
        });
    if (event instanceof SimulatedEvent.Transaction) {
      transactions++;
    } else {
      reports++;
    }
  }

  /** Payments given to {@link #send}. */
  public long transactions() {
    return transactions;
  }

  /** Fraud reports given to {@link #send}. */
  public long reports() {
    return reports;
  }

  /** Waits until the log has accepted everything. */
  public void flush() throws IOException {
    producer.flush();
    throwFailure();
  }

  /** When the log accepted each payment, by its id, in milliseconds since the epoch. */
  public Map<String, Long> appendTimes() {
    return appendTimes;
  }

  private void throwFailure() throws IOException {
    Exception problem = failure.get();
    if (problem != null) {
      throw new IOException(
          "the log did not accept an event: " + problem.getMessage() + "; check that Kafka runs",
          problem);
    }
  }

  @Override
  public void close() {
    producer.close(Duration.ofSeconds(10));
  }
}
