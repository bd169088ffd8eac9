package dev.tailwater.jobs;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.flink.core.memory.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Where a {@link KeyOrder} gets its memory, all pages of one size, and its files. */
interface PagePool extends AutoCloseable {

  int pageSize();

  /** How many pages there are in all. */
  int count();

  /** A page, or null if all are taken. */
  @Nullable MemorySegment take() throws IOException;

  /** Gives a page back. */
  void give(MemorySegment page);

  /** The path of a new temporary file, which does not exist yet. */
  Path newFile() throws IOException;

  /** Frees all pages that were given back. */
  @Override
  void close();
}
