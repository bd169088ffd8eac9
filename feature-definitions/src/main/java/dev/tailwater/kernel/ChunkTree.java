package dev.tailwater.kernel;

import java.util.Arrays;

/**
 * Summaries of sealed chunks in the order of the log, and of runs of 2, 4, 8 and more of them: so
 * that the smallest or largest value of many chunks, or the chunk that holds the n-th fact of a
 * kind, is found in O(log chunks) steps instead of one for each chunk.
 *
 * <p>A summary has one entry for each <em>measure</em>: how many facts of it a chunk has, and their
 * smallest and largest rank. Chunks come and go at the ends; where one is added in the middle, the
 * next ones move by a place, up to a place that is empty. Derived from chunks, and never stored.
 * Not thread-safe.
 */
final class ChunkTree {

  /** How many leaves move at most for one that is added; else empty places are made. */
  private static final int MOST_MOVED = 64;

  private final int measures;

  /** Leaves; a power of two. The tree has twice as many nodes, node 1 being the root. */
  private int capacity = 4;

  private int first;
  private int next;

  // Per node and measure; the leaf i is node capacity + i.
  private int[] counts;
  private long[] smallest;
  private long[] largest;

  /** {@link Chunk#NONE} where a leaf is empty. */
  private int[] idOfLeaf = new int[capacity];

  /** Per chunk id, less {@code lowestId}, its leaf plus 1. */
  private int[] leafOfId = new int[capacity];

  private int lowestId;

  /** A tree of no chunks. */
  ChunkTree(int measures) {
    this.measures = measures;
    counts = new int[2 * capacity * measures];
    smallest = new long[2 * capacity * measures];
    largest = new long[2 * capacity * measures];
  }

  /** How one chunk is summarised. */
  interface Summary {
    /** How many facts of a measure the chunk has. */
    int count(int measure);

    /** The smallest rank among them, or Long.MAX_VALUE. */
    long smallest(int measure);

    /** The largest rank among them, or Long.MIN_VALUE. */
    long largest(int measure);
  }

  /** Adds the chunk that follows all others. */
  void append(int id, Summary summary) {
    if (next == capacity) {
      repack(1);
    }
    if (first == next) {
      lowestId = id;
      Arrays.fill(leafOfId, 0);
    }
    place(id, next);
    set(next++, summary);
  }

  /** Adds a chunk that follows another one. */
  void insertAfter(int id, int added, Summary summary) {
    if (next == capacity) {
      repack(1);
    }
    int leaf = leaf(id) + 1;
    int empty = leaf;
    while (empty < next && empty - leaf < MOST_MOVED && idOfLeaf[empty] != Chunk.NONE) {
      empty++;
    }
    if (empty < next && idOfLeaf[empty] != Chunk.NONE) {
      repack(2);
      leaf = leaf(id) + 1;
      empty = leaf;
    }
    next = Math.max(next, empty + 1);
    for (int moved = empty; moved > leaf; moved--) {
      place(idOfLeaf[moved - 1], moved);
    }
    int at = (capacity + leaf) * measures;
    int length = (empty - leaf) * measures;
    System.arraycopy(counts, at, counts, at + measures, length);
    System.arraycopy(smallest, at, smallest, at + measures, length);
    System.arraycopy(largest, at, largest, at + measures, length);
    place(added, leaf);
    set(leaf, summary);
    int low = (capacity + leaf) >> 1;
    int high = (capacity + empty) >> 1;
    for (; low >= 1; low >>= 1, high >>= 1) {
      for (int node = low; node <= high; node++) {
        combine(node);
      }
    }
  }

  private void place(int id, int leaf) {
    if (id < lowestId) {
      int[] moved = new int[leafOfId.length + lowestId - id];
      System.arraycopy(leafOfId, 0, moved, lowestId - id, leafOfId.length);
      leafOfId = moved;
      lowestId = id;
    }
    if (id - lowestId >= leafOfId.length) {
      leafOfId = Arrays.copyOf(leafOfId, Math.max(2 * leafOfId.length, id - lowestId + 1));
    }
    idOfLeaf[leaf] = id;
    leafOfId[id - lowestId] = leaf + 1;
  }

  /** Gives a chunk that is in the tree another summary. */
  void update(int id, Summary summary) {
    set(leaf(id), summary);
  }

  /** Whether a chunk is in the tree. */
  boolean contains(int id) {
    int slot = id - lowestId;
    return first < next && slot >= 0 && slot < leafOfId.length && leafOfId[slot] != 0;
  }

  /** Whether a chunk of the tree comes before another one. */
  boolean isBefore(int id, int other) {
    return leaf(id) < leaf(other);
  }

  /** Takes the first chunk away. */
  void removeFirst() {
    leafOfId[idOfLeaf[first] - lowestId] = 0;
    do {
      first++;
    } while (first < next && idOfLeaf[first] == Chunk.NONE);
  }

  private int leaf(int id) {
    return leafOfId[id - lowestId] - 1;
  }

  /**
   * Moves all chunks to the beginning of leaves of which half at least are free afterwards.
   *
   * @param step 1, or 2 to have an empty leaf behind each
   */
  private void repack(int step) {
    int[] oldIds = idOfLeaf;
    int[] oldCounts = counts;
    long[] oldSmallest = smallest;
    long[] oldLargest = largest;
    int oldLeaves = capacity;
    int oldFirst = first;
    int oldNext = next;
    int kept = 0;
    lowestId = Integer.MAX_VALUE;
    int highestId = 0;
    for (int leaf = oldFirst; leaf < oldNext; leaf++) {
      if (oldIds[leaf] != Chunk.NONE) {
        kept++;
        lowestId = Math.min(lowestId, oldIds[leaf]);
        highestId = Math.max(highestId, oldIds[leaf]);
      }
    }
    capacity = 4;
    while (capacity < 2 * step * kept) {
      capacity *= 2;
    }
    first = 0;
    next = step * kept;
    idOfLeaf = new int[capacity];
    leafOfId = new int[kept == 0 ? capacity : Math.max(capacity, highestId - lowestId + 1)];
    counts = new int[2 * capacity * measures];
    smallest = new long[2 * capacity * measures];
    largest = new long[2 * capacity * measures];
    Arrays.fill(idOfLeaf, Chunk.NONE);
    Arrays.fill(smallest, Long.MAX_VALUE);
    Arrays.fill(largest, Long.MIN_VALUE);
    int leaf = 0;
    for (int old = oldFirst; old < oldNext; old++) {
      if (oldIds[old] != Chunk.NONE) {
        place(oldIds[old], leaf);
        int from = (oldLeaves + old) * measures;
        int to = (capacity + leaf) * measures;
        System.arraycopy(oldCounts, from, counts, to, measures);
        System.arraycopy(oldSmallest, from, smallest, to, measures);
        System.arraycopy(oldLargest, from, largest, to, measures);
        leaf += step;
      }
    }
    for (int node = capacity - 1; node >= 1; node--) {
      combine(node);
    }
  }

  private void set(int leaf, Summary summary) {
    int at = (capacity + leaf) * measures;
    for (int measure = 0; measure < measures; measure++) {
      counts[at + measure] = summary.count(measure);
      smallest[at + measure] = summary.smallest(measure);
      largest[at + measure] = summary.largest(measure);
    }
    for (int node = (capacity + leaf) >> 1; node >= 1; node >>= 1) {
      combine(node);
    }
  }

  private void combine(int node) {
    int left = 2 * node * measures;
    int right = left + measures;
    int at = node * measures;
    for (int measure = 0; measure < measures; measure++) {
      counts[at + measure] = counts[left + measure] + counts[right + measure];
      smallest[at + measure] = Math.min(smallest[left + measure], smallest[right + measure]);
      largest[at + measure] = Math.max(largest[left + measure], largest[right + measure]);
    }
  }

  /**
   * The smallest rank in the chunks from one up to another, which is not part of it.
   *
   * @param to a chunk that follows {@code from}, or -1 for the end of the tree
   */
  long smallest(int measure, int from, int to) {
    long best = Long.MAX_VALUE;
    int low = capacity + leaf(from);
    int high = capacity + (to < 0 ? next : leaf(to));
    for (; low < high; low >>= 1, high >>= 1) {
      if ((low & 1) != 0) {
        best = Math.min(best, smallest[low++ * measures + measure]);
      }
      if ((high & 1) != 0) {
        best = Math.min(best, smallest[--high * measures + measure]);
      }
    }
    return best;
  }

  /** As {@link #smallest}, of the largest rank. */
  long largest(int measure, int from, int to) {
    long best = Long.MIN_VALUE;
    int low = capacity + leaf(from);
    int high = capacity + (to < 0 ? next : leaf(to));
    for (; low < high; low >>= 1, high >>= 1) {
      if ((low & 1) != 0) {
        best = Math.max(best, largest[low++ * measures + measure]);
      }
      if ((high & 1) != 0) {
        best = Math.max(best, largest[--high * measures + measure]);
      }
    }
    return best;
  }

  /** How many facts of a measure are in the chunks from one up to another, as above. */
  int count(int measure, int from, int to) {
    int count = 0;
    int low = capacity + leaf(from);
    int high = capacity + (to < 0 ? next : leaf(to));
    for (; low < high; low >>= 1, high >>= 1) {
      if ((low & 1) != 0) {
        count += counts[low++ * measures + measure];
      }
      if ((high & 1) != 0) {
        count += counts[--high * measures + measure];
      }
    }
    return count;
  }

  /** The first chunk from this one on with a fact of a measure, or -1 if there is none. */
  int nextWithFacts(int measure, int from) {
    int node = capacity + leaf(from);
    while (counts[node * measures + measure] == 0) {
      // Up while this is a right child, then to the node right of it.
      while ((node & 1) != 0) {
        node >>= 1;
      }
      if (node == 0) {
        return Chunk.NONE;
      }
      node++;
      if ((node & (node - 1)) == 0) {
        return Chunk.NONE; // Beyond the end of its level.
      }
    }
    while (node < capacity) {
      node *= 2;
      if (counts[node * measures + measure] == 0) {
        node++;
      }
    }
    return idOfLeaf[node - capacity];
  }

  /**
   * The last chunk before this one with a fact of a measure, or -1 if there is none.
   *
   * @param before a chunk, or -1 for the end of the tree
   */
  int previousWithFacts(int measure, int before) {
    int leaf = before < 0 ? next : leaf(before);
    if (leaf == first) {
      return Chunk.NONE;
    }
    int node = capacity + leaf - 1;
    while (counts[node * measures + measure] == 0) {
      while ((node & 1) == 0) {
        node >>= 1;
      }
      if (node <= 1) {
        return Chunk.NONE; // On the left side of the tree.
      }
      node--;
    }
    while (node < capacity) {
      node = 2 * node + 1;
      if (counts[node * measures + measure] == 0) {
        node--;
      }
    }
    return node - capacity < first ? Chunk.NONE : idOfLeaf[node - capacity];
  }

  /**
   * The first chunk from one up to another whose smallest, or largest, rank is the given one, and
   * that of a fact.
   *
   * @param to as of {@link #smallest}
   * @return -1 if there is none
   */
  int firstWithRank(int measure, int from, int to, long rank, boolean ofSmallest) {
    long[] ranks = ofSmallest ? smallest : largest;
    int leaf = leaf(from);
    int end = to < 0 ? next : leaf(to);
    while (leaf < end) {
      // The largest run that begins here and ends before the end.
      int node = capacity + leaf;
      int run = 1;
      while ((node & 1) == 0 && leaf + 2 * run <= end) {
        node >>= 1;
        run *= 2;
      }
      if (isBest(node, measure, rank, ranks)) {
        while (node < capacity) {
          node *= 2;
          if (!isBest(node, measure, rank, ranks)) {
            node++;
          }
        }
        return idOfLeaf[node - capacity];
      }
      leaf += run;
    }
    return Chunk.NONE;
  }

  /** What has no facts has the ranks that stand for none, which facts can have as well. */
  private boolean isBest(int node, int measure, long rank, long[] ranks) {
    int at = node * measures + measure;
    return ranks[at] == rank && counts[at] > 0;
  }
}
