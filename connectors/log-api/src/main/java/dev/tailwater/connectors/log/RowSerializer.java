package dev.tailwater.connectors.log;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * Serializes a row of values whose types are known from its schema: a bit per column that is set
 * for null, in whole bytes, then the values that are there, in order. Values are immutable, so a
 * copy is a copy of the array.
 */
public final class RowSerializer extends TypeSerializer<@Nullable Object[]> {

  private static final ColumnType[] TYPES = ColumnType.values();

  private final ColumnType[] types;

  public RowSerializer(ColumnType... types) {
    this.types = types.clone();
  }

  /** The serializer of rows with these columns. */
  public static RowSerializer of(List<Column> columns) {
    return new RowSerializer(columns.stream().map(Column::type).toArray(ColumnType[]::new));
  }

  /** The type of each value. */
  public ColumnType[] types() {
    return types.clone();
  }

  @Override
  public void serialize(@Nullable Object[] row, DataOutputView target) throws IOException {
    if (row.length != types.length) {
      throw new IOException(
          "a row of " + row.length + " values does not fit its " + types.length + " columns");
    }
    for (int first = 0; first < types.length; first += 8) {
      int nulls = 0;
      for (int i = first; i < Math.min(first + 8, types.length); i++) {
        if (row[i] == null) {
          nulls |= 1 << (i - first);
        }
      }
      target.writeByte(nulls);
    }
    for (int i = 0; i < types.length; i++) {
      Object value = row[i];
      if (value != null) {
        writeValue(types[i], value, target);
      }
    }
  }

  private static void writeValue(ColumnType type, Object value, DataOutputView target)
      throws IOException {
    switch (type) {
      case BOOLEAN -> target.writeBoolean((Boolean) value);
      case INT -> target.writeInt((Integer) value);
      case LONG, TIMESTAMP -> target.writeLong((Long) value);
      case DOUBLE -> target.writeDouble((Double) value);
      case STRING -> StringSerializer.INSTANCE.serialize((String) value, target);
      case LONG_LIST, DOUBLE_LIST, STRING_LIST -> {
        List<?> list = (List<?>) value;
        target.writeInt(list.size());
        for (Object element : list) {
          writeValue(type.elementType(), element, target);
        }
      }
      case LONG_MAP, DOUBLE_MAP -> {
        Map<?, ?> map = (Map<?, ?>) value;
        target.writeInt(map.size());
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          writeValue(ColumnType.STRING, entry.getKey(), target);
          writeValue(type.elementType(), entry.getValue(), target);
        }
      }
    }
  }

  @Override
  public @Nullable Object[] deserialize(DataInputView source) throws IOException {
    @Nullable Object[] row = new Object[types.length];
    long nulls = 0;
    // The bits of up to 64 columns are read ahead of the values; wider rows keep them in an array.
    byte[] wide = types.length > 64 ? new byte[(types.length + 7) / 8] : NONE;
    for (int b = 0; b < (types.length + 7) / 8; b++) {
      int bits = source.readUnsignedByte();
      if (types.length > 64) {
        wide[b] = (byte) bits;
      } else {
        nulls |= (long) bits << (8 * b);
      }
    }
    for (int i = 0; i < types.length; i++) {
      boolean isNull =
          types.length > 64 ? (wide[i >> 3] >> (i & 7) & 1) != 0 : (nulls >>> i & 1) != 0;
      if (!isNull) {
        row[i] = readValue(types[i], source);
      }
    }
    return row;
  }

  private static final byte[] NONE = new byte[0];

  private static Object readValue(ColumnType type, DataInputView source) throws IOException {
    return switch (type) {
      case BOOLEAN -> source.readBoolean();
      case INT -> source.readInt();
      case LONG, TIMESTAMP -> source.readLong();
      case DOUBLE -> source.readDouble();
      case STRING -> StringSerializer.INSTANCE.deserialize(source);
      case LONG_LIST, DOUBLE_LIST, STRING_LIST -> {
        Object[] list = new Object[source.readInt()];
        for (int i = 0; i < list.length; i++) {
          list[i] = readValue(type.elementType(), source);
        }
        yield List.of(list);
      }
      case LONG_MAP, DOUBLE_MAP -> {
        int size = source.readInt();
        // Written in the order of its keys.
        Map<String, Object> map = new LinkedHashMap<>(2 * size);
        for (int i = 0; i < size; i++) {
          String key = StringSerializer.INSTANCE.deserialize(source);
          map.put(key, readValue(type.elementType(), source));
        }
        yield Collections.unmodifiableMap(map);
      }
    };
  }

  @Override
  public @Nullable Object[] deserialize(@Nullable Object[] reuse, DataInputView source)
      throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public @Nullable Object[] copy(@Nullable Object[] from) {
    return from.clone();
  }

  @Override
  public @Nullable Object[] copy(@Nullable Object[] from, @Nullable Object[] reuse) {
    return from.clone();
  }

  @Override
  public @Nullable Object[] createInstance() {
    return new Object[types.length];
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
  public TypeSerializer<@Nullable Object[]> duplicate() {
    return this;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof RowSerializer that && Arrays.equals(types, that.types);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(types);
  }

  @Override
  public TypeSerializerSnapshot<@Nullable Object[]> snapshotConfiguration() {
    return new Snapshot(types);
  }

  /** The column types, written with the state they describe. */
  public static final class Snapshot implements TypeSerializerSnapshot<@Nullable Object[]> {

    private static final int VERSION = 1;

    private ColumnType[] types;

    /** Read reflectively by Flink. */
    public Snapshot() {
      this(new ColumnType[0]);
    }

    Snapshot(ColumnType[] types) {
      this.types = types;
    }

    @Override
    public int getCurrentVersion() {
      return VERSION;
    }

    @Override
    public void writeSnapshot(DataOutputView out) throws IOException {
      writeTypes(types, out);
    }

    @Override
    public void readSnapshot(int version, DataInputView in, ClassLoader classLoader)
        throws IOException {
      types = readTypes(in);
    }

    @Override
    public TypeSerializer<@Nullable Object[]> restoreSerializer() {
      return new RowSerializer(types);
    }

    @Override
    public TypeSerializerSchemaCompatibility<@Nullable Object[]> resolveSchemaCompatibility(
        TypeSerializerSnapshot<@Nullable Object[]> old) {
      return old instanceof Snapshot that && Arrays.equals(types, that.types)
          ? TypeSerializerSchemaCompatibility.compatibleAsIs()
          : TypeSerializerSchemaCompatibility.incompatible();
    }
  }

  /** Writes column types for a serializer's snapshot. */
  public static void writeTypes(ColumnType[] types, DataOutputView out) throws IOException {
    out.writeInt(types.length);
    for (ColumnType type : types) {
      out.writeByte(type.ordinal());
    }
  }

  /** Reads what {@link #writeTypes} wrote. */
  public static ColumnType[] readTypes(DataInputView in) throws IOException {
    ColumnType[] types = new ColumnType[in.readInt()];
    for (int i = 0; i < types.length; i++) {
      types[i] = TYPES[in.readByte()];
    }
    return types;
  }
}
