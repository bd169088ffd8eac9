package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ChunkTreeTest {

  private static final int MEASURES = 2;

  /** A chunk's summary: the ranks of its facts, for each measure. */
  private record Leaf(int id, long[][] ranks) implements ChunkTree.Summary {
    @Override
    public int count(int measure) {
      return ranks[measure].length;
    }

    @Override
    public long smallest(int measure) {
      return LongStream.of(ranks[measure]).min().orElse(Long.MAX_VALUE);
    }

    @Override
    public long largest(int measure) {
      return LongStream.of(ranks[measure]).max().orElse(Long.MIN_VALUE);
    }
  }

  static LongStream seeds() {
    return LongStream.range(0, 300);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void equalsAScanOfAllChunks(long seed) {
    Random random = new Random(seed);
    ChunkTree tree = new ChunkTree(MEASURES);
    List<Leaf> leaves = new ArrayList<>();
    int nextId = random.nextInt(5);
    int density = 1 + random.nextInt(8);
    for (int step = 0; step < 400; step++) {
      int choice = random.nextInt(10);
      if (choice < 6 || leaves.isEmpty()) {
        // Ids rise, but a chunk that was split left the higher one before lower ones.
        Leaf leaf = leaf(nextId + (random.nextInt(10) == 0 ? 7 : 0), density, random);
        nextId = Math.max(nextId, leaf.id) + 1 + random.nextInt(2);
        leaves.add(leaf);
        tree.append(leaf.id, leaf);
      } else if (choice < 7) {
        int index = random.nextInt(leaves.size());
        Leaf leaf = leaf(leaves.get(index).id, density, random);
        leaves.set(index, leaf);
        tree.update(leaf.id, leaf);
      } else if (choice < 9) {
        // Often many at nearly the same place.
        int index = random.nextInt(random.nextBoolean() ? leaves.size() : 1 + leaves.size() / 20);
        Leaf leaf = leaf(nextId++, density, random);
        tree.insertAfter(leaves.get(index).id, leaf.id, leaf);
        leaves.add(index + 1, leaf);
      } else {
        leaves.remove(0);
        tree.removeFirst();
      }
      if (!leaves.isEmpty()) {
        assertEqual(tree, leaves, random);
      }
    }
  }

  private static void assertEqual(ChunkTree tree, List<Leaf> leaves, Random random) {
    int measure = random.nextInt(MEASURES);
    int from = random.nextInt(leaves.size());
    int to = from + random.nextInt(leaves.size() - from + 1);
    int fromId = leaves.get(from).id;
    int toId = to == leaves.size() ? -1 : leaves.get(to).id;
    List<Leaf> between = leaves.subList(from, to);
    long smallest =
        between.stream().mapToLong(leaf -> leaf.smallest(measure)).min().orElse(Long.MAX_VALUE);
    long largest =
        between.stream().mapToLong(leaf -> leaf.largest(measure)).max().orElse(Long.MIN_VALUE);
    assertThat(tree.smallest(measure, fromId, toId)).isEqualTo(smallest);
    assertThat(tree.largest(measure, fromId, toId)).isEqualTo(largest);
    assertThat(tree.count(measure, fromId, toId))
        .isEqualTo(between.stream().mapToInt(leaf -> leaf.count(measure)).sum());
    assertThat(tree.firstWithRank(measure, fromId, toId, smallest, true))
        .isEqualTo(
            between.stream()
                .filter(leaf -> leaf.count(measure) > 0 && leaf.smallest(measure) == smallest)
                .mapToInt(Leaf::id)
                .findFirst()
                .orElse(-1));
    assertThat(tree.firstWithRank(measure, fromId, toId, largest, false))
        .isEqualTo(
            between.stream()
                .filter(leaf -> leaf.count(measure) > 0 && leaf.largest(measure) == largest)
                .mapToInt(Leaf::id)
                .findFirst()
                .orElse(-1));
    assertThat(tree.nextWithFacts(measure, fromId))
        .isEqualTo(
            leaves.subList(from, leaves.size()).stream()
                .filter(leaf -> leaf.count(measure) > 0)
                .mapToInt(Leaf::id)
                .findFirst()
                .orElse(-1));
    assertThat(tree.previousWithFacts(measure, toId))
        .isEqualTo(
            leaves.subList(0, to).stream()
                .filter(leaf -> leaf.count(measure) > 0)
                .mapToInt(Leaf::id)
                .reduce(-1, (before, last) -> last));
  }

  private static Leaf leaf(int id, int density, Random random) {
    long[][] ranks = new long[MEASURES][];
    for (int measure = 0; measure < MEASURES; measure++) {
      int count = Math.max(0, random.nextInt(9) - density);
      ranks[measure] = random.longs(count, -5, 5).toArray();
    }
    return new Leaf(id, ranks);
  }
}
