package dev.tailwater.benchmarks;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.ObjIntConsumer;

/**
 * The floor: one thread, one pass in time order over primitive arrays, a running sum per window.
 *
 * <p>It has fewer duties than any engine: the file is sorted and complete, nothing is serialized,
 * nothing can be recovered, and its running sums drift with every subtraction.
 */
final class PrimitiveLoop implements Contender {

  @Override
  public String name() {
    return "floor";
  }

  @Override
  public Result run(Path csv) throws Exception {
    long start = System.nanoTime();
    Transactions transactions = Transactions.read(csv);
    long read = System.nanoTime();
    double[] checksum = new double[1];
    compute(
        transactions,
        (features, row) -> {
          double sum = 0;
          for (double feature : features) {
            sum += feature;
          }
          checksum[0] += sum;
        });
    long end = System.nanoTime();
    return new Result((end - start) / 1e9, (end - read) / 1e9, checksum[0]);
  }

  /**
   * Gives each row's features to {@code output}, in the order of the rows.
   *
   * @param output the features, in an array that is used again for the next row, and the row
   */
  static void compute(Transactions transactions, ObjIntConsumer<double[]> output) {
    int windows = FraudFeatures.WINDOW_DAYS.size();
    History customers = new History(transactions.customer, transactions.rows, 0);
    History terminals =
        new History(transactions.terminal, transactions.rows, FraudFeatures.DELAY_DAYS);
    double[] features = new double[FraudFeatures.COUNT];
    int end;
    for (int start = 0; start < transactions.rows; start = end) {
      long now = transactions.seconds[start];
      for (end = start; end < transactions.rows && transactions.seconds[end] == now; end++) {
        customers.add(transactions.customer[end], now, transactions.amount[end]);
        terminals.add(transactions.terminal[end], now, transactions.fraud[end]);
      }
      for (int row = start; row < end; row++) {
        int customer = transactions.customer[row];
        int terminal = transactions.terminal[row];
        customers.moveTo(customer, now);
        terminals.moveTo(terminal, now);
        for (int w = 0; w < windows; w++) {
          int count = customers.count(customer, w);
          features[2 * w] = count;
          features[2 * w + 1] = count == 0 ? 0 : customers.sum(customer, w) / count;
          int reported = terminals.count(terminal, w);
          features[2 * windows + 2 * w] = reported;
          features[2 * windows + 2 * w + 1] =
              reported == 0 ? 0 : terminals.sum(terminal, w) / reported;
        }
        output.accept(features, row);
      }
    }
  }

  /** The events of all entities of one kind: each entity's lie together, in time order. */
  private static final class History {

    private static final int WINDOWS = FraudFeatures.WINDOW_DAYS.size();

    /** One edge where the delay ends, then each window's old edge. */
    private static final int EDGES = WINDOWS + 1;

    private final long[] ages = new long[EDGES];
    private final int[] ends;
    private final long[] times;
    private final double[] values;
    private final int[] edges;
    private final double[] sums;

    History(int[] entityOfRow, int rows, int delayDays) {
      int largest = -1;
      for (int row = 0; row < rows; row++) {
        largest = Math.max(largest, entityOfRow[row]);
      }
      int[] starts = new int[largest + 2];
      for (int row = 0; row < rows; row++) {
        starts[entityOfRow[row] + 1]++;
      }
      for (int entity = 1; entity < starts.length; entity++) {
        starts[entity] += starts[entity - 1];
      }
      ends = Arrays.copyOf(starts, largest + 1);
      edges = new int[(largest + 1) * EDGES];
      for (int entity = 0; entity <= largest; entity++) {
        Arrays.fill(edges, entity * EDGES, (entity + 1) * EDGES, starts[entity]);
      }
      sums = new double[(largest + 1) * WINDOWS];
      times = new long[rows];
      values = new double[rows];
      ages[0] = (long) delayDays * FraudFeatures.DAY_SECONDS;
      for (int w = 0; w < WINDOWS; w++) {
        ages[w + 1] = ages[0] + (long) FraudFeatures.WINDOW_DAYS.get(w) * FraudFeatures.DAY_SECONDS;
      }
    }

    void add(int entity, long time, double value) {
      int at = ends[entity]++;
      times[at] = time;
      values[at] = value;
    }

    void moveTo(int entity, long now) {
      int firstEdge = entity * EDGES;
      int firstSum = entity * WINDOWS;
      int newest = edges[firstEdge];
      while (newest < ends[entity] && times[newest] <= now - ages[0]) {
        for (int w = 0; w < WINDOWS; w++) {
          sums[firstSum + w] += values[newest];
        }
        newest++;
      }
      edges[firstEdge] = newest;
      for (int w = 0; w < WINDOWS; w++) {
        int oldest = edges[firstEdge + 1 + w];
        while (oldest < newest && times[oldest] <= now - ages[1 + w]) {
          sums[firstSum + w] -= values[oldest++];
        }
        edges[firstEdge + 1 + w] = oldest;
      }
    }

    int count(int entity, int window) {
      return edges[entity * EDGES] - edges[entity * EDGES + 1 + window];
    }

    double sum(int entity, int window) {
      return sums[entity * WINDOWS + window];
    }
  }
}
