package dev.tailwater.connectors.kafka;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.jspecify.annotations.Nullable;

/**
 * A record to append to a topic. Never changed after it was made; the arrays are not copied.
 *
 * @param key decides the partition; without one, records are spread
 * @param headers names and values, written as UTF-8
 */
public record OutgoingRecord(
    String topic, byte @Nullable [] key, byte[] value, Map<String, String> headers) {

  // Written out, because the null checker does not see the key's annotation in the short form.
  public OutgoingRecord(
      String topic, byte @Nullable [] key, byte[] value, Map<String, String> headers) {
    this.topic = topic;
    this.key = key;
    this.value = value;
    this.headers = Map.copyOf(headers);
  }

  /** The type Flink moves these records by. */
  public static TypeInformation<OutgoingRecord> typeInfo() {
    return OutgoingRecordSerializer.TYPE;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof OutgoingRecord that
        && topic.equals(that.topic)
        && Arrays.equals(key, that.key)
        && Arrays.equals(value, that.value)
        && headers.equals(that.headers);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * topic.hashCode() + Arrays.hashCode(value)) + headers.hashCode();
  }

  /** Without key and value: they are the user's data. */
  @Override
  public String toString() {
    return "OutgoingRecord[%s, %d bytes, %s]"
        .formatted(topic, value.length, new TreeMap<>(headers).keySet());
  }
}
