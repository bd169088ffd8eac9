package dev.tailwater.benchmarks;

import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.Aggregation;
import dev.tailwater.kernel.EntityState;
import dev.tailwater.kernel.Fact;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.HeapChunkStore;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.kernel.Window;
import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What does one event cost, insertion and fresh answer, as the window of one entity grows? Each
 * aggregate alone, over 10, 1,000 and 100,000 facts; the values are amounts with cents, of which
 * there are 20,000 different ones.
 *
 * <p>{@link #main} measures the same in one process and with fewer repetitions, and the heap that
 * one entity takes.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
    value = 1,
    jvmArgs = {"-Xmx2g", "-XX:+UseSerialGC"})
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
public class AggregateBenchmark {

  /** The windows besides the sliding one over which a few aggregates are measured too. */
  private static final String LAST_EVENTS = "over last events";

  private static final String SESSION = "over sessions";

  /** An aggregate's name, or two of them with how its window is made. */
  @Param({
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "VARIANCE",
    "STDDEV",
    "SKEWNESS",
    "KURTOSIS",
    "FIRST",
    "LAST",
    "FIRST_K",
    "LAST_K",
    "LAG",
    "DISTINCT",
    "QUANTILE",
    "TOP_K",
    "BOTTOM_K",
    "MOST_FREQUENT",
    "RATIO",
    "TIME_SINCE_LAST",
    "TIME_SINCE_FIRST",
    "DECAY",
    "RATE",
    "ARGMIN",
    "ARGMAX",
    "COUNT by",
    "MAX by",
    "SUM over last events",
    "MAX over last events",
    "DISTINCT over last events",
    "SUM over sessions",
    "MAX over sessions"
  })
  public String aggregate = "COUNT";

  @Param({"10", "1000", "100000"})
  public int facts = 10;

  private final Random random = new Random(42);
  private final double[] amounts = new double[20_000];
  private final String[] categories = new String[20];
  private @Nullable Entity entity;

  /** One entity whose window is full. */
  @Setup
  public void fill() {
    for (int i = 0; i < amounts.length; i++) {
      amounts[i] = i / 100.0;
    }
    for (int i = 0; i < categories.length; i++) {
      categories[i] = "category " + i;
    }
    entity = newEntity();
  }

  private Entity newEntity() {
    Entity filled =
        new Entity(
            layout(aggregate, facts), aggregate.endsWith(SESSION) ? facts : Integer.MAX_VALUE);
    for (int i = 0; i < facts; i++) {
      insert(filled);
    }
    filled.answer();
    return filled;
  }

  private void insert(Entity into) {
    into.insert(
        amounts[random.nextInt(amounts.length)], categories[random.nextInt(categories.length)]);
  }

  /** One more event, at the next millisecond, and the answer as of it. */
  @Benchmark
  public @Nullable Object event() {
    Entity one = entity;
    if (one == null) {
      throw new IllegalStateException("The benchmark was not set up");
    }
    insert(one);
    return one.answer();
  }

  private static StateLayout layout(String aggregate, int facts) {
    String name = aggregate.split(" ", 2)[0];
    Aggregate function = Aggregate.valueOf(name);
    boolean by = aggregate.endsWith(" by");
    int column = function == Aggregate.COUNT || function == Aggregate.RATE ? -1 : 0;
    int second =
        switch (function) {
          case RATIO, ARGMIN, ARGMAX -> 0;
          default -> -1;
        };
    int limit =
        switch (function) {
          case FIRST_K, LAST_K, TOP_K, BOTTOM_K, MOST_FREQUENT -> 10;
          case LAG -> 1;
          default -> by ? 100 : 0;
        };
    double parameter =
        switch (function) {
          case QUANTILE -> 0.95;
          case DECAY -> facts;
          case RATE -> 1000;
          default -> 0;
        };
    Window window =
        aggregate.endsWith(LAST_EVENTS)
            ? new Window.LastEvents(facts, 0)
            : aggregate.endsWith(SESSION) ? new Window.Session(1, 0) : Window.sliding(facts, 0);
    FeatureSpec feature =
        new FeatureSpec(
            new Aggregation(function, column, second, by ? 1 : -1, limit, parameter),
            -1,
            window,
            false,
            null);
    return new StateLayout(
        List.of(ColumnType.DOUBLE, ColumnType.STRING), 0, List.of(feature), Identity.EVENT, 0);
  }

  private static final class Entity {
    private EntityState state;
    private final HeapChunkStore chunks = new HeapChunkStore();
    private final Fact fact;
    private final @Nullable Object[] answer = new Object[1];
    private final int eventsOfSession;
    private int events;
    private long time;

    Entity(StateLayout layout, int eventsOfSession) {
      this.eventsOfSession = eventsOfSession;
      state = EntityState.of(layout);
      fact = new Fact(layout);
    }

    void insert(double amount, String category) {
      time += ++events % eventsOfSession == 0 ? 3 : 1;
      fact.time = time;
      fact.offset = time;
      fact.idHash = time;
      fact.values[0] = amount;
      fact.values[1] = category;
      state = state.newest();
      state.insert(fact, chunks);
    }

    @Nullable Object answer() {
      state.seek(time, chunks);
      state.answer(answer, 0, chunks);
      state.prune(time, chunks);
      return answer[0];
    }
  }

  /** Prints nanoseconds per event and heap bytes per entity of all aggregates given, or of all. */
  public static void main(String[] arguments) throws ReflectiveOperationException {
    List<String> aggregates =
        arguments.length > 0
            ? List.of(arguments)
            : List.of(
                AggregateBenchmark.class.getField("aggregate").getAnnotation(Param.class).value());
    System.out.println(
        "| aggregate | ns/event: 10 | 1,000 | 100,000 | bytes: 10 | 1,000 | 100,000 |");
    System.out.println("|---|---|---|---|---|---|---|");
    for (String aggregate : aggregates) {
      StringBuilder times = new StringBuilder();
      StringBuilder bytes = new StringBuilder();
      for (int facts : new int[] {10, 1_000, 100_000}) {
        AggregateBenchmark benchmark = new AggregateBenchmark();
        benchmark.aggregate = aggregate;
        benchmark.facts = facts;
        times.append(" | ").append(benchmark.nanosPerEvent());
        bytes.append(" | ").append(benchmark.bytesPerEntity());
      }
      System.out.println("| " + aggregate + times + bytes + " |");
    }
  }

  private long nanosPerEvent() {
    fill();
    long best = Long.MAX_VALUE;
    for (int round = 0; round < 4; round++) {
      long start = System.nanoTime();
      long elapsed;
      int events = 0;
      do {
        for (int i = 0; i < 64; i++) {
          event();
        }
        events += 64;
        elapsed = System.nanoTime() - start;
      } while (elapsed < 150_000_000);
      best = Math.min(best, elapsed / events);
    }
    return best;
  }

  private long bytesPerEntity() {
    int count = Math.max(2, 20_000 / facts);
    List<Entity> entities = new ArrayList<>();
    entity = null; // Or it would go while the others are counted.
    long before = usedBytes();
    for (int i = 0; i < count; i++) {
      entities.add(newEntity());
    }
    long after = usedBytes();
    return (after - before) / entities.size();
  }

  /** What is in use; only each fourth collection of the serial collector leaves no garbage. */
  private static long usedBytes() {
    for (int collection = 0; collection < 4; collection++) {
      System.gc();
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}
