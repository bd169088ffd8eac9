package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.TreeMap;
import org.apache.datasketches.memory.Memory;
import org.apache.datasketches.tdigest.TDigestDouble;

/**
 * An estimate of quantiles, by a t-digest with k = 200. Up to {@value #EXACT} values it is exact;
 * of more, its rank differs from the asked one by less than 2 % of the number of values, and near
 * both ends and where values lie close together by about a tenth of that.
 *
 * <p>The estimate is a function of the values in the order in which they were added, and of the
 * order and division in which sketches were merged; storage in between changes nothing. The values
 * that were added last are kept as they are, and go into the digest in whole blocks, so that no
 * reading or writing decides when the digest is compressed. Infinities and NaN are counted beside
 * it. At most 2 KiB for the last values, and about 4.5 KiB for the digest when it is stored. Not
 * thread-safe.
 */
final class QuantileSketch {

  /** So many values are kept before the first of them become a digest. */
  static final int EXACT = 256;

  private static final short COMPRESSION = 200;

  // Where the parts of a stored digest are, in bytes: the format of the library's documentation.
  private static final int CENTROID_COUNT = 8;
  private static final int BUFFERED_COUNT = 12;
  private static final int SMALLEST = 16;
  private static final int LARGEST = 24;
  private static final int CENTROIDS = 32;

  /** How a stored digest of more than one value begins. */
  private static final byte[] HEAD = head();

  private static byte[] head() {
    TDigestDouble digest = new TDigestDouble(COMPRESSION);
    digest.update(0);
    digest.update(1);
    return Arrays.copyOf(digest.toByteArray(), CENTROIDS);
  }

  private TDigestDouble digest = new TDigestDouble(COMPRESSION);
  private double[] latest = new double[4];
  private int latestCount;
  private long negativeInfinities;
  private long positiveInfinities;
  private long nans;

  /** Adds a value. */
  void add(double value) {
    if (Double.isNaN(value)) {
      nans++;
    } else if (Double.isInfinite(value)) {
      if (value > 0) {
        positiveInfinities++;
      } else {
        negativeInfinities++;
      }
    } else {
      if (latestCount == EXACT) {
        digestLatest();
      }
      if (latestCount == latest.length) {
        latest = Arrays.copyOf(latest, 2 * latestCount);
      }
      latest[latestCount++] = value;
    }
  }

  private void digestLatest() {
    digest = joined(digest, Centroids.of(latest, latestCount));
    latestCount = 0;
  }

  /**
   * A digest with some centroids more, compressed. The library sorts by means, with a random pivot,
   * and leaves equal ones in any order: so centroids of one mean are made one before, which loses
   * nothing, and it has none to choose between.
   */
  private static TDigestDouble joined(TDigestDouble digest, Centroids added) {
    if (digest.isEmpty()) {
      TDigestDouble joined = new TDigestDouble(COMPRESSION);
      joined.merge(added.digest(HEAD));
      return joined;
    }
    byte[] stored = digest.toByteArray();
    Centroids known = Centroids.of(stored);
    TreeMap<Double, Long> fresh = new TreeMap<>(added.weights);
    fresh.keySet().removeAll(known.weights.keySet());
    TreeMap<Double, Long> heavier = new TreeMap<>(known.weights);
    heavier.replaceAll((mean, weight) -> weight + added.weights.getOrDefault(mean, 0L));
    double smallest = Math.min(known.smallest, added.smallest);
    double largest = Math.max(known.largest, added.largest);
    TDigestDouble joined = new Centroids(heavier, smallest, largest).digest(stored);
    if (!fresh.isEmpty()) {
      joined.merge(new Centroids(fresh, smallest, largest).digest(HEAD));
    }
    return joined;
  }

  /** Weights by mean, and the smallest and the largest of all values. */
  private record Centroids(TreeMap<Double, Long> weights, double smallest, double largest) {

    static Centroids of(double[] values, int count) {
      TreeMap<Double, Long> weights = new TreeMap<>();
      for (int i = 0; i < count; i++) {
        weights.merge(values[i] + 0.0, 1L, Long::sum); // The library takes -0.0 for 0.0.
      }
      return new Centroids(weights, weights.firstKey(), weights.lastKey());
    }

    static Centroids of(byte[] stored) {
      ByteBuffer bytes = ByteBuffer.wrap(stored).order(ByteOrder.nativeOrder());
      TreeMap<Double, Long> weights = new TreeMap<>();
      for (int centroid = 0; centroid < bytes.getInt(CENTROID_COUNT); centroid++) {
        int at = CENTROIDS + 16 * centroid;
        weights.merge(bytes.getDouble(at) + 0.0, bytes.getLong(at + 8), Long::sum);
      }
      return new Centroids(weights, bytes.getDouble(SMALLEST), bytes.getDouble(LARGEST));
    }

    /**
     * @param head how a stored digest begins: only its settings are taken
     */
    TDigestDouble digest(byte[] head) {
      byte[] stored = Arrays.copyOf(head, CENTROIDS + 16 * weights.size());
      ByteBuffer bytes = ByteBuffer.wrap(stored).order(ByteOrder.nativeOrder());
      bytes.putInt(CENTROID_COUNT, weights.size()).putInt(BUFFERED_COUNT, 0);
      bytes.putDouble(SMALLEST, smallest).putDouble(LARGEST, largest).position(CENTROIDS);
      weights.forEach((mean, weight) -> bytes.putDouble(mean).putLong(weight));
      return TDigestDouble.heapify(Memory.wrap(stored));
    }
  }

  /** Adds the values of another sketch, which are not older than those of this one. */
  void merge(QuantileSketch later) {
    if (!later.digest.isEmpty()) {
      digest = joined(digest, Centroids.of(later.digest.toByteArray()));
      if (latestCount > 0) {
        digestLatest(); // Not before: a digest of one value is stored in another form.
      }
    }
    for (int i = 0; i < later.latestCount; i++) {
      add(later.latest[i]);
    }
    negativeInfinities += later.negativeInfinities;
    positiveInfinities += later.positiveInfinities;
    nans += later.nans;
  }

  /** How many values were added. */
  long count() {
    return negativeInfinities + finite() + positiveInfinities + nans;
  }

  private long finite() {
    return digest.getTotalWeight() + latestCount;
  }

  /**
   * The estimate of the quantile at a fraction: the value at rank fraction · (count − 1), counted
   * from 0, linear between two values. NaN is above all numbers, and between two values of which
   * one is NaN, or that are both infinite of different signs, there is NaN.
   *
   * @param fraction from 0 to 1
   * @throws IllegalStateException if there are no values
   */
  double quantile(double fraction) {
    long count = count();
    if (count == 0) {
      throw new IllegalStateException("No values were added: there is no quantile");
    }
    double rank = fraction * (count - 1);
    double below = Math.floor(rank);
    double lower = valueAt(below);
    if (rank == below) {
      return lower;
    }
    double upper = valueAt(below + 1);
    if (negativeInfinities <= below && below + 1 < negativeInfinities + finite()) {
      return finiteAt(rank - negativeInfinities);
    }
    return lower == upper ? lower : lower + (upper - lower) * (rank - below);
  }

  private double valueAt(double rank) {
    if (rank < negativeInfinities) {
      return Double.NEGATIVE_INFINITY;
    }
    double ofFinite = rank - negativeInfinities;
    if (ofFinite < finite()) {
      return finiteAt(ofFinite);
    }
    return ofFinite - finite() < positiveInfinities ? Double.POSITIVE_INFINITY : Double.NaN;
  }

  /** The value at a rank of the finite values, from 0 to their number less one. */
  private double finiteAt(double rank) {
    if (digest.isEmpty()) {
      double[] sorted = Arrays.copyOf(latest, latestCount);
      Arrays.sort(sorted);
      int below = (int) rank;
      double lower = sorted[below];
      return rank == below || lower == sorted[below + 1]
          ? lower
          : lower + (sorted[below + 1] - lower) * (rank - below);
    }
    TDigestDouble all =
        latestCount == 0 ? digest : joined(digest, Centroids.of(latest, latestCount));
    return interpolate(ByteBuffer.wrap(all.toByteArray()).order(ByteOrder.nativeOrder()), rank);
  }

  /**
   * The value at a rank of a stored digest. A centroid stands for neighbouring values: its mean is
   * taken to be at the middle of their ranks, and values between two means to lie on a line. The
   * library's own interpolation has ten times the error of rank (0011-approximate-quantiles.md).
   */
  private static double interpolate(ByteBuffer stored, double rank) {
    int centroids = stored.getInt(CENTROID_COUNT);
    double rankBelow = 0;
    double valueBelow = stored.getDouble(SMALLEST);
    long before = 0;
    for (int centroid = 0; centroid <= centroids; centroid++) {
      double rankAbove;
      double valueAbove;
      if (centroid < centroids) {
        valueAbove = stored.getDouble(CENTROIDS + 16 * centroid);
        long weight = stored.getLong(CENTROIDS + 16 * centroid + 8);
        rankAbove = before + (weight - 1) / 2.0;
        before += weight;
      } else {
        valueAbove = stored.getDouble(LARGEST);
        rankAbove = before - 1;
      }
      if (rank <= rankAbove) {
        return rank == rankAbove || valueBelow == valueAbove
            ? valueAbove
            : valueBelow
                + (valueAbove - valueBelow) * ((rank - rankBelow) / (rankAbove - rankBelow));
      }
      rankBelow = rankAbove;
      valueBelow = valueAbove;
    }
    return valueBelow;
  }

  /** An independent copy, which answers and grows as this one. */
  QuantileSketch copy() {
    QuantileSketch copy = new QuantileSketch();
    if (!digest.isEmpty()) {
      copy.digest = TDigestDouble.heapify(Memory.wrap(digest.toByteArray()));
    }
    copy.latest = latest.clone();
    copy.latestCount = latestCount;
    copy.negativeInfinities = negativeInfinities;
    copy.positiveInfinities = positiveInfinities;
    copy.nans = nans;
    return copy;
  }

  /** Writes the sketch, in a format of its own. */
  void write(DataOutput out) throws IOException {
    Varint.writeUnsigned(out, negativeInfinities);
    Varint.writeUnsigned(out, positiveInfinities);
    Varint.writeUnsigned(out, nans);
    Varint.writeUnsigned(out, latestCount);
    for (int i = 0; i < latestCount; i++) {
      out.writeDouble(latest[i]);
    }
    byte[] bytes = digest.isEmpty() ? new byte[0] : digest.toByteArray();
    Varint.writeUnsigned(out, bytes.length);
    out.write(bytes);
  }

  /**
   * Reads a sketch.
   *
   * @throws IOException if it is damaged
   */
  static QuantileSketch read(DataInput in) throws IOException {
    QuantileSketch sketch = new QuantileSketch();
    sketch.negativeInfinities = Varint.readUnsigned(in);
    sketch.positiveInfinities = Varint.readUnsigned(in);
    sketch.nans = Varint.readUnsigned(in);
    long latest = Varint.readUnsigned(in);
    if (latest < 0 || latest > EXACT) {
      throw new IOException(
          "A stored sketch is damaged: it says it keeps %d values; restore an older checkpoint or replay"
              .formatted(latest));
    }
    sketch.latestCount = (int) latest;
    sketch.latest = new double[Math.max(4, sketch.latestCount)];
    for (int i = 0; i < sketch.latestCount; i++) {
      sketch.latest[i] = in.readDouble();
    }
    byte[] bytes = SketchBytes.read(in);
    if (bytes.length > 0) {
      try {
        sketch.digest = TDigestDouble.heapify(Memory.wrap(bytes));
      } catch (RuntimeException e) {
        throw SketchBytes.damaged(e);
      }
    }
    return sketch;
  }
}
