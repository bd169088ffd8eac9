package dev.tailwater.jobs;

import dev.tailwater.kernel.StateLayout;
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
        layout.write(out);
      }
    }

    @Override
    public void readSnapshot(int version, DataInputView in, ClassLoader classLoader)
        throws IOException {
      List<StateLayout> read = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        read.add(StateLayout.read(in));
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
  }
}
