package dev.tailwater.localstack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KafkaServerIT {

  @Test
  void keepsItsRecordsOverAnOrderlyStopAndOverACrash(@TempDir Path directory) throws Exception {
    Path data = directory.resolve("kafka with spaces");
    try (KafkaServer kafka = KafkaServer.start(data, 0)) {
      createTopic(kafka);
      send(kafka, "first");
    }

    try (KafkaServer kafka = KafkaServer.start(data, 0)) {
      assertThat(read(kafka, 1)).containsExactly("first");
      send(kafka, "second");
      int port = kafka.port();
      kafka.killForcibly();
      kafka.onExit().get(10, TimeUnit.SECONDS);
      kafka.restart();

      assertThat(kafka.port()).isEqualTo(port);
      assertThat(read(kafka, 2)).containsExactly("first", "second");

      assertThatThrownBy(() -> KafkaServer.start(directory.resolve("other"), port))
          .isInstanceOf(PortTakenException.class)
          .hasMessageContaining("Kafka")
          .hasMessageContaining(Integer.toString(port));
      assertThatThrownBy(() -> KafkaServer.start(data, 0))
          .isInstanceOf(ServerStartException.class)
          .hasMessageContaining("in use");
    }
  }

  @Test
  void failedStartNamesItsLogFileAndQuotesIt(@TempDir Path directory) throws Exception {
    Files.createDirectories(directory.resolve("topics"));
    Files.writeString(directory.resolve("topics").resolve("meta.properties"), "version=99\n");

    assertThatThrownBy(() -> KafkaServer.start(directory, 0))
        .isInstanceOf(ServerStartException.class)
        .hasMessageContaining("kafka.log")
        .hasMessageContaining("version");
  }

  private static void createTopic(KafkaServer kafka) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
      NewTopic payments = new NewTopic("payments", Optional.of(1), Optional.empty());
      Object unused = admin.createTopics(List.of(payments)).all().get(30, TimeUnit.SECONDS);
    }
  }

  private static void send(KafkaServer kafka, String value) throws Exception {
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()),
            new StringSerializer(),
            new StringSerializer())) {
      producer.send(new ProducerRecord<>("payments", value)).get(30, TimeUnit.SECONDS);
    }
  }

  private static List<String> read(KafkaServer kafka, int count) {
    List<String> values = new ArrayList<>();
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()),
            new StringDeserializer(),
            new StringDeserializer())) {
      TopicPartition payments = new TopicPartition("payments", 0);
      consumer.assign(List.of(payments));
      consumer.seekToBeginning(List.of(payments));
      for (int polls = 0; polls < 100 && values.size() < count; polls++) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(300))) {
          assertThat(record.timestampType()).isEqualTo(TimestampType.LOG_APPEND_TIME);
          values.add(record.value());
        }
      }
    }
    return values;
  }
}
