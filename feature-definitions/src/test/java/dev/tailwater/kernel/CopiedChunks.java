package dev.tailwater.kernel;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Chunks on the heap that are snapshotted with {@link Chunk#copy}, as a heap state backend does.
 */
final class CopiedChunks implements ChunkStore {

  private final Map<Integer, Chunk> chunks = new HashMap<>();

  CopiedChunks copy() {
    CopiedChunks copy = new CopiedChunks();
    chunks.forEach((id, chunk) -> copy.chunks.put(id, chunk.copy()));
    return copy;
  }

  @Override
  public @Nullable Chunk get(int id) {
    return chunks.get(id);
  }

  @Override
  public void put(int id, Chunk chunk) {
    chunks.put(id, chunk);
  }

  @Override
  public void remove(int id) {
    chunks.remove(id);
  }
}
