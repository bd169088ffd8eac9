package dev.tailwater.kernel;

import java.util.Arrays;

/**
 * Exact sums, in two's complement fixed point inside a caller's {@code long[]}, least significant
 * word first. A sum is the exact real sum of its values, rounded once, half to even: so it does not
 * depend on the order of the values, and a value that was added can be taken away again.
 *
 * <p>Accumulators count modulo their width. Only the difference of two accumulators is ever
 * rounded, and it is right as long as fewer than 2^31 values separate the two; how often each of
 * them has wrapped around does not matter.
 *
 * <ul>
 *   <li><b>narrow</b>, {@link #NARROW_WORDS} words: multiples of 2^-96 below 2^64 in magnitude,
 *       which is every double from 2^-44 (5.7e-14) to 2^64 and many smaller ones;
 *   <li><b>wide</b>, {@link #WIDE_WORDS} words, for all other doubles: every finite double, and
 *       beside it how many NaN, +∞ and −∞ were added;
 *   <li><b>integer</b>, {@link #INTEGER_WORDS} words: every long.
 * </ul>
 *
 * <p>A zero is +0.0. A finite sum beyond the range of a double is infinite. Stateless and
 * thread-safe; the arrays are the caller's.
 */
public final class ExactSum {

  /** Words of a narrow accumulator. */
  public static final int NARROW_WORDS = 3;

  /** Words of an integer accumulator. */
  public static final int INTEGER_WORDS = 2;

  /** Words of a wide accumulator, with its three counters. */
  public static final int WIDE_WORDS = 37;

  /** The narrow accumulator's lowest bit is worth 2^-96. */
  private static final int NARROW_SCALE = 96;

  /** The narrow accumulator's words 0, 1, 2 are worth as much as the wide one's 16, 17, 18. */
  private static final int NARROW_IN_WIDE = 16;

  private static final int WIDE_SCALE = NARROW_SCALE + 64 * NARROW_IN_WIDE;
  private static final int WIDE_DIGITS = 34;
  private static final int NANS = WIDE_DIGITS;
  private static final int POSITIVE_INFINITIES = WIDE_DIGITS + 1;
  private static final int NEGATIVE_INFINITIES = WIDE_DIGITS + 2;

  /** Exponent field of a double whose mantissa, as an integer, is worth itself. */
  private static final int UNIT_EXPONENT = 1075;

  private static final long MANTISSA_MASK = (1L << 52) - 1;
  private static final long HIDDEN_BIT = 1L << 52;

  private ExactSum() {}

  /**
   * Adds a value to a narrow accumulator; add {@code -value} to take it away.
   *
   * @return false, having changed nothing, if the value needs the wide accumulator
   */
  public static boolean addNarrow(long[] words, int at, double value) {
    int shift = narrowShift(value);
    if (shift < 0) {
      return false;
    }
    long digits = narrowDigits(value);
    long low = low(digits, shift);
    long middle = middle(digits, shift);
    long sum0 = words[at] + low;
    long sum1 = words[at + 1] + middle + carry(words[at], low, sum0);
    words[at + 2] += high(digits, shift) + carry(words[at + 1], middle, sum1);
    words[at] = sum0;
    words[at + 1] = sum1;
    return true;
  }

  /**
   * How many bits to the left the {@linkplain #narrowDigits digits} of a value stand in a narrow
   * accumulator, or -1 if it needs the wide one.
   */
  static int narrowShift(double value) {
    long bits = Double.doubleToRawLongBits(value);
    int shift = ((int) (bits >>> 52) & 0x7ff) - (UNIT_EXPONENT - NARROW_SCALE);
    if (shift > 64 + NARROW_SCALE - 53) {
      return -1;
    }
    // Digits below the lowest bit must be zeros: 52 at most, of which a subnormal has far more.
    boolean fits =
        shift >= 0
            || value == 0
            || Long.numberOfTrailingZeros(bits & MANTISSA_MASK | HIDDEN_BIT) >= -shift;
    return fits ? Math.max(0, shift) : -1;
  }

  /** The mantissa of a value that fits a narrow accumulator, with its sign; below 2^53. */
  static long narrowDigits(double value) {
    if (value == 0) {
      return 0;
    }
    long bits = Double.doubleToRawLongBits(value);
    int below = UNIT_EXPONENT - NARROW_SCALE - ((int) (bits >>> 52) & 0x7ff);
    long mantissa = (bits & MANTISSA_MASK | HIDDEN_BIT) >>> Math.max(0, below);
    long sign = bits >> 63;
    return (mantissa ^ sign) - sign;
  }

  /** The lowest of three words of digits that are shifted to the left, by less than 128 bits. */
  static long low(long digits, int shift) {
    return shift < 64 ? digits << shift : 0;
  }

  /** The word above {@link #low}. */
  static long middle(long digits, int shift) {
    return shift < 64 ? above(digits, shift) : digits << shift;
  }

  /** The word above {@link #middle}. */
  static long high(long digits, int shift) {
    return shift < 64 ? digits >> 63 : above(digits, shift);
  }

  /** What goes beyond a word that is shifted to the left by some bits, modulo 64. */
  private static long above(long digits, int shift) {
    return digits >> 1 >> (63 - (shift & 63));
  }

  /**
   * The carry out of a sum of two words and perhaps a carry, 0 or 1. Whether there is one is as
   * good as random, so it is computed: a branch would be guessed wrongly, and what follows could
   * not begin before the words are there.
   */
  static long carry(long one, long other, long sum) {
    return (one & other | (one | other) & ~sum) >>> 63;
  }

  /** The borrow out of a difference of two words and perhaps a borrow, as {@link #carry}. */
  private static long borrow(long minuend, long subtrahend, long difference) {
    return (~minuend & subtrahend | (~minuend | subtrahend) & difference) >>> 63;
  }

  /** Adds a value to an integer accumulator. */
  public static void addInteger(long[] words, int at, long value) {
    long before = words[at];
    long sum = before + value;
    words[at] = sum;
    words[at + 1] += (value >> 63) + carry(before, value, sum);
  }

  /** Takes a value away from an integer accumulator; exact for {@link Long#MIN_VALUE} too. */
  public static void subtractInteger(long[] words, int at, long value) {
    long before = words[at];
    words[at] = before - value;
    words[at + 1] -= (value >> 63) + (Long.compareUnsigned(before, value) < 0 ? 1 : 0);
  }

  /** Adds any value to a wide accumulator. */
  public static void addWide(long[] words, int at, double value) {
    countWide(words, at, value, 1);
  }

  /** Takes any value away from a wide accumulator. */
  public static void subtractWide(long[] words, int at, double value) {
    countWide(words, at, value, -1);
  }

  private static void countWide(long[] words, int at, double value, int times) {
    if (Double.isNaN(value)) {
      words[at + NANS] += times;
    } else if (Double.isInfinite(value)) {
      words[at + (value > 0 ? POSITIVE_INFINITIES : NEGATIVE_INFINITIES)] += times;
    } else {
      long bits = Double.doubleToRawLongBits(value);
      int exponent = (int) (bits >>> 52) & 0x7ff;
      long mantissa = bits & MANTISSA_MASK;
      if (exponent == 0) {
        exponent = 1; // A subnormal has the scale of the smallest normal, without the hidden bit.
      } else {
        mantissa |= HIDDEN_BIT;
      }
      long sign = (bits >> 63) ^ (times < 0 ? -1 : 0);
      int shift = exponent - (UNIT_EXPONENT - WIDE_SCALE);
      int bit = shift & 63;
      long signed = (mantissa ^ sign) - sign;
      long low = signed << bit;
      long high = bit == 0 ? (signed == 0 ? 0 : sign) : signed >> (64 - bit);
      long extension = signed == 0 ? 0 : sign;
      long carry = 0;
      for (int word = shift >>> 6, digit = 0; word < WIDE_DIGITS; word++, digit++) {
        long addend = digit == 0 ? low : digit == 1 ? high : extension;
        if (digit > 1 && addend + carry == 0) {
          break; // Nothing but zeros, or ones cancelled by the carry, from here on.
        }
        long sum = words[at + word] + addend;
        long overflow = Long.compareUnsigned(sum, addend) < 0 ? 1 : 0;
        long carried = sum + carry;
        overflow += carried == 0 ? carry : 0;
        words[at + word] = carried;
        carry = overflow;
      }
    }
  }

  /** The sum at {@code minuend} less the sum at {@code subtrahend}, two narrow accumulators. */
  public static double narrowDifference(long[] words, int minuend, int subtrahend) {
    return narrowDifference(
        words[minuend],
        words[minuend + 1],
        words[minuend + 2],
        words[subtrahend],
        words[subtrahend + 1],
        words[subtrahend + 2]);
  }

  /** The difference of two narrow accumulators, each given by its words. */
  static double narrowDifference(
      long minuend0,
      long minuend1,
      long minuend2,
      long subtrahend0,
      long subtrahend1,
      long subtrahend2) {
    long low = minuend0 - subtrahend0;
    long lowBorrow = borrow(minuend0, subtrahend0, low);
    long middle = minuend1 - subtrahend1 - lowBorrow;
    long middleBorrow = borrow(minuend1, subtrahend1, middle);
    return round(minuend2 - subtrahend2 - middleBorrow, middle, low, NARROW_SCALE);
  }

  /** The sum at {@code minuend} less the sum at {@code subtrahend}, two integer accumulators. */
  public static double integerDifference(long[] words, int minuend, int subtrahend) {
    return integerDifference(
        words[minuend], words[minuend + 1], words[subtrahend], words[subtrahend + 1]);
  }

  /** The difference of two integer accumulators, each given by its words. */
  static double integerDifference(
      long minuend0, long minuend1, long subtrahend0, long subtrahend1) {
    long low = minuend0 - subtrahend0;
    long high = minuend1 - subtrahend1 - borrow(minuend0, subtrahend0, low);
    return round(high >> 63, high, low, 0);
  }

  /** Rounds a number of three words, its lowest bit worth 2^-scale, half to even. */
  static double round(long high, long middle, long low, int scale) {
    long sign = high & Long.MIN_VALUE;
    if (high < 0) {
      low = -low;
      middle = ~middle + (low == 0 ? 1 : 0);
      high = ~high + (low == 0 && middle == 0 ? 1 : 0);
    }
    int top;
    long leading;
    long rest;
    if (high != 0) {
      int zeros = Long.numberOfLeadingZeros(high);
      top = 191 - zeros;
      leading = high << zeros | middle >>> 1 >>> (63 - zeros);
      rest = middle << zeros | low;
    } else if (middle != 0) {
      int zeros = Long.numberOfLeadingZeros(middle);
      top = 127 - zeros;
      leading = middle << zeros | low >>> 1 >>> (63 - zeros);
      rest = low << zeros;
    } else if (low != 0) {
      int zeros = Long.numberOfLeadingZeros(low);
      top = 63 - zeros;
      leading = low << zeros;
      rest = 0;
    } else {
      return 0.0;
    }
    long mantissa = leading >>> 11;
    long below = leading & 0x7ff;
    // The eleven bits below the mantissa decide, and at an exact half all that follow or, if those
    // are zero, the mantissa's last bit. Computed for the reason given at carry().
    long aboveHalf = (rest | -rest) >>> 63 | (mantissa & 1);
    mantissa += (below + 0x3ff + aboveHalf) >>> 11;
    long exponent = top - scale + 1023;
    // Adding, not or-ing: a mantissa rounded up to 2^53 carries into the exponent.
    return Double.longBitsToDouble(sign | ((exponent << 52) + (mantissa - HIDDEN_BIT)));
  }

  /**
   * The sum of a narrow and a wide difference, rounded once.
   *
   * @param words holds the two narrow accumulators
   * @param wide holds the two wide accumulators
   */
  public static double difference(
      long[] words, int minuend, int subtrahend, long[] wide, int wideMinuend, int wideSubtrahend) {
    long nans = wide[wideMinuend + NANS] - wide[wideSubtrahend + NANS];
    long positive =
        wide[wideMinuend + POSITIVE_INFINITIES] - wide[wideSubtrahend + POSITIVE_INFINITIES];
    long negative =
        wide[wideMinuend + NEGATIVE_INFINITIES] - wide[wideSubtrahend + NEGATIVE_INFINITIES];
    if (nans != 0 || (positive != 0 && negative != 0)) {
      return Double.NaN;
    }
    if (positive != 0) {
      return Double.POSITIVE_INFINITY;
    }
    if (negative != 0) {
      return Double.NEGATIVE_INFINITY;
    }
    long[] digits = new long[WIDE_DIGITS];
    System.arraycopy(wide, wideMinuend, digits, 0, WIDE_DIGITS);
    subtractWords(digits, 0, wide, wideSubtrahend, WIDE_DIGITS);
    // Taken away with the opposite sign, and spread over the words of its worth.
    long[] negated = new long[WIDE_DIGITS];
    System.arraycopy(words, subtrahend, negated, NARROW_IN_WIDE, NARROW_WORDS);
    subtractWords(negated, NARROW_IN_WIDE, words, minuend, NARROW_WORDS);
    int above = NARROW_IN_WIDE + NARROW_WORDS;
    Arrays.fill(negated, above, WIDE_DIGITS, negated[above - 1] >> 63);
    subtractWords(digits, 0, negated, 0, WIDE_DIGITS);
    return round(digits);
  }

  /** Takes one wide accumulator, counters included, away from another. */
  static void subtractWide(long[] from, int at, long[] words, int subtrahend) {
    subtractWords(from, at, words, subtrahend, WIDE_DIGITS);
    for (int counter = WIDE_DIGITS; counter < WIDE_WORDS; counter++) {
      from[at + counter] -= words[subtrahend + counter];
    }
  }

  /** Whether two wide accumulators in one array hold the same. */
  static boolean equalWide(long[] words, int one, int other) {
    return Arrays.equals(words, one, one + WIDE_WORDS, words, other, other + WIDE_WORDS);
  }

  /** {@code into[at..] += words[addend..]}, over {@code length} words. */
  static void addWords(long[] into, int at, long[] words, int addend, int length) {
    long carried = 0;
    for (int word = 0; word < length; word++) {
      long before = into[at + word];
      long added = words[addend + word];
      long sum = before + added;
      long nextCarry = Long.compareUnsigned(sum, before) < 0 ? 1 : 0;
      nextCarry += sum == -1 ? carried : 0;
      into[at + word] = sum + carried;
      carried = nextCarry;
    }
  }

  /** {@code from[at..] -= words[subtrahend..]}, over {@code length} words. */
  static void subtractWords(long[] from, int at, long[] words, int subtrahend, int length) {
    long borrow = 0;
    for (int word = 0; word < length; word++) {
      long before = from[at + word];
      long taken = words[subtrahend + word];
      long difference = before - taken;
      long nextBorrow = Long.compareUnsigned(before, taken) < 0 ? 1 : 0;
      nextBorrow += difference == 0 ? borrow : 0;
      from[at + word] = difference - borrow;
      borrow = nextBorrow;
    }
  }

  private static void negate(long[] digits) {
    boolean carry = true;
    for (int word = 0; word < digits.length; word++) {
      digits[word] = carry ? -digits[word] : ~digits[word];
      carry &= digits[word] == 0;
    }
  }

  /** Rounds the digits of a wide number, which are destroyed. */
  private static double round(long[] digits) {
    boolean negative = digits[WIDE_DIGITS - 1] < 0;
    if (negative) {
      negate(digits);
    }
    int word = WIDE_DIGITS - 1;
    while (word >= 0 && digits[word] == 0) {
      word--;
    }
    if (word < 0) {
      return 0.0;
    }
    int top = 64 * word + 63 - Long.numberOfLeadingZeros(digits[word]);
    // The unit in the last place of the result; a subnormal's is that of the smallest double.
    int unit = Math.max(top - 52, WIDE_SCALE - 1074);
    long mantissa = digits[unit >>> 6] >>> (unit & 63);
    if ((unit & 63) != 0 && (unit >>> 6) + 1 < WIDE_DIGITS) {
      mantissa |= digits[(unit >>> 6) + 1] << (64 - (unit & 63));
    }
    boolean half = (digits[(unit - 1) >>> 6] >>> ((unit - 1) & 63) & 1) != 0;
    if (half && ((mantissa & 1) != 0 || anyBitBelow(digits, unit - 1))) {
      mantissa++;
    }
    double magnitude;
    if (mantissa < HIDDEN_BIT) {
      magnitude = Double.longBitsToDouble(mantissa);
    } else {
      long exponent = unit - WIDE_SCALE + UNIT_EXPONENT;
      long bits = (exponent << 52) + (mantissa - HIDDEN_BIT);
      magnitude = bits >>> 52 >= 0x7ff ? Double.POSITIVE_INFINITY : Double.longBitsToDouble(bits);
    }
    return negative ? -magnitude : magnitude;
  }

  private static boolean anyBitBelow(long[] digits, int bit) {
    for (int word = 0; word < bit >>> 6; word++) {
      if (digits[word] != 0) {
        return true;
      }
    }
    return (digits[bit >>> 6] & ((1L << (bit & 63)) - 1)) != 0;
  }
}
