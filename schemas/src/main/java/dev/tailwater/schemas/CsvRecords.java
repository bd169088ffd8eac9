package dev.tailwater.schemas;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Splits a CSV file (RFC 4180, UTF-8 with or without byte order mark, lines ended by LF or CRLF)
 * into records and fields, in place and in one pass. Not thread-safe.
 *
 * <p>A quoted field may hold commas, line ends and doubled quotes. Empty lines are no records. A
 * record whose quotes are broken ends at its first line end, whatever its quotes say, so that one
 * bad line never swallows its neighbours; a record longer than {@link
 * RecordFormat#MAX_RECORD_BYTES} ends at its first line end too, and of its bytes the first 64 KiB
 * are kept. Both have a {@link #problem}.
 */
public final class CsvRecords implements Closeable {

  private static final String TOO_LONG =
      "the record has more than " + RecordFormat.MAX_RECORD_BYTES + " bytes";

  private final InputStream in;
  private final RecordBuffer buffer;
  private boolean started;

  /** Length of the current record in the buffer, its line end included. */
  private int consumed;

  private int length;
  private int fieldCount;
  private int[] fieldStarts = new int[32];
  private int[] fieldEnds = new int[32];
  private byte[] fieldQuotes = new byte[32];
  private @Nullable String problem;
  private byte @Nullable [] overlong;

  private static final byte PLAIN = 0;
  private static final byte QUOTED = 1;
  private static final byte ESCAPED = 2;

  /** Reads records from this stream, which should not be buffered again; closed with this. */
  public CsvRecords(InputStream in) {
    this.in = in;
    buffer = new RecordBuffer(in);
  }

  /**
   * Moves to the next record, a broken one included.
   *
   * @return false at the end of the stream
   * @throws IOException if the stream cannot be read
   */
  public boolean next() throws IOException {
    if (!started) {
      started = true;
      buffer.skipByteOrderMark();
    }
    do {
      buffer.start += consumed;
      consumed = 0;
      problem = null;
      overlong = null;
      fieldCount = 0;
      if (buffer.start == buffer.limit && !buffer.fill()) {
        return false;
      }
      split();
    } while (length == 0 && problem == null);
    return true;
  }

  /** Number of fields of the current record; 0 if it has a {@link #problem}. */
  public int fieldCount() {
    return problem == null ? fieldCount : 0;
  }

  /** Why the current record cannot be split into fields, or null. */
  public @Nullable String problem() {
    return problem;
  }

  /** A copy of the current record's bytes, without its line end. */
  public byte[] bytes() {
    return overlong != null ? overlong.clone() : buffer.copy(length);
  }

  /**
   * The bytes of the current record as text; what is not UTF-8 is replaced. For showing and for
   * copying well-formed records.
   */
  public String line() {
    return new String(bytes(), StandardCharsets.UTF_8);
  }

  /** Whether a field is missing: empty and not quoted. */
  public boolean isNull(int field) {
    return fieldStarts[field] == fieldEnds[field] && fieldQuotes[field] == PLAIN;
  }

  /**
   * The text of a field, without its quotes.
   *
   * @throws UndecodableRecordException if it is not UTF-8
   */
  public String text(int field) throws UndecodableRecordException {
    return text(field, "number " + (field + 1));
  }

  /**
   * The fields of the current record as column names.
   *
   * @throws IllegalArgumentException if the record is broken, not UTF-8, or a name stands twice
   */
  public List<String> header() {
    if (problem != null) {
      throw new IllegalArgumentException("the header cannot be read: " + problem);
    }
    List<String> names = new ArrayList<>(fieldCount);
    for (int i = 0; i < fieldCount; i++) {
      String name;
      try {
        name = text(i);
      } catch (UndecodableRecordException e) {
        throw new IllegalArgumentException("the header cannot be read: " + e.getMessage(), e);
      }
      if (names.contains(name)) {
        throw new IllegalArgumentException(
            "the header names column '" + Text.shown(name) + "' twice; names must be unique");
      }
      names.add(name);
    }
    return names;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }

  String text(int field, String column) throws UndecodableRecordException {
    int from = buffer.start + fieldStarts[field];
    int to = buffer.start + fieldEnds[field];
    String text = Text.decode(buffer.bytes, from, to, column);
    return fieldQuotes[field] == ESCAPED ? text.replace("\"\"", "\"") : text;
  }

  byte[] buffer() {
    return buffer.bytes;
  }

  /** Index in {@link #buffer} of a field's first byte. */
  int from(int field) {
    return buffer.start + fieldStarts[field];
  }

  /** Index in {@link #buffer} behind a field's last byte. */
  int to(int field) {
    return buffer.start + fieldEnds[field];
  }

  private void split() throws IOException {
    int at = 0;
    while (true) {
      if (buffer.start + at == buffer.limit && !buffer.fill()) {
        if (buffer.isFull()) {
          endTooLong();
          return;
        }
        addField(at, at, PLAIN); // The file ends with a comma, and so with an empty field.
        end(at, at);
        return;
      }
      at = buffer.bytes[buffer.start + at] == '"' ? quotedField(at) : plainField(at);
      if (at < 0) {
        return;
      }
    }
  }

  /** Reads one unquoted field; answers the start of the next one, or -1 if the record ended. */
  private int plainField(int first) throws IOException {
    int at = first;
    while (true) {
      byte[] bytes = buffer.bytes;
      int limit = buffer.limit;
      int i = buffer.start + at;
      // One comparison decides nearly every byte: the three that matter are below it.
      while (i < limit && (bytes[i] > ',' || bytes[i] < 0)) {
        i++;
      }
      at = i - buffer.start;
      if (i == limit) {
        if (buffer.fill()) {
          continue;
        }
        if (buffer.isFull()) {
          endTooLong();
        } else {
          int end = buffer.endOfLine(at);
          addField(first, end, PLAIN);
          end(end, at);
        }
        return -1;
      }
      switch (bytes[i]) {
        case ',' -> {
          addField(first, at, PLAIN);
          return at + 1;
        }
        case '\n' -> {
          int end = buffer.endOfLine(at);
          addField(first, end, PLAIN);
          end(end, at + 1);
          return -1;
        }
        case '"' -> {
          endAtFirstLine(
              "field number "
                  + (fieldCount + 1)
                  + " has a quote, but does not begin with one; quote the whole field and double"
                  + " the quotes inside");
          return -1;
        }
        default -> at++;
      }
    }
  }

  /** As {@link #plainField}, for a field that begins with a quote. */
  private int quotedField(int first) throws IOException {
    byte quotes = QUOTED;
    int at = first + 1;
    while (true) {
      byte[] bytes = buffer.bytes;
      int limit = buffer.limit;
      int i = buffer.start + at;
      while (i < limit && bytes[i] != '"') {
        i++;
      }
      at = i - buffer.start;
      if (i == limit) {
        if (!buffer.fill()) {
          endAtFirstLine("the quote that opens field number " + (fieldCount + 1) + " never closes");
          return -1;
        }
        continue;
      }
      int next = byteAt(at + 1);
      if (next == '"') {
        quotes = ESCAPED;
        at += 2;
        continue;
      }
      addField(first + 1, at, quotes);
      if (next == ',') {
        return at + 2;
      }
      int lineEnd = next == '\r' ? at + 2 : at + 1;
      int last = next == '\r' ? byteAt(lineEnd) : next;
      if (last < 0 && buffer.isFull()) {
        endAtFirstLine(TOO_LONG);
      } else if (last == '\n' || last < 0) {
        end(at + 1, last < 0 ? lineEnd : lineEnd + 1);
      } else {
        endAtFirstLine("text follows the closing quote of field number " + fieldCount);
      }
      return -1;
    }
  }

  /** The byte at a position of the record, or -1 if there is none; never -1 for a byte. */
  private int byteAt(int at) throws IOException {
    return buffer.start + at < buffer.limit || buffer.fill()
        ? buffer.bytes[buffer.start + at] & 0xFF
        : -1;
  }

  private void addField(int from, int to, byte quotes) {
    if (fieldCount == fieldStarts.length) {
      fieldStarts = Arrays.copyOf(fieldStarts, 2 * fieldCount);
      fieldEnds = Arrays.copyOf(fieldEnds, 2 * fieldCount);
      fieldQuotes = Arrays.copyOf(fieldQuotes, 2 * fieldCount);
    }
    fieldStarts[fieldCount] = from;
    fieldEnds[fieldCount] = to;
    fieldQuotes[fieldCount++] = quotes;
  }

  private void end(int recordLength, int withLineEnd) {
    length = recordLength;
    consumed = withLineEnd;
  }

  private void endAtFirstLine(String reason) throws IOException {
    int lineFeed = buffer.findLineFeed(0);
    if (lineFeed < 0 && buffer.isFull()) {
      endTooLong();
      return;
    }
    problem = reason;
    if (lineFeed < 0) {
      int all = buffer.limit - buffer.start;
      end(buffer.endOfLine(all), all);
    } else {
      end(buffer.endOfLine(lineFeed), lineFeed + 1);
    }
  }

  private void endTooLong() throws IOException {
    problem = TOO_LONG;
    overlong = buffer.copy(RecordBuffer.KEPT_OF_OVERLONG);
    buffer.skipLine();
    end(0, 0);
  }
}
