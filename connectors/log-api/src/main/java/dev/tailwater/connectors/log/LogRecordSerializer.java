package dev.tailwater.connectors.log;

import dev.tailwater.schemas.RecordSchema;
import dev.tailwater.schemas.RowChange;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.CompositeTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/** Serializes the records of one stream. */
public final class LogRecordSerializer extends TypeSerializer<LogRecord> {

  private static final int HAS_VALUES = 1;
  private static final int HAS_PROBLEM = 2;
  private static final int HAS_BYTES = 4;
  private static final int HAS_BEFORE = 8;

  /** The change stands above the bits of the parts, in two bits. */
  private static final int CHANGE_SHIFT = 4;

  private static final int CHANGE_MASK = 3;
  private static final int HAS_NEWEST = 64;
  private static final int IS_EXACT = 128;

  private static final RowChange.Kind[] CHANGES = RowChange.Kind.values();

  private final RowSerializer rows;

  LogRecordSerializer(RowSerializer rows) {
    this.rows = rows;
  }

  /** The type of the records of a stream with this schema. */
  public static TypeInformation<LogRecord> typeInfo(RecordSchema schema) {
    return new SerializedTypeInfo<>(
        LogRecord.class, new LogRecordSerializer(RowSerializer.of(schema.columns())));
  }

  @Override
  public void serialize(LogRecord record, DataOutputView target) throws IOException {
    target.writeByte(
        (record.values == null ? 0 : HAS_VALUES)
            | (record.problem == null ? 0 : HAS_PROBLEM)
            | (record.bytes == null ? 0 : HAS_BYTES)
            | (record.before == null ? 0 : HAS_BEFORE)
            | record.change.ordinal() << CHANGE_SHIFT
            | (record.newestBefore == Long.MIN_VALUE ? 0 : HAS_NEWEST)
            | (record.newestIsExact ? IS_EXACT : 0));
    target.writeInt(record.partition);
    target.writeLong(record.offset);
    target.writeLong(record.appendTime);
    target.writeLong(record.eventTime);
    if (record.newestBefore != Long.MIN_VALUE) {
      target.writeLong(record.newestBefore);
    }
    if (record.values != null) {
      rows.serialize(record.values, target);
    }
    if (record.before != null) {
      rows.serialize(record.before, target);
    }
    if (record.problem != null) {
      StringSerializer.INSTANCE.serialize(record.problem, target);
    }
    if (record.bytes != null) {
      target.writeInt(record.bytes.length);
      target.write(record.bytes);
    }
  }

  @Override
  public LogRecord deserialize(DataInputView source) throws IOException {
    LogRecord record = new LogRecord();
    int parts = source.readUnsignedByte();
    record.change = CHANGES[parts >> CHANGE_SHIFT & CHANGE_MASK];
    record.partition = source.readInt();
    record.offset = source.readLong();
    record.appendTime = source.readLong();
    record.eventTime = source.readLong();
    record.newestIsExact = (parts & IS_EXACT) != 0;
    if ((parts & HAS_NEWEST) != 0) {
      record.newestBefore = source.readLong();
    }
    if ((parts & HAS_VALUES) != 0) {
      record.values = rows.deserialize(source);
    }
    if ((parts & HAS_BEFORE) != 0) {
      record.before = rows.deserialize(source);
    }
    if ((parts & HAS_PROBLEM) != 0) {
      record.problem = StringSerializer.INSTANCE.deserialize(source);
    }
    if ((parts & HAS_BYTES) != 0) {
      byte[] bytes = new byte[source.readInt()];
      source.readFully(bytes);
      record.bytes = bytes;
    }
    return record;
  }

  @Override
  public LogRecord deserialize(LogRecord reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  /** Records never change after they were emitted: the copy is the record itself. */
  @Override
  public LogRecord copy(LogRecord from) {
    return from;
  }

  @Override
  public LogRecord copy(LogRecord from, LogRecord reuse) {
    return from;
  }

  @Override
  public LogRecord createInstance() {
    return new LogRecord();
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
  public TypeSerializer<LogRecord> duplicate() {
    return this;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof LogRecordSerializer that && rows.equals(that.rows);
  }

  @Override
  public int hashCode() {
    return rows.hashCode();
  }

  @Override
  public TypeSerializerSnapshot<LogRecord> snapshotConfiguration() {
    return new Snapshot(this);
  }

  /** The layout of the values. */
  public static final class Snapshot
      extends CompositeTypeSerializerSnapshot<LogRecord, LogRecordSerializer> {

    /** Read reflectively by Flink. */
    public Snapshot() {}

    Snapshot(LogRecordSerializer serializer) {
      super(serializer);
    }

    @Override
    protected int getCurrentOuterSnapshotVersion() {
      return 1;
    }

    @Override
    protected TypeSerializer<?>[] getNestedSerializers(LogRecordSerializer outer) {
      return new TypeSerializer<?>[] {outer.rows};
    }

    @Override
    protected LogRecordSerializer createOuterSerializerWithNestedSerializers(
        TypeSerializer<?>[] nested) {
      return new LogRecordSerializer((RowSerializer) nested[0]);
    }
  }
}
