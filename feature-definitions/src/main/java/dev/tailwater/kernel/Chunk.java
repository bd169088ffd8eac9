package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Up to {@link #SPLIT_AT} consecutive facts of one entity and stream, in the order of (event time,
 * partition, offset), as rows of longs in one array: a cursor that passes a fact touches one or two
 * cache lines. Chunks are linked, so that a state knows all of them by two ids.
 *
 * <p>Only the newest chunk, the tail, grows in place. All others are sealed: immutable, and
 * replaced by a new object when a late fact arrives. Not thread-safe.
 */
public final class Chunk implements ChunkTree.Summary {

  /** Facts in a tail when the next one starts a new tail. */
  static final int SEAL_AT = 32;

  /** Facts in a chunk when late facts split it. */
  static final int SPLIT_AT = 64;

  /** The id of no chunk. */
  static final int NONE = -1;

  private static final byte VERSION = 2;
  private static final int FIRST_CAPACITY = 4;
  static final @Nullable String[] NO_TEXTS = {};

  private final StateShape shape;
  private final int previous;
  private int next;
  private boolean sealed;
  private int count;
  private long[] rows;

  /** The texts of the rows, one behind the other, if the shape stores any. */
  private @Nullable String[] texts;

  private Chunk(
      StateShape shape,
      int previous,
      int next,
      boolean sealed,
      int count,
      long[] rows,
      @Nullable String[] texts) {
    this.shape = shape;
    this.previous = previous;
    this.next = next;
    this.sealed = sealed;
    this.count = count;
    this.rows = rows;
    this.texts = texts;
  }

  /** A new tail without facts. */
  static Chunk tail(StateShape shape, int previous) {
    return new Chunk(
        shape,
        previous,
        NONE,
        false,
        0,
        new long[FIRST_CAPACITY * shape.stride],
        noTexts(FIRST_CAPACITY * shape.texts));
  }

  private static @Nullable String[] noTexts(int length) {
    return length == 0 ? NO_TEXTS : new String[length];
  }

  private static @Nullable String[] resized(@Nullable String[] texts, int length) {
    return length == 0 ? NO_TEXTS : Arrays.copyOf(texts, length);
  }

  int count() {
    return count;
  }

  /** The rows, one behind the other: {@link #count} times the shape's stride longs are in use. */
  long[] rows() {
    return rows;
  }

  /** The id of the chunk before this one; it means nothing in a state's first chunk. */
  int previous() {
    return previous;
  }

  /** The id of the chunk after this one, or {@link #NONE} in the tail. */
  int next() {
    return next;
  }

  boolean sealed() {
    return sealed;
  }

  long time(int index) {
    return rows[index * shape.stride + StateShape.TIME];
  }

  int partition(int index) {
    return (int) (rows[index * shape.stride + shape.metaWord] >> 32);
  }

  long offset(int index) {
    return rows[index * shape.stride + StateShape.OFFSET];
  }

  /** A fact's text in a stored text column. */
  @Nullable String text(int index, int column) {
    return texts[index * shape.texts + shape.textSlot[column]];
  }

  /** Whether a fact has all these bits in its presence and filter words. */
  boolean has(int index, long presence, long filter) {
    int at = index * shape.stride;
    return (~rows[at + shape.presenceWord] & presence | ~rows[at + shape.filterWord] & filter) == 0;
  }

  long lastTime() {
    return time(count - 1);
  }

  /** Whether the fact at {@code index} comes after this position of the log. */
  boolean isAfter(int index, long time, int partition, long offset) {
    if (time(index) != time) {
      return time(index) > time;
    }
    if (partition(index) != partition) {
      return partition(index) > partition;
    }
    return offset(index) > offset;
  }

  /** Appends a fact to a tail; changes nothing if the fact is not valid. */
  void append(Fact fact) {
    int at = count * shape.stride;
    if (at == rows.length) {
      rows = Arrays.copyOf(rows, 2 * at);
      texts = resized(texts, 2 * count * shape.texts);
    }
    shape.encode(fact, rows, at, texts, count * shape.texts);
    count++;
  }

  /**
   * Takes note that the owner has written one more fact into the rows, which had room, of a tail
   * without texts: nothing has to be read of the chunk, which lies elsewhere in memory.
   */
  void grewTo(int newCount) {
    count = newCount;
  }

  /** Ends a tail's growth. */
  void seal(int successor) {
    next = successor;
    sealed = true;
    if (rows.length > count * shape.stride) {
      rows = Arrays.copyOf(rows, count * shape.stride);
      texts = resized(texts, count * shape.texts);
    }
  }

  /** This chunk with one more row: itself if it is a tail, else a new chunk. */
  Chunk withRow(int index, Row row) {
    int capacity = rows.length / shape.stride;
    int needed = sealed ? count + 1 : count == capacity ? 2 * count : capacity;
    boolean moves = sealed || needed != capacity;
    long[] grown = moves ? Arrays.copyOf(rows, needed * shape.stride) : rows;
    @Nullable String[] grownTexts = moves ? resized(texts, needed * shape.texts) : texts;
    int at = index * shape.stride;
    System.arraycopy(rows, at, grown, at + shape.stride, count * shape.stride - at);
    System.arraycopy(row.words(), 0, grown, at, shape.stride);
    int textAt = index * shape.texts;
    System.arraycopy(texts, textAt, grownTexts, textAt + shape.texts, count * shape.texts - textAt);
    System.arraycopy(row.texts(), 0, grownTexts, textAt, shape.texts);
    if (sealed) {
      return new Chunk(shape, previous, next, true, count + 1, grown, grownTexts);
    }
    rows = grown;
    texts = grownTexts;
    count++;
    return this;
  }

  /** This chunk with one row exchanged: itself if it is a tail, else a new chunk. */
  Chunk withRowReplaced(int index, Row row) {
    Chunk target =
        sealed
            ? new Chunk(
                shape,
                previous,
                next,
                true,
                count,
                rows.clone(),
                resized(texts, count * shape.texts))
            : this;
    System.arraycopy(row.words(), 0, target.rows, index * shape.stride, shape.stride);
    System.arraycopy(row.texts(), 0, target.texts, index * shape.texts, shape.texts);
    return target;
  }

  /** One fact outside of a chunk: as many words and texts as the shape has. */
  record Row(long[] words, @Nullable String[] texts) {

    /** Whether the fact has all these bits in its presence and filter words. */
    boolean has(StateShape shape, long presence, long filter) {
      return (~words[shape.presenceWord] & presence | ~words[shape.filterWord] & filter) == 0;
    }

    /** A fact as a row. */
    static Row of(Fact fact, StateShape shape) {
      Row row = new Row(new long[shape.stride], noTexts(shape.texts));
      shape.encode(fact, row.words, 0, row.texts, 0);
      return row;
    }
  }

  /** A copy of one row. */
  Row row(int index) {
    return new Row(
        Arrays.copyOfRange(rows, index * shape.stride, (index + 1) * shape.stride),
        texts(index, index + 1));
  }

  private @Nullable String[] texts(int from, int to) {
    return shape.texts == 0
        ? NO_TEXTS
        : Arrays.copyOfRange(texts, from * shape.texts, to * shape.texts);
  }

  /** The first half, sealed and followed by the other. */
  Chunk firstHalf(int secondId) {
    int half = SPLIT_AT / 2;
    return new Chunk(
        shape,
        previous,
        secondId,
        true,
        half,
        Arrays.copyOf(rows, half * shape.stride),
        texts(0, half));
  }

  /** The second half: a tail if this is one. */
  Chunk secondHalf(int firstId) {
    int from = SPLIT_AT / 2;
    return new Chunk(
        shape,
        firstId,
        next,
        sealed,
        count - from,
        Arrays.copyOfRange(rows, from * shape.stride, count * shape.stride),
        texts(from, count));
  }

  /** This chunk behind another one. */
  Chunk behind(int newPrevious) {
    return new Chunk(shape, newPrevious, next, sealed, count, rows, texts);
  }

  @Override
  public int count(int measure) {
    StateShape.Extremum of = shape.extrema[measure];
    int matching = 0;
    for (int index = 0; index < count; index++) {
      matching += has(index, of.presence(), of.filter()) ? 1 : 0;
    }
    return matching;
  }

  @Override
  public long smallest(int measure) {
    return smallest(measure, 0, count);
  }

  @Override
  public long largest(int measure) {
    return largest(measure, 0, count);
  }

  /** The smallest rank at an extremum in rows [from, to), or Long.MAX_VALUE. */
  long smallest(int extremum, int from, int to) {
    return scan(extremum, from, to, true);
  }

  /** The largest rank at an extremum in rows [from, to), or Long.MIN_VALUE. */
  long largest(int extremum, int from, int to) {
    return scan(extremum, from, to, false);
  }

  private long scan(int extremum, int from, int to, boolean smallest) {
    StateShape.Extremum of = shape.extrema[extremum];
    long best = smallest ? Long.MAX_VALUE : Long.MIN_VALUE;
    for (int index = from; of.valueWord() >= 0 && index < to; index++) {
      if (has(index, of.presence(), of.filter())) {
        long rank = shape.rank(of.column(), rows[index * shape.stride + of.valueWord()]);
        best = smallest ? Math.min(best, rank) : Math.max(best, rank);
      }
    }
    return best;
  }

  /** An independent copy: a sealed chunk is its own. */
  public Chunk copy() {
    return sealed
        ? this
        : new Chunk(
            shape, previous, next, false, count, rows.clone(), resized(texts, texts.length));
  }

  /** Writes the chunk, in a format of its own that starts with a version. */
  public void write(DataOutput out) throws IOException {
    out.writeByte(VERSION);
    out.writeInt(shape.hash);
    out.writeBoolean(sealed);
    Varint.writeSigned(out, previous);
    Varint.writeSigned(out, next);
    Varint.writeUnsigned(out, count);
    for (int index = 0; index < count; index++) {
      int at = index * shape.stride;
      for (int word = 0; word <= StateShape.OFFSET; word++) {
        // Times and offsets lie close to those of the row before.
        long before = index == 0 ? 0 : rows[at - shape.stride + word];
        Varint.writeSigned(out, rows[at + word] - before);
      }
      for (int word = StateShape.OFFSET + 1; word < shape.stride; word++) {
        if (shape.isDense(word)) {
          out.writeLong(rows[at + word]);
        } else {
          Varint.writeSigned(out, rows[at + word]);
        }
      }
      for (int slot = 0; slot < shape.texts; slot++) {
        String text = texts[index * shape.texts + slot];
        if (text != null) {
          Varint.writeText(out, text);
        }
      }
    }
  }

  /**
   * Reads a chunk.
   *
   * @param layout the layout it was written with
   * @throws IOException if it was written in another format or with another layout, or is damaged
   */
  public static Chunk read(StateLayout layout, DataInput in) throws IOException {
    StateShape shape = StateShape.of(layout);
    shape.checkStored("chunk", in.readByte(), VERSION, in.readInt());
    boolean sealed = in.readBoolean();
    int previous = (int) Varint.readSigned(in);
    int next = (int) Varint.readSigned(in);
    long count = Varint.readUnsigned(in);
    if (count < 1 || count >= SPLIT_AT) {
      throw new IOException(
          "A stored chunk is damaged: it says it has %d facts; restore an older checkpoint or replay"
              .formatted(count));
    }
    int stride = shape.stride;
    int capacity = sealed ? (int) count : Math.max(FIRST_CAPACITY, (int) count);
    long[] rows = new long[capacity * stride];
    @Nullable String[] texts = noTexts(capacity * shape.texts);
    for (int index = 0; index < count; index++) {
      int at = index * stride;
      for (int word = 0; word <= StateShape.OFFSET; word++) {
        rows[at + word] = Varint.readSigned(in) + (index == 0 ? 0 : rows[at - stride + word]);
      }
      for (int word = StateShape.OFFSET + 1; word < stride; word++) {
        rows[at + word] = shape.isDense(word) ? in.readLong() : Varint.readSigned(in);
      }
      for (int slot = 0; slot < shape.texts; slot++) {
        if ((rows[at + shape.presenceWord] >> shape.textColumns[slot] & 1) != 0) {
          texts[index * shape.texts + slot] = Varint.readText(in);
        }
      }
    }
    return new Chunk(shape, previous, next, sealed, (int) count, rows, texts);
  }
}
