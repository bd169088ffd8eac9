package dev.tailwater.connectors.kafka;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.RawRecord;
import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.kafka.common.TopicPartition;

/**
 * The log: one Kafka cluster, and how to reach it.
 *
 * @param bootstrapServers {@code host:port}, several separated by commas
 * @param clientProperties Kafka client properties on top of this class's own, for example security
 *     settings or {@code group.id}; their values are never printed
 */
public record KafkaLog(String bootstrapServers, Map<String, String> clientProperties)
    implements Serializable {

  /** How long a read waits for records that are not there yet. Arriving records end it at once. */
  private static final String FETCH_WAIT_MS = "50";

  /**
   * How long a read that nobody waits for lets records gather, and how many bytes end it at once:
   * each fetch costs the broker and the reader as much as some hundred records do.
   */
  private static final String GATHER_MS = "500";

  private static final String GATHER_BYTES = Integer.toString(256 << 10);

  private static final String REQUEST_TIMEOUT_MS = "15000";

  public KafkaLog {
    clientProperties = Map.copyOf(clientProperties);
    if (bootstrapServers.isBlank()) {
      throw new IllegalArgumentException(
          "the log has no bootstrap servers: name at least one as host:port");
    }
  }

  /** A log without security. */
  public static KafkaLog at(String bootstrapServers) {
    return new KafkaLog(bootstrapServers, Map.of());
  }

  /** The group as which sources commit their offsets; empty if they do not. */
  public Optional<String> group() {
    return Optional.ofNullable(clientProperties.get("group.id"));
  }

  /** The same log, whose sources commit their offsets as this group with every checkpoint. */
  public KafkaLog withGroup(String group) {
    Map<String, String> properties = new HashMap<>(clientProperties);
    properties.put("group.id", group);
    return new KafkaLog(bootstrapServers, properties);
  }

  /** As {@link #source(StreamTopic, StartAt, Optional, boolean)}; bytes of bad records only. */
  public KafkaSource<LogRecord> source(StreamTopic stream, StartAt start, Optional<Bound> bound) {
    return source(stream, start, bound, false);
  }

  /**
   * Reads a stream: every record of its topic, in the order of each partition, at its place and
   * with its append time, decoded or with the problem. It never fails on a bad record.
   *
   * <p>A record that cannot be decoded, and one without a value, has {@link LogRecord#problem} set
   * and no values; one whose event time is NULL has the problem set and its values. All of these
   * keep their bytes.
   *
   * <p>Exactly once into state: after a failure, or from a savepoint, it continues at the exact
   * next offset. New partitions are found within ten seconds, unless the read is bounded.
   *
   * @param bound where to stop; empty to read for ever
   * @param keepBytes whether good records keep their original bytes, too
   */
  public KafkaSource<LogRecord> source(
      StreamTopic stream, StartAt start, Optional<Bound> bound, boolean keepBytes) {
    return source(stream, start, bound, keepBytes, Map.of());
  }

  /**
   * As {@link #source(StreamTopic, StartAt, Optional, boolean)}, for records whose predecessors are
   * read elsewhere.
   *
   * @param newestBefore by partition the newest event time before the first offset that is read: a
   *     lower bound of {@link LogRecord#newestBefore} of every record
   */
  public KafkaSource<LogRecord> source(
      StreamTopic stream,
      StartAt start,
      Optional<Bound> bound,
      boolean keepBytes,
      Map<Integer, Long> newestBefore) {
    if (start instanceof StartAt.Committed && !clientProperties.containsKey("group.id")) {
      throw new IllegalArgumentException(
          "stream %s starts at committed offsets, but the log has no group.id: name the group whose offsets are meant"
              .formatted(stream.name()));
    }
    return source(
        stream.topic(),
        stream.name(),
        start,
        bound,
        false,
        new LogRecordDeserializer(stream, keepBytes, newestBefore));
  }

  /**
   * Reads a topic as it was written: every record with its key and headers, whatever is in it. The
   * promises are those of {@link #source(StreamTopic, StartAt, Optional, boolean)}, except that of
   * freshness: without a bound, records that arrive one by one are read up to half a second later,
   * many at once.
   */
  public KafkaSource<RawRecord> rawSource(String topic, StartAt start, Optional<Bound> bound) {
    TopicSpec.requireTopicName(topic);
    return source(topic, topic, start, bound, bound.isEmpty(), new RawRecordDeserializer());
  }

  private <T> KafkaSource<T> source(
      String topic,
      String name,
      StartAt start,
      Optional<Bound> bound,
      boolean gathers,
      KafkaRecordDeserializationSchema<T> deserializer) {
    Properties properties = new Properties();
    // Freshness first: hand over whatever is there.
    properties.put("fetch.min.bytes", gathers ? GATHER_BYTES : "1");
    properties.put("fetch.max.wait.ms", gathers ? GATHER_MS : FETCH_WAIT_MS);
    properties.put("fetch.max.bytes", Integer.toString(16 << 20));
    properties.put("max.partition.fetch.bytes", Integer.toString(2 << 20));
    properties.put("max.poll.records", "2000");
    properties.put("partition.discovery.interval.ms", "10000");
    properties.put("request.timeout.ms", REQUEST_TIMEOUT_MS);
    properties.putAll(clientProperties);
    KafkaSourceBuilder<T> builder =
        KafkaSource.<T>builder()
            .setProperties(properties)
            .setBootstrapServers(bootstrapServers)
            .setTopics(topic)
            .setClientIdPrefix("tailwater-" + name)
            .setStartingOffsets(new StartingOffsets(start))
            .setDeserializer(deserializer);
    bound.ifPresent(end -> builder.setBounded(new StoppingOffsets(end)));
    return builder.build();
  }

  /** How a source of a topic names the split of a partition. */
  public static String splitId(String topic, int partition) {
    return new TopicPartition(topic, partition).toString();
  }

  /**
   * Appends records to the topics they name. At least once: every record handed over before a
   * checkpoint is acknowledged by all in-sync replicas before that checkpoint completes; a restart
   * may repeat those after it. Records of one key keep their order. A record the log refuses, or
   * does not acknowledge within a minute, fails the job.
   */
  public KafkaSink<OutgoingRecord> sink() {
    return KafkaSink.<OutgoingRecord>builder()
        .setBootstrapServers(bootstrapServers)
        .setKafkaProducerConfig(producerProperties())
        .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
        .setRecordSerializer(new OutgoingRecordWriter())
        .build();
  }

  /**
   * The properties of a producer of byte arrays with the same promises as {@link #sink}, for
   * programs outside Flink; they contain secrets if the client properties do.
   */
  public Properties producerProperties() {
    Properties properties = adminProperties();
    properties.putIfAbsent("acks", "all");
    properties.putIfAbsent("enable.idempotence", "true");
    properties.putIfAbsent("linger.ms", "0"); // A prediction must not wait for company.
    // Records leave one by one: there is nothing to compress, only buffers to fill and collect.
    properties.putIfAbsent("compression.type", "none");
    properties.putIfAbsent("delivery.timeout.ms", "60000");
    properties.putIfAbsent("max.block.ms", "30000");
    properties.putIfAbsent("max.request.size", Integer.toString(TopicSpec.LARGEST_RECORD_BYTES));
    return properties;
  }

  /** The properties of an admin client; they contain secrets if the client properties do. */
  Properties adminProperties() {
    Properties properties = new Properties();
    properties.putAll(clientProperties);
    properties.remove("group.id"); // A consumer's property: other clients warn about it.
    properties.put("bootstrap.servers", bootstrapServers);
    properties.putIfAbsent("request.timeout.ms", REQUEST_TIMEOUT_MS);
    return properties;
  }

  /** The servers and the names of the client properties; their values may be secrets. */
  @Override
  public String toString() {
    return "KafkaLog[%s, %s]".formatted(bootstrapServers, new TreeSet<>(clientProperties.keySet()));
  }
}
