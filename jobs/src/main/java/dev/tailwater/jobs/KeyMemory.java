package dev.tailwater.jobs;

import dev.tailwater.kernel.ChunkStore;
import org.jspecify.annotations.Nullable;

/** What the feature operator remembers of the entity key that it is at. */
interface KeyMemory {

  /** The key's text. */
  String key();

  /** What was saved, or null if there is nothing yet. */
  @Nullable KeyState load() throws Exception;

  /** Remembers the state, which the caller goes on using until it is at another key. */
  void save(KeyState state) throws Exception;

  /** Forgets all of the key. */
  void clear() throws Exception;

  /** Completes what a checkpoint is about to take of all keys. */
  void write() throws Exception;

  /** The key's facts, per input. The stores stay the same, and are always the current key's. */
  ChunkStore[] chunks();

  /** What waits for the key's clock. */
  Waiting waiting();
}
