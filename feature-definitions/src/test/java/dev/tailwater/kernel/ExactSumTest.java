package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExactSumTest {

  /**
   * Two narrow and two wide accumulators: the second of each is what the first is compared with.
   */
  private final long[] narrow = new long[2 * ExactSum.NARROW_WORDS];

  private final long[] wide = new long[2 * ExactSum.WIDE_WORDS];

  @Test
  void roundsOnceHalfToEven() {
    add(1, Math.ulp(1.0) / 2);
    assertThat(sum()).isEqualTo(1.0);
    add(Math.scalb(1.0, -96));
    assertThat(sum()).isEqualTo(Math.nextUp(1.0));
    add(-1, -Math.ulp(1.0) / 2, -Math.scalb(1.0, -96));
    assertThat(sum()).isEqualTo(0.0);

    add(Math.nextUp(1.0), Math.ulp(1.0) / 2);
    assertThat(sum()).isEqualTo(1 + 2 * Math.ulp(1.0));
  }

  @Test
  void tenTenthsAreTheExactSumOfTheirDoubles() {
    for (int i = 0; i < 10; i++) {
      add(0.1);
    }
    assertThat(sum()).isEqualTo(1.0);
  }

  @Test
  void whatCancelsLeavesNothingBehind() {
    add(1e300, 1, -1e300);
    assertThat(sum()).isEqualTo(1.0);
    add(1e-300, -1);
    assertThat(sum()).isEqualTo(1e-300);
    add(-1e-300);
    assertThat(Double.doubleToRawLongBits(sum())).isZero();
  }

  @Test
  void wordsAreAddedAndTakenAwayAsOneInteger() {
    long[] some = {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, 0x123456789abcdefL};
    Random random = new Random(1);
    for (int i = 0; i < 10_000; i++) {
      int length = 1 + random.nextInt(4);
      long[] into = random.longs(length, 0, some.length).map(at -> some[(int) at]).toArray();
      long[] added = random.longs(length, 0, some.length).map(at -> some[(int) at]).toArray();
      long[] before = into.clone();
      BigInteger sum = integer(into).add(integer(added));

      ExactSum.addWords(into, 0, added, 0, length);
      assertThat(integer(into)).isEqualTo(sum.mod(BigInteger.ONE.shiftLeft(64 * length)));
      ExactSum.subtractWords(into, 0, added, 0, length);
      assertThat(into).isEqualTo(before);
    }
  }

  /** Words of 64 bits, the lowest first, without a sign. */
  private static BigInteger integer(long[] words) {
    BigInteger integer = BigInteger.ZERO;
    for (int word = words.length - 1; word >= 0; word--) {
      integer = integer.shiftLeft(64).add(new BigInteger(Long.toUnsignedString(words[word])));
    }
    return integer;
  }

  @Test
  void negativeZerosSumToZero() {
    add(-0.0, -0.0);
    assertThat(Double.doubleToRawLongBits(sum())).isZero();
  }

  @Test
  void subnormalsAreExact() {
    add(Double.MIN_VALUE, Double.MIN_VALUE, Double.MIN_NORMAL);
    assertThat(sum()).isEqualTo(Double.MIN_NORMAL + 2 * Double.MIN_VALUE);
    add(-Double.MIN_NORMAL);
    assertThat(sum()).isEqualTo(2 * Double.MIN_VALUE);
    add(-3 * Double.MIN_VALUE);
    assertThat(sum()).isEqualTo(-Double.MIN_VALUE);
  }

  @Test
  void aSumBeyondTheRangeIsInfiniteAndComesBack() {
    add(Double.MAX_VALUE, Double.MAX_VALUE);
    assertThat(sum()).isEqualTo(Double.POSITIVE_INFINITY);
    add(-Double.MAX_VALUE);
    assertThat(sum()).isEqualTo(Double.MAX_VALUE);
    add(-Double.MAX_VALUE, -Double.MAX_VALUE, -Double.MAX_VALUE);
    assertThat(sum()).isEqualTo(Double.NEGATIVE_INFINITY);
  }

  @Test
  void nanAndInfinitiesCanBeTakenAwayAgain() {
    add(5, Double.POSITIVE_INFINITY);
    assertThat(sum()).isEqualTo(Double.POSITIVE_INFINITY);
    add(Double.NEGATIVE_INFINITY);
    assertThat(sum()).isNaN();
    ExactSum.subtractWide(wide, 0, Double.POSITIVE_INFINITY);
    assertThat(sum()).isEqualTo(Double.NEGATIVE_INFINITY);
    ExactSum.subtractWide(wide, 0, Double.NEGATIVE_INFINITY);
    assertThat(sum()).isEqualTo(5);
    add(Double.NaN);
    assertThat(sum()).isNaN();
    ExactSum.subtractWide(wide, 0, Double.NaN);
    assertThat(sum()).isEqualTo(5);
  }

  @Test
  void theNarrowAccumulatorTakesExactlyItsMultiples() {
    double lowest = Math.scalb(1.0, -96);
    assertThat(ExactSum.addNarrow(narrow, 0, lowest)).isTrue();
    assertThat(ExactSum.addNarrow(narrow, 0, lowest / 2)).isFalse();
    assertThat(ExactSum.addNarrow(narrow, 0, 1.5 * lowest)).isFalse();
    assertThat(ExactSum.addNarrow(narrow, 0, Math.nextDown(0x1p64))).isTrue();
    assertThat(ExactSum.addNarrow(narrow, 0, 0x1p64)).isFalse();
    assertThat(ExactSum.addNarrow(narrow, 0, 0x1p-44 + 0x1p-96)).isTrue();
    assertThat(ExactSum.addNarrow(narrow, 0, Double.NaN)).isFalse();
    assertThat(ExactSum.addNarrow(narrow, 0, Double.NEGATIVE_INFINITY)).isFalse();
    assertThat(ExactSum.addNarrow(narrow, 0, Double.MIN_VALUE)).isFalse();
  }

  @Test
  void anIntegerAccumulatorHoldsEveryLong() {
    long[] words = new long[2 * ExactSum.INTEGER_WORDS];
    ExactSum.addInteger(words, 0, Long.MIN_VALUE);
    ExactSum.addInteger(words, 0, Long.MIN_VALUE);
    assertThat(ExactSum.integerDifference(words, 0, 2)).isEqualTo(-0x1p64);
    ExactSum.subtractInteger(words, 0, Long.MIN_VALUE);
    ExactSum.addInteger(words, 0, Long.MAX_VALUE);
    assertThat(ExactSum.integerDifference(words, 0, 2)).isEqualTo(-1);
    ExactSum.subtractInteger(words, 0, -1);
    assertThat(ExactSum.integerDifference(words, 0, 2)).isEqualTo(0);
  }

  @Test
  void accumulatorsMayWrapAroundBecauseOnlyTheirDifferenceCounts() {
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = -1L >>> (i % 3 == 2 ? 1 : 0); // The largest number: one more overflows.
    }
    add(0.5, 0x1p63, 0x1p63);
    assertThat(sum()).isEqualTo(0x1p64);
  }

  static LongStream seeds() {
    return LongStream.range(0, 500);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void equalsTheRoundedBigDecimal(long seed) {
    Random random = new Random(seed);
    boolean extreme = random.nextBoolean();
    int spread = random.nextInt(2_100);
    List<Object> behind = new ArrayList<>();
    List<Object> all = new ArrayList<>();
    int count = random.nextInt(60);
    for (int i = 0; i < count; i++) {
      double value =
          extreme
              ? Math.scalb(random.nextDouble() - 0.5, random.nextInt(spread + 1) - spread / 2)
              : History.number(seed % 3 == 0, random);
      if (!all.isEmpty() && random.nextInt(3) == 0) {
        value = -(Double) all.get(random.nextInt(all.size()));
      }
      all.add(value);
      addTo(0, value);
      if (random.nextInt(3) == 0) {
        behind.add(value);
        addTo(1, value);
      }
    }
    assertThat(difference(0, 1)).isEqualTo(exactDifference(all, behind));
    assertThat(difference(1, 0)).isEqualTo(-exactDifference(all, behind) + 0.0);
    assertThat(difference(0, 0)).isEqualTo(0.0);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void integersEqualTheRoundedBigDecimal(long seed) {
    Random random = new Random(seed);
    long[] words = new long[2 * ExactSum.INTEGER_WORDS];
    List<Object> inside = new ArrayList<>();
    for (int i = 0; i < random.nextInt(200); i++) {
      long value = random.nextLong() >> random.nextInt(64);
      ExactSum.addInteger(words, 0, value);
      if (random.nextBoolean()) {
        ExactSum.subtractInteger(words, 0, value);
      } else if (random.nextBoolean()) {
        ExactSum.addInteger(words, 2, value);
      } else {
        inside.add(value);
      }
    }
    assertThat(ExactSum.integerDifference(words, 0, 2)).isEqualTo(NaiveState.sum(inside));
  }

  private static double exactDifference(List<Object> all, List<Object> behind) {
    List<Object> inside = new ArrayList<>(all);
    behind.forEach(inside::remove);
    return NaiveState.sum(inside);
  }

  private void add(double... values) {
    for (double value : values) {
      addTo(0, value);
    }
  }

  private void addTo(int accumulator, double value) {
    if (!ExactSum.addNarrow(narrow, accumulator * ExactSum.NARROW_WORDS, value)) {
      ExactSum.addWide(wide, accumulator * ExactSum.WIDE_WORDS, value);
    }
  }

  private double sum() {
    return difference(0, 1);
  }

  /** As long as nothing was too wide, both ways to round must agree. */
  private double difference(int minuend, int subtrahend) {
    int narrowMinuend = minuend * ExactSum.NARROW_WORDS;
    int narrowSubtrahend = subtrahend * ExactSum.NARROW_WORDS;
    double difference =
        ExactSum.difference(
            narrow,
            narrowMinuend,
            narrowSubtrahend,
            wide,
            minuend * ExactSum.WIDE_WORDS,
            subtrahend * ExactSum.WIDE_WORDS);
    if (Arrays.stream(wide).allMatch(word -> word == 0)) {
      assertThat(ExactSum.narrowDifference(narrow, narrowMinuend, narrowSubtrahend))
          .isEqualTo(difference);
    }
    return difference;
  }
}
