package dev.tailwater.connectors.kafka;

import dev.tailwater.connectors.log.SerializedTypeInfo;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Topic, key (length -1 for none), value, then the number of headers and each name and value. */
final class OutgoingRecordSerializer extends TypeSerializerSingleton<OutgoingRecord> {

  private static final long serialVersionUID = 1;

  static final OutgoingRecordSerializer INSTANCE = new OutgoingRecordSerializer();

  static final TypeInformation<OutgoingRecord> TYPE =
      new SerializedTypeInfo<>(OutgoingRecord.class, INSTANCE);

  private static final OutgoingRecord EMPTY = new OutgoingRecord("", null, new byte[0], Map.of());

  private OutgoingRecordSerializer() {}

  @Override
  public void serialize(OutgoingRecord record, DataOutputView target) throws IOException {
    StringSerializer.INSTANCE.serialize(record.topic(), target);
    byte[] key = record.key();
    if (key == null) {
      target.writeInt(-1);
    } else {
      target.writeInt(key.length);
      target.write(key);
    }
    target.writeInt(record.value().length);
    target.write(record.value());
    target.writeInt(record.headers().size());
    for (Map.Entry<String, String> header : record.headers().entrySet()) {
      StringSerializer.INSTANCE.serialize(header.getKey(), target);
      StringSerializer.INSTANCE.serialize(header.getValue(), target);
    }
  }

  @Override
  public OutgoingRecord deserialize(DataInputView source) throws IOException {
    String topic = StringSerializer.INSTANCE.deserialize(source);
    int keyLength = source.readInt();
    byte[] key = keyLength < 0 ? null : bytes(keyLength, source);
    byte[] value = bytes(source.readInt(), source);
    int headerCount = source.readInt();
    Map<String, String> headers = new HashMap<>();
    for (int i = 0; i < headerCount; i++) {
      headers.put(
          StringSerializer.INSTANCE.deserialize(source),
          StringSerializer.INSTANCE.deserialize(source));
    }
    return new OutgoingRecord(topic, key, value, headers);
  }

  private static byte[] bytes(int length, DataInputView source) throws IOException {
    byte[] bytes = new byte[length];
    source.readFully(bytes);
    return bytes;
  }

  @Override
  public OutgoingRecord deserialize(OutgoingRecord reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public OutgoingRecord copy(OutgoingRecord from) {
    return from;
  }

  @Override
  public OutgoingRecord copy(OutgoingRecord from, OutgoingRecord reuse) {
    return from;
  }

  @Override
  public OutgoingRecord createInstance() {
    return EMPTY;
  }

  @Override
  public boolean isImmutableType() {
    return true;
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public TypeSerializerSnapshot<OutgoingRecord> snapshotConfiguration() {
    return new Snapshot();
  }

  /** Nothing to remember: the layout has no parameters. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<OutgoingRecord> {

    /** Read reflectively by Flink. */
    public Snapshot() {
      super(() -> INSTANCE);
    }
  }
}
