package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ValueCountsTest {

  @Test
  void whatWasNotAddedCannotBeTakenAway() {
    ValueCounts counts = ValueCounts.ofRanks();
    counts.add(3, 1);
    assertThatThrownBy(() -> counts.remove(4))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("4");
  }

  static LongStream seeds() {
    return LongStream.range(0, 300);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void equalsASortedList(long seed) {
    Random random = new Random(seed);
    ValueCounts ranks = ValueCounts.ofRanks();
    ValueCounts texts = ValueCounts.ofTexts();
    List<Long> inside = new ArrayList<>();
    int spread = 1 + random.nextInt(seed % 2 == 0 ? 8 : 1000);
    int steps = random.nextInt(600);
    for (int step = 0; step < steps; step++) {
      boolean shrinking = step > steps / 2;
      if (!inside.isEmpty() && random.nextInt(shrinking ? 5 : 3) > (shrinking ? 0 : 1)) {
        long value = inside.remove(random.nextInt(inside.size()));
        ranks.remove(value);
        texts.remove(text(value));
      } else {
        long value = random.nextInt(spread) - spread / 2;
        int times = 1 + random.nextInt(2);
        inside.addAll(Collections.nCopies(times, value));
        ranks.add(value, times);
        texts.add(text(value), times);
      }
      if (step % 37 == 0) {
        assertEqual(ranks, texts, inside, random);
      }
    }
    assertEqual(ranks, texts, inside, random);
  }

  private static void assertEqual(
      ValueCounts ranks, ValueCounts texts, List<Long> inside, Random random) {
    List<Long> sorted = inside.stream().sorted().toList();
    assertThat(ranks.size()).isEqualTo(inside.size());
    assertThat(texts.size()).isEqualTo(inside.size());
    assertThat(ranks.ranks(0, inside.size())).containsExactly(sorted.toArray(Long[]::new));
    for (int index = 0; index < inside.size(); index += 1 + random.nextInt(20)) {
      assertThat(ranks.rankAt(index)).isEqualTo(sorted.get(index));
      int to = index + random.nextInt(inside.size() - index + 1);
      assertThat(ranks.ranks(index, to))
          .containsExactly(sorted.subList(index, to).toArray(Long[]::new));
    }
    Map<Long, Integer> counts = new TreeMap<>();
    inside.forEach(value -> counts.merge(value, 1, Integer::sum));
    assertThat(ranks.distinct()).isEqualTo(counts.size());
    assertThat(texts.distinct()).isEqualTo(counts.size());
    Map<Long, Integer> visited = new TreeMap<>();
    ranks.forEachRank(visited::put);
    assertThat(visited).isEqualTo(counts);
    List<String> visitedTexts = new ArrayList<>();
    texts.forEachText((text, times) -> visitedTexts.add(text + times));
    assertThat(visitedTexts)
        .containsExactlyElementsOf(
            counts.entrySet().stream().map(e -> text(e.getKey()) + e.getValue()).toList());
    int limit = random.nextInt(counts.size() + 2);
    // Of equals the one that comes first in the map: the smaller one.
    List<Map.Entry<Long, Integer>> most =
        counts.entrySet().stream()
            .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
            .limit(limit)
            .toList();
    assertThat(ranks.mostFrequentRanks(limit))
        .containsExactly(most.stream().map(Map.Entry::getKey).toArray(Long[]::new));
    assertThat(ranks.mostFrequentCounts(limit))
        .containsExactly(most.stream().map(Map.Entry::getValue).toArray(Integer[]::new));
    assertThat(texts.mostFrequentTexts(limit))
        .containsExactly(most.stream().map(e -> text(e.getKey())).toArray(String[]::new));
  }

  /** Texts that have the order of the numbers. */
  private static String text(long value) {
    return "text " + (value + 50_000);
  }
}
