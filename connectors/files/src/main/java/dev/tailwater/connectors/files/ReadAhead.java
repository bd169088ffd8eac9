package dev.tailwater.connectors.files;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * A stream that is read one block ahead in a thread of its own: so that what is expensive to read,
 * as a compressed file is, is read while the bytes before are used. Every byte in front of a
 * failure is given before the failure is thrown. To be used by one thread.
 */
final class ReadAhead extends InputStream {

  static final int BLOCK_BYTES = 256 << 10;

  private final InputStream in;
  private final ExecutorService reader =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "tailwater-read-ahead");
            thread.setDaemon(true);
            return thread;
          });

  private Block current = new Block();
  private int at;
  private Future<Block> next;

  /** Some bytes, and whether they are the last ones and why. */
  private static final class Block {
    final byte[] bytes = new byte[BLOCK_BYTES];
    int length;
    boolean isLast;
    @Nullable IOException failure;
  }

  /**
   * Begins to read.
   *
   * @param in is closed with this
   */
  ReadAhead(InputStream in) {
    this.in = in;
    next = read(new Block());
  }

  private Future<Block> read(Block block) {
    return reader.submit(
        () -> {
          block.length = 0;
          try {
            while (block.length < BLOCK_BYTES && !block.isLast) {
              int read = in.read(block.bytes, block.length, BLOCK_BYTES - block.length);
              block.isLast = read < 0;
              block.length += Math.max(read, 0);
            }
          } catch (IOException e) {
            block.isLast = true;
            block.failure = e;
          }
          return block;
        });
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int from, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    while (at == current.length) {
      if (current.failure != null) {
        throw current.failure;
      }
      if (current.isLast) {
        return -1;
      }
      Block used = current;
      current = await(next);
      at = 0;
      if (!current.isLast) {
        next = read(used);
      }
    }
    int read = Math.min(length, current.length - at);
    System.arraycopy(current.bytes, at, into, from, read);
    at += read;
    return read;
  }

  private static Block await(Future<Block> block) throws IOException {
    try {
      return block.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for a file");
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    }
  }

  /** Ends the thread, and closes the stream when nothing reads it any more. */
  @Override
  public void close() throws IOException {
    reader.shutdown();
    try {
      await(next);
    } finally {
      in.close();
    }
  }
}
