package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.schemas.ColumnType;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What each window and each identity means, on the smallest example that shows it. */
class WindowsAndIdentitiesTest {

  private static final long NOON = Instant.parse("2024-03-10T12:00:00Z").toEpochMilli();
  private static final int NUMBER = 0;
  private static final int TEXT = 1;
  private static final List<ColumnType> COLUMNS = List.of(ColumnType.DOUBLE, ColumnType.STRING);

  private HeapChunkStore chunks = new HeapChunkStore();
  private Identity identity = Identity.EVENT;
  private long latenessMs;
  private long nextOffset;
  private int answers;

  @ParameterizedTest
  @EnumSource
  void boundsSayWhichEdgesAreIn(Window.Bounds bounds) {
    EntityState state =
        state(feature(Aggregate.LAST_K, NUMBER, 99, new Window.Sliding(10, 0, 0, bounds)));
    for (int age = 11; age >= 0; age--) {
      insert(state, fact(NOON - age, (double) age, "a"));
    }
    List<Double> ages = new ArrayList<>(List.of(9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0));
    if (bounds.includesOldest()) {
      ages.add(0, 10.0);
    }
    if (bounds.includesNewest()) {
      ages.add(0.0);
    }
    assertThat(asOf(state, NOON)).containsExactly(ages);
  }

  @Test
  void aResolutionMovesTheOldEdgeBackToAMultipleAndTheNewOneNot() {
    EntityState state =
        state(
            count(new Window.Sliding(100, 0, 50, Window.Bounds.OPEN_CLOSED)),
            count(new Window.Sliding(100, 0, 50, Window.Bounds.CLOSED_CLOSED)));
    insert(state, fact(1000, 1.0, "a"));
    assertThat(asOf(state, 999)).containsExactly(0L, 0L);
    assertThat(asOf(state, 1099)).containsExactly(1L, 1L);
    assertThat(asOf(state, 1100)).containsExactly(0L, 1L);
    assertThat(state.nextChange(1, 1, chunks)).isEqualTo(1150);
    assertThat(asOf(state, 1150)).containsExactly(0L, 0L);
  }

  @Test
  void theLastEventsAreThoseThatPassTheFilter() {
    EntityState state =
        state(
            new FeatureSpec(
                new Aggregation(Aggregate.LAST_K, NUMBER, -1, -1, 10, 0),
                0,
                new Window.LastEvents(2, 5),
                false,
                null));
    for (int i = 0; i < 6; i++) {
      Fact fact = fact(NOON + i, (double) i, "a");
      fact.filterBits = i % 2;
      insert(state, fact);
    }
    assertThat(asOf(state, NOON + 10)).containsExactly(List.of(3.0, 5.0));
    assertThat(asOf(state, NOON + 9)).containsExactly(List.of(1.0, 3.0));
    assertThat(state.nextChange(0, 1, chunks)).as("the newest enters late").isEqualTo(NOON + 10);
    assertThat(asOf(state, NOON + 1_000_000)).containsExactly(List.of(3.0, 5.0));
    assertThat(state.nextChange(0, 1, chunks)).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void nullsAreEventsOfTheWindowButNotValues() {
    EntityState state = state(feature(Aggregate.LAST_K, NUMBER, 9, new Window.LastEvents(2, 0)));
    insert(state, fact(NOON, 1.0, "a"));
    insert(state, fact(NOON + 1, 2.0, "a"));
    insert(state, fact(NOON + 2, null, "a"));
    assertThat(asOf(state, NOON + 2)).containsExactly(List.of(2.0));
  }

  @Test
  void aSessionEndsWhenMoreThanItsGapHasPassed() {
    EntityState state = state(count(new Window.Session(10, 0)));
    for (long time : new long[] {0, 10, 21, 30}) {
      insert(state, fact(NOON + time, 1.0, "a"));
    }
    assertThat(asOf(state, NOON + 10)).containsExactly(2L);
    assertThat(asOf(state, NOON + 20)).containsExactly(2L);
    assertThat(state.nextChange(0, 1, chunks)).isEqualTo(NOON + 21);
    assertThat(asOf(state, NOON + 21)).as("11 after the last").containsExactly(1L);
    assertThat(asOf(state, NOON + 40)).containsExactly(2L);
    assertThat(asOf(state, NOON + 41)).containsExactly(0L);
    insert(state, fact(NOON + 15, 1.0, "late"));
    assertThat(asOf(state, NOON + 40)).as("a late event joins two").containsExactly(5L);
  }

  @Test
  void aCalendarDayIsThatOfItsZoneAlsoWhenClocksChange() {
    // New York went to summer time on this day, at 07:00Z: it had 23 hours.
    ZoneId zone = ZoneId.of("America/New_York");
    EntityState state =
        state(
            count(new Window.Calendar(Window.Period.DAY, zone, 0, 0)),
            count(new Window.Calendar(Window.Period.DAY, zone, 1, 0)));
    long start = Instant.parse("2024-03-10T05:00:00Z").toEpochMilli();
    long end = Instant.parse("2024-03-11T04:00:00Z").toEpochMilli();
    insert(state, fact(start - 1, 1.0, "a"));
    insert(state, fact(start, 1.0, "a"));
    insert(state, fact(end - 1, 1.0, "a"));

    assertThat(asOf(state, start - 1)).containsExactly(1L, 0L);
    assertThat(state.nextChange(0, 1, chunks)).isEqualTo(start);
    assertThat(asOf(state, start)).containsExactly(1L, 1L);
    assertThat(asOf(state, end - 1)).containsExactly(2L, 1L);
    assertThat(state.nextChange(0, 2, chunks)).isEqualTo(end);
    assertThat(asOf(state, end)).containsExactly(0L, 2L);
    assertThat(state.nextChange(0, 2, chunks))
        .isEqualTo(Instant.parse("2024-03-12T04:00:00Z").toEpochMilli());
  }

  @Test
  void weeksBeginOnMondayAndMonthsOnTheFirst() {
    ZoneId utc = ZoneId.of("UTC");
    EntityState state =
        state(
            count(new Window.Calendar(Window.Period.WEEK, utc, 0, 0)),
            count(new Window.Calendar(Window.Period.MONTH, utc, 0, 0)),
            count(new Window.Calendar(Window.Period.MONTH, utc, 3, 0)));
    insert(state, fact(Instant.parse("2024-02-29T23:59:59.999Z").toEpochMilli(), 1.0, "a"));
    insert(state, fact(Instant.parse("2024-03-04T00:00:00Z").toEpochMilli(), 1.0, "a"));

    assertThat(asOf(state, Instant.parse("2024-03-10T23:59:59Z").toEpochMilli()))
        .containsExactly(1L, 1L, 1L);
    assertThat(asOf(state, Instant.parse("2024-03-11T00:00:00Z").toEpochMilli()))
        .containsExactly(0L, 1L, 1L);
    assertThat(asOf(state, Instant.parse("2024-05-31T00:00:00Z").toEpochMilli()))
        .containsExactly(0L, 0L, 2L);
    assertThat(asOf(state, Instant.parse("2024-06-01T00:00:00Z").toEpochMilli()))
        .containsExactly(0L, 0L, 1L);
  }

  @Test
  void aCopyWithAnotherPayloadIsInConflictWhicheverComesFirst() {
    EntityState state = state(feature(Aggregate.SUM, NUMBER, 0, Window.sliding(10, 0)));
    Fact first = fact(NOON, 1.0, "a");
    Fact second = fact(NOON, 2.0, "a");
    second.idHash = first.idHash;
    second.payloadHash = 5;

    assertThat(state.insert(second, chunks)).isEqualTo(Inserted.NEW);
    assertThat(state.insert(first, chunks)).isEqualTo(Inserted.REPLACED_CONFLICT);
    assertThat(state.conflictOffset()).isEqualTo(second.offset);
    assertThat(state.insert(second, chunks)).isEqualTo(Inserted.CONFLICT);
    assertThat(state.conflictOffset()).isEqualTo(second.offset);
    assertThat(state.insert(first, chunks)).isEqualTo(Inserted.DUPLICATE);
    assertThat(asOf(state, NOON)).containsExactly(1.0);
  }

  @Test
  void aDeletedRowIsTakenOutOfEveryAggregateExactly() {
    identity = Identity.ROW;
    Window day = Window.sliding(100, 0);
    EntityState state =
        state(
            feature(Aggregate.SUM, NUMBER, 0, day),
            feature(Aggregate.MAX, NUMBER, 0, day),
            feature(Aggregate.DISTINCT, TEXT, 0, day),
            feature(Aggregate.LAST, TEXT, 0, day),
            feature(Aggregate.TOP_K, NUMBER, 2, day),
            feature(Aggregate.FIRST, TEXT, 0, new Window.Lifetime(0)));
    insert(state, fact(NOON, 0.1, "a"));
    Fact wrong = fact(NOON + 1, 1e16, "b");
    insert(state, wrong);
    insert(state, fact(NOON + 2, 0.2, "a"));
    assertThat(asOf(state, NOON + 2))
        .containsExactly(0.1 + 1e16 + 0.2, 1e16, 2L, "a", List.of(1e16, 0.2), "a");

    Fact deletion = fact(NOON + 1, null, null);
    deletion.idHash = wrong.idHash;
    deletion.deleted = true;
    assertThat(state.insert(deletion, chunks)).isEqualTo(Inserted.REPLACED);
    assertThat(asOf(state, NOON + 2))
        .containsExactly(0.30000000000000004, 0.2, 1L, "a", List.of(0.2, 0.1), "a");
    assertThat(state.insert(wrong, chunks)).as("an older version").isEqualTo(Inserted.DUPLICATE);
  }

  @Test
  void aDeletionMayArriveBeforeTheRow() {
    identity = Identity.ROW;
    EntityState state = state(count(Window.sliding(100, 0)));
    Fact row = fact(NOON, 1.0, "a");
    Fact deletion = fact(NOON, null, null);
    deletion.idHash = row.idHash;
    deletion.deleted = true;
    assertThat(state.insert(deletion, chunks)).isEqualTo(Inserted.NEW);
    assertThat(state.insert(row, chunks)).isEqualTo(Inserted.DUPLICATE);
    assertThat(asOf(state, NOON)).containsExactly(0L);
  }

  @Test
  void ofADeletionAndAVersionAtOnePlaceOfTheLogTheVersionCounts() {
    identity = Identity.ROW;
    EntityState state = state(count(Window.sliding(100, 0)));
    Fact deletion = fact(NOON, null, null);
    deletion.deleted = true;
    Fact version = fact(NOON, 2.0, "a");
    version.idHash = deletion.idHash;
    version.offset = deletion.offset;
    assertThat(state.insert(deletion, chunks)).isEqualTo(Inserted.NEW);
    assertThat(state.insert(version, chunks)).isEqualTo(Inserted.REPLACED);
    assertThat(state.insert(deletion, chunks)).isEqualTo(Inserted.DUPLICATE);
    assertThat(asOf(state, NOON)).containsExactly(1L);
  }

  @Test
  void theAskingEventIsLeftOutByIdAndItsTiesAreNot() {
    Window lastTwo = new Window.LastEvents(2, 0);
    EntityState state =
        state(
            excludingSelf(feature(Aggregate.SUM, NUMBER, 0, Window.sliding(10, 0))),
            excludingSelf(feature(Aggregate.LAST_K, NUMBER, 9, lastTwo)),
            feature(Aggregate.LAST_K, NUMBER, 9, lastTwo));
    insert(state, fact(NOON - 1, 1.0, "a"));
    Fact self = fact(NOON, 2.0, "a");
    insert(state, self);
    insert(state, fact(NOON, 4.0, "a"));
    state.seek(NOON, chunks);

    assertThat(without(state, self.idHash))
        .containsExactly(5.0, List.of(1.0, 4.0), List.of(2.0, 4.0));
    assertThat(without(state, 77)).containsExactly(7.0, List.of(2.0, 4.0), List.of(2.0, 4.0));
  }

  @Test
  void pruningKeepsOneMoreThanTheLastEventsBecauseOneMayBeLeftOut() {
    EntityState state =
        state(excludingSelf(feature(Aggregate.COUNT, -1, 0, new Window.LastEvents(10, 0))));
    Fact self = fact(NOON, 1.0, "a");
    for (int i = 0; i < Chunk.SEAL_AT + 10; i++) {
      self = fact(NOON + i, 1.0, "a");
      insert(state, self);
    }
    state.seek(NOON + 100, chunks);
    assertThat(without(state, self.idHash)).containsExactly(10L);

    state.prune(NOON + 60, chunks);

    assertThat(without(state, self.idHash)).containsExactly(10L);
  }

  @Test
  void whereOlderFactsAreSummedUpAnEventOfTheLastHourIsLeftOut() {
    long hour = FeatureSpec.SELF_REACH_MS;
    Window tiled = new Window.Sliding(9 * hour, 0, hour / 60, Window.Bounds.OPEN_CLOSED);
    for (Window other : List.of(tiled, Window.sliding(1, 0))) {
      chunks = new HeapChunkStore();
      EntityState state =
          state(
              excludingSelf(count(new Window.Lifetime(0))),
              excludingSelf(feature(Aggregate.MAX, NUMBER, 0, new Window.Lifetime(hour))),
              excludingSelf(count(other)));
      Fact young = fact(NOON, 1.0, "a");
      Fact old = fact(NOON, 1.0, "a");
      for (int i = 0; i < 4 * Chunk.SEAL_AT; i++) {
        Fact fact = fact(NOON - 4 * hour + i * hour / Chunk.SEAL_AT, 1.0 + i, "a");
        insert(state, fact);
        old = i == 3 * Chunk.SEAL_AT - 1 ? fact : old;
        young = i == 3 * Chunk.SEAL_AT ? fact : young;
      }
      long asked = young.time + hour - 1;
      long counted = other == tiled ? 128 : 0;
      assertThat(asOf(state, asked)).containsExactly(128L, 96.0, counted);

      for (boolean pruned : List.of(false, true)) {
        if (pruned) {
          state.prune(asked, chunks);
          assertThat(state.earliestSeek()).isGreaterThan(Long.MIN_VALUE);
        }
        assertThat(without(state, young.idHash))
            .containsExactly(127L, 96.0, Math.max(0, counted - 1));
        assertThat(without(state, old.idHash))
            .as("too old to be taken out of a sum of all, whether summed up or not")
            .containsExactly(128L, 95.0, counted);
      }
    }
  }

  @Test
  void ofARowThatMovedInTimeTheVersionThatCountsIsLeftOut() {
    identity = Identity.ROW;
    EntityState state =
        state(excludingSelf(feature(Aggregate.SUM, NUMBER, 0, Window.sliding(100, 0))));
    insert(state, fact(NOON, 1.0, "a"));
    Fact row = fact(NOON + 9, 2.0, "a");
    insert(state, row);
    Fact gone = fact(NOON + 9, null, null);
    gone.idHash = row.idHash;
    gone.deleted = true;
    assertThat(state.insert(gone, chunks)).isEqualTo(Inserted.REPLACED);
    Fact moved = fact(NOON + 5, 4.0, "a");
    moved.idHash = row.idHash;
    insert(state, moved);

    for (long asked : List.of(NOON + 5, NOON + 9, NOON + 20)) {
      assertThat(asOf(state, asked)).containsExactly(5.0);
      assertThat(without(state, row.idHash)).containsExactly(1.0);
    }
  }

  @Test
  void explainSeesTheFactsOfTheWindow() {
    EntityState state = state(feature(Aggregate.LAST, TEXT, 0, new Window.LastEvents(2, 0)));
    insert(state, fact(NOON, 1.0, "a"));
    insert(state, fact(NOON + 1, 2.0, "b"));
    insert(state, fact(NOON + 2, null, "c"));
    state.seek(NOON + 2, chunks);
    List<String> seen = new ArrayList<>();
    state.forEachFact(
        0,
        chunks,
        (time, partition, offset, values) ->
            seen.add(time - NOON + ":" + offset + List.of(values[TEXT] + "")));
    assertThat(seen).containsExactly("1:1[b]", "2:2[c]");
  }

  @Test
  void aMapHasTheKeysOfTheMostFacts() {
    Window window = Window.sliding(100, 0);
    EntityState state =
        state(
            grouped(Aggregate.COUNT, -1, 2, window),
            grouped(Aggregate.SUM, NUMBER, 9, window),
            grouped(Aggregate.COUNT, -1, 2, Window.sliding(1, 500)));
    for (String key : new String[] {"b", "c", "a", "c"}) {
      insert(state, fact(NOON, key.equals("b") ? null : 1.5, key));
    }
    insert(state, fact(NOON, 1.0, null));
    assertThat(asOf(state, NOON))
        .containsExactly(Map.of("c", 2L, "a", 1L), Map.of("c", 3.0, "a", 1.5), Map.of());
  }

  @Test
  void aLifetimeIsBoundedAndLosesNothing() {
    Window lifetime = new Window.Lifetime(0);
    StateLayout layout =
        layout(
            count(lifetime),
            feature(Aggregate.SUM, NUMBER, 0, lifetime),
            feature(Aggregate.MAX, NUMBER, 0, lifetime),
            feature(Aggregate.STDDEV, NUMBER, 0, lifetime),
            feature(Aggregate.FIRST_K, NUMBER, 2, lifetime),
            feature(Aggregate.LAG, NUMBER, 3, lifetime),
            feature(Aggregate.APPROX_DISTINCT, NUMBER, 0, lifetime));
    StoredChunks stored = new StoredChunks(layout);
    EntityState state = EntityState.of(layout);
    NaiveState naive = new NaiveState(layout);
    int size = 0;
    for (int i = 0; i < 3_000; i++) {
      Fact fact = fact(NOON + i, 0.1 * (i % 700), "a");
      state.insert(fact, stored);
      naive.insert(fact);
      state.seek(NOON + i, stored);
      state.prune(NOON + i, stored);
      size = Math.max(size, StoredChunks.bytesOf(state).length);
      assertThat(stored.size()).isLessThanOrEqualTo(3);
    }
    assertThat(size).isLessThan(6_000);
    @Nullable Object[] answer = new Object[7];
    state.answer(answer, 0, stored);
    assertThat(answer).containsExactly(naive.answer(NOON + 2_999));
  }

  @Test
  void aFactThatIsNotTooLateIsNeverRefused() {
    latenessMs = 10;
    EntityState state = state(count(new Window.Lifetime(0)));
    insert(state, fact(NOON, 1.0, "a"));
    state.seek(NOON + 10, chunks);
    state.prune(NOON + 10, chunks);
    assertThat(state.insert(fact(NOON, 1.0, "a"), chunks)).isEqualTo(Inserted.NEW);
    state.seek(NOON + 11, chunks);
    state.prune(NOON + 11, chunks);
    assertThat(state.insert(fact(NOON, 1.0, "a"), chunks)).isEqualTo(Inserted.TOO_OLD);
  }

  @Test
  void onlyTheLastEventsAndTheOpenSessionAreKept() {
    StateLayout layout =
        layout(count(new Window.LastEvents(100, 0)), count(new Window.Session(5, 0)));
    StoredChunks stored = new StoredChunks(layout);
    EntityState state = EntityState.of(layout);
    @Nullable Object[] answer = new Object[2];
    for (int i = 0; i < 3_000; i++) {
      // Sessions of 50 facts, with pauses of 10.
      long time = NOON + i + 10L * (i / 50);
      state.insert(fact(time, 1.0, "a"), stored);
      state.seek(time, stored);
      state.prune(time, stored);
      assertThat(stored.size()).isLessThanOrEqualTo(6);
      state.answer(answer, 0, stored);
      assertThat(answer).containsExactly((long) Math.min(i + 1, 100), i % 50 + 1L);
    }
  }

  @Test
  void coarseStateDoesNotGrowWithTheNumberOfFacts() {
    // A count ten times as large has one more byte.
    assertThat(coarseBytes(20_000)).isLessThan(coarseBytes(2_000) + 100 * 4);
  }

  /** Bytes of all state after as many facts in a window of 100 multiples. */
  private int coarseBytes(int facts) {
    Window window = new Window.Sliding(100_000, 0, 1_000, Window.Bounds.OPEN_CLOSED);
    StateLayout layout =
        layout(
            count(window),
            feature(Aggregate.AVG, NUMBER, 0, window),
            feature(Aggregate.MAX, NUMBER, 0, window),
            feature(Aggregate.APPROX_DISTINCT, NUMBER, 0, window));
    assertThat(layout.coarse()).isTrue();
    StoredChunks stored = new StoredChunks(layout);
    EntityState state = EntityState.of(layout);
    long time = 0;
    for (int i = 0; i < facts; i++) {
      time = NOON + 100_000L * i / facts;
      state.insert(fact(time, (double) (i % 10), "a"), stored);
      state.seek(time, stored);
      state.prune(time, stored);
    }
    assertThat(stored.size()).isLessThanOrEqualTo(2);
    @Nullable Object[] answer = new Object[4];
    state.answer(answer, 0, stored);
    assertThat(answer).containsExactly((long) facts, 4.5, 9.0, 10L);
    return StoredChunks.bytesOf(state).length;
  }

  @Test
  void theEndsOfTimeOverflowNothing() {
    EntityState state =
        state(
            count(new Window.Lifetime(7)),
            count(new Window.Session(Long.MAX_VALUE / 1_000_000, 0)),
            count(new Window.Calendar(Window.Period.MONTH, ZoneId.of("Europe/Berlin"), 1, 3)),
            count(new Window.Sliding(1_000, 0, 7, Window.Bounds.CLOSED_OPEN)));
    insert(state, fact(Long.MAX_VALUE - 20, 1.0, "a"));
    assertThat(asOf(state, Long.MIN_VALUE)).containsExactly(0L, 0L, 0L, 0L);
    assertThat(state.nextChange(0, 4, chunks)).isEqualTo(Long.MAX_VALUE);
    assertThat(asOf(state, Long.MAX_VALUE)).containsExactly(1L, 1L, 0L, 1L);
    assertThat(state.nextChange(0, 4, chunks)).isEqualTo(Long.MAX_VALUE);
    assertThat(layout(count(new Window.Lifetime(7))).horizonMs()).isEqualTo(Window.UNBOUNDED_MS);
  }

  @Test
  void argumentsThatMeanNothingAreRefused() {
    Window window = Window.sliding(10, 0);
    assertThatThrownBy(() -> state(feature(Aggregate.LAST_K, NUMBER, 0, window)))
        .hasMessage("Feature 0 is LAST_K with a limit of 0: use 1 to 100000");
    assertThatThrownBy(() -> state(feature(Aggregate.RATIO, NUMBER, 0, window)))
        .hasMessageContaining("Feature 0 is RATIO and has no second column");
    assertThatThrownBy(() -> state(feature(Aggregate.QUANTILE, NUMBER, 0, window, 1.5)))
        .hasMessage("Feature 0 is QUANTILE with a parameter of 1.5");
    assertThatThrownBy(() -> state(feature(Aggregate.RATE, -1, 0, new Window.Lifetime(0), 1)))
        .hasMessageContaining("RATE over a window without a fixed length");
    assertThatThrownBy(() -> state(count(new Window.LastEvents(0, 0))))
        .hasMessageContaining("Feature 0 has a window of 0 events");
  }

  private static FeatureSpec count(Window window) {
    return feature(Aggregate.COUNT, -1, 0, window);
  }

  private static FeatureSpec feature(Aggregate aggregate, int column, int limit, Window window) {
    return feature(aggregate, column, limit, window, 0);
  }

  private static FeatureSpec feature(
      Aggregate aggregate, int column, int limit, Window window, double parameter) {
    return new FeatureSpec(
        new Aggregation(aggregate, column, -1, -1, limit, parameter), -1, window, false, null);
  }

  private static FeatureSpec grouped(Aggregate aggregate, int column, int keys, Window window) {
    return new FeatureSpec(
        new Aggregation(aggregate, column, -1, TEXT, keys, 0), -1, window, false, null);
  }

  private static FeatureSpec excludingSelf(FeatureSpec feature) {
    return new FeatureSpec(
        feature.aggregation(), feature.filter(), feature.window(), true, feature.empty());
  }

  private StateLayout layout(FeatureSpec... features) {
    return new StateLayout(COLUMNS, 1, List.of(features), identity, latenessMs);
  }

  private EntityState state(FeatureSpec... features) {
    EntityState state = EntityState.of(layout(features));
    answers = features.length;
    return state;
  }

  private @Nullable Object[] asOf(EntityState state, long instant) {
    state.seek(instant, chunks);
    @Nullable Object[] answer = new Object[answers];
    state.answer(answer, 0, chunks);
    return answer;
  }

  private @Nullable Object[] without(EntityState state, long selfIdHash) {
    @Nullable Object[] answer = new Object[answers];
    state.answerWithout(selfIdHash, 0, answers, answer, 0, chunks);
    return answer;
  }

  private void insert(EntityState state, Fact fact) {
    assertThat(state.insert(fact, chunks)).isEqualTo(Inserted.NEW);
  }

  private Fact fact(long time, @Nullable Double number, @Nullable String text) {
    Fact fact = new Fact(layout());
    fact.time = time;
    fact.offset = nextOffset;
    fact.idHash = nextOffset++;
    fact.values[NUMBER] = number;
    fact.values[TEXT] = text;
    return fact;
  }
}
