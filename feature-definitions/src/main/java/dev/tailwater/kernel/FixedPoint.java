package dev.tailwater.kernel;

import java.math.BigInteger;

/**
 * Arithmetic on numbers of many words, least significant first, in two's complement and modulo
 * their width, inside a caller's {@code long[]}. Stateless and thread-safe.
 */
final class FixedPoint {

  private FixedPoint() {}

  /**
   * Adds or takes away a magnitude of two words, moved up by {@code shift} bits.
   *
   * @param length words of the number at {@code at}; what the magnitude has above them is lost
   */
  static void add(
      long[] words, int at, int length, long high, long low, int shift, boolean subtract) {
    int bit = shift & 63;
    int word = at + (shift >>> 6);
    int end = at + length;
    long first = low << bit;
    long second = bit == 0 ? high : high << bit | low >>> (64 - bit);
    long third = bit == 0 ? 0 : high >>> (64 - bit);
    if (subtract) {
      long borrow = subtractFrom(words, word, end, first, 0);
      borrow = subtractFrom(words, word + 1, end, second, borrow);
      borrow = subtractFrom(words, word + 2, end, third, borrow);
      for (int i = word + 3; borrow != 0 && i < end; i++) {
        borrow = words[i]-- == 0 ? 1 : 0;
      }
    } else {
      long carry = addTo(words, word, end, first, 0);
      carry = addTo(words, word + 1, end, second, carry);
      carry = addTo(words, word + 2, end, third, carry);
      for (int i = word + 3; carry != 0 && i < end; i++) {
        carry = ++words[i] == 0 ? 1 : 0;
      }
    }
  }

  /** Adds or takes away a magnitude of many words, moved up by {@code shift} bits. */
  static void add(long[] words, int at, int length, long[] magnitude, int shift, boolean subtract) {
    int bit = shift & 63;
    int word = at + (shift >>> 6);
    int end = at + length;
    long carry = 0;
    long below = 0;
    for (int digit = 0; digit <= magnitude.length; digit++) {
      long own = digit < magnitude.length ? magnitude[digit] : 0;
      long part = bit == 0 ? own : own << bit | below >>> (64 - bit);
      below = own;
      carry =
          subtract
              ? subtractFrom(words, word + digit, end, part, carry)
              : addTo(words, word + digit, end, part, carry);
    }
    for (int i = word + magnitude.length + 1; carry != 0 && i < end; i++) {
      carry = (subtract ? words[i]-- : ++words[i]) == 0 ? 1 : 0;
    }
  }

  private static long addTo(long[] words, int word, int end, long part, long carry) {
    if (word >= end) {
      return 0;
    }
    long sum = words[word] + part;
    long overflow = Long.compareUnsigned(sum, part) < 0 ? 1 : 0;
    long carried = sum + carry;
    words[word] = carried;
    return overflow + (carried == 0 ? carry : 0);
  }

  private static long subtractFrom(long[] words, int word, int end, long part, long borrow) {
    if (word >= end) {
      return 0;
    }
    long before = words[word];
    long difference = before - part;
    long underflow = Long.compareUnsigned(before, part) < 0 ? 1 : 0;
    words[word] = difference - borrow;
    return underflow + (difference == 0 ? borrow : 0);
  }

  /** The upper word of the product of two unsigned words. */
  static long multiplyHigh(long a, long b) {
    return Math.multiplyHigh(a, b) + (a >> 63 & b) + (b >> 63 & a);
  }

  /** The product of two magnitudes, as long as both together. */
  static long[] multiply(long[] a, long[] b) {
    long[] product = new long[a.length + b.length];
    for (int i = 0; i < a.length; i++) {
      long carry = 0;
      for (int j = 0; j < b.length; j++) {
        long low = a[i] * b[j];
        long high = multiplyHigh(a[i], b[j]);
        long sum = product[i + j] + low;
        high += Long.compareUnsigned(sum, low) < 0 ? 1 : 0;
        long carried = sum + carry;
        high += Long.compareUnsigned(carried, carry) < 0 ? 1 : 0;
        product[i + j] = carried;
        carry = high;
      }
      product[i + b.length] = carry;
    }
    return product;
  }

  /** Negates a number. */
  static void negate(long[] words) {
    boolean carry = true;
    for (int word = 0; word < words.length; word++) {
      words[word] = carry ? -words[word] : ~words[word];
      carry &= words[word] == 0;
    }
  }

  /** A number of {@code length} words as an integer. */
  static BigInteger toBigInteger(long[] words, int at, int length) {
    byte[] bytes = new byte[8 * length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[bytes.length - 1 - i] = (byte) (words[at + (i >>> 3)] >>> (8 * (i & 7)));
    }
    return new BigInteger(bytes);
  }

  /**
   * {@code numerator / denominator · 2^exponent} as a double, rounded once, half to even; a
   * magnitude beyond the largest double is infinite.
   *
   * @param denominator greater than 0
   */
  static double round(BigInteger numerator, BigInteger denominator, int exponent) {
    if (numerator.signum() == 0) {
      return 0.0;
    }
    // A quotient of 66 to 68 bits: more than a double holds, so that a remainder only breaks ties.
    int shift = 67 - (numerator.bitLength() - denominator.bitLength());
    BigInteger[] quotient =
        numerator
            .abs()
            .shiftLeft(Math.max(shift, 0))
            .divideAndRemainder(denominator.shiftLeft(Math.max(-shift, 0)));
    int unit = exponent - shift;
    int resultUnit = Math.max(quotient[0].bitLength() - 53 + unit, -1074);
    int dropped = resultUnit - unit;
    if (dropped > 70) {
      return numerator.signum() * 0.0 + 0.0; // Less than half of the smallest double.
    }
    long mantissa = quotient[0].shiftRight(dropped).longValue();
    boolean half = quotient[0].testBit(dropped - 1);
    boolean more = quotient[1].signum() != 0 || quotient[0].getLowestSetBit() < dropped - 1;
    if (half && (more || (mantissa & 1) != 0)) {
      mantissa++;
    }
    return numerator.signum() * Math.scalb((double) mantissa, Math.min(resultUnit, 2000));
  }

  /**
   * {@code number · 2^exponent} as a double, rounded once, half to even; a magnitude beyond the
   * largest double is infinite. Destroys the number.
   */
  static double round(long[] number, int exponent) {
    boolean negative = number[number.length - 1] < 0;
    if (negative) {
      negate(number);
    }
    int word = number.length - 1;
    while (word >= 0 && number[word] == 0) {
      word--;
    }
    if (word < 0) {
      return 0.0;
    }
    int top = 64 * word + 63 - Long.numberOfLeadingZeros(number[word]) + exponent;
    if (top < -1000 || top > 1000) {
      double rounded = round(toBigInteger(number, 0, number.length), BigInteger.ONE, exponent);
      return negative ? 0.0 - rounded : rounded;
    }
    // Rounding takes a signed number of three words; all below them can only break a tie.
    long third = number[word];
    long second = word > 0 ? number[word - 1] : 0;
    long first = word > 1 ? number[word - 2] : 0;
    boolean more = (first & 1) != 0;
    for (int rest = word - 3; rest >= 0; rest--) {
      more |= number[rest] != 0;
    }
    first = first >>> 1 | second << 63 | (more ? 1 : 0);
    double rounded =
        ExactSum.round(
            third >>> 1, second >>> 1 | third << 63, first, -(exponent + 64 * (word - 2) + 1));
    return negative ? -rounded : rounded;
  }
}
