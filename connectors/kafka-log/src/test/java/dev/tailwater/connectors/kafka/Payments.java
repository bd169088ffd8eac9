package dev.tailwater.connectors.kafka;

import dev.tailwater.schemas.AvroContracts;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RecordSchema;
import java.util.List;

/** The stream the tests read: payments as JSON, with an event time that may be missing. */
final class Payments {

  static final RecordSchema SCHEMA =
      AvroContracts.of(
          "Payment",
          List.of(
              new Column("id", ColumnType.STRING, false),
              new Column("at", ColumnType.TIMESTAMP, true)));

  private Payments() {}

  static StreamTopic in(String topic) {
    return new StreamTopic("payments", topic, RecordFormat.JSON, SCHEMA, SCHEMA.indexOf("at"));
  }

  static String json(String id, long at) {
    return "{\"id\": \"%s\", \"at\": %d}".formatted(id, at);
  }
}
