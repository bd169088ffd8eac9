package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What is known about one entity from one stream: the header over its facts, which are kept in
 * chunks by a {@link ChunkStore}. It answers all features of its layout exactly, as of any instant
 * that pruning has left answerable, and its answers do not depend on the order in which facts
 * arrived.
 *
 * <p>Facts are ordered by (event time, partition, offset). For every distinct delay and delay +
 * window there is a cursor, which stands before the first fact newer than the instant of the last
 * {@link #seek} less that span, and knows the counts and exact sums of all facts behind it. A
 * feature is the difference of two cursors. Cursors move both ways, so a question costs the facts
 * between it and the question before.
 *
 * <p>The store given to each call must be the one that holds this state's chunks; a call that
 * changes a chunk puts it. A header remembers chunks it has used, so a store that starts to hand
 * out copies (for a snapshot) must be given a copy of the header as well. Instants and event times
 * are milliseconds since the epoch, greater than {@link Long#MIN_VALUE} and less than {@link
 * Long#MAX_VALUE}, which stand for "never". Not thread-safe.
 */
public final class EntityState {

  private static final byte VERSION = 1;
  private static final int FLAG_WIDE = 1;
  private static final int FLAG_PRUNED = 2;
  private static final long NEVER = Long.MAX_VALUE;
  private static final long BEFORE_ALL = Long.MIN_VALUE;

  private final StateShape shape;

  /**
   * Per cursor the time of the next fact (or {@link #NEVER}), then per cursor its position (chunk
   * id, index; it means nothing if there is no next fact), then the running totals.
   */
  private final long[] words;

  /** The wide parts of the real sums; only while some value needs them. */
  private long @Nullable [] wide;

  /**
   * Per cursor the rows of the chunk it stands in, if that is known and sealed: a shortcut past the
   * store. Rows of a sealed chunk are all in use, and never change.
   */
  private final long[] @Nullable [] sealedRows;

  /** The tail, if it was used since this header was made: a shortcut past the store. */
  private @Nullable Chunk tail;

  private long asOf;
  private int firstChunk = Chunk.NONE;
  private int tailChunk = Chunk.NONE;
  private int nextChunkId;

  /** The newest event time in the first chunk, if that is not the tail. */
  private long firstChunkLastTime = BEFORE_ALL;

  private long factsApplied;
  private long lastFactTime = BEFORE_ALL;

  /** The newest fact that pruning dropped. */
  private long prunedTime = BEFORE_ALL;

  private int prunedPartition = -1;
  private long prunedOffset = -1;

  private int causePartition = -1;
  private long causeOffset = -1;

  /**
   * A state without facts, as of the beginning of time.
   *
   * @throws IllegalArgumentException if the layout contradicts itself
   */
  public EntityState(StateLayout layout) {
    this(StateShape.of(layout));
  }

  private EntityState(StateShape shape) {
    this.shape = shape;
    words = new long[shape.words];
    sealedRows = new long[shape.cursors][];
    Arrays.fill(words, 0, shape.cursors, NEVER);
    asOf = BEFORE_ALL + shape.horizonMs;
  }

  private EntityState(EntityState other) {
    shape = other.shape;
    words = other.words.clone();
    sealedRows = new long[shape.cursors][];
    wide = other.wide == null ? null : other.wide.clone();
    asOf = other.asOf;
    firstChunk = other.firstChunk;
    tailChunk = other.tailChunk;
    nextChunkId = other.nextChunkId;
    firstChunkLastTime = other.firstChunkLastTime;
    factsApplied = other.factsApplied;
    lastFactTime = other.lastFactTime;
    prunedTime = other.prunedTime;
    prunedPartition = other.prunedPartition;
    prunedOffset = other.prunedOffset;
    causePartition = other.causePartition;
    causeOffset = other.causeOffset;
  }

  /** An independent copy of the header; its chunks are copied by their own {@link Chunk#copy}. */
  public EntityState copy() {
    return new EntityState(this);
  }

  /**
   * Adds a fact, in any order. What the last seek made of the features now includes it, if it is
   * not newer than that.
   *
   * <p>In a layout of events a fact with the event time and id hash of a stored one is a duplicate.
   * If its (partition, offset) is lower, it takes the place of the stored one: so what remains does
   * not depend on which came first.
   *
   * @return what became of the fact
   * @throws IllegalArgumentException if a value is not of its column's type; nothing has changed
   *     then
   */
  public Inserted insert(Fact fact, ChunkStore chunks) {
    if (fact.time == NEVER) {
      throw new IllegalArgumentException(
          "A fact's event time is Long.MAX_VALUE, which stands for never: give the time it happened");
    }
    if (fact.time <= prunedTime) {
      return Inserted.TOO_OLD;
    }
    if (fact.time > lastFactTime || tailChunk == Chunk.NONE) {
      append(fact, chunks);
    } else if (!insertInOrder(fact, chunks)) {
      return Inserted.DUPLICATE;
    }
    lastFactTime = Math.max(lastFactTime, fact.time);
    factsApplied++;
    return Inserted.NEW;
  }

  private void append(Fact fact, ChunkStore chunks) {
    Chunk into = tailChunk == Chunk.NONE ? null : load(tailChunk, chunks);
    if (into == null || into.count() >= Chunk.SEAL_AT) {
      Chunk successor = Chunk.tail(shape, tailChunk);
      successor.append(fact);
      int id = nextChunkId++;
      if (into == null) {
        firstChunk = id;
      } else {
        into.seal(id);
        put(tailChunk, into, chunks);
        if (firstChunk == tailChunk) {
          firstChunkLastTime = into.lastTime();
        }
      }
      into = successor;
      tailChunk = id;
    } else {
      into.append(fact);
    }
    put(tailChunk, into, chunks);

    int index = into.count() - 1;
    if (fact.time <= asOf) {
      cause(into, index);
    }
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      if (fact.time <= target(cursor)) {
        pass(cursor, into.rows(), index * shape.stride, 1);
      } else if (words[cursor] == NEVER) {
        stand(cursor, fact.time, tailChunk, index);
      }
    }
  }

  private boolean insertInOrder(Fact fact, ChunkStore chunks) {
    int id = chunkAfter(fact.time, fact.partition, fact.offset, chunks);
    Chunk chunk = load(id, chunks);
    int index = indexAfter(chunk, fact.time, fact.partition, fact.offset);
    if (shape.idHashWord >= 0 && isDuplicate(fact, id, index, chunks)) {
      return false;
    }
    if (index == chunk.count()) {
      append(fact, chunks);
      return true;
    }
    long[] row = new long[shape.stride];
    shape.encode(fact, row, 0);
    Chunk grown = chunk.withRow(index, row);
    put(id, grown, chunks);
    Arrays.fill(sealedRows, null);
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      if (fact.time <= target(cursor)) {
        pass(cursor, row, 0, 1);
        if (words[cursor] != NEVER && chunkOf(cursor) == id) {
          words[shape.cursors + cursor]++;
        }
      } else if (fact.time < words[cursor]) {
        stand(cursor, fact.time, id, index);
      }
    }
    if (grown.count() == Chunk.SPLIT_AT) {
      split(id, grown, chunks);
    }
    findCause(chunks);
    return true;
  }

  private void split(int id, Chunk chunk, ChunkStore chunks) {
    int secondId = nextChunkId++;
    Chunk first = chunk.firstHalf(secondId);
    Chunk second = chunk.secondHalf(id);
    if (id == tailChunk) {
      tailChunk = secondId;
    } else {
      put(chunk.next(), load(chunk.next(), chunks).behind(secondId), chunks);
    }
    put(id, first, chunks);
    put(secondId, second, chunks);
    if (id == firstChunk) {
      firstChunkLastTime = first.lastTime();
    }
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      if (words[cursor] != NEVER && chunkOf(cursor) == id && indexOf(cursor) >= first.count()) {
        stand(cursor, words[cursor], secondId, indexOf(cursor) - first.count());
      }
    }
  }

  /** Looks through the facts of the same instant, which stand around the place of a new one. */
  private boolean isDuplicate(Fact fact, int id, int index, ChunkStore chunks) {
    Chunk chunk = load(id, chunks);
    int chunkId = id;
    int at = index;
    while (true) {
      if (at == 0) {
        if (chunkId == firstChunk) {
          break;
        }
        chunkId = chunk.previous();
        chunk = load(chunkId, chunks);
        at = chunk.count();
      }
      at--;
      if (chunk.time(at) != fact.time) {
        break;
      }
      if (idHash(chunk, at) == fact.idHash) {
        return true;
      }
    }
    chunk = load(id, chunks);
    chunkId = id;
    at = index;
    while (true) {
      if (at == chunk.count()) {
        if (chunkId == tailChunk) {
          return false;
        }
        chunkId = chunk.next();
        chunk = load(chunkId, chunks);
        at = 0;
      }
      if (chunk.time(at) != fact.time) {
        return false;
      }
      if (idHash(chunk, at) == fact.idHash) {
        replace(chunkId, at, fact, chunks);
        return true;
      }
      at++;
    }
  }

  /**
   * Puts an earlier-logged duplicate in place of a stored fact: the facts of the same instant
   * between their two places move up by one. A cursor has all facts of an instant behind it or
   * none, so no position changes.
   */
  private void replace(int id, int index, Fact fact, ChunkStore chunks) {
    long[] row = new long[shape.stride];
    shape.encode(fact, row, 0);
    int chunkId = id;
    Chunk chunk = load(id, chunks);
    long[] replaced = chunk.row(index);
    int at = index;
    while (true) {
      int beforeId = chunkId;
      Chunk before = chunk;
      int beforeAt = at - 1;
      if (beforeAt < 0 && chunkId != firstChunk) {
        beforeId = chunk.previous();
        before = load(beforeId, chunks);
        beforeAt = before.count() - 1;
      }
      if (beforeAt < 0 || !before.isAfter(beforeAt, fact.time, fact.partition, fact.offset)) {
        break;
      }
      chunk = chunk.withRowReplaced(at, before.row(beforeAt));
      put(chunkId, chunk, chunks);
      if (beforeId != chunkId) {
        chunk = before;
        chunkId = beforeId;
      }
      at = beforeAt;
    }
    put(chunkId, chunk.withRowReplaced(at, row), chunks);
    Arrays.fill(sealedRows, null);
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      if (fact.time <= target(cursor)) {
        pass(cursor, replaced, 0, -1);
        pass(cursor, row, 0, 1);
      }
    }
    findCause(chunks);
  }

  private long idHash(Chunk chunk, int index) {
    return chunk.rows()[index * shape.stride + shape.idHashWord];
  }

  /**
   * Moves all cursors to an instant, earlier or later than the last one.
   *
   * @throws IllegalArgumentException if {@code instant} is before {@link #earliestSeek}
   */
  public void seek(long instant, ChunkStore chunks) {
    long to = Math.max(Math.min(instant, NEVER - 1), BEFORE_ALL + shape.horizonMs);
    if (to >= asOf) {
      asOf = to;
      forward(chunks);
    } else {
      if (to < earliestSeek()) {
        throw new IllegalArgumentException(
            "The state cannot be asked as of %d: facts were pruned that it needs, the earliest instant"
                    .formatted(instant)
                + " is %d; reject the question as too old".formatted(earliestSeek()));
      }
      asOf = to;
      for (int cursor = 0; cursor < shape.cursors; cursor++) {
        backward(cursor, to - shape.offsets[cursor], chunks);
      }
      findCause(chunks);
    }
  }

  /**
   * In rounds, one fact per cursor in each. The facts of a round are far apart in memory, and none
   * has to be there before the processor can ask for the next: so it waits for all at once.
   */
  private void forward(ChunkStore chunks) {
    boolean passed;
    do {
      passed = false;
      for (int cursor = 0; cursor < shape.cursors; cursor++) {
        if (words[cursor] <= target(cursor)) {
          passNext(cursor, chunks);
          passed = true;
        }
      }
    } while (passed);
  }

  private void passNext(int cursor, ChunkStore chunks) {
    int stride = shape.stride;
    int index = indexOf(cursor);
    long[] rows = sealedRows[cursor];
    int count;
    if (rows != null) {
      count = rows.length;
    } else {
      Chunk chunk = load(chunkOf(cursor), chunks);
      rows = chunk.rows();
      count = chunk.count() * stride;
      if (chunk.sealed()) {
        sealedRows[cursor] = rows;
      }
    }
    int at = index * stride;
    pass(cursor, rows, at, 1);
    if (cursor == 0) {
      causePartition = (int) (rows[at + shape.metaWord] >> 32);
      causeOffset = rows[at + StateShape.OFFSET];
    }
    at += stride;
    if (at < count) {
      words[cursor] = rows[at + StateShape.TIME];
      words[shape.cursors + cursor]++;
    } else {
      passToNextChunk(cursor, chunks);
    }
  }

  private void passToNextChunk(int cursor, ChunkStore chunks) {
    int id = load(chunkOf(cursor), chunks).next();
    if (id == Chunk.NONE) {
      words[cursor] = NEVER;
    } else {
      stand(cursor, load(id, chunks).time(0), id, 0);
    }
  }

  private void backward(int cursor, long target, ChunkStore chunks) {
    if (firstChunk == Chunk.NONE) {
      return;
    }
    boolean atEnd = words[cursor] == NEVER;
    int id = atEnd ? tailChunk : chunkOf(cursor);
    Chunk chunk = load(id, chunks);
    int index = atEnd ? chunk.count() : indexOf(cursor);
    long next = words[cursor];
    while (true) {
      if (index == 0) {
        if (id == firstChunk) {
          break;
        }
        int before = chunk.previous();
        Chunk previous = load(before, chunks);
        if (previous.lastTime() <= target) {
          break;
        }
        id = before;
        chunk = previous;
        index = chunk.count();
      }
      if (chunk.time(index - 1) <= target) {
        break;
      }
      index--;
      next = chunk.time(index);
      pass(cursor, chunk.rows(), index * shape.stride, -1);
    }
    stand(cursor, next, id, index);
  }

  /** The earliest instant that can still be asked about: {@link Long#MIN_VALUE} if any can. */
  public long earliestSeek() {
    return prunedTime == BEFORE_ALL ? BEFORE_ALL : prunedTime + shape.horizonMs;
  }

  /** Adds a row to the totals behind a cursor, or takes it away. */
  private void pass(int cursor, long[] rows, int at, int times) {
    long presence = rows[at + shape.presenceWord];
    long filters = rows[at + shape.filterWord];
    for (StateShape.Total total : shape.totals[cursor]) {
      if ((~presence & total.presence() | ~filters & total.filter()) != 0) {
        continue;
      }
      int word = total.at();
      words[word] += times;
      int kind = total.kind();
      if (kind == StateShape.COUNT_ONLY) {
        continue;
      }
      long value = rows[at + total.valueWord()];
      if (kind == StateShape.REAL) {
        double number = Double.longBitsToDouble(value);
        if (!ExactSum.addNarrow(words, word + 1, times > 0 ? number : -number)) {
          passWide(total.wide(), number, times);
        }
      } else if (kind == StateShape.SMALL_INTEGER) {
        words[word + 1] += times > 0 ? value : -value;
      } else if (times > 0) {
        ExactSum.addInteger(words, word + 1, value);
      } else {
        ExactSum.subtractInteger(words, word + 1, value);
      }
    }
  }

  private void passWide(int at, double number, int times) {
    long[] sums = wide;
    if (sums == null) {
      sums = new long[shape.wideWords];
      wide = sums;
    }
    if (times > 0) {
      ExactSum.addWide(sums, at, number);
    } else {
      ExactSum.subtractWide(sums, at, number);
    }
  }

  /**
   * Writes all features, as of the last seek, to {@code into[from..]}: COUNT as Long, SUM and AVG
   * as Double, MIN and MAX in the column's type (NaN above all numbers, -0.0 below 0.0), of an
   * empty window the feature's empty value.
   */
  public void answer(@Nullable Object[] into, int from, ChunkStore chunks) {
    answer(0, shape.features.length, into, from, chunks);
  }

  /** Writes {@code count} features from {@code firstFeature} on, as {@link #answer} does. */
  public void answer(
      int firstFeature, int count, @Nullable Object[] into, int from, ChunkStore chunks) {
    for (int feature = firstFeature; feature < firstFeature + count; feature++) {
      into[from + feature - firstFeature] = value(shape.features[feature], chunks);
    }
  }

  private @Nullable Object value(StateShape.Feature feature, ChunkStore chunks) {
    long count = words[feature.newAt()] - words[feature.oldAt()];
    if (count == 0) {
      return feature.empty();
    }
    return switch (feature.aggregate()) {
      case COUNT -> (Object) count;
      case SUM -> (Object) sum(feature);
      case AVG -> (Object) (sum(feature) / count);
      case MIN -> extreme(feature, true, chunks);
      case MAX -> extreme(feature, false, chunks);
      default -> throw new IllegalStateException("No value of " + feature.aggregate());
    };
  }

  private double sum(StateShape.Feature feature) {
    int minuend = feature.newAt() + 1;
    int subtrahend = feature.oldAt() + 1;
    if (feature.kind() == StateShape.SMALL_INTEGER) {
      return words[minuend] - words[subtrahend];
    }
    if (feature.kind() == StateShape.INTEGER) {
      return ExactSum.integerDifference(words, minuend, subtrahend);
    }
    long[] sums = wide;
    if (sums == null) {
      return ExactSum.narrowDifference(words, minuend, subtrahend);
    }
    return ExactSum.difference(
        words, minuend, subtrahend, sums, feature.newWide(), feature.oldWide());
  }

  private Object extreme(StateShape.Feature feature, boolean smallest, ChunkStore chunks) {
    int extremum = feature.extremum();
    int older = feature.oldCursor();
    int newer = feature.newCursor();
    boolean toEnd = words[newer] == NEVER;
    int lastId = toEnd ? tailChunk : chunkOf(newer);
    int id = chunkOf(older);
    int from = indexOf(older);
    long best = smallest ? Long.MAX_VALUE : Long.MIN_VALUE;
    while (true) {
      Chunk chunk = load(id, chunks);
      int to = id == lastId && !toEnd ? indexOf(newer) : chunk.count();
      best =
          smallest
              ? Math.min(best, chunk.smallest(extremum, from, to))
              : Math.max(best, chunk.largest(extremum, from, to));
      if (id == lastId) {
        return shape.ofRank(shape.extrema[extremum].column(), best);
      }
      id = chunk.next();
      from = 0;
    }
  }

  /** The event time of the earliest stored fact after an instant, or {@link Long#MAX_VALUE}. */
  public long nextFactTime(long after, ChunkStore chunks) {
    if (after >= lastFactTime || firstChunk == Chunk.NONE) {
      return NEVER;
    }
    if (after == asOf) {
      return words[0];
    }
    Chunk chunk = load(chunkAfter(after, Integer.MAX_VALUE, Long.MAX_VALUE, chunks), chunks);
    return chunk.time(indexAfter(chunk, after, Integer.MAX_VALUE, Long.MAX_VALUE));
  }

  /** The newest event time of all facts ever inserted, or {@link Long#MIN_VALUE} without any. */
  public long lastFactTime() {
    return lastFactTime;
  }

  /**
   * The earliest instant after the last seek at which a fact that is already in the past of that
   * seek enters or leaves the window of one of these features, or {@link Long#MAX_VALUE}. Until
   * then only new facts change them. The fact may turn out not to change a value, for instance
   * because it does not pass the feature's filter.
   */
  public long nextChange(int firstFeature, int count, ChunkStore chunks) {
    long earliest = NEVER;
    for (int feature = firstFeature; feature < firstFeature + count; feature++) {
      earliest = Math.min(earliest, nextCrossing(shape.features[feature].newCursor()));
      earliest = Math.min(earliest, nextCrossing(shape.features[feature].oldCursor()));
    }
    return earliest;
  }

  private long nextCrossing(int cursor) {
    long time = words[cursor];
    // A fact in the future of the seek is not known to the answer; that excludes edge 0 as well.
    return time > asOf ? NEVER : time + shape.offsets[cursor];
  }

  /** The partition of the newest fact that is not newer than the last seek, or -1. */
  public int causePartition() {
    return causePartition;
  }

  /** The offset of the newest fact that is not newer than the last seek, or -1. */
  public long causeOffset() {
    return causeOffset;
  }

  private void cause(Chunk chunk, int index) {
    causePartition = chunk.partition(index);
    causeOffset = chunk.offset(index);
  }

  /** Finds the cause again after facts before cursor 0 have changed. */
  private void findCause(ChunkStore chunks) {
    boolean atEnd = words[0] == NEVER;
    int id = atEnd ? tailChunk : chunkOf(0);
    if (id != Chunk.NONE) {
      Chunk chunk = load(id, chunks);
      int index = atEnd ? chunk.count() : indexOf(0);
      if (index > 0) {
        cause(chunk, index - 1);
        return;
      }
      if (id != firstChunk) {
        Chunk previous = load(chunk.previous(), chunks);
        cause(previous, previous.count() - 1);
        return;
      }
    }
    causePartition = prunedPartition;
    causeOffset = prunedOffset;
  }

  /** How many facts were ever inserted, duplicates not counted. */
  public long factsApplied() {
    return factsApplied;
  }

  /** Whether no fact is stored: nothing was inserted, or everything was pruned. */
  public boolean isEmpty() {
    return firstChunk == Chunk.NONE;
  }

  /**
   * Drops the chunks whose facts are all older than any question the clock still allows: event
   * times up to {@code clock} − lateness − the largest delay + window. Facts that are still in a
   * window of the last seek stay, so pruning never changes an answer; to let a quiet entity go,
   * seek first. Costs two comparisons if there is nothing to drop.
   */
  public void prune(long clock, ChunkStore chunks) {
    long kept = shape.horizonMs + shape.layout.latenessMs();
    if (clock < BEFORE_ALL + kept) {
      return;
    }
    long unneeded = Math.min(clock - kept, asOf - shape.horizonMs);
    while (firstChunk != Chunk.NONE
        && (firstChunk == tailChunk ? lastFactTime : firstChunkLastTime) <= unneeded) {
      Chunk dropped = load(firstChunk, chunks);
      prunedTime = dropped.lastTime();
      prunedPartition = dropped.partition(dropped.count() - 1);
      prunedOffset = dropped.offset(dropped.count() - 1);
      chunks.remove(firstChunk);
      firstChunk = dropped.next();
      if (firstChunk == Chunk.NONE) {
        tailChunk = Chunk.NONE;
        tail = null;
      } else if (firstChunk != tailChunk) {
        firstChunkLastTime = load(firstChunk, chunks).lastTime();
      }
      dropWideIfEqual();
    }
  }

  /** Lets the wide sums go once they cancel out of all differences. */
  private void dropWideIfEqual() {
    long[] sums = wide;
    if (sums == null) {
      return;
    }
    for (StateShape.Total[] totals : shape.totals) {
      for (StateShape.Total total : totals) {
        StateShape.Total before = total.before();
        if (before != null
            && total.wide() >= 0
            && !ExactSum.equalWide(sums, total.wide(), before.wide())) {
          return;
        }
      }
    }
    wide = null;
  }

  /**
   * Writes the header, in a format of its own that starts with a version. Its size does not depend
   * on the number of facts. Only differences of running totals are written: nothing else is ever
   * used of them.
   */
  public void write(DataOutput out) throws IOException {
    dropWideIfEqual();
    long[] sums = wide;
    out.writeByte(VERSION);
    out.writeInt(shape.hash);
    boolean pruned = prunedTime != BEFORE_ALL;
    out.writeByte((sums == null ? 0 : FLAG_WIDE) | (pruned ? FLAG_PRUNED : 0));
    out.writeLong(asOf);
    Varint.writeSigned(out, lastFactTime - asOf);
    Varint.writeUnsigned(out, factsApplied);
    Varint.writeSigned(out, nextChunkId);
    Varint.writeSigned(out, firstChunk == Chunk.NONE ? -1 : nextChunkId - firstChunk);
    Varint.writeSigned(out, tailChunk == Chunk.NONE ? -1 : nextChunkId - tailChunk);
    Varint.writeSigned(out, firstChunkLastTime - asOf);
    Varint.writeSigned(out, causePartition);
    Varint.writeSigned(out, causeOffset);
    if (pruned) {
      Varint.writeSigned(out, prunedTime - asOf);
      Varint.writeSigned(out, prunedPartition);
      Varint.writeSigned(out, prunedOffset);
    }
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      if (words[cursor] == NEVER) {
        Varint.writeUnsigned(out, 0);
      } else {
        // At least 1: the next fact is newer than where the cursor stands.
        Varint.writeUnsigned(out, words[cursor] - target(cursor));
        Varint.writeUnsigned(out, nextChunkId - chunkOf(cursor));
        Varint.writeUnsigned(out, indexOf(cursor));
      }
    }
    long[] difference = new long[ExactSum.WIDE_WORDS];
    for (StateShape.Total[] totals : shape.totals) {
      for (StateShape.Total total : totals) {
        if (total.before() != null) {
          writeDifference(out, total.before(), total, difference);
        }
      }
    }
  }

  private void writeDifference(
      DataOutput out, StateShape.Total before, StateShape.Total total, long[] difference)
      throws IOException {
    Varint.writeSigned(out, words[before.at()] - words[total.at()]);
    int length = total.sumWords();
    System.arraycopy(words, before.at() + 1, difference, 0, length);
    ExactSum.subtractWords(difference, 0, words, total.at() + 1, length);
    for (int word = 0; word < length; word++) {
      Varint.writeSigned(out, difference[word]);
    }
    long[] sums = wide;
    if (sums != null && total.wide() >= 0) {
      System.arraycopy(sums, before.wide(), difference, 0, ExactSum.WIDE_WORDS);
      ExactSum.subtractWide(difference, 0, sums, total.wide());
      for (int word = 0; word < ExactSum.WIDE_WORDS; word++) {
        Varint.writeSigned(out, difference[word]);
      }
    }
  }

  /**
   * Reads a header.
   *
   * @param layout the layout it was written with
   * @throws IOException if it was written in another format or with another layout, or is damaged
   */
  public static EntityState read(StateLayout layout, DataInput in) throws IOException {
    StateShape shape = StateShape.of(layout);
    EntityState state = new EntityState(shape);
    shape.checkStored("entity state", in.readByte(), VERSION, in.readInt());
    byte flags = in.readByte();
    long asOf = in.readLong();
    state.asOf = asOf;
    state.lastFactTime = Varint.readSigned(in) + asOf;
    state.factsApplied = Varint.readUnsigned(in);
    state.nextChunkId = (int) Varint.readSigned(in);
    state.firstChunk = state.readChunkId(Varint.readSigned(in));
    state.tailChunk = state.readChunkId(Varint.readSigned(in));
    state.firstChunkLastTime = Varint.readSigned(in) + asOf;
    state.causePartition = (int) Varint.readSigned(in);
    state.causeOffset = Varint.readSigned(in);
    if ((flags & FLAG_PRUNED) != 0) {
      state.prunedTime = Varint.readSigned(in) + asOf;
      state.prunedPartition = (int) Varint.readSigned(in);
      state.prunedOffset = Varint.readSigned(in);
    }
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      long ahead = Varint.readUnsigned(in);
      if (ahead != 0) {
        int id = state.readChunkId(Varint.readUnsigned(in));
        state.stand(cursor, state.target(cursor) + ahead, id, (int) Varint.readUnsigned(in));
      }
    }
    if ((flags & FLAG_WIDE) != 0) {
      state.wide = new long[shape.wideWords];
    }
    // The first total of a chain starts from zero: only the differences along it matter.
    long[] difference = new long[ExactSum.WIDE_WORDS];
    for (StateShape.Total[] totals : shape.totals) {
      for (StateShape.Total total : totals) {
        if (total.before() != null) {
          state.readDifference(in, total.before(), total, difference);
        }
      }
    }
    return state;
  }

  private int readChunkId(long behindNext) {
    return behindNext < 0 ? Chunk.NONE : (int) (nextChunkId - behindNext);
  }

  private void readDifference(
      DataInput in, StateShape.Total before, StateShape.Total total, long[] difference)
      throws IOException {
    words[total.at()] = words[before.at()] - Varint.readSigned(in);
    int length = total.sumWords();
    for (int word = 0; word < length; word++) {
      difference[word] = Varint.readSigned(in);
    }
    System.arraycopy(words, before.at() + 1, words, total.at() + 1, length);
    ExactSum.subtractWords(words, total.at() + 1, difference, 0, length);
    long[] sums = wide;
    if (sums != null && total.wide() >= 0) {
      for (int word = 0; word < ExactSum.WIDE_WORDS; word++) {
        difference[word] = Varint.readSigned(in);
      }
      System.arraycopy(sums, before.wide(), sums, total.wide(), ExactSum.WIDE_WORDS);
      ExactSum.subtractWide(sums, total.wide(), difference, 0);
    }
  }

  private int chunkAfter(long time, int partition, long offset, ChunkStore chunks) {
    int id = tailChunk;
    // The cursor that stands closest behind the place is the shortest way to it.
    for (int cursor = shape.cursors - 1; cursor >= 0; cursor--) {
      if (target(cursor) >= time) {
        id = words[cursor] == NEVER ? tailChunk : chunkOf(cursor);
        break;
      }
    }
    Chunk chunk = load(id, chunks);
    while (id != firstChunk && chunk.isAfter(0, time, partition, offset)) {
      Chunk previous = load(chunk.previous(), chunks);
      if (!previous.isAfter(previous.count() - 1, time, partition, offset)) {
        break;
      }
      id = chunk.previous();
      chunk = previous;
    }
    return id;
  }

  private static int indexAfter(Chunk chunk, long time, int partition, long offset) {
    int index = chunk.count();
    while (index > 0 && chunk.isAfter(index - 1, time, partition, offset)) {
      index--;
    }
    return index;
  }

  private long target(int cursor) {
    return asOf - shape.offsets[cursor];
  }

  private int chunkOf(int cursor) {
    return (int) (words[shape.cursors + cursor] >> 32);
  }

  private int indexOf(int cursor) {
    return (int) words[shape.cursors + cursor];
  }

  private void stand(int cursor, long nextTime, int chunk, int index) {
    sealedRows[cursor] = null;
    words[cursor] = nextTime;
    words[shape.cursors + cursor] = (long) chunk << 32 | index;
  }

  private Chunk load(int id, ChunkStore chunks) {
    if (id == tailChunk && tail != null) {
      return tail;
    }
    Chunk chunk = chunks.get(id);
    if (chunk == null) {
      throw new IllegalStateException(
          "Chunk %d is missing from the store given to this state: pass the store of the same entity"
                  .formatted(id)
              + " and stream, or restore both from one checkpoint");
    }
    if (id == tailChunk) {
      tail = chunk;
    }
    return chunk;
  }

  private void put(int id, Chunk chunk, ChunkStore chunks) {
    chunks.put(id, chunk);
    if (id == tailChunk && tail != chunk) {
      tail = chunk;
    }
  }
}
