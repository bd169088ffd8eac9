package dev.tailwater.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the facts of sealed chunks add up to, and those of runs of 2, 4, 8 and more chunks, in the
 * order of the log: so that a cursor which has to move over many chunks takes O(log chunks) steps
 * instead of one for each fact.
 *
 * <p>A leaf is a run of chunks: a chunk that late facts have split stays one, until it is longer
 * than {@link #MOST_IN_LEAF}. A leaf whose chunks have changed is summed up anew before it is used
 * next. Derived from chunks, and never stored. Not thread-safe.
 */
final class ChunkSums {

  /** Chunks in a leaf; with more of them, all leaves have to be made anew. */
  static final int MOST_IN_LEAF = 8;

  private final StateShape shape;

  /** Longs of a node: how many values do not fit into sums, and then the shape's sums. */
  private final int nodeWords;

  /** Leaves there is room for; a power of two. Node 1 is the root. */
  private int capacity = 4;

  /** The number of the leaf at slot 0: numbers remain when leaves move to other slots. */
  private int base;

  /** The first leaf, and the one behind the last. */
  private int first;

  private int end;

  // Per slot.
  private int[] firstChunk = new int[capacity];
  private int[] chunksInLeaf = new int[capacity];
  private long[] lastTime = new long[capacity];
  private boolean[] changed = new boolean[capacity];

  /** Per node its words; the leaf in slot i is node capacity + i. */
  private long[] sums;

  private final Map<Integer, Integer> leafOfChunk = new HashMap<>();
  private final List<Integer> changedLeaves = new ArrayList<>();

  /** Sums of no chunks. */
  ChunkSums(StateShape shape) {
    this.shape = shape;
    nodeWords = 1 + shape.chunkSumWords;
    sums = new long[2 * capacity * nodeWords];
  }

  /** Takes note of a sealed chunk that has changed, or that follows all others. */
  void put(int chunk) {
    Integer known = leafOfChunk.get(chunk);
    if (known != null) {
      change(known);
      return;
    }
    if (end - base == capacity) {
      makeRoom();
    }
    int slot = end - base;
    firstChunk[slot] = chunk;
    chunksInLeaf[slot] = 1;
    leafOfChunk.put(chunk, end);
    change(end++);
  }

  /**
   * Takes note that the second half of a sealed chunk is a chunk of its own.
   *
   * @return whether it has a place: if not, these sums are of no use any more
   */
  boolean split(int chunk, int second) {
    int leaf = Objects.requireNonNull(leafOfChunk.get(chunk));
    leafOfChunk.put(second, leaf);
    change(leaf);
    return ++chunksInLeaf[leaf - base] <= MOST_IN_LEAF;
  }

  /** Takes the first chunk away. */
  void removeFirst(int chunk, int following) {
    leafOfChunk.remove(chunk);
    if (--chunksInLeaf[first - base] == 0) {
      first++;
    } else {
      firstChunk[first - base] = following;
      change(first);
    }
  }

  private void change(int leaf) {
    if (!changed[leaf - base]) {
      changed[leaf - base] = true;
      changedLeaves.add(leaf);
    }
  }

  private void sumUpChanged(EntityState state, ChunkStore chunks) {
    for (int leaf : changedLeaves) {
      if (leaf >= first) {
        int slot = leaf - base;
        changed[slot] = false;
        int at = (capacity + slot) * nodeWords;
        Arrays.fill(sums, at, at + nodeWords, 0);
        int id = firstChunk[slot];
        for (int i = 0; i < chunksInLeaf[slot]; i++) {
          Chunk chunk = state.load(id, chunks);
          add(chunk, at);
          lastTime[slot] = chunk.lastTime();
          id = chunk.next();
        }
        for (int node = (capacity + slot) >> 1; node >= 1; node >>= 1) {
          combine(node);
        }
      }
    }
    changedLeaves.clear();
  }

  private void add(Chunk chunk, int at) {
    long[] rows = chunk.words();
    for (int index = 0; index < chunk.count(); index++) {
      for (StateShape.Total total : shape.chunkSums) {
        if (!total.add(shape, sums, at + 1, rows, index * shape.stride, 1)) {
          sums[at]++;
        }
      }
    }
  }

  private void combine(int node) {
    int at = node * nodeWords;
    Arrays.fill(sums, at, at + nodeWords, 0);
    add(sums, at, 2 * node);
    add(sums, at, 2 * node + 1);
  }

  private void add(long[] into, int at, int node) {
    int from = node * nodeWords;
    into[at] += sums[from];
    for (StateShape.Total total : shape.chunkSums) {
      int count = 1 + total.at();
      into[at + count] += sums[from + count];
      ExactSum.addWords(into, at + count + 1, sums, from + count + 1, total.sumWords());
    }
  }

  /** Half of the slots at least are free afterwards. */
  private void makeRoom() {
    int kept = end - first;
    int from = first - base;
    int target = 4;
    while (target < 2 * kept) {
      target *= 2;
    }
    long[] oldSums = sums;
    int oldAt = (capacity + from) * nodeWords;
    firstChunk = Arrays.copyOfRange(firstChunk, from, from + target);
    chunksInLeaf = Arrays.copyOfRange(chunksInLeaf, from, from + target);
    lastTime = Arrays.copyOfRange(lastTime, from, from + target);
    changed = Arrays.copyOfRange(changed, from, from + target);
    capacity = target;
    base = first;
    sums = new long[2 * capacity * nodeWords];
    System.arraycopy(oldSums, oldAt, sums, capacity * nodeWords, kept * nodeWords);
    for (int node = capacity - 1; node >= 1; node--) {
      combine(node);
    }
  }

  /**
   * A run of chunks that a cursor can move over at once.
   *
   * @param from its first chunk
   * @param to the chunk that follows it, or {@link Chunk#NONE} for the tail
   * @param sums of its facts, each where {@link StateShape.Total#inChunk} says, plus 1
   */
  record Leap(int from, int to, long[] sums) {}

  /**
   * The longest run of chunks from one on whose facts are all at or before a time.
   *
   * @return null if the chunk does not begin a leaf, if there are fewer than two leaves in the run,
   *     or if a value in it does not fit
   */
  @Nullable Leap forward(int from, long target, EntityState state, ChunkStore chunks) {
    Integer leaf = leafOfChunk.get(from);
    if (leaf == null || firstChunk[leaf - base] != from) {
      return null;
    }
    sumUpChanged(state, chunks);
    return leap(leaf, firstAfter(target));
  }

  /**
   * The longest run of chunks before one whose facts are all after a time.
   *
   * @param before a chunk, or the tail, which is in no leaf
   */
  @Nullable Leap backward(int before, long target, EntityState state, ChunkStore chunks) {
    Integer known = leafOfChunk.get(before);
    if (known != null && firstChunk[known - base] != before) {
      return null;
    }
    sumUpChanged(state, chunks);
    return leap(firstAfter(target) + 1, known == null ? end : known);
  }

  /** The first leaf with a fact after a time, or the end. */
  private int firstAfter(long time) {
    int low = first;
    int high = end;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (lastTime[middle - base] <= time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private @Nullable Leap leap(int from, int to) {
    if (to - from < 2) {
      return null;
    }
    long[] facts = new long[nodeWords];
    int low = capacity + from - base;
    int high = capacity + to - base;
    for (; low < high; low >>= 1, high >>= 1) {
      if ((low & 1) != 0) {
        add(facts, 0, low++);
      }
      if ((high & 1) != 0) {
        add(facts, 0, --high);
      }
    }
    return facts[0] != 0
        ? null
        : new Leap(firstChunk[from - base], to == end ? Chunk.NONE : firstChunk[to - base], facts);
  }
}
