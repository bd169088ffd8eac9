package dev.tailwater.connectors.kafka;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * A record that was not processed, kept with its reason. It goes to the topic {@code
 * <topic>.dead-letters} with the original key and value, so that it can be sent again, and with
 * these headers:
 *
 * <table>
 *   <caption>Headers of a dead letter, all UTF-8 text</caption>
 *   <tr><td>{@value #CODE_HEADER}</td><td>the {@link Code}</td></tr>
 *   <tr><td>{@value #REASON_HEADER}</td><td>why, in words; at most 2000 characters</td></tr>
 *   <tr><td>{@value #STREAM_HEADER}</td><td>the stream</td></tr>
 *   <tr><td>{@value #TOPIC_HEADER}, {@value #PARTITION_HEADER}, {@value #OFFSET_HEADER}</td>
 *       <td>where the record stands</td></tr>
 *   <tr><td>{@value #APPEND_TIME_HEADER}</td><td>when the log accepted it, in milliseconds since
 *       the epoch; absent where the log does not know</td></tr>
 *   <tr><td>{@value #CUT_HEADER}</td><td>the original length in bytes; only if the value was cut to
 *       {@value #MAX_VALUE_BYTES} bytes</td></tr>
 * </table>
 *
 * <p>A job that restarts may write a dead letter twice; topic, partition, offset and code identify
 * it.
 *
 * @param appendTime milliseconds since the epoch, {@link Long#MAX_VALUE} if the log does not know
 * @param key the record's key, null if it has none or it is not known
 * @param value the record's bytes, null if it has none
 */
public record DeadLetter(
    String stream,
    String topic,
    int partition,
    long offset,
    long appendTime,
    Code code,
    String reason,
    byte @Nullable [] key,
    byte @Nullable [] value) {

  /** Why a record was not processed. */
  public enum Code {
    /** Its bytes do not keep the stream's contract. */
    UNDECODABLE,
    /** Its event time is further after its append time than the stream allows. */
    FUTURE,
    /**
     * Its event time is older than the disorder and lateness of the stream allow, or than what its
     * entity still remembers.
     */
    LATE,
    /**
     * It broke an expectation whose {@code else} is {@code quarantine}; so does one for which the
     * expectation has no value.
     */
    EXPECTATION,
    /** It was decoded, and its event time is NULL. */
    MISSING_EVENT_TIME,
    /** Another event with its id and event time, but other values, stands before it in the log. */
    CONFLICT
  }

  public static final String TOPIC_SUFFIX = ".dead-letters";
  public static final String CODE_HEADER = "tailwater.code";
  public static final String REASON_HEADER = "tailwater.reason";
  public static final String STREAM_HEADER = "tailwater.stream";
  public static final String TOPIC_HEADER = "tailwater.topic";
  public static final String PARTITION_HEADER = "tailwater.partition";
  public static final String OFFSET_HEADER = "tailwater.offset";
  public static final String APPEND_TIME_HEADER = "tailwater.append-time";
  public static final String CUT_HEADER = "tailwater.original-bytes";

  /** A longer value is cut: one huge record must not be able to stop the job that reports it. */
  public static final int MAX_VALUE_BYTES = 2 << 20;

  private static final int MAX_REASON_CHARACTERS = 2_000;

  // Written out, because the null checker does not see the arrays' annotations in the short form.
  public DeadLetter(
      String stream,
      String topic,
      int partition,
      long offset,
      long appendTime,
      Code code,
      String reason,
      byte @Nullable [] key,
      byte @Nullable [] value) {
    this.stream = stream;
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.appendTime = appendTime;
    this.code = code;
    this.reason =
        reason.length() > MAX_REASON_CHARACTERS
            ? reason.substring(0, MAX_REASON_CHARACTERS - 1) + "…"
            : reason;
    this.key = key;
    this.value = value;
  }

  /** Where the dead letters of a topic are. */
  public static String topicOf(String topic) {
    return topic + TOPIC_SUFFIX;
  }

  /**
   * The record that reports this letter. A record without a value is reported with an empty one.
   */
  public OutgoingRecord toRecord() {
    Map<String, String> headers = new HashMap<>();
    headers.put(CODE_HEADER, code.name());
    headers.put(REASON_HEADER, reason);
    headers.put(STREAM_HEADER, stream);
    headers.put(TOPIC_HEADER, topic);
    headers.put(PARTITION_HEADER, Integer.toString(partition));
    headers.put(OFFSET_HEADER, Long.toString(offset));
    if (appendTime != Long.MAX_VALUE) {
      headers.put(APPEND_TIME_HEADER, Long.toString(appendTime));
    }
    byte[] bytes = value == null ? new byte[0] : value;
    if (bytes.length > MAX_VALUE_BYTES) {
      headers.put(CUT_HEADER, Integer.toString(bytes.length));
      bytes = Arrays.copyOf(bytes, MAX_VALUE_BYTES);
    }
    return new OutgoingRecord(topicOf(topic), key, bytes, headers);
  }

  /**
   * Reads a letter back from its topic.
   *
   * @throws IllegalArgumentException if the record lacks a header, or one cannot be read
   */
  public static DeadLetter read(ConsumerRecord<byte[], byte[]> record) {
    try {
      return new DeadLetter(
          header(record, STREAM_HEADER),
          header(record, TOPIC_HEADER),
          Integer.parseInt(header(record, PARTITION_HEADER)),
          Long.parseLong(header(record, OFFSET_HEADER)),
          record.headers().lastHeader(APPEND_TIME_HEADER) == null
              ? Long.MAX_VALUE
              : Long.parseLong(header(record, APPEND_TIME_HEADER)),
          Code.valueOf(header(record, CODE_HEADER)),
          header(record, REASON_HEADER),
          record.key(),
          record.value());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "offset %d of partition %d of %s is not a dead letter: %s"
              .formatted(record.offset(), record.partition(), record.topic(), e.getMessage()),
          e);
    }
  }

  private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    if (header == null) {
      throw new IllegalArgumentException("it has no header " + name);
    }
    return new String(header.value(), StandardCharsets.UTF_8);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof DeadLetter that
        && stream.equals(that.stream)
        && topic.equals(that.topic)
        && partition == that.partition
        && offset == that.offset
        && appendTime == that.appendTime
        && code == that.code
        && reason.equals(that.reason)
        && Arrays.equals(key, that.key)
        && Arrays.equals(value, that.value);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * topic.hashCode() + partition) + Long.hashCode(offset);
  }

  /** Without key and value: they are the user's data. */
  @Override
  public String toString() {
    return "DeadLetter[%s %s-%d@%d %s: %s]"
        .formatted(stream, topic, partition, offset, code, reason);
  }
}
