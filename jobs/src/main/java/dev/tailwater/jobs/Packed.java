package dev.tailwater.jobs;

import dev.tailwater.connectors.log.SerializedTypeInfo;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * A record as bytes, on its way to where it is put in order: it is exchanged, distributed over
 * partitions and sorted by what stands in front, without being read. The length of all, the hash of
 * its key and its time come first, then what its serializer wrote.
 *
 * <p>The bytes may be used again once the record was passed on: whoever keeps it copies them.
 */
final class Packed {

  /** Bytes in front of what the serializer wrote. */
  static final int HEADER = 16;

  private static final int HASH_AT = 4;
  private static final int TIME_AT = 8;

  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  /** The header, and behind it the record. */
  byte[] bytes;

  Packed(byte[] bytes) {
    this.bytes = bytes;
  }

  /** The number of bytes that count, header included. */
  int length() {
    return length(bytes, 0);
  }

  int hash() {
    return hash(bytes, 0);
  }

  long time() {
    return time(bytes, 0);
  }

  static int length(byte[] bytes, int at) {
    return (int) INT.get(bytes, at);
  }

  static int hash(byte[] bytes, int at) {
    return (int) INT.get(bytes, at + HASH_AT);
  }

  static long time(byte[] bytes, int at) {
    return (long) LONG.get(bytes, at + TIME_AT);
  }

  static void writeHeader(byte[] bytes, int length, int hash, long time) {
    INT.set(bytes, 0, length);
    INT.set(bytes, HASH_AT, hash);
    LONG.set(bytes, TIME_AT, time);
  }

  static TypeInformation<Packed> typeInfo() {
    return new SerializedTypeInfo<>(Packed.class, Serializer.INSTANCE);
  }

  /** Writes the bytes as they are. */
  static final class Serializer extends TypeSerializerSingleton<Packed> {

    static final Serializer INSTANCE = new Serializer();

    private Serializer() {}

    @Override
    public void serialize(Packed packed, DataOutputView target) throws IOException {
      target.write(packed.bytes, 0, packed.length());
    }

    @Override
    public Packed deserialize(DataInputView source) throws IOException {
      int length = source.readInt();
      byte[] bytes = new byte[length];
      INT.set(bytes, 0, length);
      source.readFully(bytes, Integer.BYTES, length - Integer.BYTES);
      return new Packed(bytes);
    }

    @Override
    public Packed deserialize(Packed reuse, DataInputView source) throws IOException {
      return deserialize(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
      serialize(deserialize(source), target);
    }

    @Override
    public Packed copy(Packed from) {
      return new Packed(Arrays.copyOf(from.bytes, from.length()));
    }

    @Override
    public Packed copy(Packed from, Packed reuse) {
      return copy(from);
    }

    @Override
    public Packed createInstance() {
      return new Packed(new byte[HEADER]);
    }

    @Override
    public boolean isImmutableType() {
      return false;
    }

    @Override
    public int getLength() {
      return -1;
    }

    @Override
    public TypeSerializerSnapshot<Packed> snapshotConfiguration() {
      return new Snapshot();
    }

    /** There is one way to write bytes. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Packed> {

      /** Read reflectively by Flink. */
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
