package dev.tailwater.connectors.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.schemas.RecordFormat;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class KafkaLogTest {

  @Test
  void secretsAreNotPrinted() {
    KafkaLog log = new KafkaLog("broker:9092", Map.of("sasl.jaas.config", "password=hunter2"));

    assertThat(log.toString())
        .contains("broker:9092", "sasl.jaas.config")
        .doesNotContain("hunter2");
    assertThat(log.producerProperties()).containsEntry("sasl.jaas.config", "password=hunter2");
  }

  @Test
  void ownClientPropertiesComeBeforeTheDefaults() {
    KafkaLog log = new KafkaLog("broker:9092", Map.of("linger.ms", "5"));

    assertThat(log.producerProperties())
        .containsEntry("linger.ms", "5")
        .containsEntry("acks", "all")
        .containsEntry("enable.idempotence", "true");
  }

  @Test
  void committedOffsetsNeedAGroup() {
    StreamTopic payments = Payments.in("payments");

    assertThatThrownBy(
            () ->
                KafkaLog.at("broker:9092").source(payments, StartAt.committed(), Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("payments")
        .hasMessageContaining("group.id");
    assertThat(
            KafkaLog.at("broker:9092")
                .withGroup("scoring")
                .source(payments, StartAt.committed(), Optional.empty()))
        .isNotNull();
  }

  @Test
  void eventTimeMustBeAColumnThatCanBeOne() {
    assertThatThrownBy(
            () -> new StreamTopic("payments", "payments", RecordFormat.JSON, Payments.SCHEMA, -1))
        .hasMessageContaining("stream payments")
        .hasMessageContaining("-1");
    assertThatThrownBy(
            () -> new StreamTopic("payments", "payments", RecordFormat.JSON, Payments.SCHEMA, 0))
        .hasMessageContaining("column id is STRING");
  }

  @Test
  void topicIsDatedByTheLogAndItsNameIsOneKafkaTakes() {
    assertThat(TopicSpec.of("payments", 2).settings())
        .containsEntry("message.timestamp.type", "LogAppendTime");
    assertThatThrownBy(() -> TopicSpec.of("pay ments", 2)).hasMessageContaining("'pay ments'");
    assertThatThrownBy(() -> TopicSpec.of("payments", 0)).hasMessageContaining("at least 1");
  }

  @Test
  void offsetsAreChecked() {
    assertThatThrownBy(() -> StartAt.offsets(Map.of(1, -5L))).hasMessageContaining("offset -5");
  }
}
