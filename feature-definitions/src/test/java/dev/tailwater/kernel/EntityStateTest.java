package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.schemas.ColumnType;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EntityStateTest {

  private static final long NOON = 1_700_000_000_000L;
  private static final FeatureSpec COUNT_10 =
      FeatureSpec.sliding(Aggregate.COUNT, -1, -1, 10, 0, null);
  private static final FeatureSpec SUM_10 = FeatureSpec.sliding(Aggregate.SUM, 0, -1, 10, 0, null);
  private static final FeatureSpec COUNT_10_LATER =
      FeatureSpec.sliding(Aggregate.COUNT, -1, -1, 10, 5, null);

  private final HeapChunkStore chunks = new HeapChunkStore();
  private long nextOffset;
  private int features;

  @Test
  void exactlyTheWindowOldIsOutAndExactlyNowIsIn() {
    EntityState state = EntityState.of(layout(COUNT_10, COUNT_10_LATER));
    state.insert(fact(NOON, 1.0), chunks);

    assertThat(asOf(state, NOON - 1)).containsExactly(0L, 0L);
    assertThat(asOf(state, NOON)).containsExactly(1L, 0L);
    assertThat(asOf(state, NOON + 4)).containsExactly(1L, 0L);
    assertThat(asOf(state, NOON + 5)).containsExactly(1L, 1L);
    assertThat(asOf(state, NOON + 9)).containsExactly(1L, 1L);
    assertThat(asOf(state, NOON + 10)).containsExactly(0L, 1L);
    assertThat(asOf(state, NOON + 14)).containsExactly(0L, 1L);
    assertThat(asOf(state, NOON + 15)).containsExactly(0L, 0L);
  }

  @Test
  void anEmptyWindowIsNullUnlessTheFeatureSaysOtherwise() {
    FeatureSpec declared = FeatureSpec.sliding(Aggregate.AVG, 0, -1, 10, 0, -1.0);
    EntityState state = EntityState.of(layout(COUNT_10, SUM_10, declared));

    assertThat(asOf(state, NOON)).containsExactly(0L, null, -1.0);
    state.insert(fact(NOON, null), chunks);
    assertThat(asOf(state, NOON)).containsExactly(1L, null, -1.0);
    state.insert(fact(NOON, 4.0), chunks);
    assertThat(asOf(state, NOON)).containsExactly(2L, 4.0, 4.0);
  }

  @Test
  void aFactFromTheFutureOfTheQuestionIsNotInItsAnswer() {
    EntityState state = EntityState.of(layout(SUM_10));
    state.insert(fact(NOON, 1.0), chunks);
    state.insert(fact(NOON + 5, 2.0), chunks);

    assertThat(asOf(state, NOON + 5)).containsExactly(3.0);
    assertThat(asOf(state, NOON + 4)).containsExactly(1.0);
    assertThat(state.nextFactTime(NOON + 4, chunks)).isEqualTo(NOON + 5);
    assertThat(state.causeOffset()).isZero();
  }

  @Test
  void theNextChangeIsWhenAPastFactEntersOrLeaves() {
    EntityState state = EntityState.of(layout(COUNT_10, COUNT_10_LATER));
    state.insert(fact(NOON, 1.0), chunks);
    state.insert(fact(NOON + 3, 1.0), chunks);

    state.seek(NOON, chunks);
    assertThat(state.nextChange(0, 1, chunks)).isEqualTo(NOON + 10);
    assertThat(state.nextChange(0, 2, chunks)).isEqualTo(NOON + 5);
    state.seek(NOON + 10, chunks);
    assertThat(state.nextChange(0, 1, chunks)).isEqualTo(NOON + 13);
    state.seek(NOON + 18, chunks);
    assertThat(state.nextChange(0, 2, chunks)).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void theFirstLoggedOfTwoDuplicatesIsTheCauseWhicheverCameFirst() {
    EntityState state = EntityState.of(layout(true, COUNT_10, SUM_10));
    Fact second = fact(NOON, 1.0);
    second.partition = 1;
    second.offset = 7;
    Fact first = fact(NOON, 2.0);
    first.partition = 0;
    first.offset = 9;

    assertThat(state.insert(second, chunks)).isEqualTo(Inserted.NEW);
    state.seek(NOON, chunks);
    assertThat(state.insert(first, chunks)).isEqualTo(Inserted.REPLACED);
    assertThat(state.insert(second, chunks)).isEqualTo(Inserted.DUPLICATE);

    assertThat(asOf(state, NOON)).containsExactly(1L, 2.0);
    assertThat(state.causePartition()).isZero();
    assertThat(state.causeOffset()).isEqualTo(9);
    assertThat(state.factsApplied()).as("every change counts").isEqualTo(2);
  }

  @Test
  void theSameIdAtAnotherTimeIsAnotherFact() {
    EntityState state = EntityState.of(layout(true, COUNT_10));
    assertThat(state.insert(fact(NOON, 1.0), chunks)).isEqualTo(Inserted.NEW);
    assertThat(state.insert(fact(NOON + 1, 1.0), chunks)).isEqualTo(Inserted.NEW);
    assertThat(asOf(state, NOON + 1)).containsExactly(2L);
  }

  @Test
  void aQuietEntityIsPrunedToNothingAndRemembersItsLastFact() {
    EntityState state = EntityState.of(layout(COUNT_10));
    for (int i = 0; i < 100; i++) {
      state.insert(fact(NOON + i, 1.0), chunks);
    }
    state.seek(NOON + 99, chunks);
    state.prune(NOON + 1_000, chunks);
    assertThat(state.isEmpty()).as("facts of the last answer stay").isFalse();
    assertThat(asOf(state, NOON + 99)).containsExactly(10L);

    state.seek(NOON + 1_000, chunks);
    state.prune(NOON + 1_000, chunks);
    assertThat(state.isEmpty()).isTrue();
    assertThat(state.lastFactTime()).isEqualTo(NOON + 99);
    assertThat(state.causeOffset()).isEqualTo(99);
    assertThat(state.factsApplied()).isEqualTo(100);
    for (int id = 0; id < 10; id++) {
      assertThat(chunks.get(id)).isNull();
    }

    assertThat(state.insert(fact(NOON + 99, 1.0), chunks))
        .as("as old as pruned")
        .isEqualTo(Inserted.TOO_OLD);
    assertThat(state.insert(fact(NOON + 1_000, 1.0), chunks)).isEqualTo(Inserted.NEW);
    assertThat(asOf(state, NOON + 1_000)).containsExactly(1L);
  }

  @Test
  void aQuestionFromBeforeWhatWasPrunedIsRefused() {
    EntityState state = EntityState.of(layout(COUNT_10));
    assertThat(state.earliestSeek()).isEqualTo(Long.MIN_VALUE);
    state.insert(fact(NOON, 1.0), chunks);
    state.seek(NOON + 1_000, chunks);
    state.prune(NOON + 1_000, chunks);

    assertThat(state.earliestSeek()).isEqualTo(NOON + 10);
    assertThatThrownBy(() -> state.seek(NOON, chunks))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cannot be asked as of " + NOON)
        .hasMessageContaining("earliest instant is " + (NOON + 10));
  }

  private static final FeatureSpec COARSE =
      new FeatureSpec(
          new Aggregation(Aggregate.COUNT, -1, -1, -1, 1, 0),
          -1,
          new Window.Sliding(100, 0, 50, Window.Bounds.OPEN_CLOSED),
          false,
          null);

  @Test
  void howManyFactsAnInstantHasIsFoundOutOnceAndNotAtEachEvent() {
    LookedAtChunks looked = new LookedAtChunks();
    EntityState state = EntityState.of(layout(COARSE));
    for (int i = 0; i < 100 * Chunk.SEAL_AT + 8; i++) {
      state.insert(fact(NOON + 10, 1.0), looked);
    }
    state.insert(fact(NOON + 60, 1.0), looked);
    state.seek(NOON + 60, looked);
    looked.looks = 0;
    for (int i = 0; i < 40; i++) {
      state.prune(NOON + 20 + i, looked);
    }

    assertThat(looked.looks).isLessThan(2 * 100);
    state.seek(NOON + 61, looked);
    state.prune(NOON + 61, looked);
    assertThat(state.isEmpty()).isTrue();
    @Nullable Object[] answer = new Object[1];
    state.answer(answer, 0, looked);
    assertThat(answer).containsExactly(100 * Chunk.SEAL_AT + 9L);
  }

  @Test
  void factsOfOneInstantAreSummarisedTogetherOrNotAtAll() {
    EntityState state = EntityState.of(layout(COARSE));
    // As many as fill one chunk and begin the next, which goes on with a later one.
    for (int i = 0; i < Chunk.SEAL_AT + 8; i++) {
      state.insert(fact(NOON + 10, 1.0), chunks);
    }
    state.insert(fact(NOON + 60, 1.0), chunks);
    state.seek(NOON + 60, chunks);
    state.prune(NOON + 30, chunks);

    assertThat(asOf(state, NOON + 60)).containsExactly(Chunk.SEAL_AT + 9L);
    state.prune(NOON + 60, chunks);
    assertThat(asOf(state, NOON + 60)).containsExactly(Chunk.SEAL_AT + 9L);
  }

  @Test
  void memoryFollowsTheWindowNotTheTraffic() {
    StateLayout layout = layout(COUNT_10, SUM_10);
    StoredChunks stored = new StoredChunks(layout);
    EntityState state = EntityState.of(layout);
    int size = 0;
    for (int i = 0; i < 5_000; i++) {
      state.insert(fact(NOON + i, 0.1 * i), stored);
      state.seek(NOON + i, stored);
      state.prune(NOON + i, stored);
      size = Math.max(size, StoredChunks.bytesOf(state).length);
      assertThat(stored.size()).isLessThanOrEqualTo(3);
    }
    assertThat(size).isLessThan(150);
  }

  @Test
  void anOddValueCostsSpaceOnlyWhileItIsRemembered() {
    StateLayout layout = layout(SUM_10);
    EntityState state = EntityState.of(layout);
    state.insert(fact(NOON, Double.NaN), chunks);
    assertThat(asOf(state, NOON)).containsExactly(Double.NaN);
    assertThat(asOf(state, NOON + 10)).containsExactly((Object) null);
    int before = StoredChunks.bytesOf(state).length;
    state.insert(fact(NOON + 20, 1e-200), chunks);
    assertThat(asOf(state, NOON + 20)).containsExactly(1e-200);
    assertThat(StoredChunks.bytesOf(state).length).isGreaterThan(before + 30);
    assertThat(asOf(state, NOON + 30)).containsExactly((Object) null);
    assertThat(StoredChunks.bytesOf(state).length).isLessThan(before + 10);
  }

  @Test
  void aSealedChunkIsItsOwnCopy() {
    EntityState state = EntityState.of(layout(COUNT_10));
    for (int i = 0; i < 40; i++) {
      state.insert(fact(NOON + 2 * i, 1.0), chunks);
    }
    Chunk sealed = Objects.requireNonNull(chunks.get(0));
    Chunk tail = Objects.requireNonNull(chunks.get(1));
    assertThat(sealed.copy()).isSameAs(sealed);
    assertThat(tail.copy()).isNotSameAs(tail);

    byte[] before = StoredChunks.bytesOf(sealed);
    state.insert(fact(NOON + 1, 1.0), chunks);
    assertThat(chunks.get(0)).isNotSameAs(sealed);
    assertThat(StoredChunks.bytesOf(sealed)).isEqualTo(before);
  }

  @Test
  void aValueOfTheWrongTypeIsRefusedAndChangesNothing() {
    EntityState state = EntityState.of(layout(COUNT_10));
    state.insert(fact(NOON, 1.0), chunks);
    Fact wrong = fact(NOON + 1, 1.0);
    wrong.values[0] = "one";
    assertThatThrownBy(() -> state.insert(wrong, chunks))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Column 0 of the state is DOUBLE, but the fact carries a String (one): give a Double or"
                + " null");
    assertThat(state.factsApplied()).isEqualTo(1);
    assertThat(asOf(state, NOON + 1)).containsExactly(1L);
  }

  @Test
  void stateOfAnotherLayoutOrFormatIsNotMisread() {
    StateLayout written = layout(COUNT_10);
    byte[] state = StoredChunks.bytesOf(EntityState.of(written));
    assertThatThrownBy(
            () ->
                EntityState.read(
                    layout(SUM_10), new DataInputStream(new ByteArrayInputStream(state))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("written with another state layout");
    state[0] = 9;
    assertThatThrownBy(
            () -> EntityState.read(written, new DataInputStream(new ByteArrayInputStream(state))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("has format 9, this release reads 2");
  }

  @Test
  void aMissingChunkIsNamed() {
    StateLayout layout = layout(COUNT_10);
    EntityState state = EntityState.of(layout);
    state.insert(fact(NOON, 1.0), chunks);
    EntityState restored = StoredChunks.roundTrip(layout, state);
    assertThatThrownBy(() -> restored.seek(NOON, new HeapChunkStore()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Chunk 0 is missing");
  }

  @Test
  void aLayoutThatContradictsItselfIsRefused() {
    assertThatThrownBy(
            () -> EntityState.of(layout(FeatureSpec.sliding(Aggregate.SUM, 3, -1, 10, 0, null))))
        .hasMessage("Feature 0 reads column 3: the state has 1");
    assertThatThrownBy(
            () -> EntityState.of(layout(FeatureSpec.sliding(Aggregate.COUNT, -1, 0, 10, 0, null))))
        .hasMessage("Feature 0 uses filter 0: the state has 0");
    assertThatThrownBy(
            () -> EntityState.of(layout(FeatureSpec.sliding(Aggregate.SUM, 0, -1, 0, 0, null))))
        .hasMessageContaining("Feature 0 has a window of 0 ms");
    assertThatThrownBy(
            () -> EntityState.of(layout(FeatureSpec.sliding(Aggregate.SUM, 0, -1, 10, 0, 0L))))
        .hasMessage("Feature 0 is DOUBLE, but its empty value is 0: give it in that type");
  }

  @Test
  void resultTypesFollowTheColumn() {
    assertThat(Aggregate.COUNT.resultType(null)).isEqualTo(ColumnType.LONG);
    assertThat(Aggregate.COUNT.resultType(ColumnType.STRING)).isEqualTo(ColumnType.LONG);
    assertThat(Aggregate.AVG.resultType(ColumnType.BOOLEAN)).isEqualTo(ColumnType.DOUBLE);
    assertThat(Aggregate.MAX.resultType(ColumnType.TIMESTAMP)).isEqualTo(ColumnType.TIMESTAMP);
    assertThatThrownBy(() -> Aggregate.SUM.resultType(ColumnType.TIMESTAMP))
        .hasMessageContaining("SUM is not defined for a TIMESTAMP column");
    assertThatThrownBy(() -> Aggregate.MIN.resultType(ColumnType.STRING))
        .hasMessageContaining("MIN is not defined for a STRING column");
    assertThatThrownBy(() -> Aggregate.MIN.resultType(null)).hasMessageContaining("needs a column");
  }

  private @Nullable Object[] asOf(EntityState state, long instant) {
    state.seek(instant, chunks);
    @Nullable Object[] answer = new Object[features];
    state.answer(answer, 0, chunks);
    return answer;
  }

  private StateLayout layout(FeatureSpec... specs) {
    return layout(false, specs);
  }

  private StateLayout layout(boolean identified, FeatureSpec... specs) {
    features = specs.length;
    return new StateLayout(
        List.of(ColumnType.DOUBLE),
        0,
        List.of(specs),
        identified ? Identity.EVENT : Identity.NONE,
        0);
  }

  private Fact fact(long time, @Nullable Double value) {
    Fact fact =
        new Fact(new StateLayout(List.of(ColumnType.DOUBLE), 0, List.of(), Identity.NONE, 0));
    fact.time = time;
    fact.offset = nextOffset++;
    fact.idHash = 42;
    fact.values[0] = value;
    return fact;
  }
}
