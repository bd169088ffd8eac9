package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** When there is code for a layout, and what it does beside answering: see the property tests. */
class LayoutCompilerTest {

  private static final int RUNS = 25_000;
  private static final int MOST_RUNS = 50_000_000;

  private static StateLayout layout(FeatureSpec... features) {
    return new StateLayout(List.of(ColumnType.DOUBLE), 0, List.of(features), Identity.EVENT, 0);
  }

  private static StateLayout ofTotals() {
    return layout(
        FeatureSpec.sliding(Aggregate.COUNT, -1, -1, 10, 0, null),
        FeatureSpec.sliding(Aggregate.AVG, 0, -1, 100, 5, null));
  }

  /** A state to which one fact after another is added, three milliseconds apart. */
  private static final class Run {
    private final StateLayout layout;
    private EntityState state;
    private final ChunkStore chunks = new HeapChunkStore();
    private final Fact fact;
    private int facts;

    Run(StateLayout layout) {
      this.layout = layout;
      state = EntityState.of(layout);
      fact = new Fact(layout);
    }

    /** The features as of the next fact. */
    List<@Nullable Object> next() {
      fact.time = 3L * facts;
      fact.offset = facts;
      fact.idHash = facts;
      fact.values[0] = facts % 5 == 0 ? null : facts / 100.0;
      facts++;
      state = state.newest();
      state.insert(fact, chunks);
      state.seek(fact.time, chunks);
      @Nullable Object[] answer = new Object[layout.features().size()];
      state.answer(answer, 0, chunks);
      state.prune(fact.time, chunks);
      return Arrays.asList(answer);
    }
  }

  @Test
  void aLayoutThatIsUsedALotIsCompiledAndAnswersTheSame() {
    StateLayout compiledOnTheWay = ofTotals();
    StateLayout compiledAtOnce = ofTotals();
    StateShape.of(compiledAtOnce).compile();
    Run run = new Run(compiledOnTheWay);
    Run expected = new Run(compiledAtOnce);
    int afterCode = 0;
    for (int i = 0; i < MOST_RUNS && afterCode < RUNS; i++) {
      assertThat(run.next()).isEqualTo(expected.next());
      afterCode += StateShape.of(compiledOnTheWay).model() == null ? 0 : 1;
    }
    assertThat(afterCode).isEqualTo(RUNS);
  }

  @Test
  void aLayoutThatWillBeUsedALotIsCompiledBeforeItsFirstUse() throws InterruptedException {
    StateShape shape = StateShape.of(ofTotals());
    Thread compiler = Objects.requireNonNull(shape.prepare());
    assertThat(shape.prepare()).isNull();
    compiler.join();
    assertThat(shape.model()).isNotNull();
  }

  @Test
  void equalLayoutsShareTheirCode() {
    StateShape one = StateShape.of(ofTotals());
    StateShape other = StateShape.of(ofTotals());
    one.compile();
    other.compile();
    assertThat(one).isNotSameAs(other);
    assertThat(one.model()).isSameAs(other.model());
  }

  @Test
  void codeIsMadeWhereDigitsAreWrittenInAnotherWay() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      assertThat("%d".formatted(1)).isNotEqualTo("1");
      StateLayout layout = layout(FeatureSpec.sliding(Aggregate.SUM, 0, -1, 12_345, 0, null));
      StateShape.of(layout).compile();
      assertThat(StateShape.of(layout).model()).isNotNull();
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void aLayoutWithASummaryToKeepIsNotCompiled() {
    assertIsNotCompiled(layout(FeatureSpec.sliding(Aggregate.DISTINCT, 0, -1, 10, 0, null)));
  }

  @Test
  void aLayoutOfManyWindowsIsNotCompiled() {
    List<FeatureSpec> features = new ArrayList<>();
    for (int window = 1; window < 30; window++) {
      features.add(FeatureSpec.sliding(Aggregate.SUM, 0, -1, window, 0, null));
    }
    assertIsNotCompiled(layout(features.toArray(FeatureSpec[]::new)));
  }

  private static void assertIsNotCompiled(StateLayout layout) {
    Run run = new Run(layout);
    for (int i = 0; i < RUNS; i++) {
      run.next();
    }
    assertThat(LayoutCompiler.canCompile(StateShape.of(layout))).isFalse();
    assertThat(StateShape.of(layout).model()).isNull();
  }

  @Test
  void statesGoOnWithoutCodeWhereJaninoIsMissing() throws Exception {
    Class<?> there = new WithoutJanino().loadClass(RunWithJaninoOrNot.class.getName());
    Object run = there.getDeclaredConstructor().newInstance();
    List<?> without = (List<?>) ((Callable<?>) run).call();
    List<?> with = new RunWithJaninoOrNot().call();
    assertThat(without.get(0)).isEqualTo(false);
    assertThat(with.get(0)).isEqualTo(true);
    assertThat(without.get(1)).isEqualTo(with.get(1));
  }

  /** Loads the kernel once more, and nothing of Janino. */
  private static final class WithoutJanino extends ClassLoader {

    WithoutJanino() {
      super(LayoutCompilerTest.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (name.startsWith("org.codehaus.")) {
        throw new ClassNotFoundException(name);
      }
      Class<?> known = findLoadedClass(name);
      if (known != null || !name.startsWith("dev.tailwater.kernel.")) {
        return known != null ? known : super.loadClass(name, resolve);
      }
      try (InputStream bytes = getResourceAsStream(name.replace('.', '/') + ".class")) {
        byte[] read = Objects.requireNonNull(bytes).readAllBytes();
        return defineClass(name, read, 0, read.length);
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
  }

  /** Whether a layout was compiled that was used a lot, and what its state answered. */
  public static final class RunWithJaninoOrNot implements Callable<List<Object>> {

    /** Public, because the class is in a package of its own for another class loader. */
    public RunWithJaninoOrNot() {}

    @Override
    public List<Object> call() {
      StateLayout layout = ofTotals();
      Run run = new Run(layout);
      List<Object> answers = new ArrayList<>();
      for (int i = 0; i < RUNS; i++) {
        answers.add(run.next());
      }
      StateShape.of(layout).compileOrGoOn(); // If that has not been done beside.
      boolean compiled = StateShape.of(layout).model() != null;
      answers.add(run.next());
      return List.of(compiled, answers);
    }
  }

  @Test
  void aValueOfTheWrongTypeIsRefusedAndChangesNothing() {
    StateLayout layout = ofTotals();
    StateShape.of(layout).compile();
    EntityState state = EntityState.of(layout);
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
