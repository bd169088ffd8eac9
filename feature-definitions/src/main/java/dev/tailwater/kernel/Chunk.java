package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Up to {@link #SPLIT_AT} consecutive facts of one entity and stream, in the order of (event time,
 * partition, offset), as short rows of longs in one array: a cursor that passes a fact touches one
 * cache line, or two. What is only asked when facts are told apart, their origins, comes behind all
 * rows. Chunks are linked, so that a state knows all of them by two ids.
 *
 * <p>Only the newest chunk, the tail, grows in place. All others are sealed: immutable but for what
 * their state notes of them, and replaced by a new object when a late fact arrives. Not
 * thread-safe.
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

  /** Under which id its state has it at hand; {@link #NONE} if it has not. Not stored. */
  private int id = NONE;

  private final int previous;
  private int next;
  private boolean sealed;
  private int count;

  /** How many facts there is room for; in a sealed chunk as many as it has. */
  private int capacity;

  /** The rows and the origins: see {@link StateShape#room}. */
  private long[] words;

  /** The texts of the rows, one behind the other, if the shape stores any. */
  private @Nullable String[] texts;

  private Chunk(
      StateShape shape,
      int previous,
      int next,
      boolean sealed,
      int count,
      int capacity,
      long[] words,
      @Nullable String[] texts) {
    this.shape = shape;
    this.previous = previous;
    this.next = next;
    this.sealed = sealed;
    this.count = count;
    this.capacity = capacity;
    this.words = words;
    this.texts = texts;
  }

  /**
   * A new tail without facts. The first of an entity grows as it has to; one behind another is most
   * likely to become as long as that did.
   */
  static Chunk tail(StateShape shape, int previous) {
    int capacity = previous == NONE ? FIRST_CAPACITY : SEAL_AT;
    return new Chunk(
        shape,
        previous,
        NONE,
        false,
        0,
        capacity,
        shape.room(capacity),
        noTexts(capacity * shape.texts));
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

  /** How many facts there is room for. */
  int capacity() {
    return capacity;
  }

  /**
   * The rows and then the origins, in a {@linkplain StateShape#room room} for {@link #capacity}
   * facts.
   */
  long[] words() {
    return words;
  }

  /** The id under which its state has it at hand, or {@link #NONE}. */
  int id() {
    return id;
  }

  /** Takes note of the id under which its state has it. */
  void known(int as) {
    id = as;
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
    return words[index * shape.stride + StateShape.TIME];
  }

  int partition(int index) {
    return (int) (words[index * shape.stride + shape.metaWord] >> 32);
  }

  long offset(int index) {
    return words[originAt(index) + StateShape.OFFSET];
  }

  /** The hash of a fact's id, where facts have one. */
  long idHash(int index) {
    return words[originAt(index) + shape.idHashWord];
  }

  /** The hash of what an event says, where facts are events. */
  long payloadHash(int index) {
    return words[originAt(index) + shape.payloadWord];
  }

  private int originAt(int index) {
    return shape.originAt(index, capacity);
  }

  /** A fact's text in a stored text column. */
  @Nullable String text(int index, int column) {
    return texts[index * shape.texts + shape.textSlot[column]];
  }

  /** Whether a fact has all these bits in its presence and filter words. */
  boolean has(int index, long presence, long filter) {
    int at = index * shape.stride;
    return (~words[at + shape.presenceWord] & presence | ~words[at + shape.filterWord] & filter)
        == 0;
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
    if (count == capacity) {
      resize(2 * count);
    }
    shape.encode(fact, count, capacity, words, texts);
    count++;
  }

  private void resize(int newCapacity) {
    words = resizedWords(newCapacity);
    texts = resized(texts, newCapacity * shape.texts);
    capacity = newCapacity;
  }

  private long[] resizedWords(int newCapacity) {
    long[] resized = shape.room(newCapacity);
    System.arraycopy(words, 0, resized, 0, count * shape.stride);
    int origins = count * shape.originStride;
    System.arraycopy(words, originAt(0), resized, shape.originAt(0, newCapacity), origins);
    return resized;
  }

  /**
   * Takes note that the owner has written one more fact into the words, which had room, of a tail
   * without texts: nothing has to be read of the chunk, which lies elsewhere in memory.
   */
  void grewTo(int newCount) {
    count = newCount;
  }

  /** Ends a tail's growth. */
  void seal(int successor) {
    next = successor;
    sealed = true;
    if (capacity > count) {
      resize(count);
    }
  }

  /** This chunk with one more row: itself if it is a tail, else a new chunk. */
  Chunk withRow(int index, Row row) {
    Chunk target = sealed ? resizedCopy(count + 1) : this;
    if (target.count == target.capacity) {
      target.resize(2 * count);
    }
    target.shift(index, row);
    return target;
  }

  private void shift(int index, Row row) {
    int moved = count - index;
    int at = index * shape.stride;
    System.arraycopy(words, at, words, at + shape.stride, moved * shape.stride);
    int origin = originAt(index);
    System.arraycopy(words, origin, words, origin + shape.originStride, moved * shape.originStride);
    int textAt = index * shape.texts;
    System.arraycopy(texts, textAt, texts, textAt + shape.texts, moved * shape.texts);
    set(index, row);
    count++;
  }

  private void set(int index, Row row) {
    System.arraycopy(row.words(), 0, words, index * shape.stride, shape.stride);
    System.arraycopy(row.words(), shape.originAt(0, 1), words, originAt(index), shape.originStride);
    System.arraycopy(row.texts(), 0, texts, index * shape.texts, shape.texts);
  }

  private Chunk resizedCopy(int newCapacity) {
    return new Chunk(
        shape,
        previous,
        next,
        sealed,
        count,
        newCapacity,
        resizedWords(newCapacity),
        resized(texts, newCapacity * shape.texts));
  }

  /** This chunk with one row exchanged: itself if it is a tail, else a new chunk. */
  Chunk withRowReplaced(int index, Row row) {
    Chunk target = sealed ? resizedCopy(count) : this;
    target.set(index, row);
    return target;
  }

  /** One fact outside of a chunk: the words of its row and then those of its origin. */
  record Row(long[] words, @Nullable String[] texts) {

    /** Whether the fact has all these bits in its presence and filter words. */
    boolean has(StateShape shape, long presence, long filter) {
      return (~words[shape.presenceWord] & presence | ~words[shape.filterWord] & filter) == 0;
    }

    /** A fact as a row. */
    static Row of(Fact fact, StateShape shape) {
      Row row = new Row(shape.room(1), noTexts(shape.texts));
      shape.encode(fact, 0, 1, row.words, row.texts);
      return row;
    }
  }

  /** A copy of one row. */
  Row row(int index) {
    return new Row(words(index, index + 1), texts(index, index + 1));
  }

  private long[] words(int from, int to) {
    int facts = to - from;
    long[] some = shape.room(facts);
    System.arraycopy(words, from * shape.stride, some, 0, facts * shape.stride);
    int origins = facts * shape.originStride;
    System.arraycopy(words, originAt(from), some, shape.originAt(0, facts), origins);
    return some;
  }

  private @Nullable String[] texts(int from, int to) {
    return shape.texts == 0
        ? NO_TEXTS
        : Arrays.copyOfRange(texts, from * shape.texts, to * shape.texts);
  }

  /** The first half, sealed and followed by the other. */
  Chunk firstHalf(int secondId) {
    int half = SPLIT_AT / 2;
    return new Chunk(shape, previous, secondId, true, half, half, words(0, half), texts(0, half));
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
        count - from,
        words(from, count),
        texts(from, count));
  }

  /** This chunk behind another one. */
  Chunk behind(int newPrevious) {
    return new Chunk(shape, newPrevious, next, sealed, count, capacity, words, texts);
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
        long rank = shape.rank(of.column(), words[index * shape.stride + of.valueWord()]);
        best = smallest ? Math.min(best, rank) : Math.max(best, rank);
      }
    }
    return best;
  }

  /** An independent copy: a sealed chunk is its own. */
  public Chunk copy() {
    return sealed ? this : resizedCopy(capacity);
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
      // Times and offsets lie close to those of the row before.
      Varint.writeSigned(out, time(index) - (index == 0 ? 0 : time(index - 1)));
      Varint.writeSigned(out, offset(index) - (index == 0 ? 0 : offset(index - 1)));
      int origin = originAt(index);
      for (int word = StateShape.OFFSET + 1; word < shape.originStride; word++) {
        write(words[origin + word], shape.isOriginDense(word), out);
      }
      int at = index * shape.stride;
      for (int word = StateShape.TIME + 1; word < shape.stride; word++) {
        write(words[at + word], shape.isDense(word), out);
      }
      for (int slot = 0; slot < shape.texts; slot++) {
        String text = texts[index * shape.texts + slot];
        if (text != null) {
          Varint.writeText(out, text);
        }
      }
    }
  }

  private static void write(long word, boolean dense, DataOutput out) throws IOException {
    if (dense) {
      out.writeLong(word);
    } else {
      Varint.writeSigned(out, word);
    }
  }

  private static long read(boolean dense, DataInput in) throws IOException {
    return dense ? in.readLong() : Varint.readSigned(in);
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
    int capacity = sealed ? (int) count : Math.max(FIRST_CAPACITY, (int) count);
    long[] words = shape.room(capacity);
    @Nullable String[] texts = noTexts(capacity * shape.texts);
    for (int index = 0; index < count; index++) {
      int at = index * shape.stride;
      long timeBefore = index == 0 ? 0 : words[at - shape.stride + StateShape.TIME];
      words[at + StateShape.TIME] = Varint.readSigned(in) + timeBefore;
      int origin = shape.originAt(index, capacity);
      long offsetBefore = index == 0 ? 0 : words[origin - shape.originStride + StateShape.OFFSET];
      words[origin + StateShape.OFFSET] = Varint.readSigned(in) + offsetBefore;
      for (int word = StateShape.OFFSET + 1; word < shape.originStride; word++) {
        words[origin + word] = read(shape.isOriginDense(word), in);
      }
      for (int word = StateShape.TIME + 1; word < shape.stride; word++) {
        words[at + word] = read(shape.isDense(word), in);
      }
      for (int slot = 0; slot < shape.texts; slot++) {
        if ((words[at + shape.presenceWord] >> shape.textColumns[slot] & 1) != 0) {
          texts[index * shape.texts + slot] = Varint.readText(in);
        }
      }
    }
    return new Chunk(shape, previous, next, sealed, (int) count, capacity, words, texts);
  }
}
