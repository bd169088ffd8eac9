package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is known about one entity from one stream: the header over its facts, which are kept in
 * chunks by a {@link ChunkStore}. It answers all features of its layout exactly, as of any instant
 * that pruning has left answerable, and its answers do not depend on the order in which facts
 * arrived.
 *
 * <p>Facts are ordered by (event time, partition, offset). For every distinct end of a window that
 * follows the clock (an {@link Edge}) there is a cursor, which stands before the first fact newer
 * than that edge as of the last {@link #seek}, and knows the counts and exact sums of all facts
 * behind it. A count, sum or average is the difference of two cursors. Cursors move both ways, so a
 * question costs the facts between it and the question before; where that was far back, {@link
 * ChunkSums} let it cost the logarithm of that. Smallest and largest values are read off summaries
 * of chunks. All other aggregates are computed from the facts between the two ends of their window:
 * from a summary that is kept up to date while facts enter and leave, if facts can be taken away
 * from it again, and else one by one. Where a window over the last events or a session begins is
 * followed in the same way. What is kept up to date so is made anew after a state was read.
 *
 * <p>Of a window that reaches back to the first fact, what is pruned is first added to a {@link
 * Partial} in the header: bounded, except for aggregates that keep every distinct value (DISTINCT,
 * QUANTILE, MOST_FREQUENT, and all that are kept apart by a column). In a {@linkplain
 * StateLayout#coarse coarse} layout the same holds for each multiple of a window's resolution.
 *
 * <p>The store given to each call must be the one that holds this state's chunks; a call that
 * changes a chunk puts it. A header remembers chunks it has used, so a store that starts to hand
 * out copies (for a snapshot) must be given a copy of the header as well, or one that has
 * {@linkplain #forgetChunks forgotten} them. Instants and event times are milliseconds since the
 * epoch, greater than {@link Long#MIN_VALUE} and less than {@link Long#MAX_VALUE}, which stand for
 * "never". Not thread-safe.
 *
 * <p>What every fact goes through, to be stored, to be passed by cursors and to be in the answer,
 * is done by a kind of state of its own once a layout has been used for a while: see {@link
 * LayoutCompiler}.
 */
public abstract class EntityState {

  private static final byte VERSION = 2;
  private static final int FLAG_WIDE = 1;
  private static final int FLAG_PRUNED = 2;
  static final long NEVER = Long.MAX_VALUE;
  private static final long BEFORE_ALL = Long.MIN_VALUE;

  /** Over fewer chunks than this, cursors go one fact at a time. */
  private static final int FEWEST_SUMMED = 8;

  /** How many sealed chunks are kept at hand; a power of two. */
  private static final int AT_HAND = 8;

  private static final long[] NO_SESSION_ENDS = {};

  final StateShape shape;

  /** The wide parts of the real sums; only while some value needs them. */
  long @Nullable [] wide;

  /** The tail, if it was used since this header was made: a shortcut past the store. */
  private @Nullable Chunk tail;

  /**
   * Sealed chunks that were used since this header was made, each where the low bits of its id say:
   * a shortcut past the store, for which a backend looks the key up.
   */
  private @Nullable Chunk @Nullable [] atHand;

  /**
   * The tail's words, how many facts it has and has room for, if that is known: a shortcut past the
   * tail itself, which lies elsewhere in memory.
   */
  long @Nullable [] tailWords;

  private int tailCount;
  int tailCapacity;

  long asOf;
  private int firstChunk = Chunk.NONE;
  int tailChunk = Chunk.NONE;
  private int nextChunkId;

  /** The newest event time in the first chunk, if that is not the tail. */
  private long firstChunkLastTime = BEFORE_ALL;

  private long factsApplied;
  private long lastFactTime = BEFORE_ALL;

  /** The newest fact that pruning dropped. */
  long prunedTime = BEFORE_ALL;

  private int prunedPartition = -1;
  private long prunedOffset = -1;

  /** The earliest instant that the facts which were kept can answer. */
  private long earliestSeek = BEFORE_ALL;

  /**
   * Windows by position keep the first chunk at least until the clock has passed this; then it has
   * to be found again. If it is {@link #NEVER}, it has to be found again once a chunk has begun.
   */
  private long firstChunkNeededUntil = BEFORE_ALL;

  private int neededBeforeChunk = -1;

  /**
   * Where tiles keep the first chunk because chunks behind it have facts of its last instant: the
   * newest time in the one of them that was too new, so that it is not looked for at each event.
   */
  private long keptWithFirstChunk = BEFORE_ALL;

  /** What was made of pruned facts, one for each of the shape's folded features. */
  private final Partial[] folded;

  /** What was made of pruned facts of each multiple of a resolution, in a coarse layout. */
  private final TileRow[] tiles;

  /** The earliest instant as of which some tile is in no window any more. */
  private long tilesNeededUntil = NEVER;

  /** The summaries of sealed chunks, if more than one answer needed them. */
  private @Nullable ChunkTree tree;

  private boolean treeWanted;

  /** Sums of sealed chunks, if cursors had to go far back. */
  private @Nullable ChunkSums sums;

  /** How many chunks cursors have gone back over one fact at a time. */
  private int chunksGoneBack;

  private final RunningPartials running;
  private final PositionalWindows positions;
  final boolean anyRunning;

  int causePartition = -1;
  long causeOffset = -1;
  private int conflictPartition = -1;
  private long conflictOffset = -1;

  // Where the fact stands that does not count for the answer that is being computed.
  private int selfChunk = Chunk.NONE;
  private int selfIndex;

  // Where the window begins that is being looked through.
  private int scanChunk = Chunk.NONE;
  private int scanIndex;

  EntityState(StateShape shape) {
    this.shape = shape;
    folded = new Partial[shape.folded.length];
    for (int fold = 0; fold < folded.length; fold++) {
      folded[fold] = Partial.of(shape.folded[fold].aggregation(), shape);
    }
    running = new RunningPartials(shape);
    positions = new PositionalWindows(shape, running);
    anyRunning = shape.running.length > 0 || shape.positional.length > 0;
    tiles = new TileRow[shape.tiles.length];
    for (int row = 0; row < tiles.length; row++) {
      tiles[row] = new TileRow(shape.tiles[row].feature().aggregation(), shape);
    }
    asOf = BEFORE_ALL + shape.reachMs;
  }

  /**
   * A state without facts, as of the beginning of time.
   *
   * @throws IllegalArgumentException if the layout contradicts itself
   */
  public static EntityState of(StateLayout layout) {
    return StateShape.of(layout).emptyState();
  }

  /**
   * Has code made for a layout, beside the caller: for one who knows that it will be used a lot,
   * and need not wait until it was.
   *
   * @throws IllegalArgumentException if the layout contradicts itself
   */
  public static void prepare(StateLayout layout) {
    StateShape.of(layout).prepare();
  }

  /** An independent copy of the header; its chunks are copied by their own {@link Chunk#copy}. */
  public EntityState copy() {
    return empty(shape).with(this);
  }

  /**
   * This state, or what is to be used in its place: a copy that runs the code which was made for
   * the layout since this state was. Costs a comparison if there is none.
   */
  public EntityState newest() {
    EntityState model = shape.model();
    return model == null || model.getClass() == getClass() ? this : model.empty(shape).with(this);
  }

  private EntityState with(EntityState other) {
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      stand(cursor, other.next(cursor), other.position(cursor), null);
    }
    setTotals(other.totals().clone());
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
    earliestSeek = other.earliestSeek;
    firstChunkNeededUntil = other.firstChunkNeededUntil;
    neededBeforeChunk = other.neededBeforeChunk;
    for (int fold = 0; fold < folded.length; fold++) {
      folded[fold] = other.folded[fold].copy();
    }
    for (int row = 0; row < tiles.length; row++) {
      tiles[row] = other.tiles[row].copy();
    }
    tilesNeededUntil = other.tilesNeededUntil;
    causePartition = other.causePartition;
    causeOffset = other.causeOffset;
    conflictPartition = other.conflictPartition;
    conflictOffset = other.conflictOffset;
    return this;
  }

  /** A state of the same kind without facts, for an equal layout. */
  abstract EntityState empty(StateShape equal);

  /** The time of the next fact that a cursor will pass, or {@link #NEVER}. */
  abstract long next(int cursor);

  /** Where that fact is: chunk id, index. It means nothing if there is none. */
  abstract long position(int cursor);

  /**
   * The words of the chunk that a cursor stands in, if they are known: a shortcut past the store.
   */
  abstract long @Nullable [] rows(int cursor);

  /** Puts a cursor before a fact. */
  abstract void stand(int cursor, long next, long position, long @Nullable [] rows);

  /** Puts all cursors that have passed all facts before a new one, which none has reached yet. */
  abstract void standBefore(long time, long position, long[] rows);

  /** A word of the running totals. */
  abstract long total(int at);

  /**
   * The running totals, each word where {@link StateShape.Total#at} says: theirs, or a copy. Who
   * changes them gives them to {@link #setTotals}.
   */
  abstract long[] totals();

  /** Takes over totals that were changed. */
  abstract void setTotals(long[] changed);

  /** As {@link StateShape#encode}, for a fact without stored texts. */
  abstract void encode(Fact fact, int index, int capacity, long[] rows);

  /** Moves all cursors forward to the state's instant. */
  abstract void forward(ChunkStore chunks);

  /** Writes all features, as of the last seek, to {@code into[from..]}. */
  abstract void answerAll(@Nullable Object[] into, int from, ChunkStore chunks);

  /**
   * Takes chunks from the store again before they are used, because it may hand out copies by now.
   */
  public void forgetChunks() {
    tail = null;
    atHand = null;
    tailWords = null;
    forgetRows();
  }

  private void forgetRows() {
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      stand(cursor, next(cursor), position(cursor), null);
    }
  }

  /**
   * Adds a fact, in any order. What the last seek made of the features now includes it, if it is
   * not newer than that.
   *
   * <p>Facts with the same event time and id hash are one fact ({@link Identity}): of copies of an
   * event the one with the lowest (partition, offset) remains, of versions of a row the one with
   * the highest. So what remains does not depend on which came first. A row that was deleted keeps
   * its place, as a fact that counts for nothing.
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
    Inserted inserted = Inserted.NEW;
    if (fact.time > lastFactTime || tailChunk == Chunk.NONE) {
      append(fact, chunks);
    } else {
      inserted = insertInOrder(fact, chunks);
    }
    lastFactTime = Math.max(lastFactTime, fact.time);
    if (inserted.changed()) {
      factsApplied++;
    }
    return inserted;
  }

  /** The partition of the fact that the last insert found to be in conflict, or -1. */
  public int conflictPartition() {
    return conflictPartition;
  }

  /** The offset of the fact that the last insert found to be in conflict, or -1. */
  public long conflictOffset() {
    return conflictOffset;
  }

  /**
   * Whether a fact of this time and id is stored that says something else than an event: of an
   * entity's events with one time and id only one counts. Only where facts are events.
   */
  public boolean contradicts(long time, long idHash, long payloadHash, ChunkStore chunks) {
    if (firstChunk == Chunk.NONE || time <= prunedTime) {
      return false;
    }
    int id = chunkAfter(time, Integer.MAX_VALUE, Long.MAX_VALUE, chunks);
    int index = indexAfter(load(id, chunks), time, Integer.MAX_VALUE, Long.MAX_VALUE);
    Position same = find(time, idHash, id, index, chunks);
    return same != null && load(same.chunk, chunks).payloadHash(same.index) != payloadHash;
  }

  private void append(Fact fact, ChunkStore chunks) {
    long[] rows = tailWords;
    Chunk known = tail;
    if (rows != null
        && known != null
        && tailCount < Chunk.SEAL_AT
        && tailCount < tailCapacity
        && shape.texts == 0) {
      encode(fact, tailCount, tailCapacity, rows);
      known.grewTo(++tailCount);
      chunks.grew(tailChunk, known);
    } else {
      appendToChunk(fact, chunks);
      rows = Objects.requireNonNull(tailWords);
    }

    int index = tailCount - 1;
    if (fact.time > asOf) {
      standBefore(fact.time, position(tailChunk, index), rows);
      return;
    }
    causePartition = fact.partition;
    causeOffset = fact.offset;
    long[] totals = totals();
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      if (fact.time <= target(cursor)) {
        pass(cursor, totals, rows, index * shape.stride, 1);
        if (anyRunning) {
          passRunning(cursor, tailChunk, index, chunks);
        }
      } else if (next(cursor) == NEVER) {
        stand(cursor, fact.time, tailChunk, index);
      }
    }
    setTotals(totals);
  }

  /** Appends a fact to the tail, or to a new one if that has become long enough. */
  private void appendToChunk(Fact fact, ChunkStore chunks) {
    Chunk into = tailChunk == Chunk.NONE ? null : load(tailChunk, chunks);
    if (into == null || into.count() >= Chunk.SEAL_AT) {
      Chunk successor = Chunk.tail(shape, tailChunk);
      successor.append(fact);
      int id = nextChunkId++;
      if (into == null) {
        firstChunk = id;
      } else {
        long[] before = into.words();
        into.seal(id);
        moved(before, into.words());
        put(tailChunk, into, chunks);
        if (firstChunk == tailChunk) {
          firstChunkLastTime = into.lastTime();
        }
      }
      into = successor;
      tailChunk = id;
    } else {
      long[] before = into.words();
      into.append(fact);
      moved(before, into.words());
    }
    put(tailChunk, into, chunks);
  }

  /** The words of the chunk that cursors may stand in are in another array from now on. */
  private void moved(long[] from, long[] to) {
    for (int cursor = 0; from != to && cursor < shape.cursors; cursor++) {
      if (rows(cursor) == from) {
        stand(cursor, next(cursor), position(cursor), to);
      }
    }
  }

  private Inserted insertInOrder(Fact fact, ChunkStore chunks) {
    int id = chunkAfter(fact.time, fact.partition, fact.offset, chunks);
    Chunk chunk = load(id, chunks);
    int index = indexAfter(chunk, fact.time, fact.partition, fact.offset);
    if (shape.idHashWord >= 0) {
      Position same = find(fact.time, fact.idHash, id, index, chunks);
      if (same != null) {
        return meet(fact, same, chunks);
      }
    }
    if (index == chunk.count()) {
      append(fact, chunks);
      return Inserted.NEW;
    }
    Chunk.Row added = Chunk.Row.of(fact, shape);
    long[] row = added.words();
    Chunk grown = chunk.withRow(index, added);
    put(id, grown, chunks);
    positions.inserted(id, index);
    forgetRows();
    long[] totals = totals();
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      if (fact.time <= target(cursor)) {
        pass(cursor, totals, row, 0, 1);
        if (anyRunning) {
          running.pass(cursor, grown, index, true, false);
        }
        if (next(cursor) != NEVER && chunkOf(cursor) == id) {
          stand(cursor, next(cursor), position(cursor) + 1, null);
        }
      } else if (fact.time < next(cursor)) {
        stand(cursor, fact.time, id, index);
      }
    }
    setTotals(totals);
    int standsIn = id;
    int standsAt = index;
    if (grown.count() == Chunk.SPLIT_AT) {
      int secondId = split(id, grown, chunks);
      if (index >= Chunk.SPLIT_AT / 2) {
        standsIn = secondId;
        standsAt -= Chunk.SPLIT_AT / 2;
      }
    }
    for (int cursor = 0; shape.positional.length > 0 && cursor < shape.cursors; cursor++) {
      if (fact.time <= target(cursor)) {
        positions.pass(cursor, standsIn, load(standsIn, chunks), standsAt, true, this, chunks);
      }
    }
    findCause(chunks);
    return Inserted.NEW;
  }

  /** Splits a chunk, and returns the id of its second half. */
  private int split(int id, Chunk chunk, ChunkStore chunks) {
    int secondId = nextChunkId++;
    Chunk first = chunk.firstHalf(secondId);
    Chunk second = chunk.secondHalf(id);
    if (id == tailChunk) {
      tailChunk = secondId;
    } else {
      if (tree != null) {
        tree.insertAfter(id, secondId, second);
      }
      if (sums != null && !sums.split(id, secondId)) {
        sums = null;
        chunksGoneBack = 0;
      }
      put(chunk.next(), load(chunk.next(), chunks).behind(secondId), chunks);
    }
    put(id, first, chunks);
    put(secondId, second, chunks);
    positions.split(id, first.count(), secondId);
    if (id == firstChunk) {
      firstChunkLastTime = first.lastTime();
    }
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      if (next(cursor) != NEVER && chunkOf(cursor) == id && indexOf(cursor) >= first.count()) {
        stand(cursor, next(cursor), secondId, indexOf(cursor) - first.count());
      }
    }
    return secondId;
  }

  /** Where a fact stands. */
  private record Position(int chunk, int index) {}

  /**
   * Looks for an id among the facts of an instant, which stand around the place of a new one.
   *
   * @return where it stands, or null if it is not there
   */
  private @Nullable Position find(long time, long idHash, int id, int index, ChunkStore chunks) {
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
      if (chunk.time(at) != time) {
        break;
      }
      if (chunk.idHash(at) == idHash) {
        return new Position(chunkId, at);
      }
    }
    chunk = load(id, chunks);
    chunkId = id;
    at = index;
    while (true) {
      if (at == chunk.count()) {
        if (chunkId == tailChunk) {
          return null;
        }
        chunkId = chunk.next();
        chunk = load(chunkId, chunks);
        at = 0;
      }
      if (chunk.time(at) != time) {
        return null;
      }
      if (chunk.idHash(at) == idHash) {
        return new Position(chunkId, at);
      }
      at++;
    }
  }

  /** What becomes of a fact whose event or row is stored already. */
  private Inserted meet(Fact fact, Position known, ChunkStore chunks) {
    Chunk chunk = load(known.chunk, chunks);
    int partition = chunk.partition(known.index);
    long offset = chunk.offset(known.index);
    int order = Integer.compare(fact.partition, partition);
    order = order != 0 ? order : Long.compare(fact.offset, offset);
    if (shape.layout.identity() == Identity.ROW) {
      boolean revives = order == 0 && !fact.deleted && !chunk.has(known.index, shape.live, 0);
      if (order < 0 || (order == 0 && !revives)) {
        return Inserted.DUPLICATE;
      }
      replace(known, fact, chunks);
      return Inserted.REPLACED;
    }
    boolean conflict = chunk.payloadHash(known.index) != fact.payloadHash;
    if (conflict) {
      conflictPartition = order < 0 ? partition : fact.partition;
      conflictOffset = order < 0 ? offset : fact.offset;
    }
    if (order >= 0) {
      return conflict ? Inserted.CONFLICT : Inserted.DUPLICATE;
    }
    replace(known, fact, chunks);
    return conflict ? Inserted.REPLACED_CONFLICT : Inserted.REPLACED;
  }

  /**
   * Puts a fact in place of a stored one of the same instant: the facts of the instant between
   * their two places move by one. A cursor has all facts of an instant behind it or none, so no
   * position changes.
   */
  private void replace(Position known, Fact fact, ChunkStore chunks) {
    Chunk.Row row = Chunk.Row.of(fact, shape);
    int chunkId = known.chunk;
    Chunk chunk = load(chunkId, chunks);
    int at = known.index;
    Chunk.Row replaced = chunk.row(at);
    for (int cursor = shape.cursors - 1; anyRunning && cursor >= 0; cursor--) {
      if (fact.time <= target(cursor)) {
        running.pass(cursor, chunk, at, false, false);
        positions.replacing(cursor, chunk, at, row, this, chunks);
      }
    }
    boolean up = chunk.isAfter(at, fact.time, fact.partition, fact.offset);
    while (true) {
      int besideId = chunkId;
      Chunk beside = chunk;
      int besideAt = up ? at - 1 : at + 1;
      if (besideAt < 0 && chunkId != firstChunk) {
        besideId = chunk.previous();
        beside = load(besideId, chunks);
        besideAt = beside.count() - 1;
      } else if (besideAt == chunk.count() && chunkId != tailChunk) {
        besideId = chunk.next();
        beside = load(besideId, chunks);
        besideAt = 0;
      }
      if (besideAt < 0
          || besideAt == beside.count()
          || beside.isAfter(besideAt, fact.time, fact.partition, fact.offset) != up) {
        break;
      }
      chunk = chunk.withRowReplaced(at, beside.row(besideAt));
      put(chunkId, chunk, chunks);
      if (besideId != chunkId) {
        chunk = beside;
        chunkId = besideId;
      }
      at = besideAt;
    }
    chunk = chunk.withRowReplaced(at, row);
    put(chunkId, chunk, chunks);
    forgetRows();
    long[] totals = totals();
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      if (fact.time <= target(cursor)) {
        if (anyRunning) {
          running.pass(cursor, chunk, at, true, false);
          positions.replaced(cursor, chunkId, chunk, at, this, chunks);
        }
        pass(cursor, totals, replaced.words(), 0, -1);
        pass(cursor, totals, row.words(), 0, 1);
      }
    }
    setTotals(totals);
    findCause(chunks);
  }

  /**
   * Moves all cursors to an instant, earlier or later than the last one.
   *
   * @throws IllegalArgumentException if {@code instant} is before {@link #earliestSeek}
   */
  public void seek(long instant, ChunkStore chunks) {
    long to = Math.max(Math.min(instant, NEVER - 1), BEFORE_ALL + shape.reachMs);
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
      long[] totals = totals();
      // The old edges first: what comes back into a window does so before newer facts leave it.
      for (int cursor = shape.cursors - 1; cursor >= 0; cursor--) {
        backward(cursor, target(cursor), totals, chunks);
      }
      setTotals(totals);
      findCause(chunks);
      int mostChunks = nextChunkId - firstChunk;
      if (sums == null
          && !anyRunning
          && mostChunks >= FEWEST_SUMMED
          && chunksGoneBack > mostChunks) {
        sumUpChunks(chunks);
      }
    }
  }

  /** As much work as going back was: all facts are passed once. */
  private void sumUpChunks(ChunkStore chunks) {
    ChunkSums made = new ChunkSums(shape);
    for (int id = firstChunk; id != tailChunk; id = load(id, chunks).next()) {
      made.put(id);
    }
    sums = made;
    chunksGoneBack = 0;
  }

  /** Whether cursors can move over many chunks at once. */
  boolean hasChunkSums() {
    return sums != null;
  }

  /** Moves a cursor that has passed all facts of a sealed chunk into the next one, or further. */
  void toNextChunk(int cursor, ChunkStore chunks) {
    int from = chunkOf(cursor);
    // Most chunks have the id behind that of the one before: then that one is not looked at.
    Chunk guessed = from + 1 == tailChunk ? tail : atHand(from + 1);
    int id = guessed != null && guessed.previous() == from ? from + 1 : load(from, chunks).next();
    Chunk next = load(id, chunks);
    long target = target(cursor);
    if (sums != null && next.sealed() && next.lastTime() <= target) {
      ChunkSums.Leap leap = sums.forward(id, target, this, chunks);
      if (leap != null) {
        id = leap.to() == Chunk.NONE ? tailChunk : leap.to();
        next = load(id, chunks);
        long[] totals = totals();
        pass(cursor, totals, leap, 1);
        setTotals(totals);
        if (cursor == 0) {
          Chunk last = load(next.previous(), chunks);
          cause(last, last.count() - 1);
        }
      }
    }
    stand(cursor, next.time(0), position(id, 0), next.words());
  }

  /** Adds the facts of many chunks to the totals behind a cursor, or takes them away. */
  private void pass(int cursor, long[] totals, ChunkSums.Leap leap, int times) {
    for (StateShape.Total total : shape.totals[cursor]) {
      int from = 1 + total.inChunk();
      totals[total.at()] += times * leap.sums()[from];
      if (times > 0) {
        ExactSum.addWords(totals, total.at() + 1, leap.sums(), from + 1, total.sumWords());
      } else {
        ExactSum.subtractWords(totals, total.at() + 1, leap.sums(), from + 1, total.sumWords());
      }
    }
  }

  void passRunning(int cursor, int id, int index, ChunkStore chunks) {
    Chunk chunk = load(id, chunks);
    running.pass(cursor, chunk, index, true, true);
    positions.pass(cursor, id, chunk, index, true, this, chunks);
  }

  /** The words of the chunk that a cursor stands in. */
  long[] rows(int cursor, ChunkStore chunks) {
    long[] known = rows(cursor);
    if (known != null) {
      return known;
    }
    long[] found = load(chunkOf(cursor), chunks).words();
    stand(cursor, next(cursor), position(cursor), found);
    return found;
  }

  private void backward(int cursor, long target, long[] totals, ChunkStore chunks) {
    if (firstChunk == Chunk.NONE) {
      return;
    }
    boolean atEnd = next(cursor) == NEVER;
    int id = atEnd ? tailChunk : chunkOf(cursor);
    Chunk chunk = load(id, chunks);
    int index = atEnd ? chunk.count() : indexOf(cursor);
    long next = next(cursor);
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
        ChunkSums.Leap leap = sums == null ? null : sums.backward(id, target, this, chunks);
        if (leap != null) {
          id = leap.from();
          chunk = load(id, chunks);
          next = chunk.time(0);
          pass(cursor, totals, leap, -1);
          continue;
        }
        chunksGoneBack++;
        id = before;
        chunk = previous;
        index = chunk.count();
      }
      if (chunk.time(index - 1) <= target) {
        break;
      }
      index--;
      next = chunk.time(index);
      pass(cursor, totals, chunk.words(), index * shape.stride, -1);
      if (anyRunning) {
        running.pass(cursor, chunk, index, false, false);
        positions.pass(cursor, id, chunk, index, false, this, chunks);
      }
    }
    stand(cursor, next, id, index);
  }

  /** The earliest instant that can still be asked about: {@link Long#MIN_VALUE} if any can. */
  public long earliestSeek() {
    return earliestSeek;
  }

  /** Adds one row to the totals behind a cursor, or takes it away. */
  private void pass(int cursor, long[] totals, long[] rows, int at, int times) {
    for (StateShape.Total total : shape.totals[cursor]) {
      pass(total, totals, rows, at, times);
    }
  }

  /** Adds one row to a total, or takes it away. */
  void pass(StateShape.Total total, long[] totals, long[] rows, int at, int times) {
    if (!total.add(shape, totals, 0, rows, at, times)) {
      passWide(total.wide(), Double.longBitsToDouble(rows[at + total.valueWord()]), times);
    }
  }

  /** Adds a number that does not fit into a narrow sum to the wide one, or takes it away. */
  void passWide(int at, double number, int times) {
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
   * Writes all features, as of the last seek, to {@code into[from..]}, each in its type; of NaN and
   * -0.0 the order is that of {@link Double#compare}. Where nothing was aggregated it is the
   * feature's empty value; of a grouped COUNT the map without keys.
   */
  public void answer(@Nullable Object[] into, int from, ChunkStore chunks) {
    answer(0, shape.features.length, into, from, chunks);
  }

  /** Writes {@code count} features from {@code firstFeature} on, as {@link #answer} does. */
  public void answer(
      int firstFeature, int count, @Nullable Object[] into, int from, ChunkStore chunks) {
    if (count == shape.features.length) {
      answerAll(into, from, chunks);
      return;
    }
    for (int feature = firstFeature; feature < firstFeature + count; feature++) {
      into[from + feature - firstFeature] = value(shape.features[feature], chunks);
    }
  }

  /**
   * Writes features as {@link #answer} does, those that exclude the asking event as if one fact had
   * never been inserted: the newest with the id hash that is not newer than the last seek. A
   * version of a row that was deleted, or that moved to another time, is not one. If there is none,
   * or facts have no ids, nothing is left out, and of what older facts are summed up in no
   * {@linkplain FeatureSpec#leavesOut older} one.
   *
   * <p>Costs a look at every stored fact that is newer than it.
   */
  public void answerWithout(
      long selfIdHash,
      int firstFeature,
      int count,
      @Nullable Object[] into,
      int from,
      ChunkStore chunks) {
    Position self = findSelf(selfIdHash, chunks);
    long time = self == null ? NEVER : load(self.chunk, chunks).time(self.index);
    for (int f = firstFeature; f < firstFeature + count; f++) {
      StateShape.Feature feature = shape.features[f];
      into[from + f - firstFeature] =
          self != null && feature.spec().leavesOut(time, asOf)
              ? valueWithout(feature, self, chunks)
              : value(feature, chunks);
    }
  }

  private @Nullable Position findSelf(long idHash, ChunkStore chunks) {
    if (shape.idHashWord < 0 || firstChunk == Chunk.NONE) {
      return null;
    }
    int id = next(0) == NEVER ? tailChunk : chunkOf(0);
    Chunk chunk = load(id, chunks);
    int index = next(0) == NEVER ? chunk.count() : indexOf(0);
    while (true) {
      while (--index >= 0) {
        if (chunk.idHash(index) == idHash && chunk.has(index, shape.live, 0)) {
          return new Position(id, index);
        }
      }
      if (id == firstChunk) {
        return null;
      }
      id = chunk.previous();
      chunk = load(id, chunks);
      index = chunk.count();
    }
  }

  private @Nullable Object valueWithout(
      StateShape.Feature feature, Position self, ChunkStore chunks) {
    if (feature.evaluation() == StateShape.BY_TOTALS) {
      Chunk chunk = load(self.chunk, chunks);
      int cursor = feature.newCursor();
      long time = chunk.time(self.index);
      if (time > target(cursor)
          || (feature.oldCursor() >= 0 && time <= target(feature.oldCursor()))) {
        return value(feature, chunks);
      }
      int at = self.index * shape.stride;
      long[] totals = totals();
      pass(cursor, totals, chunk.words(), at, -1);
      setTotals(totals);
      Object value = value(feature, chunks);
      pass(cursor, totals, chunk.words(), at, 1);
      setTotals(totals);
      return value;
    }
    selfChunk = self.chunk;
    selfIndex = self.index;
    try {
      return value(feature, chunks);
    } finally {
      selfChunk = Chunk.NONE;
    }
  }

  /** One feature, as of the last seek. */
  @Nullable Object value(StateShape.Feature feature, ChunkStore chunks) {
    Object value =
        switch (feature.evaluation()) {
          case StateShape.BY_TOTALS ->
              feature.tiles() < 0 ? fromTotals(feature) : fromTotalsAndTiles(feature);
          case StateShape.BY_EXTREMES -> extreme(feature, chunks);
          case StateShape.BY_ENDS -> fromEnds(feature, chunks);
          default -> fromFacts(feature, chunks);
        };
    return value == null ? feature.empty() : value;
  }

  private @Nullable Object fromTotals(StateShape.Feature feature) {
    long count = total(feature.newAt()) - total(feature.oldAt());
    if (count == 0) {
      return null;
    }
    return switch (feature.aggregate()) {
      case COUNT -> (Object) count;
      case SUM -> (Object) sum(feature);
      case AVG -> (Object) (sum(feature) / count);
      case RATE -> (Object) rate(feature, count);
      case RATIO -> {
        double divisor = sum(Objects.requireNonNull(feature.divisor()));
        yield divisor == 0 ? null : (Object) (sum(feature) / divisor);
      }
      default -> throw new IllegalStateException("No totals of " + feature.aggregate());
    };
  }

  private static double rate(StateShape.Feature feature, long count) {
    long windowMs = ((Window.Sliding) feature.spec().window()).windowMs();
    return count * feature.aggregation().parameter() / windowMs;
  }

  private @Nullable Object fromTotalsAndTiles(StateShape.Feature feature) {
    Partial.Sum all = (Partial.Sum) Objects.requireNonNull(pruned(feature));
    all.addDifference(feature, totals(), wide);
    Object value = all.value(asOf);
    return value != null && feature.aggregate() == Aggregate.RATE
        ? (Object) rate(feature, (Long) value)
        : value;
  }

  /** A new summary of the pruned facts that are in a feature's window, or null if it has none. */
  private @Nullable Partial pruned(StateShape.Feature feature) {
    if (feature.folded() >= 0) {
      return folded[feature.folded()].copy();
    }
    if (feature.tiles() < 0) {
      return null;
    }
    TileRow row = tiles[feature.tiles()];
    long from = firstTile(feature);
    Partial all = row.mergedBeforeNewest(from);
    TileRow.Tile newest = row.newest(from);
    if (newest != null) {
      all.addAll(newest.facts());
    }
    return all;
  }

  private long firstTile(StateShape.Feature feature) {
    return oldEdge(feature).firstTile(asOf);
  }

  private static Edge.Multiple oldEdge(StateShape.Feature feature) {
    return (Edge.Multiple) Edge.oldest(feature.spec().window());
  }

  private double sum(StateShape.Feature feature) {
    int minuend = feature.newAt() + 1;
    int subtrahend = feature.oldAt() + 1;
    return switch (feature.kind()) {
      case StateShape.SMALL_INTEGER -> total(minuend) - total(subtrahend);
      case StateShape.INTEGER ->
          ExactSum.integerDifference(
              total(minuend), total(minuend + 1), total(subtrahend), total(subtrahend + 1));
      default ->
          wide == null
              ? ExactSum.narrowDifference(
                  total(minuend),
                  total(minuend + 1),
                  total(minuend + 2),
                  total(subtrahend),
                  total(subtrahend + 1),
                  total(subtrahend + 2))
              : wideSum(minuend, subtrahend, feature.newWide(), feature.oldWide());
    };
  }

  /** A sum of doubles: the difference of two of the totals, and of what is wide of both. */
  double wideSum(int minuend, int subtrahend, int wideMinuend, int wideSubtrahend) {
    return ExactSum.difference(
        totals(), minuend, subtrahend, Objects.requireNonNull(wide), wideMinuend, wideSubtrahend);
  }

  /**
   * The tree over sealed chunks. The first answer of a header does without: on a backend that reads
   * it for every event it would cost more than it saves.
   *
   * @return null if chunks have to be looked at one by one
   */
  private @Nullable ChunkTree tree(ChunkStore chunks) {
    if (tree == null && treeWanted) {
      ChunkTree made = new ChunkTree(shape.extrema.length);
      for (int id = firstChunk; id != tailChunk; ) {
        Chunk chunk = load(id, chunks);
        made.append(id, chunk);
        id = chunk.next();
      }
      tree = made;
    }
    treeWanted = true;
    // A fact that does not count is in the summaries.
    return selfChunk == Chunk.NONE ? tree : null;
  }

  private @Nullable Object extreme(StateShape.Feature feature, ChunkStore chunks) {
    Partial pruned = pruned(feature);
    Partial all = pruned != null ? pruned : Partial.of(feature.aggregation(), shape);
    if (findStart(feature, chunks)) {
      boolean smallest =
          feature.aggregate() == Aggregate.MIN || feature.aggregate() == Aggregate.ARGMIN;
      int measure = feature.extremum();
      int newer = feature.newCursor();
      boolean toEnd = next(newer) == NEVER;
      int lastId = toEnd ? tailChunk : chunkOf(newer);
      ChunkTree summaries = tree(chunks);
      int id = scanChunk;
      int from = scanIndex;
      while (true) {
        Chunk chunk = load(id, chunks);
        int to = id == lastId && !toEnd ? indexOf(newer) : chunk.count();
        for (int index = from; index < to; index++) {
          if (chunk.has(index, feature.presence(), feature.filter())
              && !(id == selfChunk && index == selfIndex)) {
            all.add(chunk, index);
          }
        }
        if (id == lastId) {
          break;
        }
        id = chunk.next();
        from = 0;
        if (summaries != null && id != lastId) {
          addBest(summaries, feature, id, lastId, measure, smallest, all, chunks);
          id = lastId;
        }
      }
    }
    return all.value(asOf);
  }

  /** Adds the first fact with the smallest, or largest, rank of a run of sealed chunks. */
  private void addBest(
      ChunkTree summaries,
      StateShape.Feature feature,
      int from,
      int to,
      int measure,
      boolean smallest,
      Partial all,
      ChunkStore chunks) {
    int end = to == tailChunk ? Chunk.NONE : to;
    if (summaries.count(measure, from, end) == 0) {
      return;
    }
    long best =
        smallest ? summaries.smallest(measure, from, end) : summaries.largest(measure, from, end);
    Chunk chunk = load(summaries.firstWithRank(measure, from, end, best, smallest), chunks);
    StateShape.Extremum of = shape.extrema[measure];
    for (int index = 0; index < chunk.count(); index++) {
      if (chunk.has(index, feature.presence(), feature.filter())
          && shape.rank(of.column(), chunk.words()[index * shape.stride + of.valueWord()])
              == best) {
        all.add(chunk, index);
        return;
      }
    }
  }

  private @Nullable Object fromEnds(StateShape.Feature feature, ChunkStore chunks) {
    Partial all = Partial.of(feature.aggregation(), shape);
    if (findStart(feature, chunks)) {
      switch (feature.aggregate()) {
        case FIRST, TIME_SINCE_FIRST -> addFirst(1, all, feature, chunks);
        case FIRST_K -> addFirst(feature.aggregation().limit(), all, feature, chunks);
        case LAST, TIME_SINCE_LAST -> addLast(1, all, feature, chunks);
        case LAST_K -> addLast(feature.aggregation().limit(), all, feature, chunks);
        default -> addLast(feature.aggregation().limit() + 1, all, feature, chunks);
      }
    }
    return all.value(asOf);
  }

  /** Adds the first facts of the window that the scan begins with. */
  private void addFirst(int most, Partial all, StateShape.Feature feature, ChunkStore chunks) {
    int newer = feature.newCursor();
    boolean toEnd = next(newer) == NEVER;
    int lastId = toEnd ? tailChunk : chunkOf(newer);
    ChunkTree summaries = tree(chunks);
    int id = scanChunk;
    int index = scanIndex;
    int missing = most;
    while (true) {
      Chunk chunk = load(id, chunks);
      int to = id == lastId && !toEnd ? indexOf(newer) : chunk.count();
      for (; index < to; index++) {
        if (chunk.has(index, feature.presence(), feature.filter())
            && !(id == selfChunk && index == selfIndex)) {
          all.add(chunk, index);
          if (--missing == 0) {
            return;
          }
        }
      }
      if (id == lastId) {
        return;
      }
      id = chunk.next();
      index = 0;
      if (summaries != null && id != lastId) {
        int next = summaries.nextWithFacts(feature.extremum(), id);
        boolean beyond =
            next == Chunk.NONE || (lastId != tailChunk && summaries.isBefore(lastId, next));
        id = beyond ? lastId : next;
      }
    }
  }

  /** Adds the last facts of the window that the scan begins with, in their order. */
  private void addLast(int most, Partial all, StateShape.Feature feature, ChunkStore chunks) {
    int newer = feature.newCursor();
    boolean atEnd = next(newer) == NEVER;
    ChunkTree summaries = tree(chunks);
    int startChunk = scanChunk;
    int startIndex = scanIndex;
    int id = atEnd ? tailChunk : chunkOf(newer);
    Chunk chunk = load(id, chunks);
    int index = atEnd ? chunk.count() : indexOf(newer);
    int missing = most;
    while (missing > 0 && !(id == startChunk && index <= startIndex)) {
      if (index == 0) {
        int previous = chunk.previous();
        if (summaries != null && previous != startChunk) {
          int before =
              summaries.previousWithFacts(feature.extremum(), id == tailChunk ? Chunk.NONE : id);
          boolean beyond = before == Chunk.NONE || summaries.isBefore(before, startChunk);
          previous = beyond ? startChunk : before;
        }
        id = previous;
        chunk = load(id, chunks);
        index = chunk.count();
      } else if (chunk.has(--index, feature.presence(), feature.filter())
          && !(id == selfChunk && index == selfIndex)) {
        missing--;
      }
    }
    scanChunk = id;
    scanIndex = index;
    visit(feature, feature.presence(), all::add, chunks);
  }

  private @Nullable Object fromFacts(StateShape.Feature feature, ChunkStore chunks) {
    if (feature.running() >= 0) {
      if (feature.positional() >= 0) {
        return fromPositions(feature, chunks);
      }
      Partial window = window(feature, chunks);
      if (selfChunk == Chunk.NONE) {
        return window.value(asOf);
      }
      if (window.isRemovable()) {
        return withoutSelf(window, feature, load(selfChunk, chunks));
      }
    }
    if (feature.aggregate() == Aggregate.APPROX_QUANTILE
        && feature.spec().window() instanceof Window.Sliding sliding
        && sliding.resolutionMs() > 0) {
      return fromTiles(feature, chunks);
    }
    Partial pruned = pruned(feature);
    Partial all = pruned != null ? pruned : Partial.of(feature.aggregation(), shape);
    if (findStart(feature, chunks)) {
      visit(feature, feature.presence(), all::add, chunks);
    }
    return all.value(asOf);
  }

  /** The summary of a window that is kept up to date, made now if it is not there. */
  private Partial window(StateShape.Feature feature, ChunkStore chunks) {
    Partial known = running.get(feature.running());
    if (known != null) {
      return known;
    }
    Partial made =
        feature.folded() >= 0
            ? folded[feature.folded()].copy()
            : Objects.requireNonNull(Partial.removable(feature.aggregation(), shape));
    int self = selfChunk;
    selfChunk = Chunk.NONE;
    if (findStart(feature, chunks)) {
      visit(feature, feature.presence(), made::add, chunks);
    }
    selfChunk = self;
    running.put(feature.running(), made);
    return made;
  }

  private @Nullable Object fromPositions(StateShape.Feature feature, ChunkStore chunks) {
    if (!findStart(feature, chunks)) {
      return Partial.of(feature.aggregation(), shape).value(asOf);
    }
    int startChunk = scanChunk;
    int startIndex = scanIndex;
    PositionalWindows.Span span = span(feature, chunks);
    Partial window = window(feature, span, chunks);
    if (selfChunk == Chunk.NONE) {
      return window.value(asOf);
    }
    boolean sameStart = startChunk == span.chunk() && startIndex == span.index();
    if (!sameStart && feature.spec().window() instanceof Window.Session) {
      Partial other = Partial.of(feature.aggregation(), shape);
      scanChunk = startChunk;
      scanIndex = startIndex;
      visit(feature, feature.presence(), other::add, chunks);
      return other.value(asOf);
    }
    Chunk self = load(selfChunk, chunks);
    Chunk instead = load(startChunk, chunks);
    boolean goes = isSelfIn(feature, span, chunks) && self.has(selfIndex, feature.presence(), 0);
    boolean comes = !sameStart && instead.has(startIndex, feature.presence(), 0);
    if (goes) {
      window.remove(self, selfIndex);
    }
    if (comes) {
      window.add(instead, startIndex);
    }
    Object value = window.value(asOf);
    if (comes) {
      window.remove(instead, startIndex);
    }
    if (goes) {
      window.add(self, selfIndex);
    }
    return value;
  }

  /** The summary of a window by position, made now if it is not there. */
  private Partial window(
      StateShape.Feature feature, PositionalWindows.Span span, ChunkStore chunks) {
    Partial known = running.get(feature.running());
    if (known != null) {
      return known;
    }
    Partial made = Objects.requireNonNull(Partial.removable(feature.aggregation(), shape));
    int self = selfChunk;
    selfChunk = Chunk.NONE;
    scanChunk = span.chunk();
    scanIndex = span.index();
    visit(feature, feature.presence(), made::add, chunks);
    selfChunk = self;
    running.put(feature.running(), made);
    return made;
  }

  /** The facts of a window by position, looked for now if they are not known. */
  private PositionalWindows.Span span(StateShape.Feature feature, ChunkStore chunks) {
    PositionalWindows.Span known = positions.get(feature.positional());
    if (known != null) {
      return known;
    }
    int newer = feature.newCursor();
    boolean atEnd = next(newer) == NEVER;
    int id = atEnd ? tailChunk : chunkOf(newer);
    int index = id == Chunk.NONE ? 0 : atEnd ? load(id, chunks).count() : indexOf(newer);
    int window = feature.positional();
    if (id == Chunk.NONE || !positions.toPrevious(window, id, index, this, chunks)) {
      return positions.putEmpty(window);
    }
    boolean session = feature.spec().window() instanceof Window.Session;
    long gapMs = session ? ((Window.Session) feature.spec().window()).gapMs() : NEVER;
    int most = session ? Integer.MAX_VALUE : ((Window.LastEvents) feature.spec().window()).count();
    id = positions.foundChunk();
    index = positions.foundIndex();
    long last = load(id, chunks).time(index);
    long after = last;
    int size = 1;
    while (size < most && positions.toPrevious(window, id, index, this, chunks)) {
      long time = load(positions.foundChunk(), chunks).time(positions.foundIndex());
      if (after - time > gapMs) {
        break;
      }
      after = time;
      id = positions.foundChunk();
      index = positions.foundIndex();
      size++;
    }
    return positions.put(window, id, index, size, last);
  }

  /** Whether the fact that does not count is one of a window by position. */
  private boolean isSelfIn(
      StateShape.Feature feature, PositionalWindows.Span span, ChunkStore chunks) {
    Chunk chunk = load(selfChunk, chunks);
    return chunk.has(selfIndex, shape.live, feature.filter())
        && chunk.time(selfIndex) <= target(feature.newCursor())
        && span.size() > 0
        && !positions.isBefore(span, selfChunk, chunk, selfIndex, this, chunks);
  }

  private @Nullable Object withoutSelf(Partial window, StateShape.Feature feature, Chunk chunk) {
    long time = chunk.time(selfIndex);
    if (time > target(feature.newCursor())
        || (feature.oldCursor() >= 0 && time <= target(feature.oldCursor()))
        || !chunk.has(selfIndex, feature.presence(), feature.filter())) {
      return window.value(asOf);
    }
    window.remove(chunk, selfIndex);
    Object value = window.value(asOf);
    window.add(chunk, selfIndex);
    return value;
  }

  /**
   * Summarises the facts of each multiple of a window's resolution on their own and then merges the
   * summaries, for aggregates that depend on the division: so it is the same whether facts have
   * been pruned or not.
   */
  private @Nullable Object fromTiles(StateShape.Feature feature, ChunkStore chunks) {
    Edge.Multiple edge = oldEdge(feature);
    Partial all = Partial.of(feature.aggregation(), shape);
    TileRow.Tile newest = null;
    if (feature.tiles() >= 0) {
      long from = edge.firstTile(asOf);
      all = tiles[feature.tiles()].mergedBeforeNewest(from);
      newest = tiles[feature.tiles()].newest(from);
    }
    TileRow stored = new TileRow(feature.aggregation(), shape);
    if (newest != null) {
      stored.add(new TileRow.Tile(newest.number(), newest.facts().copy()));
    }
    if (findStart(feature, chunks)) {
      visit(
          feature,
          feature.presence(),
          (chunk, index) -> stored.add(edge.tile(chunk.time(index)), chunk, index),
          chunks);
    }
    stored.mergeInto(all);
    return all.value(asOf);
  }

  private interface RowVisitor {
    void visit(Chunk chunk, int index);
  }

  /**
   * Shows the facts of a feature's window as of the last seek that pass its filter, oldest first:
   * all that are stored, with or without a value. Of a window that reaches back to the first fact
   * those that were pruned are missing.
   */
  public void forEachFact(int feature, ChunkStore chunks, FactVisitor visitor) {
    StateShape.Feature of = shape.features[feature];
    if (findStart(of, chunks)) {
      visit(
          of,
          shape.live,
          (chunk, index) ->
              visitor.fact(
                  chunk.time(index),
                  chunk.partition(index),
                  chunk.offset(index),
                  shape.values(chunk, index)),
          chunks);
    }
  }

  /** Visits the facts from where the scan begins to the new edge that have these bits. */
  private void visit(
      StateShape.Feature feature, long presence, RowVisitor visitor, ChunkStore chunks) {
    int newer = feature.newCursor();
    boolean toEnd = next(newer) == NEVER;
    int lastId = toEnd ? tailChunk : chunkOf(newer);
    int id = scanChunk;
    int index = scanIndex;
    while (true) {
      Chunk chunk = load(id, chunks);
      int to = id == lastId && !toEnd ? indexOf(newer) : chunk.count();
      for (; index < to; index++) {
        if (chunk.has(index, presence, feature.filter())
            && !(id == selfChunk && index == selfIndex)) {
          visitor.visit(chunk, index);
        }
      }
      if (id == lastId) {
        return;
      }
      id = chunk.next();
      index = 0;
    }
  }

  /**
   * Finds where a feature's window begins, as of the last seek.
   *
   * @return false if no fact is in it
   */
  private boolean findStart(StateShape.Feature feature, ChunkStore chunks) {
    if (firstChunk == Chunk.NONE) {
      return false;
    }
    int older = feature.oldCursor();
    if (older >= 0) {
      // Where the old edge has passed all facts, so has the new one.
      scanChunk = next(older) == NEVER ? Chunk.NONE : chunkOf(older);
      scanIndex = indexOf(older);
      return next(older) <= target(feature.newCursor());
    }
    if (feature.positional() >= 0) {
      return findStartByPosition(feature, chunks);
    }
    scanChunk = firstChunk;
    scanIndex = 0;
    return true;
  }

  private boolean findStartByPosition(StateShape.Feature feature, ChunkStore chunks) {
    PositionalWindows.Span span = span(feature, chunks);
    scanChunk = span.chunk();
    scanIndex = span.index();
    if (span.size() == 0) {
      return false;
    }
    int window = feature.positional();
    boolean without = selfChunk != Chunk.NONE && isSelfIn(feature, span, chunks);
    if (feature.spec().window() instanceof Window.LastEvents last) {
      if (without
          && span.size() == last.count()
          && positions.toPrevious(window, scanChunk, scanIndex, this, chunks)) {
        scanChunk = positions.foundChunk();
        scanIndex = positions.foundIndex();
        return true;
      }
      return !without || span.size() > 1;
    }
    long gapMs = ((Window.Session) feature.spec().window()).gapMs();
    long newest = target(feature.newCursor());
    if (!without) {
      return newest - span.lastTime() <= gapMs;
    }
    if (selfChunk == scanChunk && selfIndex == scanIndex) {
      // Without its first fact a session is the rest of it, or the one before.
      return span.size() > 1
          ? newest - span.lastTime() <= gapMs
          : findStart(feature, Integer.MAX_VALUE, gapMs, chunks);
    }
    long before = BEFORE_ALL;
    if (positions.toPrevious(window, selfChunk, selfIndex, this, chunks)) {
      before = load(positions.foundChunk(), chunks).time(positions.foundIndex());
    }
    long after = NEVER;
    if (positions.toNext(window, selfChunk, selfIndex, this, chunks)) {
      after = load(positions.foundChunk(), chunks).time(positions.foundIndex());
    }
    if (after > newest) {
      return newest - before <= gapMs;
    }
    return after - before <= gapMs
        ? newest - span.lastTime() <= gapMs
        : findStart(feature, Integer.MAX_VALUE, gapMs, chunks);
  }

  /** Walks back from the new edge over a number of facts, each close enough to the one after it. */
  private boolean findStart(StateShape.Feature feature, int most, long gapMs, ChunkStore chunks) {
    int newer = feature.newCursor();
    boolean atEnd = next(newer) == NEVER;
    int id = atEnd ? tailChunk : chunkOf(newer);
    Chunk chunk = load(id, chunks);
    int index = atEnd ? chunk.count() : indexOf(newer);
    long after = target(newer);
    int found = 0;
    while (found < most) {
      if (index == 0) {
        if (id == firstChunk) {
          break;
        }
        id = chunk.previous();
        chunk = load(id, chunks);
        index = chunk.count();
      }
      index--;
      if (matches(feature, id, chunk, index)) {
        if (after - chunk.time(index) > gapMs) {
          break;
        }
        after = chunk.time(index);
        found++;
        scanChunk = id;
        scanIndex = index;
      }
    }
    return found > 0;
  }

  private boolean matches(StateShape.Feature feature, int id, Chunk chunk, int index) {
    return chunk.has(index, shape.live, feature.filter())
        && !(id == selfChunk && index == selfIndex);
  }

  /** The event time of the earliest stored fact after an instant, or {@link Long#MAX_VALUE}. */
  public long nextFactTime(long after, ChunkStore chunks) {
    if (after >= lastFactTime || firstChunk == Chunk.NONE) {
      return NEVER;
    }
    if (after == asOf) {
      return next(0);
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
   * then only new facts change them, and the clock those that {@linkplain Aggregate#followsClock
   * follow it}. The fact may turn out not to change a value, for instance because it does not pass
   * the feature's filter.
   */
  public long nextChange(int firstFeature, int count, ChunkStore chunks) {
    long earliest = NEVER;
    for (int f = firstFeature; f < firstFeature + count; f++) {
      StateShape.Feature feature = shape.features[f];
      earliest = Math.min(earliest, nextCrossing(feature.newCursor()));
      if (feature.oldCursor() >= 0) {
        earliest = Math.min(earliest, nextCrossing(feature.oldCursor()));
        if (feature.tiles() >= 0) {
          long tile = tiles[feature.tiles()].firstFrom(firstTile(feature));
          earliest =
              tile == NEVER ? earliest : Math.min(earliest, oldEdge(feature).passesTile(tile));
        }
      } else if (feature.spec().window() instanceof Window.Session session) {
        earliest = Math.min(earliest, endOfSession(feature, session, chunks));
      }
    }
    return earliest;
  }

  private long nextCrossing(int cursor) {
    long time = next(cursor);
    // A fact in the future of the seek is not known to the answer; that excludes edge 0 as well.
    return time > asOf ? NEVER : shape.passes(cursor, time);
  }

  /** When the session has lasted too long since its last fact. */
  private long endOfSession(StateShape.Feature feature, Window.Session session, ChunkStore chunks) {
    if (firstChunk == Chunk.NONE || !findStart(feature, 1, session.gapMs(), chunks)) {
      return NEVER;
    }
    long last = load(scanChunk, chunks).time(scanIndex);
    return shape.passes(
        feature.newCursor(), Math.min(last, NEVER - session.gapMs() - 1) + session.gapMs() + 1);
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
    boolean atEnd = next(0) == NEVER;
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

  /** How often facts were inserted or replaced others: it grows with every change of an answer. */
  public long factsApplied() {
    return factsApplied;
  }

  /** Whether no fact is stored: nothing was inserted, or everything was pruned. */
  public boolean isEmpty() {
    return firstChunk == Chunk.NONE;
  }

  /**
   * Drops the chunks whose facts are all older than any question the clock still allows: event
   * times up to {@code clock} − lateness − the largest delay + window, and for windows by position
   * those behind the last events, and behind the session, of such a question. Facts that are still
   * in a window of the last seek stay, so pruning never changes an answer; to let a quiet entity
   * go, seek first. Costs a few comparisons if there is nothing to drop.
   */
  public void prune(long clock, ChunkStore chunks) {
    long kept = shape.horizonMs + shape.layout.latenessMs();
    if (clock < BEFORE_ALL + kept) {
      return;
    }
    long asked = Math.min(clock - shape.layout.latenessMs(), asOf);
    long[] sessionEnds = NO_SESSION_ENDS;
    if (shape.positional.length > 0) {
      sessionEnds = new long[shape.positional.length];
      Arrays.fill(sessionEnds, BEFORE_ALL);
    }
    while (firstChunk != Chunk.NONE
        && (firstChunk == tailChunk ? lastFactTime : firstChunkLastTime) <= asked - shape.horizonMs
        && !isFirstChunkNeeded(asked, sessionEnds, chunks)
        && canEndWithFirstChunk(asked, chunks)) {
      Chunk dropped = load(firstChunk, chunks);
      fold(dropped);
      prunedTime = dropped.lastTime();
      forward(chunks);
      prunedPartition = dropped.partition(dropped.count() - 1);
      prunedOffset = dropped.offset(dropped.count() - 1);
      earliestSeek = Math.max(earliestSeek, prunedTime + shape.horizonMs);
      if (shape.positional.length > 0) {
        earliestSeek = Math.max(earliestSeek, firstChunkNeededUntil + 1);
        firstChunkNeededUntil = BEFORE_ALL;
      }
      running.pruned(prunedTime);
      positions.dropping(firstChunk);
      if (firstChunk == tailChunk) {
        tree = null;
        sums = null;
      } else {
        if (tree != null) {
          tree.removeFirst();
        }
        if (sums != null) {
          sums.removeFirst(firstChunk, dropped.next());
        }
      }
      chunks.remove(firstChunk);
      if (atHand(firstChunk) != null) {
        Objects.requireNonNull(atHand)[firstChunk & (AT_HAND - 1)] = null;
      }
      firstChunk = dropped.next();
      if (firstChunk == Chunk.NONE) {
        tailChunk = Chunk.NONE;
        forgetChunks();
      } else if (firstChunk != tailChunk) {
        firstChunkLastTime = load(firstChunk, chunks).lastTime();
      }
      dropWideIfEqual();
    }
    if (asked >= tilesNeededUntil) {
      dropTiles(asked);
    }
  }

  /**
   * Whether no instant ends up with facts on both sides of what was dropped. An old edge in the
   * middle of a tile is before all stored facts, and where that is, is told by their time: so the
   * facts of one instant are all dropped, or none, if there are tiles.
   */
  private boolean canEndWithFirstChunk(long asked, ChunkStore chunks) {
    if (tiles.length == 0 || firstChunk == tailChunk) {
      return true;
    }
    long droppable = asked - shape.horizonMs;
    if (keptWithFirstChunk > droppable) {
      return false;
    }
    int id = firstChunk;
    Chunk chunk = load(id, chunks);
    while (id != tailChunk) {
      id = chunk.next();
      Chunk next = load(id, chunks);
      if (next.time(0) > chunk.lastTime()) {
        return true;
      }
      if (next.lastTime() > droppable) {
        keptWithFirstChunk = next.lastTime();
        return false;
      }
      chunk = next;
    }
    return true;
  }

  private void dropTiles(long asked) {
    tilesNeededUntil = NEVER;
    for (int row = 0; row < tiles.length; row++) {
      Edge.Multiple edge = shape.tiles[row].edge();
      while (tiles[row].first() != NEVER) {
        long unneeded = edge.passesTile(tiles[row].first());
        if (unneeded > asked) {
          tilesNeededUntil = Math.min(tilesNeededUntil, unneeded);
          break;
        }
        earliestSeek = Math.max(earliestSeek, unneeded);
        tiles[row].removeFirst();
      }
    }
  }

  private void fold(Chunk dropped) {
    for (int fold = 0; fold < folded.length; fold++) {
      StateShape.Feature feature = shape.folded[fold];
      for (int index = 0; index < dropped.count(); index++) {
        if (dropped.has(index, feature.presence(), feature.filter())) {
          folded[fold].add(dropped, index);
        }
      }
      folded[fold].pruned(dropped.lastTime());
    }
    for (int row = 0; row < tiles.length; row++) {
      StateShape.Feature feature = shape.tiles[row].feature();
      Edge.Multiple edge = shape.tiles[row].edge();
      for (int index = 0; index < dropped.count(); index++) {
        long tile = edge.tile(dropped.time(index));
        if (dropped.has(index, feature.presence(), feature.filter())) {
          tiles[row].add(tile, dropped, index);
        } else {
          tiles[row].addNothing(tile);
        }
        tilesNeededUntil = Math.min(tilesNeededUntil, edge.passesTile(tile));
      }
    }
  }

  /**
   * Whether a window by position may still reach into the first chunk, if asked as of an instant
   * before which no fact can change any more. How long that lasts is found again before the chunk
   * is dropped, because later facts may have changed it.
   *
   * @param sessionEnds per window what was found out about the chunks before this one
   */
  private boolean isFirstChunkNeeded(long asked, long[] sessionEnds, ChunkStore chunks) {
    if (shape.positional.length == 0
        || (asked <= firstChunkNeededUntil
            && (firstChunkNeededUntil != NEVER || neededBeforeChunk == nextChunkId))) {
      return shape.positional.length > 0;
    }
    long until = BEFORE_ALL;
    for (StateShape.Feature feature : shape.positional) {
      long time =
          feature.spec().window() instanceof Window.Session session
              ? endOfFirstChunksSession(feature, session.gapMs(), sessionEnds, chunks)
              : timeAfterFirstChunk(feature, chunks);
      until = Math.max(until, time == BEFORE_ALL ? time : shape.passes(feature.newCursor(), time));
    }
    firstChunkNeededUntil = until;
    neededBeforeChunk = nextChunkId;
    return asked <= until;
  }

  /**
   * When as many facts as the window holds have come after the first chunk, and one more: an answer
   * may leave one out.
   */
  private long timeAfterFirstChunk(StateShape.Feature feature, ChunkStore chunks) {
    int missing = ((Window.LastEvents) feature.spec().window()).count() + 1;
    PositionalWindows.Span span = positions.get(feature.positional());
    if (span != null && span.size() > 0) {
      return timeAfterFirstChunk(feature, span, missing, chunks);
    }
    Chunk chunk = load(firstChunk, chunks);
    while (chunk.next() != Chunk.NONE) {
      chunk = load(chunk.next(), chunks);
      for (int index = 0; index < chunk.count(); index++) {
        if (chunk.has(index, shape.live, feature.filter()) && --missing == 0) {
          return chunk.time(index);
        }
      }
    }
    return NEVER;
  }

  /**
   * The same from the window as of the last seek, which is as far from the fact as it has moved.
   */
  private long timeAfterFirstChunk(
      StateShape.Feature feature, PositionalWindows.Span span, int most, ChunkStore chunks) {
    int window = feature.positional();
    // How many facts after the first chunk come before the window, less those of the window in it.
    int between = span.size() - most;
    int id = span.chunk();
    int index = span.index();
    if (id == firstChunk) {
      Chunk chunk = load(id, chunks);
      for (; index < chunk.count(); index++) {
        between -= chunk.has(index, shape.live, feature.filter()) ? 1 : 0;
      }
    } else {
      while (positions.toPrevious(window, id, index, this, chunks)
          && positions.foundChunk() != firstChunk) {
        between++;
        id = positions.foundChunk();
        index = positions.foundIndex();
      }
    }
    int newer = feature.newCursor();
    boolean atEnd = next(newer) == NEVER;
    id = atEnd ? tailChunk : chunkOf(newer);
    index = atEnd ? load(id, chunks).count() : indexOf(newer);
    // A window that has facts has a newest one.
    boolean found = positions.toPrevious(window, id, index, this, chunks);
    for (; found && between > 0; between--) {
      found =
          positions.toPrevious(
              window, positions.foundChunk(), positions.foundIndex(), this, chunks);
    }
    for (; found && between < 0; between++) {
      found =
          positions.toNext(window, positions.foundChunk(), positions.foundIndex(), this, chunks);
    }
    return found ? load(positions.foundChunk(), chunks).time(positions.foundIndex()) : NEVER;
  }

  /**
   * When the session has ended that the last fact of the first chunk is in.
   *
   * @param ends per window the newest fact that is known to be in one session with all before it
   *     back to the first chunk, or to one before that
   */
  private long endOfFirstChunksSession(
      StateShape.Feature feature, long gapMs, long[] ends, ChunkStore chunks) {
    int window = feature.positional();
    int id = firstChunk;
    Chunk chunk = load(id, chunks);
    if (!positions.toPreviousInChunk(window, id, chunk, chunk.count())) {
      return BEFORE_ALL;
    }
    int index = positions.foundIndex();
    long last = chunk.time(index);
    if (last <= ends[window]) {
      return Math.min(ends[window], NEVER - gapMs) + gapMs;
    }
    PositionalWindows.Span span = positions.get(window);
    int newer = feature.newCursor();
    boolean isCurrent =
        span != null
            && span.size() > 0
            && last <= target(newer)
            && !positions.isBefore(span, id, chunk, index, this, chunks);
    if (isCurrent) {
      // What follows in the window is in the session: on from its newest fact.
      boolean atEnd = next(newer) == NEVER;
      id = atEnd ? tailChunk : chunkOf(newer);
      index = atEnd ? load(id, chunks).count() : indexOf(newer);
      positions.toPrevious(window, id, index, this, chunks);
      id = positions.foundChunk();
      index = positions.foundIndex();
      last = load(id, chunks).time(index);
    }
    while (positions.toNext(window, id, index, this, chunks)) {
      id = positions.foundChunk();
      index = positions.foundIndex();
      long time = load(id, chunks).time(index);
      if (time - last > gapMs) {
        break;
      }
      last = time;
    }
    ends[window] = last;
    return Math.min(last, NEVER - gapMs) + gapMs;
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
      Varint.writeSigned(out, earliestSeek - asOf);
      for (Partial partial : folded) {
        partial.write(out);
      }
      for (TileRow row : tiles) {
        row.write(out);
      }
    }
    if (shape.positional.length > 0) {
      out.writeLong(firstChunkNeededUntil);
      Varint.writeSigned(out, nextChunkId - neededBeforeChunk);
    }
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      if (next(cursor) == NEVER) {
        Varint.writeUnsigned(out, 0);
      } else {
        // At least 1: the next fact is newer than where the cursor stands.
        Varint.writeUnsigned(out, next(cursor) - target(cursor));
        Varint.writeUnsigned(out, nextChunkId - chunkOf(cursor));
        Varint.writeUnsigned(out, indexOf(cursor));
      }
    }
    long[] words = totals();
    long[] difference = new long[ExactSum.WIDE_WORDS];
    for (StateShape.Total[] totals : shape.totals) {
      for (StateShape.Total total : totals) {
        if (total.before() != null) {
          writeDifference(out, total.before(), total, words, difference);
        }
      }
    }
  }

  private void writeDifference(
      DataOutput out,
      StateShape.Total before,
      StateShape.Total total,
      long[] words,
      long[] difference)
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
    EntityState state = shape.emptyState();
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
      state.earliestSeek = Varint.readSigned(in) + asOf;
      for (Partial partial : state.folded) {
        partial.read(in);
      }
      for (int row = 0; row < state.tiles.length; row++) {
        state.tiles[row].read(in);
        long first = state.tiles[row].first();
        if (first != NEVER) {
          long unneeded = shape.tiles[row].edge().passesTile(first);
          state.tilesNeededUntil = Math.min(state.tilesNeededUntil, unneeded);
        }
      }
    }
    if (shape.positional.length > 0) {
      state.firstChunkNeededUntil = in.readLong();
      state.neededBeforeChunk = (int) (state.nextChunkId - Varint.readSigned(in));
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
    long[] words = state.totals();
    long[] difference = new long[ExactSum.WIDE_WORDS];
    for (StateShape.Total[] totals : shape.totals) {
      for (StateShape.Total total : totals) {
        if (total.before() != null) {
          state.readDifference(in, total.before(), total, words, difference);
        }
      }
    }
    state.setTotals(words);
    return state;
  }

  private int readChunkId(long behindNext) {
    return behindNext < 0 ? Chunk.NONE : (int) (nextChunkId - behindNext);
  }

  private void readDifference(
      DataInput in,
      StateShape.Total before,
      StateShape.Total total,
      long[] words,
      long[] difference)
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
        id = next(cursor) == NEVER ? tailChunk : chunkOf(cursor);
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

  /** The newest time that is behind a cursor. */
  long target(int cursor) {
    // Pruned facts are behind every cursor: a window that still holds some reads their summary.
    return Math.max(shape.target(cursor, asOf), prunedTime);
  }

  private int chunkOf(int cursor) {
    return (int) (position(cursor) >> 32);
  }

  private int indexOf(int cursor) {
    return (int) position(cursor);
  }

  private void stand(int cursor, long nextTime, int chunk, int index) {
    stand(cursor, nextTime, position(chunk, index), null);
  }

  private static long position(int chunk, int index) {
    return (long) chunk << 32 | index;
  }

  /** What to throw if a chunk does not have the facts that this header knows to be in it. */
  static IllegalStateException otherChunk() {
    return new IllegalStateException(
        "A chunk has other facts than this state knows to be in it: pass the store of the same entity"
            + " and stream, or restore both from one checkpoint");
  }

  /** The id of the oldest stored chunk, or {@link Chunk#NONE}. */
  int firstChunk() {
    return firstChunk;
  }

  /** The chunk of this id, which must be there. */
  Chunk load(int id, ChunkStore chunks) {
    if (id == tailChunk && tail != null) {
      return tail;
    }
    Chunk known = atHand(id);
    if (known != null) {
      return known;
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
    keepAtHand(id, chunk);
    return chunk;
  }

  private @Nullable Chunk atHand(int id) {
    @Nullable Chunk[] known = atHand;
    Chunk chunk = known == null ? null : known[id & (AT_HAND - 1)];
    return chunk != null && chunk.id() == id ? chunk : null;
  }

  private void keepAtHand(int id, Chunk chunk) {
    if (!chunk.sealed()) {
      return;
    }
    @Nullable Chunk[] known = atHand;
    if (known == null) {
      known = new Chunk[AT_HAND];
      atHand = known;
    }
    chunk.known(id);
    known[id & (AT_HAND - 1)] = chunk;
  }

  private void put(int id, Chunk chunk, ChunkStore chunks) {
    chunks.put(id, chunk);
    keepAtHand(id, chunk);
    if (sums != null && chunk.sealed()) {
      sums.put(id);
    }
    ChunkTree summaries = tree;
    if (summaries != null && chunk.sealed()) {
      if (summaries.contains(id)) {
        summaries.update(id, chunk);
      } else {
        summaries.append(id, chunk);
      }
    }
    if (id == tailChunk) {
      tail = chunk;
      tailWords = chunk.words();
      tailCount = chunk.count();
      tailCapacity = chunk.capacity();
    }
  }
}
