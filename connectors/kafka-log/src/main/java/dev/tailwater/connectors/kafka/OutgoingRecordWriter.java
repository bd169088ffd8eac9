package dev.tailwater.connectors.kafka;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/** Hands an {@link OutgoingRecord} to the producer; the broker decides its time. */
final class OutgoingRecordWriter implements KafkaRecordSerializationSchema<OutgoingRecord> {

  private static final long serialVersionUID = 1;

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      OutgoingRecord record, KafkaSinkContext context, @Nullable Long timestamp) {
    ProducerRecord<byte[], byte[]> sent =
        new ProducerRecord<>(record.topic(), record.key(), record.value());
    for (Map.Entry<String, String> header : record.headers().entrySet()) {
      sent.headers().add(header.getKey(), header.getValue().getBytes(StandardCharsets.UTF_8));
    }
    return sent;
  }
}
