package dev.tailwater.benchmarks;

import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.Chunk;
import dev.tailwater.kernel.ChunkStore;
import dev.tailwater.kernel.EntityState;
import dev.tailwater.kernel.Fact;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.HeapChunkStore;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What do exact answers, disorder, late facts and pruning cost over the least a program could do?
 *
 * <p>Both benchmarks read the same stream, half a year of card payments, and compute the same
 * twelve features for each payment: count and average amount of its customer, count and fraud rate
 * of its terminal a week ago, each over 1, 7 and 30 days. {@link #floor} is a loop over primitive
 * arrays that believes in order, never forgets a payment and adds doubles; {@link #kernel} is the
 * state that Tailwater's operator runs, with the calls that the operator makes. Both find an entity
 * in the same kind of map.
 *
 * <p>In the order of their times, as in a live job, each payment is of entities that were not
 * looked at for long, and whose memory is far from the processor. {@link #floor} and {@link
 * #kernel} finish the customer before they look up the terminal; {@link #floorInStep} looks both up
 * first, and {@link #kernelInStep} takes each step for both, so that one waits for the memory of
 * two. {@link #floorByEntity} and {@link #kernelByEntity} take one entity after another, as a
 * bounded run does.
 *
 * <p>JMH measures each in a process of its own. {@link #main} alternates both in one process and
 * reads the thread's processor time, so that their ratio says something beside other programs too.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
    value = 1,
    jvmArgs = {"-Xmx1g", "-XX:+UseSerialGC"})
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 3)
public class KernelBenchmark {

  private static final int PAYMENTS = 1_754_155;
  private static final int CUSTOMERS = 5_000;
  private static final int TERMINALS = 10_000;
  private static final long DAY = 86_400_000L;
  private static final long DAYS = 183;
  private static final long DELAY = 7 * DAY;
  private static final long[] WINDOWS = {DAY, 7 * DAY, 30 * DAY};

  private static final int WARM_UP_ROUNDS = 1;
  private static final int ROUNDS = WARM_UP_ROUNDS + 7;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private int payments;
  private long[] times = {};
  private int[] customers = {};
  private int[] terminals = {};
  private double[] amounts = {};
  private boolean[] frauds = {};
  private final StateLayout customerLayout = layout(ColumnType.DOUBLE, 0);
  private final StateLayout terminalLayout = layout(ColumnType.BOOLEAN, DELAY);
  private OfEntities byCustomer = new OfEntities(0);
  private OfEntities byTerminal = new OfEntities(0);

  /** A payment is at a random instant, in whole seconds, by a random customer at any terminal. */
  @Setup
  public void generate() {
    generate(1);
  }

  /** As many payments of each entity, but fewer entities: their memory is nearer. */
  private void generate(int part) {
    allocate(PAYMENTS / part);
    Random random = new Random(42);
    for (int i = 0; i < payments; i++) {
      times[i] = 1000 * (long) (random.nextDouble() * DAYS * DAY / 1000);
    }
    Arrays.sort(times);
    for (int i = 0; i < payments; i++) {
      customers[i] = random.nextInt(CUSTOMERS / part);
      terminals[i] = random.nextInt(TERMINALS / part);
      amounts[i] = random.nextInt(20_000) / 100.0;
      frauds[i] = random.nextInt(100) == 0;
    }
    order();
  }

  private void load(Path csv) throws IOException {
    Transactions transactions = Transactions.read(csv);
    allocate(transactions.rows);
    for (int i = 0; i < payments; i++) {
      times[i] = 1000 * transactions.seconds[i];
      customers[i] = transactions.customer[i];
      terminals[i] = transactions.terminal[i];
      amounts[i] = transactions.amount[i];
      frauds[i] = transactions.fraud[i] != 0;
    }
    order();
  }

  private void order() {
    byCustomer = ordered(customers);
    byTerminal = ordered(terminals);
  }

  /** The payments one entity after another, those of an entity in the order of their times. */
  private OfEntities ordered(int[] entities) {
    OfEntities ordered = new OfEntities(payments);
    int next = 0;
    for (int i :
        IntStream.range(0, payments)
            .boxed()
            .sorted(Comparator.comparingInt(i -> entities[i]))
            .mapToInt(Integer::intValue)
            .toArray()) {
      ordered.entities[next] = entities[i];
      ordered.times[next] = times[i];
      ordered.amounts[next] = amounts[i];
      ordered.frauds[next++] = frauds[i];
    }
    return ordered;
  }

  private static final class OfEntities {
    final int[] entities;
    final long[] times;
    final double[] amounts;
    final boolean[] frauds;

    OfEntities(int count) {
      entities = new int[count];
      times = new long[count];
      amounts = new double[count];
      frauds = new boolean[count];
    }
  }

  private void allocate(int count) {
    payments = count;
    times = new long[count];
    customers = new int[count];
    terminals = new int[count];
    amounts = new double[count];
    frauds = new boolean[count];
  }

  /**
   * The kernel, on the heap: insert, seek, answer and prune for each payment's customer, and then
   * for its terminal.
   *
   * @return the sum of all features
   */
  @Benchmark
  @OperationsPerInvocation(PAYMENTS)
  public double kernel() {
    Entities ofCustomers = new Entities(customerLayout);
    Entities ofTerminals = new Entities(terminalLayout);
    double sum = 0;
    for (int i = 0; i < payments; i++) {
      @Nullable Object[] answer = new Object[4 * WINDOWS.length];
      EntityState customer = ofCustomers.find(customers[i]);
      ofCustomers.insert(customer, times[i], i, amounts[i]);
      ofCustomers.answer(customer, times[i], answer, 0);
      EntityState terminal = ofTerminals.find(terminals[i]);
      ofTerminals.insert(terminal, times[i], i, frauds[i]);
      ofTerminals.answer(terminal, times[i], answer, 2 * WINDOWS.length);
      sum += sum(answer);
    }
    return sum;
  }

  /**
   * The kernel, each step for both entities of a payment.
   *
   * @return the sum of all features
   */
  @Benchmark
  @OperationsPerInvocation(PAYMENTS)
  public double kernelInStep() {
    Entities ofCustomers = new Entities(customerLayout);
    Entities ofTerminals = new Entities(terminalLayout);
    double sum = 0;
    for (int i = 0; i < payments; i++) {
      @Nullable Object[] answer = new Object[4 * WINDOWS.length];
      EntityState customer = ofCustomers.find(customers[i]);
      EntityState terminal = ofTerminals.find(terminals[i]);
      ofCustomers.insert(customer, times[i], i, amounts[i]);
      ofTerminals.insert(terminal, times[i], i, frauds[i]);
      ofCustomers.answer(customer, times[i], answer, 0);
      ofTerminals.answer(terminal, times[i], answer, 2 * WINDOWS.length);
      sum += sum(answer);
    }
    return sum;
  }

  /**
   * The kernel, one customer after another and then one terminal after another.
   *
   * @return the sum of all features
   */
  @Benchmark
  @OperationsPerInvocation(PAYMENTS)
  public double kernelByEntity() {
    Entities ofCustomers = new Entities(customerLayout);
    Entities ofTerminals = new Entities(terminalLayout);
    double sum = 0;
    OfEntities of = byCustomer;
    for (int i = 0; i < payments; i++) {
      @Nullable Object[] answer = new Object[2 * WINDOWS.length];
      EntityState customer = ofCustomers.find(of.entities[i]);
      ofCustomers.insert(customer, of.times[i], i, of.amounts[i]);
      ofCustomers.answer(customer, of.times[i], answer, 0);
      sum += sum(answer);
    }
    of = byTerminal;
    for (int i = 0; i < payments; i++) {
      @Nullable Object[] answer = new Object[2 * WINDOWS.length];
      EntityState terminal = ofTerminals.find(of.entities[i]);
      ofTerminals.insert(terminal, of.times[i], i, of.frauds[i]);
      ofTerminals.answer(terminal, of.times[i], answer, 0);
      sum += sum(answer);
    }
    return sum;
  }

  private static double sum(@Nullable Object[] features) {
    double sum = 0;
    for (Object feature : features) {
      sum += feature == null ? 0 : ((Number) feature).doubleValue();
    }
    return sum;
  }

  private static StateLayout layout(ColumnType column, long delay) {
    List<FeatureSpec> features = new ArrayList<>();
    for (long window : WINDOWS) {
      features.add(FeatureSpec.sliding(Aggregate.COUNT, -1, -1, window, delay, null));
      features.add(FeatureSpec.sliding(Aggregate.AVG, 0, -1, window, delay, null));
    }
    return new StateLayout(List.of(column), 0, features, Identity.EVENT, DAY);
  }

  /** Entities as a keyed backend has them: headers by key, and chunks of the key at hand. */
  private static final class Entities implements ChunkStore {
    private final StateLayout layout;
    private final Fact fact;
    private final Map<Integer, EntityState> states = new HashMap<>();
    private final Map<Integer, HeapChunkStore> chunks = new HashMap<>();
    private int key;
    private @Nullable HeapChunkStore own;

    Entities(StateLayout layout) {
      this.layout = layout;
      fact = new Fact(layout);
    }

    EntityState find(int entity) {
      key = entity;
      own = null;
      EntityState known = states.computeIfAbsent(entity, k -> EntityState.of(layout));
      EntityState state = known.newest();
      if (state != known) {
        states.put(entity, state);
      }
      return state;
    }

    void insert(EntityState state, long time, int id, Object value) {
      fact.time = time;
      fact.offset = id;
      fact.idHash = id;
      fact.values[0] = value;
      state.insert(fact, this);
    }

    void answer(EntityState state, long time, @Nullable Object[] into, int from) {
      state.seek(time, this);
      state.answer(into, from, this);
      state.prune(time, this);
    }

    /** The chunks of the key at hand, looked up when the first of them is needed. */
    private HeapChunkStore own() {
      HeapChunkStore known = own;
      if (known == null) {
        known = chunks.computeIfAbsent(key, k -> new HeapChunkStore());
        own = known;
      }
      return known;
    }

    @Override
    public @Nullable Chunk get(int id) {
      return own().get(id);
    }

    @Override
    public void put(int id, Chunk chunk) {
      own().put(id, chunk);
    }

    @Override
    public void grew(int id, Chunk chunk) {} // The same object is stored already.

    @Override
    public void remove(int id) {
      own().remove(id);
    }
  }

  /**
   * The floor: arrays that only grow, one running sum per window.
   *
   * @return the sum of all features
   */
  @Benchmark
  @OperationsPerInvocation(PAYMENTS)
  public double floor() {
    Map<Integer, Windows> ofCustomers = new HashMap<>();
    Map<Integer, Windows> ofTerminals = new HashMap<>();
    double[] answer = new double[4 * WINDOWS.length];
    double sum = 0;
    for (int i = 0; i < payments; i++) {
      ofCustomers
          .computeIfAbsent(customers[i], k -> new Windows(0))
          .apply(times[i], amounts[i], answer, 0);
      ofTerminals
          .computeIfAbsent(terminals[i], k -> new Windows(DELAY))
          .apply(times[i], frauds[i] ? 1 : 0, answer, 2 * WINDOWS.length);
      sum += sum(answer);
    }
    return sum;
  }

  /**
   * The floor, with both entities of a payment looked up before the first is used.
   *
   * @return the sum of all features
   */
  @Benchmark
  @OperationsPerInvocation(PAYMENTS)
  public double floorInStep() {
    Map<Integer, Windows> ofCustomers = new HashMap<>();
    Map<Integer, Windows> ofTerminals = new HashMap<>();
    double[] answer = new double[4 * WINDOWS.length];
    double sum = 0;
    for (int i = 0; i < payments; i++) {
      Windows customer = ofCustomers.computeIfAbsent(customers[i], k -> new Windows(0));
      Windows terminal = ofTerminals.computeIfAbsent(terminals[i], k -> new Windows(DELAY));
      customer.apply(times[i], amounts[i], answer, 0);
      terminal.apply(times[i], frauds[i] ? 1 : 0, answer, 2 * WINDOWS.length);
      sum += sum(answer);
    }
    return sum;
  }

  /**
   * The floor, one customer after another and then one terminal after another.
   *
   * @return the sum of all features
   */
  @Benchmark
  @OperationsPerInvocation(PAYMENTS)
  public double floorByEntity() {
    Map<Integer, Windows> ofCustomers = new HashMap<>();
    Map<Integer, Windows> ofTerminals = new HashMap<>();
    double[] answer = new double[2 * WINDOWS.length];
    double sum = 0;
    OfEntities of = byCustomer;
    for (int i = 0; i < payments; i++) {
      ofCustomers
          .computeIfAbsent(of.entities[i], k -> new Windows(0))
          .apply(of.times[i], of.amounts[i], answer, 0);
      sum += sum(answer);
    }
    of = byTerminal;
    for (int i = 0; i < payments; i++) {
      ofTerminals
          .computeIfAbsent(of.entities[i], k -> new Windows(DELAY))
          .apply(of.times[i], of.frauds[i] ? 1 : 0, answer, 0);
      sum += sum(answer);
    }
    return sum;
  }

  private static double sum(double[] features) {
    double sum = 0;
    for (double feature : features) {
      sum += Double.isNaN(feature) ? 0 : feature;
    }
    return sum;
  }

  /**
   * Prints the ratio of both, in speed, and processor time without the garbage collector's.
   *
   * @param arguments a transactions file; or none to generate payments of 15,000 entities; or a
   *     number, to generate those of so many times fewer
   */
  public static void main(String[] arguments) throws IOException {
    KernelBenchmark benchmark = new KernelBenchmark();
    if (arguments.length == 0) {
      benchmark.generate();
    } else if (arguments[0].matches("[1-9]\\d{0,2}")) {
      benchmark.generate(Integer.parseInt(arguments[0]));
    } else {
      benchmark.load(Path.of(arguments[0]));
    }
    benchmark.compare("in the order of time", benchmark::floor, benchmark::kernel);
    benchmark.compare("the kernel in step", benchmark::floor, benchmark::kernelInStep);
    benchmark.compare("both in step", benchmark::floorInStep, benchmark::kernelInStep);
    benchmark.compare(
        "one entity after another", benchmark::floorByEntity, benchmark::kernelByEntity);
  }

  private void compare(String order, DoubleSupplier floor, DoubleSupplier kernel) {
    double sum = floor.getAsDouble();
    double[] ratios = new double[ROUNDS];
    double bestFloor = Double.POSITIVE_INFINITY;
    double bestKernel = Double.POSITIVE_INFINITY;
    double before = seconds(floor, sum);
    for (int round = 0; round < ROUNDS; round++) {
      double own = seconds(kernel, sum);
      double after = seconds(floor, sum);
      ratios[round] = (before + after) / 2 / own;
      before = after;
      System.out.printf(
          Locale.ROOT, "floor %.3f s, kernel %.3f s: %.3f%n", after, own, ratios[round]);
      if (round >= WARM_UP_ROUNDS) {
        bestFloor = Math.min(bestFloor, after);
        bestKernel = Math.min(bestKernel, own);
      }
    }
    double[] warm = Arrays.copyOfRange(ratios, WARM_UP_ROUNDS, ROUNDS);
    Arrays.sort(warm);
    System.out.printf(
        Locale.ROOT,
        "%s: kernel / floor in speed, %d payments, %d rounds after %d: median %.3f (%.3f to %.3f), of"
            + " the fastest rounds %.3f; kernel %,.0f payments/s, floor %,.0f%n",
        order,
        payments,
        warm.length,
        WARM_UP_ROUNDS,
        warm[warm.length / 2],
        warm[0],
        warm[warm.length - 1],
        bestFloor / bestKernel,
        payments / bestKernel,
        payments / bestFloor);
  }

  /** What the round before left behind is not this round's to collect. */
  @Setup(Level.Invocation)
  public void collectGarbage() {
    System.gc();
  }

  private double seconds(DoubleSupplier run, double expected) {
    collectGarbage();
    int runs = PAYMENTS / payments;
    double sum = 0;
    long start = THREADS.getCurrentThreadCpuTime();
    for (int i = 0; i < runs; i++) {
      sum = run.getAsDouble();
    }
    double seconds = (THREADS.getCurrentThreadCpuTime() - start) / 1e9 / runs;
    // Not the same: the floor's running sums drift.
    if (Math.abs(sum - expected) > 1e-9 * expected) {
      throw new IllegalStateException(
          "All features add up to %s here and to %s in the floor: they are not the same features"
              .formatted(sum, expected));
    }
    return seconds;
  }

  private static final class Windows {
    private final long delay;
    private long[] times = new long[16];
    private double[] values = new double[16];
    private int size;
    private int newest;
    private final int[] oldest = new int[WINDOWS.length];
    private final double[] sums = new double[WINDOWS.length];

    Windows(long delay) {
      this.delay = delay;
    }

    void apply(long time, double value, double[] into, int from) {
      if (size == times.length) {
        times = Arrays.copyOf(times, 2 * size);
        values = Arrays.copyOf(values, 2 * size);
      }
      times[size] = time;
      values[size++] = value;
      while (newest < size && times[newest] <= time - delay) {
        for (int window = 0; window < WINDOWS.length; window++) {
          sums[window] += values[newest];
        }
        newest++;
      }
      for (int window = 0; window < WINDOWS.length; window++) {
        while (oldest[window] < newest && times[oldest[window]] <= time - delay - WINDOWS[window]) {
          sums[window] -= values[oldest[window]++];
        }
        int count = newest - oldest[window];
        into[from + 2 * window] = count;
        into[from + 2 * window + 1] = count == 0 ? Double.NaN : sums[window] / count;
      }
    }
  }
}
