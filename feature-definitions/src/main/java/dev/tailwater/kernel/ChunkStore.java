package dev.tailwater.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Where one {@link EntityState} keeps its chunks. Ids are small non-negative numbers given out in
 * ascending order and never reused. Not thread-safe: one store belongs to one state.
 */
public interface ChunkStore {

  /** The chunk last put under this id, or null if there is none. */
  @Nullable Chunk get(int id);

  /**
   * Stores a chunk, replacing any other with this id. Called after every change of a chunk, so an
   * implementation may keep bytes instead of the object.
   */
  void put(int id, Chunk chunk);

  /**
   * Takes note that a chunk which was last put under this id has got one more fact and is still the
   * same object. An implementation that keeps objects has nothing to do.
   */
  default void grew(int id, Chunk chunk) {
    put(id, chunk);
  }

  /** Forgets a chunk. */
  void remove(int id);
}
