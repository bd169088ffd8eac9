package dev.tailwater.jobs;

import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * A serializer of kernel state, whose bytes mean something only together with the state layouts
 * they were written for. State of other layouts is refused at restore: such a view is replayed.
 */
abstract class LayoutSerializer<T> extends TypeSerializer<T> {

  final List<StateLayout> layouts;

  LayoutSerializer(List<StateLayout> layouts) {
    this.layouts = List.copyOf(layouts);
  }

  @Override
  public T deserialize(T reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public T copy(T from, T reuse) {
    return copy(from);
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
  public TypeSerializer<T> duplicate() {
    return this;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof LayoutSerializer<?> that
        && getClass() == that.getClass()
        && layouts.equals(that.layouts);
  }

  @Override
  public int hashCode() {
    return layouts.hashCode();
  }

  /** The layouts, written beside the state. */
  abstract static class Snapshot<T> implements TypeSerializerSnapshot<T> {

    private static final int VERSION = 1;

    private List<StateLayout> layouts;

    Snapshot(List<StateLayout> layouts) {
      this.layouts = layouts;
    }

    abstract TypeSerializer<T> serializer(List<StateLayout> layouts);

    @Override
    public int getCurrentVersion() {
      return VERSION;
    }

    @Override
    public void writeSnapshot(DataOutputView out) throws IOException {
      out.writeInt(layouts.size());
      for (StateLayout layout : layouts) {
        write(layout, out);
      }
    }

    @Override
    public void readSnapshot(int version, DataInputView in, ClassLoader classLoader)
        throws IOException {
      List<StateLayout> read = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        read.add(read(in));
      }
      layouts = List.copyOf(read);
    }

    @Override
    public TypeSerializer<T> restoreSerializer() {
      return serializer(layouts);
    }

    @Override
    public TypeSerializerSchemaCompatibility<T> resolveSchemaCompatibility(
        TypeSerializerSnapshot<T> old) {
      return old instanceof Snapshot<?> that && layouts.equals(that.layouts)
          ? TypeSerializerSchemaCompatibility.compatibleAsIs()
          : TypeSerializerSchemaCompatibility.incompatible();
    }

    private static void write(StateLayout layout, DataOutputView out) throws IOException {
      out.writeInt(layout.columns().size());
      for (ColumnType column : layout.columns()) {
        out.writeUTF(column.name());
      }
      out.writeInt(layout.filters());
      out.writeBoolean(layout.identified());
      out.writeLong(layout.latenessMs());
      out.writeInt(layout.features().size());
      for (FeatureSpec feature : layout.features()) {
        out.writeUTF(feature.aggregate().name());
        out.writeInt(feature.column());
        out.writeInt(feature.filter());
        out.writeLong(feature.windowMs());
        out.writeLong(feature.delayMs());
        writeConstant(feature.empty(), out);
      }
    }

    private static StateLayout read(DataInputView in) throws IOException {
      List<ColumnType> columns = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        columns.add(ColumnType.valueOf(in.readUTF()));
      }
      int filters = in.readInt();
      boolean identified = in.readBoolean();
      long latenessMs = in.readLong();
      List<FeatureSpec> features = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        features.add(
            new FeatureSpec(
                Aggregate.valueOf(in.readUTF()),
                in.readInt(),
                in.readInt(),
                in.readLong(),
                in.readLong(),
                readConstant(in)));
      }
      return new StateLayout(columns, filters, features, identified, latenessMs);
    }

    private static void writeConstant(@Nullable Object constant, DataOutputView out)
        throws IOException {
      if (constant == null) {
        out.writeUTF("null");
      } else {
        out.writeUTF(constant.getClass().getSimpleName());
        out.writeUTF(constant.toString());
      }
    }

    private static @Nullable Object readConstant(DataInputView in) throws IOException {
      String type = in.readUTF();
      if (type.equals("null")) {
        return null;
      }
      String text = in.readUTF();
      return switch (type) {
        case "Boolean" -> Boolean.valueOf(text);
        case "Integer" -> Integer.valueOf(text);
        case "Long" -> Long.valueOf(text);
        case "Double" -> Double.valueOf(text);
        case "String" -> text;
        default -> throw new IOException("state layout has a constant of unknown type " + type);
      };
    }
  }
}
