package dev.tailwater.jobs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Objects;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/** Turns records into bytes and back. Not thread-safe. */
final class Packing<T> {

  private static final int FIRST_BYTES = 256;

  private final TypeSerializer<T> serializer;
  private final OrderOperator.By<T> by;
  private final DataOutputSerializer written = new DataOutputSerializer(FIRST_BYTES);
  private final DataInputDeserializer read = new DataInputDeserializer();
  private final Packed packed = new Packed(written.getSharedBuffer());

  Packing(TypeSerializer<T> serializer, OrderOperator.By<T> by) {
    this.serializer = serializer;
    this.by = by;
    try {
      written.skipBytesToWrite(Packed.HEADER);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // Of a buffer in memory that has room.
    }
  }

  OrderOperator.By<T> by() {
    return by;
  }

  /** The record as bytes, until the next one. */
  Packed pack(T record) throws IOException {
    written.setPosition(Packed.HEADER);
    serializer.serialize(record, written);
    packed.bytes = written.getSharedBuffer();
    Packed.writeHeader(packed.bytes, written.length(), by.key(record).hashCode(), by.time(record));
    return packed;
  }

  /** The record whose header stands at a position. */
  T unpack(byte[] bytes, int at) throws IOException {
    read.setBuffer(bytes, at + Packed.HEADER, Packed.length(bytes, at) - Packed.HEADER);
    return Objects.requireNonNull(serializer.deserialize(read));
  }
}
