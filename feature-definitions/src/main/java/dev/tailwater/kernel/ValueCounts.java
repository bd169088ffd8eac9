package dev.tailwater.kernel;

import java.util.Arrays;
import java.util.PriorityQueue;

/**
 * How often each value is in a window: a multiset of ranks, or of texts, that finds the k-th
 * smallest and the most frequent values without looking at all of them.
 *
 * <p>A treap: a search tree in which every node has a random number above those below it. The
 * number is a hash of the value, so the tree depends on the values alone and not on the order in
 * which they came. Every node knows how many values are below it, and which of them is the most
 * frequent. So adding, taking away and finding one value cost O(log n), with n distinct values.
 *
 * <p>About 24 bytes for each distinct rank, up to twice that after growing; a text adds its
 * characters unless they are shared with others. Holds fewer than 2^31 values. Not thread-safe.
 */
final class ValueCounts {

  private static final int NOTHING = 0;
  private static final int FIRST_CAPACITY = 8;

  private final boolean ofTexts;
  private long[] ranks;

  /** Instead of ranks; an unused slot has the empty text. */
  private String[] texts;

  private int[] left = new int[FIRST_CAPACITY];
  private int[] right = new int[FIRST_CAPACITY];

  /** How often the value of a node is there. */
  private int[] count = new int[FIRST_CAPACITY];

  /** How many values there are at a node and below it. */
  private int[] size = new int[FIRST_CAPACITY];

  /** The node of the most frequent value at a node or below it, of equals the smaller value. */
  private int[] best = new int[FIRST_CAPACITY];

  private int root = NOTHING;

  /** Slots up to this one are or were in use; those given back are chained by {@link #left}. */
  private int used;

  private int free = NOTHING;
  private int distinct;

  private ValueCounts(boolean ofTexts) {
    this.ofTexts = ofTexts;
    ranks = new long[ofTexts ? 0 : FIRST_CAPACITY];
    texts = new String[ofTexts ? FIRST_CAPACITY : 0];
    Arrays.fill(texts, "");
  }

  /** An empty multiset of ranks, as of {@link StateShape#rank}. */
  static ValueCounts ofRanks() {
    return new ValueCounts(false);
  }

  /** An empty multiset of texts. */
  static ValueCounts ofTexts() {
    return new ValueCounts(true);
  }

  /** How many values there are, equal ones counted each. */
  int size() {
    return size[root];
  }

  /** How many different values there are. */
  int distinct() {
    return distinct;
  }

  /** Adds a rank, {@code times} at once. */
  void add(long rank, int times) {
    int slot = allocate();
    ranks[slot] = rank;
    addAt(slot, times);
  }

  /** Adds a text, {@code times} at once. */
  void add(String text, int times) {
    int slot = allocate();
    texts[slot] = text;
    addAt(slot, times);
  }

  private void addAt(int slot, int times) {
    count[slot] = 0;
    left[slot] = NOTHING;
    right[slot] = NOTHING;
    root = insert(root, slot, times);
    if (count[slot] == 0) {
      release(slot); // The value has a node already.
    } else {
      distinct++;
    }
  }

  private int insert(int node, int slot, int times) {
    if (node == NOTHING) {
      count[slot] = times;
      update(slot);
      return slot;
    }
    int order = compare(slot, node);
    if (order == 0) {
      count[node] += times;
    } else if (order < 0) {
      int below = insert(left[node], slot, times);
      left[node] = below;
      if (isAbove(below, node)) {
        left[node] = right[below];
        right[below] = node;
        update(node);
        update(below);
        return below;
      }
    } else {
      int below = insert(right[node], slot, times);
      right[node] = below;
      if (isAbove(below, node)) {
        right[node] = left[below];
        left[below] = node;
        update(node);
        update(below);
        return below;
      }
    }
    update(node);
    return node;
  }

  /**
   * Takes a rank away.
   *
   * @throws IllegalStateException if it is not there
   */
  void remove(long rank) {
    int slot = allocate();
    ranks[slot] = rank;
    removeAt(slot);
  }

  /**
   * Takes a text away.
   *
   * @throws IllegalStateException if it is not there
   */
  void remove(String text) {
    int slot = allocate();
    texts[slot] = text;
    removeAt(slot);
  }

  private void removeAt(int slot) {
    root = remove(root, slot);
    release(slot);
    if (distinct < capacity() / 8 && capacity() > 8 * FIRST_CAPACITY) {
      compact();
    }
  }

  private int remove(int node, int slot) {
    if (node == NOTHING) {
      throw new IllegalStateException(
          "The value %s is taken away, but was not added: the state and its facts do not belong together"
              .formatted(ofTexts ? texts[slot] : ranks[slot]));
    }
    int order = compare(slot, node);
    if (order < 0) {
      left[node] = remove(left[node], slot);
    } else if (order > 0) {
      right[node] = remove(right[node], slot);
    } else if (--count[node] == 0) {
      int merged = merge(left[node], right[node]);
      release(node);
      distinct--;
      return merged;
    }
    update(node);
    return node;
  }

  /** Joins two trees, all values of the first being smaller. */
  private int merge(int smaller, int larger) {
    if (smaller == NOTHING) {
      return larger;
    }
    if (larger == NOTHING) {
      return smaller;
    }
    if (isAbove(smaller, larger)) {
      right[smaller] = merge(right[smaller], larger);
      update(smaller);
      return smaller;
    }
    left[larger] = merge(smaller, left[larger]);
    update(larger);
    return larger;
  }

  private void update(int node) {
    int smaller = left[node];
    int larger = right[node];
    size[node] = size[smaller] + count[node] + size[larger];
    int most = node;
    if (count[best[smaller]] >= count[most]) {
      most = best[smaller];
    }
    if (count[best[larger]] > count[most]) {
      most = best[larger];
    }
    best[node] = most;
  }

  private int compare(int slot, int node) {
    return ofTexts ? texts[slot].compareTo(texts[node]) : Long.compare(ranks[slot], ranks[node]);
  }

  private boolean isAbove(int node, int other) {
    long one = priority(node);
    long two = priority(other);
    return one != two ? one > two : compare(node, other) < 0;
  }

  private long priority(int node) {
    long mixed = ofTexts ? texts[node].hashCode() : ranks[node];
    mixed = (mixed ^ mixed >>> 32 ^ 0x9e3779b97f4a7c15L) * 0xd6e8feb86659fd93L;
    mixed = (mixed ^ mixed >>> 32) * 0xd6e8feb86659fd93L;
    return mixed ^ mixed >>> 32;
  }

  /**
   * The rank with {@code index} values before it in ascending order.
   *
   * @param index from 0 to less than {@link #size}
   */
  long rankAt(int index) {
    int node = root;
    int before = index;
    while (true) {
      int smaller = size[left[node]];
      if (before < smaller) {
        node = left[node];
      } else if (before < smaller + count[node]) {
        return ranks[node];
      } else {
        before -= smaller + count[node];
        node = right[node];
      }
    }
  }

  /** Visits each rank and how often it is there, the smaller ranks first; nothing of texts. */
  void forEachRank(RankVisitor visitor) {
    visitRanks(ofTexts ? NOTHING : root, visitor);
  }

  private void visitRanks(int node, RankVisitor visitor) {
    if (node != NOTHING) {
      visitRanks(left[node], visitor);
      visitor.visit(ranks[node], count[node]);
      visitRanks(right[node], visitor);
    }
  }

  /** Visits each text and how often it is there, the smaller texts first; nothing of ranks. */
  void forEachText(TextVisitor visitor) {
    visitTexts(ofTexts ? root : NOTHING, visitor);
  }

  private void visitTexts(int node, TextVisitor visitor) {
    if (node != NOTHING) {
      visitTexts(left[node], visitor);
      visitor.visit(texts[node], count[node]);
      visitTexts(right[node], visitor);
    }
  }

  interface RankVisitor {
    void visit(long rank, int times);
  }

  interface TextVisitor {
    void visit(String text, int times);
  }

  /** The ranks at the indexes {@code [from, to)} in ascending order, equal ones repeated. */
  long[] ranks(int from, int to) {
    long[] found = new long[to - from];
    collect(root, 0, from, to, found);
    return found;
  }

  private void collect(int node, int before, int from, int to, long[] found) {
    if (node == NOTHING || before >= to || before + size[node] <= from) {
      return;
    }
    collect(left[node], before, from, to, found);
    int first = before + size[left[node]];
    int next = first + count[node];
    for (int index = Math.max(first, from); index < Math.min(next, to); index++) {
      found[index - from] = ranks[node];
    }
    collect(right[node], next, from, to, found);
  }

  /** The most frequent ranks, at most {@code limit}; of equally frequent ones the smaller first. */
  long[] mostFrequentRanks(int limit) {
    return Arrays.stream(mostFrequent(limit)).mapToLong(node -> ranks[node]).toArray();
  }

  /** The most frequent texts, at most {@code limit}; of equally frequent ones the smaller first. */
  String[] mostFrequentTexts(int limit) {
    return Arrays.stream(mostFrequent(limit)).mapToObj(node -> texts[node]).toArray(String[]::new);
  }

  /** How often each of {@link #mostFrequentTexts} or ranks is there, in the same order. */
  int[] mostFrequentCounts(int limit) {
    return Arrays.stream(mostFrequent(limit)).map(node -> count[node]).toArray();
  }

  /**
   * Their nodes. Takes the best of what is left of the tree, and then leaves of its part the node
   * itself out: a path of O(log n) nodes and the trees beside it.
   */
  private int[] mostFrequent(int limit) {
    int[] found = new int[Math.min(limit, distinct)];
    // A tree is given by its root, a node without what is below it by the complement.
    PriorityQueue<Integer> open =
        new PriorityQueue<>((one, other) -> byFrequency(bestOf(one), bestOf(other)));
    if (root != NOTHING) {
      open.add(root);
    }
    for (int index = 0; index < found.length; index++) {
      Integer part = open.poll();
      if (part == null) {
        throw new IllegalStateException("Fewer values than distinct ones");
      }
      int most = bestOf(part);
      found[index] = most;
      int node = part;
      while (node >= 0 && node != most) {
        open.add(~node);
        boolean smaller = compare(most, node) < 0;
        int beside = smaller ? right[node] : left[node];
        if (beside != NOTHING) {
          open.add(beside);
        }
        node = smaller ? left[node] : right[node];
      }
      if (node >= 0) {
        if (left[most] != NOTHING) {
          open.add(left[most]);
        }
        if (right[most] != NOTHING) {
          open.add(right[most]);
        }
      }
    }
    return found;
  }

  private int bestOf(int part) {
    return part < 0 ? ~part : best[part];
  }

  private int byFrequency(int one, int other) {
    return count[one] != count[other]
        ? Integer.compare(count[other], count[one])
        : compare(one, other);
  }

  private int allocate() {
    if (free != NOTHING) {
      int slot = free;
      free = left[slot];
      return slot;
    }
    if (used + 1 == capacity()) {
      resize(2 * capacity());
    }
    return ++used;
  }

  private void release(int slot) {
    if (ofTexts) {
      texts[slot] = "";
    }
    count[slot] = 0;
    left[slot] = free;
    free = slot;
  }

  private int capacity() {
    return left.length;
  }

  private void resize(int capacity) {
    if (ofTexts) {
      int before = texts.length;
      texts = Arrays.copyOf(texts, capacity);
      Arrays.fill(texts, before, capacity, "");
    } else {
      ranks = Arrays.copyOf(ranks, capacity);
    }
    left = Arrays.copyOf(left, capacity);
    right = Arrays.copyOf(right, capacity);
    count = Arrays.copyOf(count, capacity);
    size = Arrays.copyOf(size, capacity);
    best = Arrays.copyOf(best, capacity);
  }

  /** Gives memory back after most values have gone. */
  private void compact() {
    ValueCounts smaller = new ValueCounts(ofTexts);
    smaller.resize(2 * (distinct + FIRST_CAPACITY));
    smaller.root = smaller.copy(this, root);
    ranks = smaller.ranks;
    texts = smaller.texts;
    left = smaller.left;
    right = smaller.right;
    count = smaller.count;
    size = smaller.size;
    best = smaller.best;
    root = smaller.root;
    used = smaller.used;
    free = NOTHING;
  }

  private int copy(ValueCounts from, int node) {
    if (node == NOTHING) {
      return NOTHING;
    }
    int slot = ++used;
    if (ofTexts) {
      texts[slot] = from.texts[node];
    } else {
      ranks[slot] = from.ranks[node];
    }
    count[slot] = from.count[node];
    left[slot] = copy(from, from.left[node]);
    right[slot] = copy(from, from.right[node]);
    update(slot);
    return slot;
  }
}
