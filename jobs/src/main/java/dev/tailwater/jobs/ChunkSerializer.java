package dev.tailwater.jobs;

import dev.tailwater.kernel.Chunk;
import dev.tailwater.kernel.StateLayout;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Serializes the chunks of one input; sealed chunks are their own copy. */
final class ChunkSerializer extends LayoutSerializer<Chunk> {

  ChunkSerializer(StateLayout layout) {
    super(List.of(layout));
  }

  @Override
  public void serialize(Chunk chunk, DataOutputView target) throws IOException {
    chunk.write(target);
  }

  @Override
  public Chunk deserialize(DataInputView source) throws IOException {
    return Chunk.read(layouts.get(0), source);
  }

  @Override
  public Chunk copy(Chunk from) {
    return from.copy();
  }

  @Override
  public Chunk createInstance() {
    throw new UnsupportedOperationException("a chunk is made by the kernel only");
  }

  @Override
  public TypeSerializerSnapshot<Chunk> snapshotConfiguration() {
    return new ChunkSnapshot(layouts);
  }

  /** The layout of the chunks. */
  public static final class ChunkSnapshot extends LayoutSerializer.Snapshot<Chunk> {

    /** Read reflectively by Flink. */
    public ChunkSnapshot() {
      super(List.of());
    }

    ChunkSnapshot(List<StateLayout> layouts) {
      super(layouts);
    }

    @Override
    TypeSerializer<Chunk> serializer(List<StateLayout> layouts) {
      return new ChunkSerializer(layouts.get(0));
    }
  }
}
