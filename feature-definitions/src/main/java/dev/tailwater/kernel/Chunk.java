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
public final class Chunk {

  /** Facts in a tail when the next one starts a new tail. */
  static final int SEAL_AT = 32;

  /** Facts in a chunk when late facts split it. */
  static final int SPLIT_AT = 64;

  /** The id of no chunk. */
  static final int NONE = -1;

  private static final byte VERSION = 1;
  private static final int FIRST_CAPACITY = 4;

  private final StateShape shape;
  private final int previous;
  private int next;
  private boolean sealed;
  private int count;
  private long[] rows;

  /** Smallest and largest rank per extremum of the shape; only of a sealed chunk, when needed. */
  private long @Nullable [] extremes;

  private Chunk(StateShape shape, int previous, int next, boolean sealed, int count, long[] rows) {
    this.shape = shape;
    this.previous = previous;
    this.next = next;
    this.sealed = sealed;
    this.count = count;
    this.rows = rows;
  }

  /** A new tail without facts. */
  static Chunk tail(StateShape shape, int previous) {
    return new Chunk(shape, previous, NONE, false, 0, new long[FIRST_CAPACITY * shape.stride]);
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
    }
    shape.encode(fact, rows, at);
    count++;
  }

  /** Ends a tail's growth. */
  void seal(int successor) {
    next = successor;
    sealed = true;
    if (rows.length > count * shape.stride) {
      rows = Arrays.copyOf(rows, count * shape.stride);
    }
  }

  /** This chunk with one more row: itself if it is a tail, else a new chunk. */
  Chunk withRow(int index, long[] row) {
    int stride = shape.stride;
    int at = index * stride;
    int used = count * stride;
    long[] target = rows;
    if (sealed || used == rows.length) {
      target = Arrays.copyOf(rows, sealed ? used + stride : 2 * used);
    }
    System.arraycopy(rows, at, target, at + stride, used - at);
    System.arraycopy(row, 0, target, at, stride);
    if (sealed) {
      return new Chunk(shape, previous, next, true, count + 1, target);
    }
    rows = target;
    count++;
    return this;
  }

  /** This chunk with one row exchanged: itself if it is a tail, else a new chunk. */
  Chunk withRowReplaced(int index, long[] row) {
    Chunk target = sealed ? new Chunk(shape, previous, next, true, count, rows.clone()) : this;
    System.arraycopy(row, 0, target.rows, index * shape.stride, shape.stride);
    return target;
  }

  /** A copy of one row. */
  long[] row(int index) {
    return Arrays.copyOfRange(rows, index * shape.stride, (index + 1) * shape.stride);
  }

  /** The first half, sealed and followed by the other. */
  Chunk firstHalf(int secondId) {
    long[] half = Arrays.copyOf(rows, SPLIT_AT / 2 * shape.stride);
    return new Chunk(shape, previous, secondId, true, SPLIT_AT / 2, half);
  }

  /** The second half: a tail if this is one. */
  Chunk secondHalf(int firstId) {
    int from = SPLIT_AT / 2;
    long[] half = Arrays.copyOfRange(rows, from * shape.stride, count * shape.stride);
    return new Chunk(shape, firstId, next, sealed, count - from, half);
  }

  /** This chunk behind another one. */
  Chunk behind(int newPrevious) {
    return new Chunk(shape, newPrevious, next, sealed, count, rows);
  }

  /** The smallest rank at an extremum in rows [from, to), or Long.MAX_VALUE. */
  long smallest(int extremum, int from, int to) {
    return sealed && from == 0 && to == count
        ? extremes()[2 * extremum]
        : scan(extremum, from, to, true);
  }

  /** The largest rank at an extremum in rows [from, to), or Long.MIN_VALUE. */
  long largest(int extremum, int from, int to) {
    return sealed && from == 0 && to == count
        ? extremes()[2 * extremum + 1]
        : scan(extremum, from, to, false);
  }

  private long[] extremes() {
    long[] known = extremes;
    if (known == null) {
      known = new long[2 * shape.extrema.length];
      for (int extremum = 0; extremum < shape.extrema.length; extremum++) {
        known[2 * extremum] = scan(extremum, 0, count, true);
        known[2 * extremum + 1] = scan(extremum, 0, count, false);
      }
      extremes = known;
    }
    return known;
  }

  private long scan(int extremum, int from, int to, boolean smallest) {
    StateShape.Extremum of = shape.extrema[extremum];
    long best = smallest ? Long.MAX_VALUE : Long.MIN_VALUE;
    for (int index = from; index < to; index++) {
      int at = index * shape.stride;
      if ((rows[at + shape.presenceWord] & of.presence()) == of.presence()
          && (rows[at + shape.filterWord] & of.filter()) == of.filter()) {
        long rank = shape.rank(of.column(), rows[at + of.valueWord()]);
        best = smallest ? Math.min(best, rank) : Math.max(best, rank);
      }
    }
    return best;
  }

  /** An independent copy: a sealed chunk is its own. */
  public Chunk copy() {
    return sealed ? this : new Chunk(shape, previous, next, false, count, rows.clone());
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
    for (int index = 0; index < count; index++) {
      int at = index * stride;
      for (int word = 0; word <= StateShape.OFFSET; word++) {
        rows[at + word] = Varint.readSigned(in) + (index == 0 ? 0 : rows[at - stride + word]);
      }
      for (int word = StateShape.OFFSET + 1; word < stride; word++) {
        rows[at + word] = shape.isDense(word) ? in.readLong() : Varint.readSigned(in);
      }
    }
    return new Chunk(shape, previous, next, sealed, (int) count, rows);
  }
}
