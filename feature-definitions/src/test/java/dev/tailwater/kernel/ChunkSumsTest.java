package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.schemas.ColumnType;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Cursors that have to move far do so in few steps, and stand where single steps lead. */
class ChunkSumsTest {

  private static final int HISTORIES = 60;

  @Test
  void questionsFarApartEqualTheOracle() {
    int compared = 0;
    int summed = 0;
    for (long seed = 0; compared < HISTORIES; seed++) {
      Random random = new Random(seed);
      try {
        History history = History.ofTotalsAndEnds(300 + random.nextInt(1_200), random);
        StateShape shape = StateShape.of(history.layout());
        if (shape.running.length == 0 && shape.positional.length == 0) {
          summed += compareWithTheOracle(history, random) ? 1 : 0;
          compared++;
        }
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
    assertThat(summed).isGreaterThan(HISTORIES / 2);
  }

  /** Returns whether the sums of chunks were used. */
  private static boolean compareWithTheOracle(History history, Random random) {
    StateLayout layout = history.layout();
    if (random.nextBoolean() && LayoutCompiler.canCompile(StateShape.of(layout))) {
      StateShape.of(layout).compile();
    }
    NaiveState naive = new NaiveState(layout);
    EntityState state = EntityState.of(layout);
    ChunkStore chunks = random.nextBoolean() ? new HeapChunkStore() : new StoredChunks(layout);
    long clock = Long.MIN_VALUE;
    int arrived = 0;
    boolean summed = false;
    List<Fact> arrival = history.arrival(random);
    for (Fact fact : arrival) {
      if (fact.time >= clock - layout.latenessMs()) {
        assertThat(state.insert(fact, chunks)).isEqualTo(naive.insert(fact));
      }
      if (random.nextInt(12) == 0) {
        long instant = random.nextInt(4) == 0 ? fact.time : history.instant(random);
        assertAnswers(state, chunks, naive, Math.max(instant, clock - layout.latenessMs()));
        summed |= state.hasChunkSums();
      }
      if (++arrived % (arrival.size() / 3) == 0) {
        // Mostly a small part of what is there.
        long part = history.facts().get(arrived / (2 + random.nextInt(4))).time;
        clock = Math.max(clock, part);
        state.prune(clock, chunks);
      }
    }
    return summed;
  }

  private static void assertAnswers(
      EntityState state, ChunkStore chunks, NaiveState naive, long instant) {
    @Nullable Object[] expected = naive.answer(instant);
    @Nullable Object[] answer = new Object[expected.length];
    state.seek(instant, chunks);
    state.answer(answer, 0, chunks);
    assertThat(answer).isEqualTo(expected);
    Fact cause = naive.cause(instant);
    assertThat(state.causePartition()).isEqualTo(cause == null ? -1 : cause.partition);
    assertThat(state.causeOffset()).isEqualTo(cause == null ? -1 : cause.offset);
  }

  @Test
  void aQuestionFarBackLooksAtFewChunks() {
    StateLayout layout =
        new StateLayout(
            List.of(ColumnType.DOUBLE),
            0,
            List.of(FeatureSpec.sliding(Aggregate.AVG, 0, -1, 1_000, 0, null)),
            Identity.EVENT,
            0);
    EntityState state = EntityState.of(layout);
    LookedAtChunks chunks = new LookedAtChunks();
    int facts = 100_000;
    for (int i = 0; i < facts; i++) {
      Fact fact = new Fact(layout);
      fact.time = i;
      fact.offset = i;
      fact.idHash = i;
      fact.values[0] = i / 8.0;
      state.insert(fact, chunks);
      state.seek(i, chunks);
    }
    // Whoever goes back once pays for the way, and for the sums.
    state.seek(2_000, chunks);
    state.seek(facts, chunks);
    for (int i = 0; i < 1_000; i++) {
      chunks.looks = 0;
      long instant = i % 2 == 0 ? 2_000 + i : facts - i;
      state.seek(instant, chunks);
      @Nullable Object[] answer = new Object[1];
      state.answer(answer, 0, chunks);
      assertThat(answer[0]).isEqualTo((instant == facts ? facts - 500 : instant - 499.5) / 8);
      assertThat(chunks.looks).isLessThan(20);
    }
  }
}
