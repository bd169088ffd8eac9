package dev.tailwater.kernel;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Keeps only bytes, as a disk would: a change that is not put is lost. */
final class StoredChunks implements ChunkStore {

  private final StateLayout layout;
  private final Map<Integer, byte[]> bytes = new HashMap<>();

  StoredChunks(StateLayout layout) {
    this.layout = layout;
  }

  /** An independent store with the same bytes. */
  StoredChunks copy() {
    StoredChunks copy = new StoredChunks(layout);
    copy.bytes.putAll(bytes);
    return copy;
  }

  int size() {
    return bytes.size();
  }

  @Override
  public @Nullable Chunk get(int id) {
    byte[] stored = bytes.get(id);
    if (stored == null) {
      return null;
    }
    try {
      return Chunk.read(layout, new DataInputStream(new ByteArrayInputStream(stored)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void put(int id, Chunk chunk) {
    bytes.put(id, bytesOf(chunk));
  }

  @Override
  public void remove(int id) {
    bytes.remove(id);
  }

  static byte[] bytesOf(Chunk chunk) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      chunk.write(new DataOutputStream(out));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  static byte[] bytesOf(EntityState state) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      state.write(new DataOutputStream(out));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  static EntityState roundTrip(StateLayout layout, EntityState state) {
    try {
      return EntityState.read(
          layout, new DataInputStream(new ByteArrayInputStream(bytesOf(state))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
