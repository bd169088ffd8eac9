package dev.tailwater.kernel;

import java.util.Arrays;

/**
 * Summaries of sealed chunks in the order of the log, and of runs of 2, 4, 8 and more of them: so
 * that the smallest or largest value of many chunks, or the chunk that holds the n-th fact of a
 * kind, is found in O(log chunks) steps instead of one for each chunk.
 *
 * <p>A summary has one entry for each <em>measure</em>: how many facts of it a chunk has, and their
 * smallest and largest rank. Chunks come and go at the ends; one in the middle can be changed, but
 * not added: the tree has to be made anew then, which late facts cause once for every {@link
 * Chunk#SPLIT_AT} / 2 of them at most. Derived from chunks, and never stored. Not thread-safe.
 */
final class ChunkTree {

  private final int measures;

  /** Leaves; a power of two. The tree has twice as many nodes, node 1 being the root. */
  private int capacity = 4;

  private int first;
  private int next;

  // Per node and measure; the leaf i is node capacity + i.
  private int[] counts;
  private long[] smallest;
  private long[] largest;

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
      makeRoom();
    }
    if (first == next) {
      lowestId = id;
      Arrays.fill(leafOfId, 0);
    }
    if (id < lowestId) {
      int[] moved = new int[leafOfId.length + lowestId - id];
      System.arraycopy(leafOfId, 0, moved, lowestId - id, leafOfId.length);
      leafOfId = moved;
      lowestId = id;
    }
    if (id - lowestId >= leafOfId.length) {
      leafOfId = Arrays.copyOf(leafOfId, Math.max(2 * leafOfId.length, id - lowestId + 1));
    }
    idOfLeaf[next] = id;
    leafOfId[id - lowestId] = next + 1;
    set(next++, summary);
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
    first++;
  }

  private int leaf(int id) {
    return leafOfId[id - lowestId] - 1;
  }

  /** Half of the leaves at least are free afterwards. */
  private void makeRoom() {
    int kept = next - first;
    int target = 4;
    while (target < 2 * kept) {
      target *= 2;
    }
    int[] oldIds = idOfLeaf;
    int[] oldCounts = counts;
    long[] oldSmallest = smallest;
    long[] oldLargest = largest;
    int oldAt = (capacity + first) * measures;
    int oldFirst = first;
    capacity = target;
    first = 0;
    next = kept;
    idOfLeaf = new int[capacity];
    counts = new int[2 * capacity * measures];
    smallest = new long[2 * capacity * measures];
    largest = new long[2 * capacity * measures];
    Arrays.fill(smallest, Long.MAX_VALUE);
    Arrays.fill(largest, Long.MIN_VALUE);
    System.arraycopy(oldIds, oldFirst, idOfLeaf, 0, kept);
    int at = capacity * measures;
    System.arraycopy(oldCounts, oldAt, counts, at, kept * measures);
    System.arraycopy(oldSmallest, oldAt, smallest, at, kept * measures);
    System.arraycopy(oldLargest, oldAt, largest, at, kept * measures);
    for (int node = capacity - 1; node >= 1; node--) {
      combine(node);
    }
    lowestId = Integer.MAX_VALUE;
    int highestId = 0;
    for (int leaf = 0; leaf < kept; leaf++) {
      lowestId = Math.min(lowestId, idOfLeaf[leaf]);
      highestId = Math.max(highestId, idOfLeaf[leaf]);
    }
    leafOfId = new int[kept == 0 ? capacity : Math.max(capacity, highestId - lowestId + 1)];
    for (int leaf = 0; leaf < kept; leaf++) {
      leafOfId[idOfLeaf[leaf] - lowestId] = leaf + 1;
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
   * The first chunk from one up to another whose smallest, or largest, rank is the given one.
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
      if (ranks[node * measures + measure] == rank) {
        while (node < capacity) {
          node *= 2;
          if (ranks[node * measures + measure] != rank) {
            node++;
          }
        }
        return idOfLeaf[node - capacity];
      }
      leaf += run;
    }
    return Chunk.NONE;
  }
}
