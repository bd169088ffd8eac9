package dev.tailwater.kernel;

import java.math.BigInteger;
import org.jspecify.annotations.Nullable;

/**
 * Exact sums of the first two or four powers of values, in fixed point inside a caller's {@code
 * long[]}, and what statistics make of them. As of an {@link ExactSum}, only the difference of two
 * accumulators is ever read; it does not depend on the order of the values, a value that was added
 * can be taken away, and it is right as long as fewer than 2^31 values separate the two.
 *
 * <p>With n values and the exact sums Sk of their k-th powers:
 *
 * <ul>
 *   <li>variance = (n·S2 − S1²) / (n·n), of a sample / (n·(n − 1)): this rational number, rounded
 *       once, half to even;
 *   <li>skewness = √(M3² / M2³) with the sign of M3, where M2 = n·S2 − S1² and M3 = n²·S3 −
 *       3n·S1·S2 + 2·S1³: the rational number rounded once, then the square root rounded once:
 *       within one unit in the last place;
 *   <li>excess kurtosis = (M4 − 3·M2²) / M2², where M4 = n³·S4 − 4n²·S1·S3 + 6n·S1²·S2 − 3·S1⁴:
 *       this rational number, rounded once.
 * </ul>
 *
 * <p>As long as one NaN or infinity is among the values, all of them are NaN. Stateless and
 * thread-safe; the arrays are the caller's.
 */
final class ExactMoments {

  /**
   * How accumulators are laid out: the sum of x, then of x², and so on.
   *
   * @param scale the lowest bit of the sum of the k-th powers is worth 2^(−k · scale)
   * @param lengths words of each sum
   */
  private record Format(int scale, int... lengths) {

    int words(int order) {
      int words = 0;
      for (int power = 0; power < order; power++) {
        words += lengths[power];
      }
      return words;
    }
  }

  /** As many bits as {@link ExactSum} has for narrow values, for each power. */
  private static final Format NARROW = new Format(96, 3, 6, 8, 11);

  private static final Format INTEGER = new Format(0, 2, 3, 4, 5);
  private static final Format WIDE = new Format(1074, 34, 67, 99, 132);

  private static final int UNIT_EXPONENT = 1075;
  private static final long MANTISSA_MASK = (1L << 52) - 1;
  private static final long HIDDEN_BIT = 1L << 52;

  private ExactMoments() {}

  /** Words of an accumulator for the values that {@link #addNarrow} takes. */
  static int narrowWords(int order) {
    return NARROW.words(order);
  }

  /** Words of an accumulator for longs. */
  static int integerWords(int order) {
    return INTEGER.words(order);
  }

  /** Words of an accumulator for all doubles, the last one counting NaN and infinities. */
  static int wideWords(int order) {
    return WIDE.words(order) + 1;
  }

  /**
   * Adds the powers of a value to a narrow accumulator, or takes them away.
   *
   * @param order how many powers: 2 or 4
   * @return false, having changed nothing, if the value needs the wide accumulator
   */
  static boolean addNarrow(long[] words, int at, int order, double value, boolean takeAway) {
    long bits = Double.doubleToRawLongBits(value);
    int exponent = (int) (bits >>> 52) & 0x7ff;
    long mantissa = bits & MANTISSA_MASK | HIDDEN_BIT;
    int shift = exponent - (UNIT_EXPONENT - NARROW.scale);
    if (shift < 0 || shift > 64 + NARROW.scale - 53) {
      if (value == 0) {
        return true;
      }
      // A subnormal has an exponent of 0, and more to shift away than a mantissa has bits.
      if (shift > 0 || Long.numberOfTrailingZeros(mantissa) < -shift) {
        return false;
      }
      mantissa >>>= -shift;
      shift = 0;
    }
    add(NARROW, words, at, order, mantissa, shift, bits < 0, takeAway);
    return true;
  }

  /** Adds the powers of any value to a wide accumulator, or takes them away. */
  static void addWide(long[] words, int at, int order, double value, boolean takeAway) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      words[at + WIDE.words(order)] += takeAway ? -1 : 1;
      return;
    }
    long bits = Double.doubleToRawLongBits(value);
    int exponent = (int) (bits >>> 52) & 0x7ff;
    long mantissa = bits & MANTISSA_MASK | (exponent == 0 ? 0 : HIDDEN_BIT);
    int shift = Math.max(exponent, 1) - (UNIT_EXPONENT - WIDE.scale);
    add(WIDE, words, at, order, mantissa, shift, bits < 0, takeAway);
  }

  /** Adds the powers of a value to an integer accumulator, or takes them away. */
  static void addInteger(long[] words, int at, int order, long value, boolean takeAway) {
    // The magnitude of Long.MIN_VALUE is right as an unsigned number.
    add(INTEGER, words, at, order, Math.abs(value), 0, value < 0, takeAway);
  }

  private static void add(
      Format format,
      long[] words,
      int at,
      int order,
      long magnitude,
      int shift,
      boolean negative,
      boolean takeAway) {
    int[] lengths = format.lengths;
    int to = at;
    FixedPoint.add(words, to, lengths[0], 0, magnitude, shift, negative != takeAway);
    to += lengths[0];
    long low = magnitude * magnitude;
    long high = FixedPoint.multiplyHigh(magnitude, magnitude);
    FixedPoint.add(words, to, lengths[1], high, low, 2 * shift, takeAway);
    if (order > 2) {
      long[] square = {low, high};
      to += lengths[1];
      long[] cube = FixedPoint.multiply(square, new long[] {magnitude});
      FixedPoint.add(words, to, lengths[2], cube, 3 * shift, negative != takeAway);
      to += lengths[2];
      long[] fourth = FixedPoint.multiply(square, square);
      FixedPoint.add(words, to, lengths[3], fourth, 4 * shift, takeAway);
    }
  }

  /**
   * The variance of the values that were added to one narrow accumulator and not to the other.
   *
   * @param count how many values that are, at least 1, of a sample at least 2
   */
  static double narrowVariance(
      long[] words, int minuend, int subtrahend, long count, boolean ofSample) {
    return variance(NARROW, words, minuend, subtrahend, count, ofSample);
  }

  /** As {@link #narrowVariance}, of integer accumulators. */
  static double integerVariance(
      long[] words, int minuend, int subtrahend, long count, boolean ofSample) {
    return variance(INTEGER, words, minuend, subtrahend, count, ofSample);
  }

  private static double variance(
      Format format, long[] words, int minuend, int subtrahend, long count, boolean ofSample) {
    int length = format.lengths[0];
    long[] sum = new long[length];
    System.arraycopy(words, minuend, sum, 0, length);
    ExactSum.subtractWords(sum, 0, words, subtrahend, length);
    if (sum[length - 1] < 0) {
      FixedPoint.negate(sum);
    }
    int squares = format.lengths[1];
    long[] scaled = new long[squares + 1];
    System.arraycopy(words, minuend + length, scaled, 0, squares);
    ExactSum.subtractWords(scaled, 0, words, subtrahend + length, squares);
    long carry = 0;
    for (int word = 0; word < scaled.length; word++) {
      long low = scaled[word] * count;
      long high = FixedPoint.multiplyHigh(scaled[word], count);
      scaled[word] = low + carry;
      carry = high + (Long.compareUnsigned(scaled[word], carry) < 0 ? 1 : 0);
    }
    FixedPoint.add(scaled, 0, scaled.length, FixedPoint.multiply(sum, sum), 0, true);
    return quotient(scaled, 2 * format.scale, count, ofSample ? count - 1 : count);
  }

  /** {@code number / (one · other) · 2^−scale}, rounded once; both divisors are below 2^31. */
  private static double quotient(long[] number, int scale, long one, long other) {
    int word = number.length - 1;
    while (word >= 0 && number[word] == 0) {
      word--;
    }
    if (word < 0) {
      return 0.0;
    }
    // Its first 192 bits: at least 130 remain of them, and all others can only break a tie.
    int up = Long.numberOfLeadingZeros(number[word]);
    long third = wordAt(number, word, up);
    long second = wordAt(number, word - 1, up);
    long first = wordAt(number, word - 2, up);
    boolean more = wordAt(number, word - 3, up) != 0;
    for (int rest = word - 4; rest >= 0; rest--) {
      more |= number[rest] != 0;
    }
    for (int time = 0; time < 2; time++) {
      long divisor = time == 0 ? one : other;
      long digit = third >>> 32;
      long a = digit / divisor;
      digit = digit % divisor << 32 | third & 0xffffffffL;
      third = a << 32 | digit / divisor;
      digit = digit % divisor << 32 | second >>> 32;
      a = digit / divisor;
      digit = digit % divisor << 32 | second & 0xffffffffL;
      second = a << 32 | digit / divisor;
      digit = digit % divisor << 32 | first >>> 32;
      a = digit / divisor;
      digit = digit % divisor << 32 | first & 0xffffffffL;
      first = a << 32 | digit / divisor;
      more |= digit % divisor != 0;
    }
    // Rounding takes a signed number: one bit is made room for.
    more |= (first & 1) != 0;
    first = first >>> 1 | second << 63 | (more ? 1 : 0);
    second = second >>> 1 | third << 63;
    third >>>= 1;
    int unit = 64 * (word - 2) - up + 1;
    return ExactSum.round(third, second, first, scale - unit);
  }

  private static long wordAt(long[] number, int word, int up) {
    long own = word >= 0 ? number[word] << up : 0;
    return up == 0 || word < 1 ? own : own | number[word - 1] >>> (64 - up);
  }

  /** The variance of any doubles: what is in a narrow and a wide difference together. */
  static double variance(BigInteger[] sums, int scale, long count, boolean ofSample) {
    BigInteger n = BigInteger.valueOf(count);
    BigInteger divisor = BigInteger.valueOf(ofSample ? count - 1 : count).multiply(n);
    return FixedPoint.round(second(sums, n), divisor, -2 * scale);
  }

  /** The skewness, or null if all values are equal; the scale of the sums has no influence. */
  static @Nullable Double skewness(BigInteger[] sums, long count) {
    BigInteger n = BigInteger.valueOf(count);
    BigInteger m2 = second(sums, n);
    if (m2.signum() == 0) {
      return null;
    }
    BigInteger s1 = sums[0];
    BigInteger m3 =
        n.multiply(n.multiply(sums[2]).subtract(s1.multiply(sums[1]).multiply(THREE)))
            .add(s1.pow(3).shiftLeft(1));
    if (m3.signum() == 0) {
      return 0.0;
    }
    BigInteger square = m3.multiply(m3);
    BigInteger divisor = m2.pow(3);
    // Brought close to 1 by an even power of two, so that neither overflows nor underflows.
    int half = (square.bitLength() - divisor.bitLength()) >> 1;
    double root = Math.sqrt(FixedPoint.round(square, divisor, -2 * half));
    return m3.signum() * Math.scalb(root, half);
  }

  /** The excess kurtosis, or null if all values are equal; the sums' scale has no influence. */
  static @Nullable Double kurtosis(BigInteger[] sums, long count) {
    BigInteger n = BigInteger.valueOf(count);
    BigInteger m2 = second(sums, n);
    if (m2.signum() == 0) {
      return null;
    }
    BigInteger s1 = sums[0];
    BigInteger square = s1.multiply(s1);
    BigInteger m4 =
        n.multiply(
                n.multiply(n.multiply(sums[3]).subtract(s1.multiply(sums[2]).shiftLeft(2)))
                    .add(square.multiply(sums[1]).multiply(SIX)))
            .subtract(square.multiply(square).multiply(THREE));
    BigInteger divisor = m2.multiply(m2);
    return FixedPoint.round(m4.subtract(divisor.multiply(THREE)), divisor, 0);
  }

  private static final BigInteger THREE = BigInteger.valueOf(3);
  private static final BigInteger SIX = BigInteger.valueOf(6);

  private static BigInteger second(BigInteger[] sums, BigInteger n) {
    return n.multiply(sums[1]).subtract(sums[0].multiply(sums[0]));
  }

  /** The scale of {@link #sums}: the k-th is worth 2^(−k · scale). */
  static final int WIDE_SCALE = WIDE.scale;

  /** The differences of two integer accumulators; their scale is 0. */
  static BigInteger[] integerSums(long[] words, int minuend, int subtrahend, int order) {
    return differences(INTEGER, words, minuend, subtrahend, order);
  }

  /** The differences of two narrow accumulators, without the bits that are 0 in all of them. */
  static BigInteger[] narrowSums(long[] words, int minuend, int subtrahend, int order) {
    BigInteger[] sums = differences(NARROW, words, minuend, subtrahend, order);
    int zeros = NARROW.scale;
    for (int power = 1; power <= order; power++) {
      if (sums[power - 1].signum() != 0) {
        zeros = Math.min(zeros, sums[power - 1].getLowestSetBit() / power);
      }
    }
    for (int power = 1; power <= order; power++) {
      sums[power - 1] = sums[power - 1].shiftRight(power * zeros);
    }
    return sums;
  }

  /**
   * The differences of two narrow and two wide accumulators together, at {@link #WIDE_SCALE}.
   *
   * @return null if NaN or an infinity is among the values
   */
  static BigInteger @Nullable [] sums(
      long[] words,
      int minuend,
      int subtrahend,
      long[] wide,
      int wideMinuend,
      int wideSubtrahend,
      int order) {
    int notFinite = WIDE.words(order);
    if (wide[wideMinuend + notFinite] != wide[wideSubtrahend + notFinite]) {
      return null;
    }
    BigInteger[] sums = differences(NARROW, words, minuend, subtrahend, order);
    BigInteger[] others = differences(WIDE, wide, wideMinuend, wideSubtrahend, order);
    for (int power = 1; power <= order; power++) {
      int above = power * (WIDE.scale - NARROW.scale);
      sums[power - 1] = sums[power - 1].shiftLeft(above).add(others[power - 1]);
    }
    return sums;
  }

  private static BigInteger[] differences(
      Format format, long[] words, int minuend, int subtrahend, int order) {
    BigInteger[] sums = new BigInteger[order];
    int from = 0;
    for (int power = 0; power < order; power++) {
      int length = format.lengths[power];
      long[] difference = new long[length];
      System.arraycopy(words, minuend + from, difference, 0, length);
      ExactSum.subtractWords(difference, 0, words, subtrahend + from, length);
      sums[power] = FixedPoint.toBigInteger(difference, 0, length);
      from += length;
    }
    return sums;
  }

  /**
   * Adds all that another narrow accumulator holds, or another integer one.
   *
   * @param real whether they are narrow
   */
  static void addAll(long[] words, long[] others, int order, boolean real) {
    addAll(real ? NARROW : INTEGER, words, others, order);
  }

  /** Adds all that another wide accumulator holds. */
  static void addAllWide(long[] words, long[] others, int order) {
    addAll(WIDE, words, others, order);
    int notFinite = WIDE.words(order);
    words[notFinite] += others[notFinite];
  }

  private static void addAll(Format format, long[] words, long[] others, int order) {
    int at = 0;
    for (int power = 0; power < order; power++) {
      int length = format.lengths[power];
      long[] negated = new long[length];
      ExactSum.subtractWords(negated, 0, others, at, length);
      ExactSum.subtractWords(words, at, negated, 0, length);
      at += length;
    }
  }

  /**
   * What an aggregate makes of a difference of accumulators.
   *
   * @param order how many powers were summed
   * @param count how many values that are, at least 1
   * @param real whether the accumulators are narrow, and not integer ones
   * @param wide holds two wide accumulators, if there are any
   * @return null where the aggregate is NULL of such values
   */
  static @Nullable Double value(
      Aggregate aggregate,
      int order,
      long count,
      boolean real,
      long[] words,
      int minuend,
      int subtrahend,
      long @Nullable [] wide,
      int wideMinuend,
      int wideSubtrahend) {
    boolean ofSample = aggregate == Aggregate.VARIANCE || aggregate == Aggregate.STDDEV;
    if (ofSample && count < 2) {
      return null;
    }
    boolean higher = aggregate == Aggregate.SKEWNESS || aggregate == Aggregate.KURTOSIS;
    if (!higher && wide == null) {
      double variance =
          real
              ? narrowVariance(words, minuend, subtrahend, count, ofSample)
              : integerVariance(words, minuend, subtrahend, count, ofSample);
      return ofVariance(aggregate, variance);
    }
    BigInteger[] sums =
        wide != null
            ? sums(words, minuend, subtrahend, wide, wideMinuend, wideSubtrahend, order)
            : real
                ? narrowSums(words, minuend, subtrahend, order)
                : integerSums(words, minuend, subtrahend, order);
    if (sums == null) {
      return Double.NaN;
    }
    return switch (aggregate) {
      case SKEWNESS -> skewness(sums, count);
      case KURTOSIS -> kurtosis(sums, count);
      default -> ofVariance(aggregate, variance(sums, WIDE_SCALE, count, ofSample));
    };
  }

  private static double ofVariance(Aggregate aggregate, double variance) {
    boolean root = aggregate == Aggregate.STDDEV || aggregate == Aggregate.STDDEV_POP;
    return root ? Math.sqrt(variance) : variance;
  }
}
