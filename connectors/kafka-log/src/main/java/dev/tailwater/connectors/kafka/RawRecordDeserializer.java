package dev.tailwater.connectors.kafka;

import dev.tailwater.connectors.log.RawRecord;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/** One {@link RawRecord} for every record of a topic. */
final class RawRecordDeserializer implements KafkaRecordDeserializationSchema<RawRecord> {

  private static final long serialVersionUID = 1;

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> received, Collector<RawRecord> out) {
    List<RawRecord.Header> headers = new ArrayList<>();
    for (Header header : received.headers()) {
      headers.add(new RawRecord.Header(header.key(), header.value()));
    }
    out.collect(
        new RawRecord(
            received.topic(),
            received.partition(),
            received.offset(),
            received.timestamp(),
            received.key(),
            received.value(),
            headers));
  }

  @Override
  public TypeInformation<RawRecord> getProducedType() {
    return RawRecord.typeInfo();
  }
}
