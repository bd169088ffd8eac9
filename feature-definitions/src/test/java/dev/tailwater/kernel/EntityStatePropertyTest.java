package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random histories against the naive oracle. A failing seed is in the test's name. */
class EntityStatePropertyTest {

  static LongStream seeds() {
    return LongStream.range(0, 1_000);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void equalsTheNaiveStateAtEveryInstantThroughStorageAndPruning(long seed) {
    Random random = new Random(seed);
    compareWithTheOracle(History.random(random), random);
  }

  /** From the first fact on, or after some: then the states that are there are replaced. */
  @Test
  void compiledLayoutsEqualTheOracle() {
    int compiled = 0;
    for (long seed = 0; compiled < 2_000; seed++) {
      Random random = new Random(seed);
      try {
        History history = History.ofTotalsAndEnds(random);
        if (LayoutCompiler.canCompile(StateShape.of(history.layout()))) {
          int before = random.nextBoolean() ? 0 : random.nextInt(history.facts().size() + 1);
          compareWithTheOracle(history, random, before);
          compiled++;
        }
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  private static final int SEEDS_IN_BLOCK = 250;

  static LongStream blocks() {
    return LongStream.range(0, 40);
  }

  @ParameterizedTest(name = "block {0} of 250 seeds")
  @MethodSource("blocks")
  void everyAggregateEqualsTheOracleInTenThousandHistories(long block) {
    for (long seed = block * SEEDS_IN_BLOCK; seed < (block + 1) * SEEDS_IN_BLOCK; seed++) {
      Random random = new Random(-1 - seed);
      try {
        History history = History.ofEveryAggregate(random);
        assertThat(history.layout().features())
            .extracting(feature -> feature.aggregation().function())
            .containsExactly(Aggregate.values());
        compareWithTheOracle(history, random);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  @ParameterizedTest(name = "block {0} of 250 seeds")
  @MethodSource("fewerBlocks")
  void coarseStateEqualsTheOracleWhetherFactsWereSummarisedOrNot(long block) {
    for (long seed = block * SEEDS_IN_BLOCK; seed < (block + 1) * SEEDS_IN_BLOCK; seed++) {
      Random random = new Random(seed);
      try {
        History history = History.coarse(random);
        assertThat(history.layout().coarse()).isTrue();
        compareWithTheOracle(history, random);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  @ParameterizedTest(name = "block {0} of 250 seeds")
  @MethodSource("fewerBlocks")
  void windowsByPositionEqualTheOracle(long block) {
    for (long seed = block * SEEDS_IN_BLOCK; seed < (block + 1) * SEEDS_IN_BLOCK; seed++) {
      Random random = new Random(seed);
      try {
        compareWithTheOracle(History.byPosition(random), random);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  static LongStream fewerBlocks() {
    return LongStream.range(0, 12);
  }

  private static void compareWithTheOracle(History history, Random random) {
    compareWithTheOracle(history, random, Integer.MAX_VALUE);
  }

  private static void compareWithTheOracle(History history, Random random, int factsBeforeCode) {
    StateLayout layout = history.layout();
    NaiveState naive = new NaiveState(layout);
    EntityState state = EntityState.of(layout);
    ChunkStore chunks = random.nextBoolean() ? new HeapChunkStore() : new StoredChunks(layout);
    // What a header derives from its facts is lost when it is read: both have to be followed long.
    boolean readsOften = random.nextBoolean();
    long clock = Long.MIN_VALUE;
    long applied = 0;
    int arrived = 0;
    for (Fact fact : history.arrival(random)) {
      if (arrived++ == factsBeforeCode) {
        StateShape.of(layout).compile();
      }
      state = state.newest();
      if (fact.time < clock - layout.latenessMs()) {
        continue; // Too late: a dead letter before it gets here.
      }
      Inserted expected = naive.insert(fact);
      assertThat(state.insert(fact, chunks)).isEqualTo(expected);
      if (expected == Inserted.CONFLICT || expected == Inserted.REPLACED_CONFLICT) {
        Fact conflict = Objects.requireNonNull(naive.conflict());
        assertThat(state.conflictPartition()).isEqualTo(conflict.partition);
        assertThat(state.conflictOffset()).isEqualTo(conflict.offset);
      }
      applied += expected.changed() ? 1 : 0;
      assertThat(state.factsApplied()).isEqualTo(applied);
      assertThat(state.lastFactTime()).isEqualTo(naive.lastFactTime());
      if (readsOften && random.nextInt(4) == 0) {
        state = StoredChunks.roundTrip(layout, state);
      }
      long instant = random.nextBoolean() ? fact.time : history.instant(random);
      if (instant >= clock - layout.latenessMs() && random.nextInt(3) == 0) {
        state.seek(instant, chunks);
        assertAnswers(state, chunks, naive, instant, random);
      }
      if (random.nextInt(8) == 0) {
        clock = Math.max(clock, history.instant(random) - random.nextInt(200));
        state.prune(clock, chunks);
        assertThat(state.earliestSeek()).isLessThanOrEqualTo(clock - layout.latenessMs());
        if (instant >= clock - layout.latenessMs()) {
          state.seek(instant, chunks);
          assertAnswers(state, chunks, naive, instant, random);
        }
      }
    }
    for (int question = 0; question < 4; question++) {
      long instant = Math.max(history.instant(random), clock - layout.latenessMs());
      state.seek(instant, chunks);
      assertAnswers(state, chunks, naive, instant, random);
    }
  }

  private static void assertAnswers(
      EntityState state, ChunkStore chunks, NaiveState naive, long instant, Random random) {
    @Nullable Object[] expected = naive.answer(instant);
    @Nullable Object[] answer = new Object[expected.length + 1];
    state.answer(answer, 1, chunks);
    for (int f = 0; f < expected.length; f++) {
      if (!Objects.equals(expected[f], answer[f + 1])) {
        assertThat(answer[f + 1])
            .as("feature %d as of %d: %s", f, instant, naive.feature(f))
            .isEqualTo(expected[f]);
      }
    }

    int first = random.nextInt(expected.length);
    int count = random.nextInt(expected.length - first + 1);
    @Nullable Object[] slice = new Object[count];
    state.answer(first, count, slice, 0, chunks);
    for (int i = 0; i < count; i++) {
      assertThat(slice[i]).isEqualTo(expected[first + i]);
    }

    long earliest = Long.MAX_VALUE;
    for (int f = first; f < first + count; f++) {
      long change = state.nextChange(f, 1, chunks);
      earliest = Math.min(earliest, change);
      if (change != naive.nextChange(f, instant)) {
        assertThat(change)
            .as("next change of feature %d as of %d: %s", f, instant, naive.feature(f))
            .isEqualTo(naive.nextChange(f, instant));
      }
    }
    assertThat(state.nextChange(first, count, chunks)).isEqualTo(earliest);
    assertAnswersWithout(state, chunks, naive, instant, random);
    assertFactsInWindow(state, chunks, naive, instant, random.nextInt(expected.length));
    assertThat(state.nextFactTime(instant, chunks)).isEqualTo(naive.nextFactTime(instant));
    Fact cause = naive.cause(instant);
    assertThat(state.causePartition()).isEqualTo(cause == null ? -1 : cause.partition);
    assertThat(state.causeOffset()).isEqualTo(cause == null ? -1 : cause.offset);
  }

  private static void assertAnswersWithout(
      EntityState state, ChunkStore chunks, NaiveState naive, long instant, Random random) {
    if (naive.facts().isEmpty()) {
      return;
    }
    Fact known = naive.facts().get(random.nextInt(naive.facts().size()));
    long idHash = random.nextInt(5) == 0 ? 77 : known.idHash;
    Fact self = naive.self(idHash, instant);
    @Nullable Object[] expected = naive.answer(instant, self);
    @Nullable Object[] answer = new Object[expected.length];
    state.answerWithout(idHash, 0, answer.length, answer, 0, chunks);
    for (int f = 0; f < expected.length; f++) {
      if (!Objects.equals(expected[f], answer[f])) {
        assertThat(answer[f])
            .as("feature %d as of %d without %d: %s", f, instant, idHash, naive.feature(f))
            .isEqualTo(expected[f]);
      }
    }
  }

  private static void assertFactsInWindow(
      EntityState state, ChunkStore chunks, NaiveState naive, long instant, int feature) {
    List<String> visited = new ArrayList<>();
    state.forEachFact(
        feature,
        chunks,
        (time, partition, offset, values) -> visited.add(time + "/" + partition + "/" + offset));
    List<String> expected =
        naive.inWindow(feature, instant).stream()
            .map(fact -> fact.time + "/" + fact.partition + "/" + fact.offset)
            .toList();
    if (naive.keepsSummaries(feature)) {
      expected = expected.subList(expected.size() - visited.size(), expected.size());
    }
    assertThat(visited).isEqualTo(expected);
  }

  static LongStream fewerSeeds() {
    return LongStream.range(0, 500);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("fewerSeeds")
  void answersAreTheSameInAnyArrivalOrder(long seed) {
    Random random = new Random(seed);
    History history = History.random(random);
    EntityState inLogOrder = EntityState.of(history.layout());
    ChunkStore itsChunks = new HeapChunkStore();
    for (Fact fact : history.facts()) {
      inLogOrder.insert(fact, itsChunks);
    }
    EntityState shuffled = EntityState.of(history.layout());
    ChunkStore shuffledChunks = new HeapChunkStore();
    List<Fact> arrival = history.arrival(random);
    if (random.nextBoolean()) {
      Collections.reverse(arrival);
    }
    for (Fact fact : arrival) {
      shuffled.insert(fact, shuffledChunks);
      if (random.nextBoolean()) {
        shuffled.seek(history.instant(random), shuffledChunks);
      }
    }
    @Nullable Object[] expected = new Object[history.layout().features().size()];
    @Nullable Object[] answer = new Object[expected.length];
    for (int question = 0; question < 5; question++) {
      long instant = history.instant(random);
      inLogOrder.seek(instant, itsChunks);
      inLogOrder.answer(expected, 0, itsChunks);
      shuffled.seek(instant, shuffledChunks);
      shuffled.answer(answer, 0, shuffledChunks);
      assertThat(answer).isEqualTo(expected);
      assertThat(shuffled.causePartition()).isEqualTo(inLogOrder.causePartition());
      assertThat(shuffled.causeOffset()).isEqualTo(inLogOrder.causeOffset());
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("fewerSeeds")
  void aCopyDoesNotSeeWhatHappensToTheOriginal(long seed) {
    Random random = new Random(seed);
    History history = History.random(random);
    StateLayout layout = history.layout();
    EntityState state = EntityState.of(layout);
    CopiedChunks chunks = new CopiedChunks();
    NaiveState naive = new NaiveState(layout);
    List<Fact> arrival = history.arrival(random);
    int half = arrival.size() / 2;
    for (Fact fact : arrival.subList(0, half)) {
      state.insert(fact, chunks);
      state.seek(fact.time, chunks);
      naive.insert(fact);
    }
    EntityState copy = state.copy();
    CopiedChunks copiedChunks = chunks.copy();
    for (Fact fact : arrival.subList(half, arrival.size())) {
      state.insert(fact, chunks);
      state.seek(fact.time, chunks);
    }
    state.seek(Long.MAX_VALUE, chunks);
    state.prune(Long.MAX_VALUE, chunks);

    long instant = history.instant(random);
    copy.seek(instant, copiedChunks);
    assertAnswers(copy, copiedChunks, naive, instant, random);
  }
}
