package dev.tailwater.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Chunks on the heap. Ids of live chunks lie close together, because a state takes them in
 * ascending order and drops the oldest facts first: a ring indexed by the low bits of the id finds
 * one with a single load.
 */
public final class HeapChunkStore implements ChunkStore {

  private @Nullable Chunk[] ring = new Chunk[4];
  private int lowest;
  private int end;

  @Override
  public @Nullable Chunk get(int id) {
    return id < lowest || id >= end ? null : ring[id & (ring.length - 1)];
  }

  @Override
  public void put(int id, Chunk chunk) {
    if (lowest == end) {
      lowest = id;
      end = id;
    }
    int newLowest = Math.min(lowest, id);
    int newEnd = Math.max(end, id + 1);
    if (newEnd - newLowest > ring.length) {
      grow(newEnd - newLowest);
    }
    lowest = newLowest;
    end = newEnd;
    ring[id & (ring.length - 1)] = chunk;
  }

  @Override
  public void grew(int id, Chunk chunk) {} // The same object is stored already.

  @Override
  public void remove(int id) {
    if (id < lowest || id >= end) {
      return;
    }
    ring[id & (ring.length - 1)] = null;
    while (lowest < end && ring[lowest & (ring.length - 1)] == null) {
      lowest++;
    }
  }

  private void grow(int span) {
    @Nullable Chunk[] larger = new Chunk[Integer.highestOneBit(span - 1) << 1];
    for (int id = lowest; id < end; id++) {
      larger[id & (larger.length - 1)] = ring[id & (ring.length - 1)];
    }
    ring = larger;
  }
}
