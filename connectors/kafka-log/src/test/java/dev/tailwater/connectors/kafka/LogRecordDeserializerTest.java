package dev.tailwater.connectors.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RowChange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.api.common.functions.util.ListCollector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LogRecordDeserializerTest {

  private static final StreamTopic CHANGES =
      new StreamTopic(
          "payments",
          "payments",
          RecordFormat.DEBEZIUM_JSON,
          Payments.SCHEMA,
          Payments.SCHEMA.indexOf("at"));

  @Test
  void goodRecordHasItsPlaceTimesAndValues() {
    LogRecord record = read(Payments.json("a", 1_000), false);

    assertThat(record.partition).isEqualTo(3);
    assertThat(record.offset).isEqualTo(42);
    assertThat(record.appendTime).isEqualTo(2_000);
    assertThat(record.eventTime).isEqualTo(1_000);
    assertThat(record.values).containsExactly("a", 1_000L);
    assertThat(record.problem).isNull();
    assertThat(record.bytes).isNull();
  }

  @Test
  void goodRecordKeepsItsBytesWhenToldTo() {
    String json = Payments.json("a", 1_000);

    assertThat(read(json, true).bytes).isEqualTo(json.getBytes(UTF_8));
  }

  @Test
  void undecodableRecordKeepsReasonAndBytes() {
    LogRecord record = read("{\"id\": ", false);

    assertThat(record.values).isNull();
    assertThat(record.eventTime).isEqualTo(Long.MIN_VALUE);
    assertThat(record.problem).isNotBlank();
    assertThat(record.bytes).isEqualTo("{\"id\": ".getBytes(UTF_8));
    assertThat(record.offset).isEqualTo(42);
  }

  @Test
  void recordWithoutAValueIsAProblem() {
    LogRecord record = read(null, true);

    assertThat(record.problem).startsWith("no value");
    assertThat(record.values).isNull();
    assertThat(record.bytes).isNull();
  }

  @Test
  void aTombstoneOfAChangelogChangesNothing() {
    LogRecord record = read(CHANGES, null, 2_000, true);

    assertThat(record.change).isEqualTo(RowChange.Kind.NOTHING);
    assertThat(record.problem).isNull();
  }

  @Test
  void anUpdateOfAChangelogHasBothRowsAndTheTimeOfTheNewOne() {
    LogRecord record =
        read(
            CHANGES,
            "{\"op\":\"u\",\"before\":%s,\"after\":%s}"
                .formatted(Payments.json("a", 1_000), Payments.json("a", 3_000)),
            4_000,
            false);

    assertThat(record.change).isEqualTo(RowChange.Kind.UPDATE);
    assertThat(record.before).containsExactly("a", 1_000L);
    assertThat(record.values).containsExactly("a", 3_000L);
    assertThat(record.eventTime).isEqualTo(3_000);
    assertThat(record.appendTime).isEqualTo(4_000);
  }

  @Test
  void missingEventTimeIsAProblemThatStillHasItsValues() {
    LogRecord record = read("{\"id\": \"a\"}", false);

    assertThat(record.problem).isEqualTo("no event time: column at is NULL");
    assertThat(record.values).containsExactly("a", null);
    assertThat(record.eventTime).isEqualTo(Long.MIN_VALUE);
    assertThat(record.bytes).isNotNull();
  }

  @Test
  void recordWithoutALogTimeCannotBeFromTheFuture() {
    assertThat(read(Payments.json("a", 1_000), -1, false).appendTime).isEqualTo(Long.MAX_VALUE);
  }

  private static LogRecord read(@Nullable String value, boolean keepBytes) {
    return read(value, 2_000, keepBytes);
  }

  private static LogRecord read(@Nullable String value, long timestamp, boolean keepBytes) {
    return read(Payments.in("payments"), value, timestamp, keepBytes);
  }

  private static LogRecord read(
      StreamTopic stream, @Nullable String value, long timestamp, boolean keepBytes) {
    LogRecordDeserializer deserializer = new LogRecordDeserializer(stream, keepBytes, Map.of());
    deserializer.open();
    List<LogRecord> out = new ArrayList<>();
    deserializer.deserialize(
        new ConsumerRecord<>(
            "payments",
            3,
            42,
            timestamp,
            TimestampType.LOG_APPEND_TIME,
            0,
            0,
            null,
            value == null ? null : value.getBytes(UTF_8),
            new RecordHeaders(),
            Optional.empty()),
        new ListCollector<>(out));
    assertThat(out).hasSize(1);
    return out.get(0);
  }
}
