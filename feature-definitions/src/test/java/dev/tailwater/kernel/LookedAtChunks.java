package dev.tailwater.kernel;

import org.jspecify.annotations.Nullable;

/** Counts how often a chunk is asked for. */
final class LookedAtChunks implements ChunkStore {

  private final HeapChunkStore chunks = new HeapChunkStore();
  int looks;

  @Override
  public @Nullable Chunk get(int id) {
    looks++;
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
