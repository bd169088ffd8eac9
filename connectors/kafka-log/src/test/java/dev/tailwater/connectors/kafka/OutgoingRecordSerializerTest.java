package dev.tailwater.connectors.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class OutgoingRecordSerializerTest {

  private static final OutgoingRecord FULL =
      new OutgoingRecord(
          "payments", "k".getBytes(UTF_8), "value".getBytes(UTF_8), Map.of("a", "ä", "b", ""));

  @Test
  void everyPartComesBack() throws Exception {
    assertThat(roundTrip(FULL)).isEqualTo(FULL);
  }

  @Test
  void noKeyIsNotAnEmptyKey() throws Exception {
    OutgoingRecord without = new OutgoingRecord("payments", null, new byte[0], Map.of());
    OutgoingRecord empty = new OutgoingRecord("payments", new byte[0], new byte[0], Map.of());

    assertThat(roundTrip(without).key()).isNull();
    assertThat(roundTrip(empty).key()).isEmpty();
  }

  @Test
  void keyAndValueAreNotPrinted() {
    assertThat(FULL.toString()).contains("payments", "5 bytes").doesNotContain("value");
  }

  private static OutgoingRecord roundTrip(OutgoingRecord record) throws IOException {
    DataOutputSerializer target = new DataOutputSerializer(64);
    OutgoingRecordSerializer.INSTANCE.serialize(record, target);
    DataInputDeserializer source = new DataInputDeserializer(target.getCopyOfBuffer());
    OutgoingRecord read = OutgoingRecordSerializer.INSTANCE.deserialize(source);
    assertThat(source.available()).isZero();
    return read;
  }
}
