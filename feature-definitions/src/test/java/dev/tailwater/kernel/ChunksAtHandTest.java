package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.schemas.ColumnType;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The chunks that a state keeps at hand are those that the store has, and are looked up once. */
class ChunksAtHandTest {

  private static final StateLayout LAYOUT =
      new StateLayout(
          List.of(ColumnType.DOUBLE),
          0,
          List.of(FeatureSpec.sliding(Aggregate.SUM, 0, -1, 100, 0, null)),
          Identity.NONE,
          0);

  private final LookedAtChunks chunks = new LookedAtChunks();

  private EntityState state(int facts) {
    EntityState state = EntityState.of(LAYOUT);
    for (int i = 0; i < facts; i++) {
      Fact fact = new Fact(LAYOUT);
      fact.time = i;
      fact.offset = i;
      fact.values[0] = 1.0;
      state.insert(fact, chunks);
      state.seek(i, chunks);
    }
    return state;
  }

  @Test
  void inOrderTheStoreIsNotAskedForChunksThatWereJustSealed() {
    state(1_000);
    assertThat(chunks.looks).isZero();
  }

  @Test
  void afterAStateWasReadEachOfAFewChunksIsAskedForOnce() {
    EntityState read = StoredChunks.roundTrip(LAYOUT, state(6 * Chunk.SEAL_AT));
    chunks.looks = 0;
    for (int times = 0; times < 10; times++) {
      read.seek(10, chunks);
      read.seek(6 * Chunk.SEAL_AT, chunks);
    }
    assertThat(chunks.looks).isBetween(1, 6);
    read.forgetChunks();
    chunks.looks = 0;
    read.seek(10, chunks);
    assertThat(chunks.looks).as("chunks that were forgotten").isBetween(5, 6);
  }

  @Test
  void aChunkThatWasPrunedIsNotAtHand() {
    EntityState state = state(8 * Chunk.SEAL_AT);
    state.prune(6 * Chunk.SEAL_AT, chunks);
    assertThat(state.firstChunk()).isPositive();
    for (int id = 0; id < state.firstChunk(); id++) {
      int pruned = id;
      assertThatThrownBy(() -> state.load(pruned, chunks))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("Chunk " + id + " is missing");
    }
  }

  @Test
  void aSealedChunkWhoseRowIsReplacedIsAnotherObject() {
    StateLayout layout =
        new StateLayout(
            List.of(ColumnType.DOUBLE),
            0,
            List.of(FeatureSpec.sliding(Aggregate.SUM, 0, -1, 100, 0, null)),
            Identity.EVENT,
            0);
    HeapChunkStore stored = new HeapChunkStore();
    EntityState state = EntityState.of(layout);
    for (int i = 0; i < 40; i++) {
      state.insert(fact(layout, i, 100 + i), stored);
    }
    Chunk sealed = Objects.requireNonNull(stored.get(0));
    byte[] before = StoredChunks.bytesOf(sealed);
    // The same event, earlier in the log.
    assertThat(state.insert(fact(layout, 5, 1), stored)).isEqualTo(Inserted.REPLACED);
    assertThat(stored.get(0)).isNotSameAs(sealed);
    assertThat(StoredChunks.bytesOf(sealed)).isEqualTo(before);
  }

  private static Fact fact(StateLayout layout, int time, long offset) {
    Fact fact = new Fact(layout);
    fact.time = time;
    fact.offset = offset;
    fact.idHash = time;
    fact.values[0] = (double) offset;
    return fact;
  }
}
