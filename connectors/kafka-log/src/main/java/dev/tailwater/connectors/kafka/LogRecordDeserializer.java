package dev.tailwater.connectors.kafka;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.connectors.log.StreamDecoder;
import java.util.Map;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** One {@link LogRecord} for every record of the topic: decoded, or with its problem and bytes. */
final class LogRecordDeserializer implements KafkaRecordDeserializationSchema<LogRecord> {

  private static final long serialVersionUID = 1;

  private final StreamTopic stream;
  private final boolean keepBytes;
  private final Map<Integer, Long> newestBefore;
  private transient @Nullable StreamDecoder decoder;

  /**
   * Creates the deserializer of one stream.
   *
   * @param newestBefore by partition a lower bound of {@link LogRecord#newestBefore}
   */
  LogRecordDeserializer(StreamTopic stream, boolean keepBytes, Map<Integer, Long> newestBefore) {
    this.stream = stream;
    this.keepBytes = keepBytes;
    this.newestBefore = Map.copyOf(newestBefore);
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    open();
  }

  void open() {
    decoder = new StreamDecoder(stream.format(), stream.schema(), stream.eventTimeColumn());
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> received, Collector<LogRecord> out) {
    StreamDecoder opened = decoder;
    if (opened == null) {
      throw new IllegalStateException("the deserializer of " + stream.name() + " is not open");
    }
    LogRecord record = new LogRecord();
    record.partition = received.partition();
    record.offset = received.offset();
    // Negative: written by a client so old that its records have no time.
    record.appendTime = received.timestamp() < 0 ? Long.MAX_VALUE : received.timestamp();
    record.newestBefore = newestBefore.getOrDefault(record.partition, Long.MIN_VALUE);
    opened.decode(received.value(), keepBytes, record);
    out.collect(record);
  }

  @Override
  public TypeInformation<LogRecord> getProducedType() {
    return LogRecordSerializer.typeInfo(stream.schema());
  }
}
