package dev.tailwater.connectors.kafka;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.schemas.RecordDecoder;
import dev.tailwater.schemas.RowChange;
import dev.tailwater.schemas.UndecodableRecordException;
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
  private transient @Nullable RecordDecoder decoder;

  LogRecordDeserializer(StreamTopic stream, boolean keepBytes) {
    this.stream = stream;
    this.keepBytes = keepBytes;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    open();
  }

  void open() {
    decoder = stream.format().decoder(stream.schema());
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> received, Collector<LogRecord> out) {
    LogRecord record = new LogRecord();
    record.partition = received.partition();
    record.offset = received.offset();
    // Negative: written by a client so old that its records have no time.
    record.appendTime = received.timestamp() < 0 ? Long.MAX_VALUE : received.timestamp();
    decode(received.value(), record);
    out.collect(record);
  }

  private void decode(byte @Nullable [] value, LogRecord record) {
    if (value == null) {
      if (stream.format().isChangelog()) {
        // Follows a deletion, which has said everything, so that the log may forget the key.
        record.change = RowChange.Kind.NOTHING;
        return;
      }
      record.problem = "no value: a record of a stream is an event, it cannot be a tombstone";
      return;
    }
    if (keepBytes) {
      record.bytes = value;
    }
    try {
      RecordDecoder opened = decoder;
      if (opened == null) {
        throw new IllegalStateException("the deserializer of " + stream.name() + " is not open");
      }
      record.take(opened.decodeChange(value), stream.schema(), stream.eventTimeColumn());
    } catch (UndecodableRecordException e) {
      record.problem = e.getMessage();
    } catch (ClassCastException | IllegalArgumentException | IndexOutOfBoundsException e) {
      // A decoder should have said so itself; the record must not be able to stop the job.
      record.problem = "the decoder failed: " + e;
    }
    if (record.problem != null) {
      record.bytes = value;
    }
  }

  @Override
  public TypeInformation<LogRecord> getProducedType() {
    return LogRecordSerializer.typeInfo(stream.schema());
  }
}
