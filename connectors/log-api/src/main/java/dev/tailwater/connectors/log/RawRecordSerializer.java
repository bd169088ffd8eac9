package dev.tailwater.connectors.log;

import dev.tailwater.connectors.log.RawRecord.Header;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/** Serializes raw records. They never change. */
public final class RawRecordSerializer extends TypeSerializerSingleton<RawRecord> {

  public static final RawRecordSerializer INSTANCE = new RawRecordSerializer();

  private static final int NO_BYTES = -1;

  private RawRecordSerializer() {}

  @Override
  public void serialize(RawRecord record, DataOutputView target) throws IOException {
    StringSerializer.INSTANCE.serialize(record.topic(), target);
    target.writeInt(record.partition());
    target.writeLong(record.offset());
    target.writeLong(record.appendTime());
    writeBytes(record.key(), target);
    writeBytes(record.value(), target);
    target.writeInt(record.headers().size());
    for (Header header : record.headers()) {
      StringSerializer.INSTANCE.serialize(header.name(), target);
      writeBytes(header.value(), target);
    }
  }

  private static void writeBytes(byte @Nullable [] bytes, DataOutputView target)
      throws IOException {
    if (bytes == null) {
      target.writeInt(NO_BYTES);
      return;
    }
    target.writeInt(bytes.length);
    target.write(bytes);
  }

  @Override
  public RawRecord deserialize(DataInputView source) throws IOException {
    String topic = StringSerializer.INSTANCE.deserialize(source);
    int partition = source.readInt();
    long offset = source.readLong();
    long appendTime = source.readLong();
    byte[] key = readBytes(source);
    byte[] value = readBytes(source);
    int count = source.readInt();
    List<Header> headers = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      headers.add(new Header(StringSerializer.INSTANCE.deserialize(source), readBytes(source)));
    }
    return new RawRecord(topic, partition, offset, appendTime, key, value, headers);
  }

  private static byte @Nullable [] readBytes(DataInputView source) throws IOException {
    int length = source.readInt();
    if (length == NO_BYTES) {
      return null;
    }
    byte[] bytes = new byte[length];
    source.readFully(bytes);
    return bytes;
  }

  @Override
  public RawRecord deserialize(RawRecord reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public RawRecord copy(RawRecord from) {
    return from;
  }

  @Override
  public RawRecord copy(RawRecord from, RawRecord reuse) {
    return from;
  }

  @Override
  public RawRecord createInstance() {
    return new RawRecord("", 0, 0, 0, null, null, List.of());
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
  public TypeSerializerSnapshot<RawRecord> snapshotConfiguration() {
    return new Snapshot();
  }

  /** The layout is fixed: its version is all there is to know. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<RawRecord> {

    /** Read reflectively by Flink. */
    public Snapshot() {
      super(() -> INSTANCE);
    }
  }
}
