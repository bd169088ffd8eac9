package dev.tailwater.connectors.kafka;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A topic as it should be.
 *
 * @param partitions at least 1
 * @param replication copies of every record; empty for the cluster's default
 * @param settings topic settings of Kafka, for example {@code retention.ms}; records are dated by
 *     the log unless {@code message.timestamp.type} says otherwise
 */
public record TopicSpec(
    String name, int partitions, Optional<Short> replication, Map<String, String> settings) {

  static final String TIMESTAMP_TYPE = "message.timestamp.type";
  static final String LOG_APPEND_TIME = "LogAppendTime";

  /** A dead letter with its headers, key and value at their largest. */
  static final int LARGEST_RECORD_BYTES = 2 * DeadLetter.MAX_VALUE_BYTES;

  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9._-]{1,249}");

  public TopicSpec {
    requireTopicName(name);
    if (partitions < 1) {
      throw new IllegalArgumentException(
          "topic %s: %d partitions; a topic has at least 1".formatted(name, partitions));
    }
    Map<String, String> dated = new HashMap<>(settings);
    dated.putIfAbsent(TIMESTAMP_TYPE, LOG_APPEND_TIME);
    settings = Map.copyOf(dated);
  }

  /** A topic of events with the cluster's defaults. */
  public static TopicSpec of(String name, int partitions) {
    return new TopicSpec(name, partitions, Optional.empty(), Map.of());
  }

  /** The topic for the dead letters of a topic; it takes letters that are larger than records. */
  public static TopicSpec deadLettersOf(String topic) {
    return new TopicSpec(
        DeadLetter.topicOf(topic),
        1,
        Optional.empty(),
        Map.of("max.message.bytes", Integer.toString(LARGEST_RECORD_BYTES)));
  }

  static void requireTopicName(String name) {
    if (!NAME.matcher(name).matches() || name.equals(".") || name.equals("..")) {
      throw new IllegalArgumentException(
          "topic name '%s' is not one Kafka takes: use 1 to 249 letters, digits, '.', '_' and '-'"
              .formatted(name));
    }
  }
}
