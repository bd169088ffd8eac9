package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExactMomentsTest {

  private static final int ORDER = 4;

  private final long[] narrow = new long[2 * ExactMoments.narrowWords(ORDER)];
  private final long[] wide = new long[2 * ExactMoments.wideWords(ORDER)];

  @Test
  void theVarianceOfTwoNumbersIsHalfTheirSquaredDistance() {
    add(10, 13);
    assertThat(narrowVariance(2, true)).isEqualTo(4.5);
    assertThat(narrowVariance(2, false)).isEqualTo(2.25);
  }

  @Test
  void aSmallSpreadAroundALargeMeanIsNotLost() {
    add(1e9 + 1, 1e9 + 2, 1e9 + 3);
    assertThat(narrowVariance(3, true)).isEqualTo(1.0);
    assertThat(ExactMoments.kurtosis(narrowSums(), 3)).isEqualTo(-1.5);
    assertThat(ExactMoments.skewness(narrowSums(), 3)).isEqualTo(0.0);
  }

  @Test
  void equalValuesHaveNoVarianceAndNoShape() {
    add(0.1, 0.1, 0.1);
    assertThat(narrowVariance(3, false)).isEqualTo(0.0);
    assertThat(ExactMoments.kurtosis(narrowSums(), 3)).isNull();
    assertThat(ExactMoments.skewness(narrowSums(), 3)).isNull();
  }

  @Test
  void valuesBeyondTheNarrowRangeAreExactToo() {
    add(1e300, -1e300, 1e-300);
    assertThat(variance(3, false)).isEqualTo(Double.POSITIVE_INFINITY);
    takeAway(1e300, -1e300);
    add(3e-300, Double.MIN_VALUE);
    assertThat(variance(3, false)).isEqualTo(0.0);
    assertThat(ExactMoments.skewness(sums(), 3)).isGreaterThan(0.3);
  }

  @Test
  void aNanLeavesNothingBehindWhenItIsTakenAway() {
    add(1, 2, Double.NaN, Double.NEGATIVE_INFINITY);
    assertThat(sumsOrNull()).isNull();
    takeAway(Double.NaN);
    assertThat(sumsOrNull()).isNull();
    takeAway(Double.NEGATIVE_INFINITY);
    assertThat(variance(2, true)).isEqualTo(0.5);
  }

  static LongStream seeds() {
    return LongStream.range(0, 400);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void equalTheRoundedRationals(long seed) {
    Random random = new Random(seed);
    boolean extreme = random.nextInt(4) == 0;
    List<Double> inside = new ArrayList<>();
    for (int i = 0; i < random.nextInt(40); i++) {
      double value =
          extreme
              ? Math.scalb(random.nextDouble() - 0.5, random.nextInt(2000) - 1000)
              : History.number(seed % 3 == 0, random);
      if (Double.isNaN(value) || Double.isInfinite(value)) {
        continue;
      }
      add(value);
      switch (random.nextInt(3)) {
        case 0 -> takeAway(value);
        case 1 -> addTo(1, value, false);
        default -> inside.add(value);
      }
    }
    if (inside.isEmpty()) {
      return;
    }
    int n = inside.size();
    assertThat(variance(n, false)).isEqualTo(naiveVariance(inside, n));
    if (n > 1) {
      assertThat(variance(n, true)).isEqualTo(naiveVariance(inside, n - 1));
    }
    assertThat(ExactMoments.kurtosis(sums(), n)).isEqualTo(naiveKurtosis(inside));
    assertThat(ExactMoments.skewness(sums(), n))
        .satisfies(s -> assertNear(s, naiveSkewness(inside)));
    if (LongStream.range(0, wide.length).allMatch(word -> wide[(int) word] == 0)) {
      assertThat(narrowVariance(n, false)).isEqualTo(variance(n, false));
      assertThat(ExactMoments.kurtosis(narrowSums(), n)).isEqualTo(naiveKurtosis(inside));
      assertThat(ExactMoments.skewness(narrowSums(), n))
          .isEqualTo(ExactMoments.skewness(sums(), n));
      if (n > 1) {
        assertThat(narrowVariance(n, true)).isEqualTo(variance(n, true));
      }
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void integersEqualTheRoundedRationals(long seed) {
    Random random = new Random(seed);
    int words = ExactMoments.integerWords(ORDER);
    long[] sums = new long[2 * words];
    List<BigDecimal> inside = new ArrayList<>();
    for (int i = 0; i < 2 + random.nextInt(40); i++) {
      long value = i == 0 ? Long.MIN_VALUE : random.nextLong() >> random.nextInt(64);
      ExactMoments.addInteger(sums, 0, ORDER, value, false);
      switch (random.nextInt(4)) {
        case 0 -> ExactMoments.addInteger(sums, 0, ORDER, value, true);
        case 1 -> ExactMoments.addInteger(sums, words, ORDER, value, false);
        default -> inside.add(BigDecimal.valueOf(value));
      }
    }
    int n = inside.size();
    if (n > 1) {
      BigDecimal[] m = centralMoments(inside);
      BigInteger[] exact = ExactMoments.integerSums(sums, 0, words, ORDER);
      assertThat(ExactMoments.integerVariance(sums, 0, words, n, true))
          .isEqualTo(quotient(m[2], BigDecimal.valueOf((long) n * (n - 1))));
      assertThat(ExactMoments.integerVariance(sums, 0, words, n, false))
          .isEqualTo(ExactMoments.variance(exact, 0, n, false));
      assertThat(ExactMoments.kurtosis(exact, n)).isEqualTo(kurtosis(m));
    }
  }

  /** n^k times the k-th central moment, exactly. */
  private static BigDecimal[] centralMoments(List<BigDecimal> values) {
    BigDecimal n = BigDecimal.valueOf(values.size());
    BigDecimal sum = values.stream().reduce(BigDecimal.ZERO, BigDecimal::add);
    BigDecimal[] moments = new BigDecimal[5];
    for (int k = 2; k <= 4; k++) {
      BigDecimal moment = BigDecimal.ZERO;
      for (BigDecimal value : values) {
        moment = moment.add(value.multiply(n).subtract(sum).pow(k));
      }
      // Of n values, each n times its distance from the mean: the mean of the powers.
      moments[k] = moment.divide(n, MathContext.UNLIMITED);
    }
    return moments;
  }

  private static BigDecimal[] ofDoubles(List<Double> values) {
    return centralMoments(values.stream().map(BigDecimal::new).toList());
  }

  private static double naiveVariance(List<Double> values, int divisor) {
    BigDecimal m2 = ofDoubles(values)[2];
    return quotient(m2, BigDecimal.valueOf((long) values.size() * divisor));
  }

  private static @Nullable Double naiveKurtosis(List<Double> values) {
    return kurtosis(ofDoubles(values));
  }

  private static @Nullable Double kurtosis(BigDecimal[] m) {
    BigDecimal square = m[2].pow(2);
    return square.signum() == 0
        ? null
        : (Double) quotient(m[4].subtract(square.multiply(BigDecimal.valueOf(3))), square);
  }

  private static @Nullable Double naiveSkewness(List<Double> values) {
    BigDecimal[] m = ofDoubles(values);
    if (m[2].signum() == 0) {
      return null;
    }
    MathContext digits = new MathContext(60);
    return m[3].round(digits).divide(m[2].round(digits).pow(3).sqrt(digits), digits).doubleValue();
  }

  private static void assertNear(@Nullable Double actual, @Nullable Double expected) {
    if (actual == null || expected == null) {
      assertThat(actual).isEqualTo(expected);
    } else {
      assertThat(Math.abs(actual - expected)).isLessThanOrEqualTo(Math.ulp(expected));
    }
  }

  /** Far more digits than can decide, the last one rounded so that it breaks ties. */
  private static double quotient(BigDecimal numerator, BigDecimal denominator) {
    BigDecimal quotient =
        numerator.divide(denominator, new MathContext(1500, RoundingMode.HALF_EVEN));
    return quotient.doubleValue();
  }

  private void add(double... values) {
    for (double value : values) {
      addTo(0, value, false);
    }
  }

  private void takeAway(double... values) {
    for (double value : values) {
      addTo(0, value, true);
    }
  }

  private void addTo(int accumulator, double value, boolean takeAway) {
    int at = accumulator * ExactMoments.narrowWords(ORDER);
    if (!ExactMoments.addNarrow(narrow, at, ORDER, value, takeAway)) {
      ExactMoments.addWide(
          wide, accumulator * ExactMoments.wideWords(ORDER), ORDER, value, takeAway);
    }
  }

  private double narrowVariance(long count, boolean ofSample) {
    return ExactMoments.narrowVariance(narrow, 0, ExactMoments.narrowWords(ORDER), count, ofSample);
  }

  private BigInteger[] narrowSums() {
    return ExactMoments.narrowSums(narrow, 0, ExactMoments.narrowWords(ORDER), ORDER);
  }

  private BigInteger @Nullable [] sumsOrNull() {
    return ExactMoments.sums(
        narrow, 0, ExactMoments.narrowWords(ORDER), wide, 0, ExactMoments.wideWords(ORDER), ORDER);
  }

  private BigInteger[] sums() {
    BigInteger[] sums = sumsOrNull();
    assertThat(sums).isNotNull();
    return sums == null ? new BigInteger[0] : sums;
  }

  private double variance(long count, boolean ofSample) {
    return ExactMoments.variance(sums(), ExactMoments.WIDE_SCALE, count, ofSample);
  }
}
