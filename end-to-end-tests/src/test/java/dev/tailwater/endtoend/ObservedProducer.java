package dev.tailwater.endtoend;

import dev.tailwater.connectors.kafka.KafkaLog;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** Appends records to a log; the test fails with the reason if it does not accept one. */
final class ObservedProducer implements AutoCloseable {

  private final KafkaProducer<byte[], byte[]> producer;
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();

  ObservedProducer(KafkaLog log) {
    producer =
        new KafkaProducer<>(
            log.producerProperties(), new ByteArraySerializer(), new ByteArraySerializer());
  }

  /** Returns before the log has it. */
  void send(ProducerRecord<byte[], byte[]> record) {
    var unused =
        producer.send(
            record,
            (metadata, problem) -> {
              if (problem != null) {
                failure.compareAndSet(null, problem);
              }
            });
  }

  /** Waits until the log has everything that was sent. */
  void flush() {
    producer.flush();
    Exception problem = failure.get();
    if (problem != null) {
      throw new AssertionError("the log did not accept a record", problem);
    }
  }

  @Override
  public void close() {
    try (producer) {
      flush();
    }
  }
}
