package dev.tailwater.jobs;

import dev.tailwater.kernel.Chunk;
import dev.tailwater.kernel.ChunkStore;
import dev.tailwater.kernel.HeapChunkStore;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One key at a time, where the keys of a bounded input come one after the other. */
final class PassingMemory implements KeyMemory {

  private final ChunkStore[] chunks;
  private final Waiting waiting = new PassingWaiting();
  private String key = "";
  private @Nullable KeyState state;

  /**
   * A memory of nothing.
   *
   * @param inputs of the entity
   */
  PassingMemory(int inputs) {
    chunks = Stream.generate(Chunks::new).limit(inputs).toArray(ChunkStore[]::new);
  }

  /** Goes on to a key whose events have not come yet. */
  void next(String nextKey) {
    clear();
    key = nextKey;
  }

  @Override
  public String key() {
    return key;
  }

  @Override
  public @Nullable KeyState load() {
    return state;
  }

  @Override
  public void save(KeyState saved) {
    state = saved;
  }

  @Override
  public void clear() {
    state = null;
    waiting.clear();
    for (ChunkStore store : chunks) {
      ((Chunks) store).current = new HeapChunkStore();
    }
  }

  @Override
  public void write() {
    // A bounded run that fails starts anew: there is no checkpoint.
  }

  @Override
  public ChunkStore[] chunks() {
    return chunks;
  }

  @Override
  public Waiting waiting() {
    return waiting;
  }

  private static final class Chunks implements ChunkStore {

    private ChunkStore current = new HeapChunkStore();

    @Override
    public @Nullable Chunk get(int id) {
      return current.get(id);
    }

    @Override
    public void put(int id, Chunk chunk) {
      current.put(id, chunk);
    }

    @Override
    public void grew(int id, Chunk chunk) {
      current.grew(id, chunk);
    }

    @Override
    public void remove(int id) {
      current.remove(id);
    }
  }
}
