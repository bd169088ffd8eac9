package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** When there is code for a layout, and what it does beside answering: see the property tests. */
class LayoutCompilerTest {

  private static final int RUNS = 25_000;

  private static StateLayout layout(FeatureSpec... features) {
    return new StateLayout(List.of(ColumnType.DOUBLE), 0, List.of(features), Identity.EVENT, 0);
  }

  private static StateLayout ofTotals() {
    return layout(
        FeatureSpec.sliding(Aggregate.COUNT, -1, -1, 10, 0, null),
        FeatureSpec.sliding(Aggregate.AVG, 0, -1, 100, 5, null));
  }

  /** The features as of each fact. */
  private static List<List<@Nullable Object>> run(StateLayout layout) {
    EntityState state = new EntityState(layout);
    ChunkStore chunks = new HeapChunkStore();
    Fact fact = new Fact(layout);
    @Nullable Object[] answer = new Object[layout.features().size()];
    List<List<@Nullable Object>> answers = new ArrayList<>();
    for (int i = 0; i < RUNS; i++) {
      fact.time = 3L * i;
      fact.offset = i;
      fact.idHash = i;
      fact.values[0] = i % 5 == 0 ? null : i / 100.0;
      state.insert(fact, chunks);
      state.seek(fact.time, chunks);
      state.answer(answer, 0, chunks);
      state.prune(fact.time, chunks);
      answers.add(new ArrayList<>(Arrays.asList(answer)));
    }
    return answers;
  }

  @Test
  void aLayoutThatIsUsedALotIsCompiledAndAnswersTheSame() {
    StateLayout compiledInBetween = ofTotals();
    List<List<@Nullable Object>> answers = run(compiledInBetween);
    assertThat(StateShape.of(compiledInBetween).code()).isNotNull();
    StateLayout compiledAtOnce = ofTotals();
    StateShape.of(compiledAtOnce).compile();
    assertThat(run(compiledAtOnce)).isEqualTo(answers);
  }

  @Test
  void equalLayoutsShareTheirCode() {
    StateShape one = StateShape.of(ofTotals());
    StateShape other = StateShape.of(ofTotals());
    one.compile();
    other.compile();
    assertThat(one).isNotSameAs(other);
    assertThat(one.code()).isSameAs(other.code());
  }

  @Test
  void aLayoutWithASummaryToKeepIsNotCompiled() {
    StateLayout layout = layout(FeatureSpec.sliding(Aggregate.DISTINCT, 0, -1, 10, 0, null));
    run(layout);
    assertThat(StateShape.of(layout).code()).isNull();
  }

  @Test
  void aLayoutOfManyWindowsIsNotCompiled() {
    List<FeatureSpec> features = new ArrayList<>();
    for (int window = 1; window < 30; window++) {
      features.add(FeatureSpec.sliding(Aggregate.SUM, 0, -1, window, 0, null));
    }
    StateLayout layout = layout(features.toArray(FeatureSpec[]::new));
    run(layout);
    assertThat(StateShape.of(layout).code()).isNull();
  }

  @Test
  void aValueOfTheWrongTypeIsRefusedAndChangesNothing() {
    StateLayout layout = ofTotals();
    StateShape.of(layout).compile();
    EntityState state = new EntityState(layout);
    ChunkStore chunks = new HeapChunkStore();
    Fact fact = new Fact(layout);
    for (int i = 0; i < 2; i++) {
      fact.time = i;
      fact.idHash = i;
      fact.values[0] = 1.5;
      state.insert(fact, chunks);
    }
    fact.time = 2;
    fact.values[0] = "1.5";
    assertThatThrownBy(() -> state.insert(fact, chunks))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Column 0 of the state is DOUBLE, but the fact carries a String");
    state.seek(5, chunks);
    @Nullable Object[] answer = new Object[2];
    state.answer(answer, 0, chunks);
    assertThat(answer[0]).isEqualTo(2L);
  }
}
