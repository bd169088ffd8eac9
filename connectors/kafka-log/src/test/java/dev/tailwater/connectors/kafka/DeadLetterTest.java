package dev.tailwater.connectors.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DeadLetterTest {

  @ParameterizedTest
  @EnumSource
  void saysWhereItStoodAndWhyAndKeepsTheBytes(DeadLetter.Code code) {
    DeadLetter letter = letter(code, "not JSON", 5_000, "{".getBytes(UTF_8));

    OutgoingRecord record = letter.toRecord();

    assertThat(record.topic()).isEqualTo("tx.dead-letters");
    assertThat(record.value()).isEqualTo("{".getBytes(UTF_8));
    assertThat(record.headers())
        .containsEntry("tailwater.code", code.name())
        .containsEntry("tailwater.reason", "not JSON")
        .containsEntry("tailwater.stream", "transactions")
        .containsEntry("tailwater.topic", "tx")
        .containsEntry("tailwater.partition", "3")
        .containsEntry("tailwater.offset", "42")
        .containsEntry("tailwater.append-time", "5000")
        .hasSize(7);
    assertThat(DeadLetter.read(received(record))).isEqualTo(letter);
  }

  @Test
  void unknownAppendTimeIsLeftOut() {
    DeadLetter letter = letter(DeadLetter.Code.LATE, "late", Long.MAX_VALUE, "{}".getBytes(UTF_8));

    assertThat(letter.toRecord().headers()).doesNotContainKey("tailwater.append-time");
    assertThat(DeadLetter.read(received(letter.toRecord()))).isEqualTo(letter);
  }

  @Test
  void recordWithoutAValueIsReportedWithAnEmptyOne() {
    assertThat(letter(DeadLetter.Code.UNDECODABLE, "no value", 5_000, null).toRecord().value())
        .isEmpty();
  }

  @Test
  void hugeValueIsCutAndSaysSo() {
    byte[] huge = new byte[DeadLetter.MAX_VALUE_BYTES + 1];

    OutgoingRecord record =
        letter(DeadLetter.Code.UNDECODABLE, "too large", 5_000, huge).toRecord();

    assertThat(record.value()).hasSize(DeadLetter.MAX_VALUE_BYTES);
    assertThat(record.headers())
        .containsEntry("tailwater.original-bytes", Integer.toString(huge.length));
  }

  @Test
  void longReasonIsCut() {
    assertThat(letter(DeadLetter.Code.EXPECTATION, "x".repeat(10_000), 5_000, null).reason())
        .hasSize(2_000)
        .endsWith("…");
  }

  @Test
  void recordThatIsNoDeadLetterIsRefusedByItsPlace() {
    assertThatThrownBy(() -> DeadLetter.read(new ConsumerRecord<>("tx", 1, 7, null, new byte[0])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "offset 7 of partition 1 of tx is not a dead letter: it has no header tailwater.stream");
  }

  private static DeadLetter letter(
      DeadLetter.Code code, String reason, long appendTime, byte @Nullable [] value) {
    return new DeadLetter(
        "transactions", "tx", 3, 42, appendTime, code, reason, "k".getBytes(UTF_8), value);
  }

  private static ConsumerRecord<byte[], byte[]> received(OutgoingRecord record) {
    ConsumerRecord<byte[], byte[]> received =
        new ConsumerRecord<>(record.topic(), 0, 0, record.key(), record.value());
    record.headers().forEach((name, value) -> received.headers().add(name, value.getBytes(UTF_8)));
    return received;
  }
}
