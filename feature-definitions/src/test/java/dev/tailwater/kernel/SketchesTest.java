package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.DoubleSupplier;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SketchesTest {

  static LongStream seeds() {
    return LongStream.range(0, 60);
  }

  @Test
  void aLongSketchIsMergedIntoOneOfAFewValues() {
    for (int few = 0; few < 4; few++) {
      QuantileSketch sketch = new QuantileSketch();
      for (int i = 0; i < few; i++) {
        sketch.add(-1 - i);
      }
      QuantileSketch later = new QuantileSketch();
      for (int i = 0; i < 1_000; i++) {
        later.add(i);
      }
      sketch.merge(later);

      assertThat(sketch.count()).isEqualTo(1_000 + few);
      assertThat(sketch.quantile(0)).isEqualTo(-few);
      assertThat(sketch.quantile(1)).isEqualTo(999);
    }
  }

  @Test
  void equalValuesGiveTheQuantileEstimateNoChoice() {
    Set<Double> estimates = new TreeSet<>();
    for (int run = 0; run < 50; run++) {
      Random random = new Random(5);
      QuantileSketch sketch = new QuantileSketch();
      for (int i = 0; i < 2_000; i++) {
        sketch.add(random.nextInt(100));
      }
      QuantileSketch other = new QuantileSketch();
      for (int i = 0; i < 2_000; i++) {
        other.add(random.nextInt(100));
      }
      sketch.merge(other);
      estimates.add(sketch.quantile(0.5));
    }
    assertThat(estimates).as("of the same values, fifty times").hasSize(1);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void theDistinctEstimateIsAFunctionOfTheSet(long seed) throws IOException {
    Random random = new Random(seed);
    int spread = 1 + random.nextInt(1 << (1 + random.nextInt(16)));
    long[] values = random.longs(2L * spread, 0, spread).toArray();
    DistinctSketch inOrder = new DistinctSketch();
    Arrays.stream(values).forEach(inOrder::add);
    DistinctSketch[] tiles = new DistinctSketch[1 + random.nextInt(20)];
    Arrays.setAll(tiles, tile -> new DistinctSketch());
    for (int i = values.length - 1; i >= 0; i--) {
      int tile = random.nextInt(tiles.length);
      tiles[tile].add(values[i]);
      if (random.nextInt(100) == 0) {
        tiles[tile] = stored(tiles[tile]);
      }
    }
    DistinctSketch merged = new DistinctSketch();
    for (DistinctSketch tile : tiles) {
      merged.merge(tile);
    }
    assertThat(merged.estimate()).isEqualTo(inOrder.estimate());
    assertThat(stored(merged).estimate()).isEqualTo(inOrder.estimate());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 10, 100, 1_000, 10_000, 100_000, 1_000_000})
  void theDistinctEstimateIsWithinFiveStandardErrors(int distinct) {
    DistinctSketch sketch = new DistinctSketch();
    for (long value = 0; value < distinct; value++) {
      sketch.add(value * 1_000_003);
    }
    assertThat((double) sketch.estimate()).isBetween(0.92 * distinct, 1.08 * distinct);
  }

  @Test
  void fewDistinctValuesAreCountedExactly() {
    DistinctSketch sketch = new DistinctSketch();
    for (String text : new String[] {"", "a", "b", "a", "ä", "", "b"}) {
      sketch.add(text);
    }
    assertThat(sketch.estimate()).isEqualTo(4);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void theQuantileEstimateDoesNotNoticeThatItWasStored(long seed) throws IOException {
    Random random = new Random(seed);
    QuantileSketch plain = new QuantileSketch();
    QuantileSketch oftenStored = new QuantileSketch();
    for (int tile = 0; tile < 1 + random.nextInt(6); tile++) {
      QuantileSketch plainTile = new QuantileSketch();
      QuantileSketch storedTile = new QuantileSketch();
      for (int i = 0; i < random.nextInt(2_000); i++) {
        double value = seed % 5 == 0 ? History.number(true, random) : random.nextGaussian();
        plainTile.add(value);
        storedTile.add(value);
        if (random.nextInt(50) == 0) {
          storedTile = stored(storedTile);
        }
        if (random.nextInt(50) == 0) {
          storedTile.quantile(0.5);
        }
      }
      plain.merge(plainTile);
      oftenStored.merge(storedTile);
      oftenStored = stored(oftenStored);
    }
    if (plain.count() > 0) {
      for (double q = 0; q <= 1; q += 1.0 / 64) {
        assertThat(oftenStored.quantile(q)).isEqualTo((Double) plain.quantile(q));
      }
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void fewValuesHaveExactQuantiles(long seed) {
    Random random = new Random(seed);
    QuantileSketch sketch = new QuantileSketch();
    double[] values = random.doubles(1 + random.nextInt(QuantileSketch.EXACT)).toArray();
    Arrays.stream(values).forEach(sketch::add);
    Arrays.sort(values);
    double q = random.nextDouble();
    double h = q * (values.length - 1);
    int below = (int) h;
    double expected =
        h == below
            ? values[below]
            : values[below] + (values[below + 1] - values[below]) * (h - below);
    assertThat(sketch.quantile(q)).isEqualTo(expected);
  }

  @Test
  void infinitiesAndNanHaveTheirPlaceInTheOrder() {
    QuantileSketch sketch = new QuantileSketch();
    for (double value :
        new double[] {1, Double.NaN, Double.NEGATIVE_INFINITY, 2, Double.POSITIVE_INFINITY}) {
      sketch.add(value);
    }
    assertThat(sketch.quantile(0)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(sketch.quantile(0.25)).isEqualTo(1);
    assertThat(sketch.quantile(0.375)).isEqualTo(1.5);
    assertThat(sketch.quantile(0.5)).isEqualTo(2);
    assertThat(sketch.quantile(0.75)).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(sketch.quantile(1)).isNaN();
  }

  /** The bounds that documents state: 2 % of rank anywhere, 0.2 % where values have no gap. */
  @Test
  void theRankOfAQuantileIsNearTheAskedOne() {
    Random random = new Random(7);
    assertRankError(random::nextDouble, 0.002);
    assertRankError(random::nextGaussian, 0.002);
    assertRankError(() -> Math.exp(3 * random.nextGaussian()), 0.002);
    assertRankError(() -> random.nextInt(1000), 0.002);
    assertRankError(new Rising(), 0.002);
    assertRankError(
        () -> random.nextInt(10) == 0 ? 1e6 + random.nextGaussian() : random.nextDouble(), 0.02);
  }

  private static void assertRankError(DoubleSupplier distribution, double bound) {
    int n = 100_000;
    for (int tiles : new int[] {1, 100, 1000}) {
      double[] values = new double[n];
      QuantileSketch sketch = new QuantileSketch();
      for (int tile = 0; tile < tiles; tile++) {
        QuantileSketch own = new QuantileSketch();
        for (int i = tile * (n / tiles); i < (tile + 1) * (n / tiles); i++) {
          values[i] = distribution.getAsDouble();
          own.add(values[i]);
        }
        sketch.merge(own);
      }
      Arrays.sort(values);
      for (int q = 0; q <= 1000; q++) {
        assertThat(rankError(values, sketch.quantile(q / 1000.0), q / 1000.0))
            .as("quantile %d / 1000 of %d tiles", q, tiles)
            .isLessThan(bound);
      }
    }
  }

  private static final class Rising implements DoubleSupplier {
    private double next;

    @Override
    public double getAsDouble() {
      return next++;
    }
  }

  /** How far from q the ranks of a value are, as a share of all values. */
  private static double rankError(double[] sorted, double value, double q) {
    int below = 0;
    int to = sorted.length;
    while (below < to) {
      int middle = (below + to) >>> 1;
      if (sorted[middle] < value) {
        below = middle + 1;
      } else {
        to = middle;
      }
    }
    int notAbove = below;
    while (notAbove < sorted.length && sorted[notAbove] == value) {
      notAbove++;
    }
    double n = sorted.length;
    return Math.max(0, Math.max(below / n - q, q - notAbove / n));
  }

  @Test
  void aDamagedSketchIsRefused() throws IOException {
    DistinctSketch sketch = new DistinctSketch();
    sketch.add(1);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    sketch.write(new DataOutputStream(bytes));
    byte[] damaged = bytes.toByteArray();
    damaged[2] = 99;
    assertThatThrownBy(() -> DistinctSketch.read(in(damaged)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("damaged");
  }

  private static DataInputStream in(byte[] bytes) {
    return new DataInputStream(new ByteArrayInputStream(bytes));
  }

  private static DistinctSketch stored(DistinctSketch sketch) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    sketch.write(new DataOutputStream(bytes));
    return DistinctSketch.read(in(bytes.toByteArray()));
  }

  private static QuantileSketch stored(QuantileSketch sketch) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    sketch.write(new DataOutputStream(bytes));
    return QuantileSketch.read(in(bytes.toByteArray()));
  }
}
