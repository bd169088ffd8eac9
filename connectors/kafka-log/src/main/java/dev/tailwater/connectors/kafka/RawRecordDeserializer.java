package dev.tailwater.connectors.kafka;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.schemas.RecordSchema;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** One {@link LogRecord} for every record of a topic, with its bytes only. */
final class RawRecordDeserializer implements KafkaRecordDeserializationSchema<LogRecord> {

  private static final long serialVersionUID = 1;

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> received, Collector<LogRecord> out) {
    LogRecord record = new LogRecord();
    record.partition = received.partition();
    record.offset = received.offset();
    record.appendTime = received.timestamp() < 0 ? Long.MAX_VALUE : received.timestamp();
    record.bytes = received.value();
    if (received.value() == null) {
      record.problem = "no value";
    }
    out.collect(record);
  }

  @Override
  public TypeInformation<LogRecord> getProducedType() {
    return LogRecordSerializer.typeInfo(new RecordSchema("bytes", List.of(), ""));
  }
}
