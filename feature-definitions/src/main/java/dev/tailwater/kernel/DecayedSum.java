package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.math.BigInteger;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The sum of x · 2^(−(t − time) / halfLife) over facts, for any instant t, as one function of the
 * facts and t: it does not depend on the order in which facts were added, or on others that were
 * added and taken away.
 *
 * <p>Of an instant u, let e(u) be the whole half-lives since the epoch, rounded down, and f(u) the
 * rest, (u mod halfLife) / halfLife, rounded to double. A fact contributes x · w, where w =
 * StrictMath.pow(2, f(time)). The sum is
 *
 * <pre>  round(Σ x · w · 2^(e(time) − e(t))) · StrictMath.pow(2, −f(t))</pre>
 *
 * where the products and the sum are exact, rounded once to double, and the multiplication is one
 * of doubles. It differs from the real value by at most 2^-50 times the sum of the magnitudes of
 * all contributions, and by 2^-1073 where doubles are subnormal; it is infinite already where twice
 * its magnitude is beyond the largest double.
 *
 * <p>Half-lives are counted in blocks of 64. A fact more than {@value #BLOCKS} blocks before the
 * block of t counts for nothing, even NaN: it is at least 2,112 half-lives old, and would
 * contribute less than 2^-1088. A NaN among the others makes the sum NaN, as do infinities of both
 * signs.
 *
 * <p>Takes five longs for each block that holds facts, and 39 more for one with unusual values; a
 * sum that facts are not taken away from is kept bounded by {@link #forget}. Fewer than 2^31 facts.
 * Not thread-safe.
 */
final class DecayedSum {

  /** How many blocks before the one of an instant still count. */
  static final int BLOCKS = 33;

  private static final int BLOCK_HALF_LIVES = 64;

  // A block's narrow sum: multiples of 2^-148 below 2^128, so that x is one of 2^-96 below 2^64.
  private static final int NARROW_WORDS = 5;
  private static final int NARROW_SCALE = 148;

  // A block's wide sum: all doubles times all weights.
  private static final int WIDE_WORDS = 36;
  private static final int WIDE_SCALE = 1126;
  private static final int NANS = WIDE_WORDS;
  private static final int POSITIVE_INFINITIES = WIDE_WORDS + 1;
  private static final int NEGATIVE_INFINITIES = WIDE_WORDS + 2;

  /** Zero bits between the lowest of a narrow and of a wide sum. */
  private static final int NARROW_IN_WIDE = WIDE_SCALE - NARROW_SCALE;

  private static final int UNIT_EXPONENT = 1075;
  private static final long MANTISSA_MASK = (1L << 52) - 1;
  private static final long HIDDEN_BIT = 1L << 52;

  private final long halfLifeMs;
  private int blocks;

  /** By ascending number: half-lives since the epoch, divided by 64 and rounded down. */
  private long[] number = new long[1];

  private long[] facts = new long[1];
  private long[] narrow = new long[NARROW_WORDS];
  private long[] @Nullable [] wide = new long[1][];

  /**
   * A sum of nothing.
   *
   * @param halfLifeMs at least 1
   */
  DecayedSum(long halfLifeMs) {
    this.halfLifeMs = halfLifeMs;
  }

  /** Adds a fact's value, or takes it away. */
  void add(long time, double value, boolean takeAway) {
    long halfLives = Math.floorDiv(time, halfLifeMs);
    int block = blockOf(Math.floorDiv(halfLives, (long) BLOCK_HALF_LIVES));
    facts[block] += takeAway ? -1 : 1;
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      int counter =
          Double.isNaN(value) ? NANS : value > 0 ? POSITIVE_INFINITIES : NEGATIVE_INFINITIES;
      wideOf(block)[counter] += takeAway ? -1 : 1;
    } else if (value != 0) {
      double weight = StrictMath.pow(2, fraction(time));
      int shift = (int) Math.floorMod(halfLives, (long) BLOCK_HALF_LIVES);
      addProduct(block, value, weight, shift, takeAway);
    }
    if (facts[block] == 0) {
      remove(block, block + 1);
    }
  }

  private void addProduct(int block, double value, double weight, int shift, boolean takeAway) {
    long bits = Double.doubleToRawLongBits(value);
    int exponent = (int) (bits >>> 52) & 0x7ff;
    long mantissa = bits & MANTISSA_MASK | (exponent == 0 ? 0 : HIDDEN_BIT);
    // The weight is in [1, 2]: where rounding made it 2, its exponent has one more.
    long weightBits = Double.doubleToRawLongBits(weight);
    long factor = (weightBits & MANTISSA_MASK | HIDDEN_BIT) << (weight == 2 ? 1 : 0);
    boolean subtract = bits < 0 != takeAway;
    int unit = Math.max(exponent, 1) - UNIT_EXPONENT;
    int above = unit + NARROW_SCALE - 52;
    if (above < 0) {
      int zeros = Math.min(Long.numberOfTrailingZeros(mantissa), -above);
      mantissa >>>= zeros;
      unit += zeros;
      above += zeros;
    }
    long high = Math.multiplyHigh(mantissa, factor);
    long low = mantissa * factor;
    if (above >= 0 && unit <= 64 - 53) {
      int at = block * NARROW_WORDS;
      FixedPoint.add(narrow, at, NARROW_WORDS, high, low, above + shift, subtract);
    } else {
      int up = unit + WIDE_SCALE - 52 + shift;
      FixedPoint.add(wideOf(block), 0, WIDE_WORDS, high, low, up, subtract);
    }
  }

  /** Adds the facts of another sum with the same half-life. */
  void addAll(DecayedSum other) {
    for (int of = 0; of < other.blocks; of++) {
      int block = blockOf(other.number[of]);
      facts[block] += other.facts[of];
      long[] negated = new long[NARROW_WORDS];
      ExactSum.subtractWords(negated, 0, other.narrow, of * NARROW_WORDS, NARROW_WORDS);
      ExactSum.subtractWords(narrow, block * NARROW_WORDS, negated, 0, NARROW_WORDS);
      long[] theirs = other.wide[of];
      if (theirs != null) {
        long[] words = wideOf(block);
        long[] negatedWide = new long[WIDE_WORDS];
        ExactSum.subtractWords(negatedWide, 0, theirs, 0, WIDE_WORDS);
        ExactSum.subtractWords(words, 0, negatedWide, 0, WIDE_WORDS);
        for (int counter = WIDE_WORDS; counter < words.length; counter++) {
          words[counter] += theirs[counter];
        }
      }
    }
  }

  /** The sum as of an instant, which is not before any fact. */
  double at(long instant) {
    long halfLives = Math.floorDiv(instant, halfLifeMs);
    long oldest = Math.floorDiv(halfLives, (long) BLOCK_HALF_LIVES) - BLOCKS;
    int from = 0;
    while (from < blocks && number[from] < oldest) {
      from++;
    }
    if (from == blocks) {
      return 0.0;
    }
    boolean anyWide = false;
    for (int block = from; block < blocks; block++) {
      anyWide |= wide[block] != null;
    }
    int exponent = (int) (number[from] * BLOCK_HALF_LIVES - halfLives);
    double sum = anyWide ? wideSum(from, exponent) : narrowSum(from, exponent);
    return sum * StrictMath.pow(2, -fraction(instant)) + 0.0; // Never -0.0.
  }

  /** Blocks are 64 half-lives, so each begins one word above the one before. */
  private double narrowSum(int from, int exponent) {
    int length = NARROW_WORDS + 1 + (int) (number[blocks - 1] - number[from]);
    long[] sum = new long[length];
    for (int block = from; block < blocks; block++) {
      int word = (int) (number[block] - number[from]);
      long extension = narrow[block * NARROW_WORDS + NARROW_WORDS - 1] >> 63;
      long carry = 0;
      for (int digit = 0; word + digit < length; digit++) {
        long part = digit < NARROW_WORDS ? narrow[block * NARROW_WORDS + digit] : extension;
        long added = sum[word + digit] + part;
        long overflow = Long.compareUnsigned(added, part) < 0 ? 1 : 0;
        sum[word + digit] = added + carry;
        carry = overflow + (sum[word + digit] == 0 ? carry : 0);
      }
    }
    return FixedPoint.round(sum, exponent - NARROW_SCALE);
  }

  private double wideSum(int from, int exponent) {
    long nans = 0;
    long positive = 0;
    long negative = 0;
    BigInteger sum = BigInteger.ZERO;
    for (int block = from; block < blocks; block++) {
      BigInteger own =
          FixedPoint.toBigInteger(narrow, block * NARROW_WORDS, NARROW_WORDS)
              .shiftLeft(NARROW_IN_WIDE);
      long[] words = wide[block];
      if (words != null) {
        own = own.add(FixedPoint.toBigInteger(words, 0, WIDE_WORDS));
        nans += words[NANS];
        positive += words[POSITIVE_INFINITIES];
        negative += words[NEGATIVE_INFINITIES];
      }
      sum = sum.add(own.shiftLeft((int) (number[block] - number[from]) * BLOCK_HALF_LIVES));
    }
    if (nans != 0 || (positive != 0 && negative != 0)) {
      return Double.NaN;
    }
    if (positive != 0 || negative != 0) {
      return positive != 0 ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
    }
    return FixedPoint.round(sum, BigInteger.ONE, exponent - WIDE_SCALE);
  }

  /** Lets facts go that count for nothing as of this instant, and will not as of later ones. */
  void forget(long instant) {
    long halfLives = Math.floorDiv(instant, halfLifeMs);
    long oldest = Math.floorDiv(halfLives, (long) BLOCK_HALF_LIVES) - BLOCKS;
    int gone = 0;
    while (gone < blocks && number[gone] < oldest) {
      gone++;
    }
    remove(0, gone);
  }

  /** An independent copy. */
  DecayedSum copy() {
    DecayedSum copy = new DecayedSum(halfLifeMs);
    copy.blocks = blocks;
    copy.number = number.clone();
    copy.facts = facts.clone();
    copy.narrow = narrow.clone();
    copy.wide = new long[wide.length][];
    for (int block = 0; block < blocks; block++) {
      long[] words = wide[block];
      copy.wide[block] = words == null ? null : words.clone();
    }
    return copy;
  }

  /** Writes the sum, in a format of its own. */
  void write(DataOutput out) throws IOException {
    Varint.writeUnsigned(out, blocks);
    for (int block = 0; block < blocks; block++) {
      Varint.writeSigned(out, number[block]);
      Varint.writeSigned(out, facts[block]);
      for (int word = 0; word < NARROW_WORDS; word++) {
        out.writeLong(narrow[block * NARROW_WORDS + word]);
      }
      long[] words = wide[block];
      out.writeBoolean(words != null);
      if (words != null) {
        for (long word : words) {
          Varint.writeSigned(out, word);
        }
      }
    }
  }

  /** Reads a sum that was written with the same half-life. */
  static DecayedSum read(long halfLifeMs, DataInput in) throws IOException {
    DecayedSum sum = new DecayedSum(halfLifeMs);
    long blocks = Varint.readUnsigned(in);
    for (int block = 0; block < blocks; block++) {
      sum.insert(block, Varint.readSigned(in));
      sum.facts[block] = Varint.readSigned(in);
      for (int word = 0; word < NARROW_WORDS; word++) {
        sum.narrow[block * NARROW_WORDS + word] = in.readLong();
      }
      if (in.readBoolean()) {
        long[] words = sum.wideOf(block);
        for (int word = 0; word < words.length; word++) {
          words[word] = Varint.readSigned(in);
        }
      }
    }
    return sum;
  }

  private double fraction(long time) {
    return (double) Math.floorMod(time, halfLifeMs) / halfLifeMs;
  }

  private int blockOf(long of) {
    if (blocks > 0 && number[blocks - 1] == of) {
      return blocks - 1;
    }
    int found = Arrays.binarySearch(number, 0, blocks, of);
    if (found < 0) {
      found = -found - 1;
      insert(found, of);
    }
    return found;
  }

  private void insert(int at, long of) {
    if (blocks == number.length) {
      number = Arrays.copyOf(number, 2 * blocks);
      facts = Arrays.copyOf(facts, 2 * blocks);
      narrow = Arrays.copyOf(narrow, 2 * blocks * NARROW_WORDS);
      wide = Arrays.copyOf(wide, 2 * blocks);
    }
    int behind = blocks - at;
    System.arraycopy(number, at, number, at + 1, behind);
    System.arraycopy(facts, at, facts, at + 1, behind);
    System.arraycopy(wide, at, wide, at + 1, behind);
    int word = at * NARROW_WORDS;
    System.arraycopy(narrow, word, narrow, word + NARROW_WORDS, behind * NARROW_WORDS);
    number[at] = of;
    facts[at] = 0;
    wide[at] = null;
    Arrays.fill(narrow, word, word + NARROW_WORDS, 0);
    blocks++;
  }

  private void remove(int from, int to) {
    int behind = blocks - to;
    System.arraycopy(number, to, number, from, behind);
    System.arraycopy(facts, to, facts, from, behind);
    System.arraycopy(wide, to, wide, from, behind);
    System.arraycopy(narrow, to * NARROW_WORDS, narrow, from * NARROW_WORDS, behind * NARROW_WORDS);
    blocks -= to - from;
    Arrays.fill(wide, blocks, blocks + to - from, null);
  }

  private long[] wideOf(int block) {
    long[] words = wide[block];
    if (words == null) {
      words = new long[WIDE_WORDS + 3];
      wide[block] = words;
    }
    return words;
  }
}
