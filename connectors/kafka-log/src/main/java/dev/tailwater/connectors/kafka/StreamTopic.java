package dev.tailwater.connectors.kafka;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RecordSchema;
import java.io.Serializable;

/**
 * A stream and the topic that carries it.
 *
 * @param name the stream's name in its definition
 * @param topic the Kafka topic
 * @param eventTimeColumn position of the column with the event time: a TIMESTAMP, or a LONG in
 *     milliseconds since the epoch
 */
public record StreamTopic(
    String name, String topic, RecordFormat format, RecordSchema schema, int eventTimeColumn)
    implements Serializable {

  public StreamTopic {
    TopicSpec.requireTopicName(topic);
    if (eventTimeColumn < 0 || eventTimeColumn >= schema.columns().size()) {
      throw new IllegalArgumentException(
          "stream %s: event time column %d does not exist, its schema %s has %d columns; name one of them as event_time"
              .formatted(name, eventTimeColumn, schema.name(), schema.columns().size()));
    }
    Column column = schema.columns().get(eventTimeColumn);
    if (column.type() != ColumnType.TIMESTAMP && column.type() != ColumnType.LONG) {
      throw new IllegalArgumentException(
          "stream %s: event time column %s is %s; an event time is a TIMESTAMP, or a LONG in milliseconds"
              .formatted(name, column.name(), column.type()));
    }
  }
}
