package dev.tailwater.schemas;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * The part of a byte stream that holds the current record. Positions are relative to the record's
 * start, so they stay valid when the buffer moves. Not thread-safe.
 */
final class RecordBuffer {

  /** How much of a record that is longer than allowed is kept, to show what it was. */
  static final int KEPT_OF_OVERLONG = 64 << 10;

  private static final int CHUNK = 256 << 10;

  private final InputStream in;
  byte[] bytes = new byte[CHUNK];

  /** Index in {@link #bytes} where the current record starts. */
  int start;

  /** Index in {@link #bytes} behind the last byte that was read from the stream. */
  int limit;

  RecordBuffer(InputStream in) {
    this.in = in;
  }

  /** Skips a UTF-8 byte order mark at the beginning of the stream. */
  void skipByteOrderMark() throws IOException {
    while (limit < 3 && fill()) {
      // Streams may deliver single bytes.
    }
    if (limit >= 3
        && bytes[0] == (byte) 0xEF
        && bytes[1] == (byte) 0xBB
        && bytes[2] == (byte) 0xBF) {
      start = 3;
    }
  }

  /** Whether the current record has reached the longest allowed length without an end. */
  boolean isFull() {
    return limit - start >= RecordFormat.MAX_RECORD_BYTES;
  }

  /**
   * Reads more bytes behind the current record.
   *
   * @return false at the end of the stream, and if {@link #isFull}
   */
  boolean fill() throws IOException {
    if (isFull()) {
      return false;
    }
    if (limit == bytes.length) {
      if (start > 0) {
        System.arraycopy(bytes, start, bytes, 0, limit - start);
        limit -= start;
        start = 0;
      } else {
        bytes = Arrays.copyOf(bytes, 2 * bytes.length);
      }
    }
    int read = in.read(bytes, limit, bytes.length - limit);
    if (read < 0) {
      return false;
    }
    limit += read;
    return true;
  }

  /** Position of the next line feed at or after this one, or -1 if the stream or space ends. */
  int findLineFeed(int from) throws IOException {
    int at = from;
    while (true) {
      byte[] local = bytes;
      for (int i = start + at; i < limit; i++) {
        if (local[i] == '\n') {
          return i - start;
        }
      }
      at = limit - start;
      if (!fill()) {
        return -1;
      }
    }
  }

  /** Drops everything up to and including the next line feed, or to the end of the stream. */
  void skipLine() throws IOException {
    int lineFeed = findLineFeed(0);
    while (lineFeed < 0 && limit > start) {
      start = limit;
      lineFeed = findLineFeed(0);
    }
    start += lineFeed + 1;
  }

  /** The end of a line whose line feed is at this position: before the carriage return, if any. */
  int endOfLine(int lineFeed) {
    return lineFeed > 0 && bytes[start + lineFeed - 1] == '\r' ? lineFeed - 1 : lineFeed;
  }

  byte[] copy(int length) {
    return Arrays.copyOfRange(bytes, start, start + length);
  }
}
