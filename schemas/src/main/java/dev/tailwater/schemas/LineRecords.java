package dev.tailwater.schemas;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * Splits a file of one record a line (ended by LF or CRLF, with or without byte order mark) into
 * records. Empty lines are no records. A line longer than {@link RecordFormat#MAX_RECORD_BYTES} has
 * a {@link #problem}, and the first 64 KiB of it are kept. Not thread-safe.
 */
public final class LineRecords implements Closeable {

  private final InputStream in;
  private final RecordBuffer buffer;
  private boolean started;
  private int consumed;
  private byte[] record = new byte[0];
  private @Nullable String problem;

  /** Reads lines from this stream, which should not be buffered again; closed with this. */
  public LineRecords(InputStream in) {
    this.in = in;
    buffer = new RecordBuffer(in);
  }

  /**
   * Moves to the next record.
   *
   * @return false at the end of the stream
   * @throws IOException if the stream cannot be read
   */
  public boolean next() throws IOException {
    if (!started) {
      started = true;
      buffer.skipByteOrderMark();
    }
    problem = null;
    do {
      buffer.start += consumed;
      consumed = 0;
      if (buffer.start == buffer.limit && !buffer.fill()) {
        return false;
      }
      int lineFeed = buffer.findLineFeed(0);
      if (lineFeed < 0 && buffer.isFull()) {
        problem = "the record has more than " + RecordFormat.MAX_RECORD_BYTES + " bytes";
        record = buffer.copy(RecordBuffer.KEPT_OF_OVERLONG);
        buffer.skipLine();
        return true;
      }
      int end = lineFeed < 0 ? buffer.limit - buffer.start : lineFeed;
      consumed = lineFeed < 0 ? end : lineFeed + 1;
      record = buffer.copy(buffer.endOfLine(end));
    } while (record.length == 0);
    return true;
  }

  /** The bytes of the current record, without its line end; the caller may keep them. */
  public byte[] bytes() {
    return record;
  }

  /** Why the current record must not be decoded, or null. */
  public @Nullable String problem() {
    return problem;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
