package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.log.RawRecordSerializer;
import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Serializes archived records. They never change. */
public final class ArchivedRecordSerializer extends TypeSerializerSingleton<ArchivedRecord> {

  static final ArchivedRecordSerializer INSTANCE = new ArchivedRecordSerializer();

  private ArchivedRecordSerializer() {}

  @Override
  public void serialize(ArchivedRecord archived, DataOutputView target) throws IOException {
    RawRecordSerializer.INSTANCE.serialize(archived.record(), target);
    target.writeLong(archived.eventTime());
    target.writeBoolean(archived.isFuture());
    target.writeLong(archived.newestBefore());
    target.writeBoolean(archived.problem() != null);
    if (archived.problem() != null) {
      StringSerializer.INSTANCE.serialize(archived.problem(), target);
    }
  }

  @Override
  public ArchivedRecord deserialize(DataInputView source) throws IOException {
    return new ArchivedRecord(
        RawRecordSerializer.INSTANCE.deserialize(source),
        source.readLong(),
        source.readBoolean(),
        source.readLong(),
        source.readBoolean() ? StringSerializer.INSTANCE.deserialize(source) : null);
  }

  @Override
  public ArchivedRecord deserialize(ArchivedRecord reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public ArchivedRecord copy(ArchivedRecord from) {
    return from;
  }

  @Override
  public ArchivedRecord copy(ArchivedRecord from, ArchivedRecord reuse) {
    return from;
  }

  @Override
  public ArchivedRecord createInstance() {
    return new ArchivedRecord(
        RawRecordSerializer.INSTANCE.createInstance(), Long.MIN_VALUE, false, Long.MIN_VALUE, null);
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
  public TypeSerializerSnapshot<ArchivedRecord> snapshotConfiguration() {
    return new Snapshot();
  }

  /** The layout is fixed: its version is all there is to know. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<ArchivedRecord> {

    /** Read reflectively by Flink. */
    public Snapshot() {
      super(() -> INSTANCE);
    }
  }
}
