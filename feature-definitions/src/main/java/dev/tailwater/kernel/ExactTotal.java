package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The exact sum of one column over some facts: an {@link ExactSum} that only grows, and owns its
 * words. Not thread-safe.
 */
final class ExactTotal {

  private final int kind;

  /** The sum, and as many words of nothing, which it is compared with. */
  private final long[] words;

  /** As {@link #words}, for values that need it. */
  private long @Nullable [] wide;

  /**
   * A sum of nothing.
   *
   * @param kind as of {@link StateShape#sumKind}
   */
  ExactTotal(int kind) {
    this.kind = kind;
    words = new long[2 * StateShape.sumWords(kind)];
  }

  /** Adds the value of a row's word. */
  void add(long word) {
    if (kind == StateShape.REAL) {
      double number = Double.longBitsToDouble(word);
      if (!ExactSum.addNarrow(words, 0, number)) {
        ExactSum.addWide(wide(), 0, number);
      }
    } else if (kind == StateShape.INTEGER) {
      ExactSum.addInteger(words, 0, word);
    } else {
      words[0] += word;
    }
  }

  /** Takes the value of a row's word away. */
  void subtract(long word) {
    if (kind == StateShape.REAL) {
      double number = Double.longBitsToDouble(word);
      if (!ExactSum.addNarrow(words, 0, -number)) {
        ExactSum.subtractWide(wide(), 0, number);
      }
    } else if (kind == StateShape.INTEGER) {
      ExactSum.subtractInteger(words, 0, word);
    } else {
      words[0] -= word;
    }
  }

  private long[] wide() {
    long[] sums = wide;
    if (sums == null) {
      sums = new long[2 * ExactSum.WIDE_WORDS];
      wide = sums;
    }
    return sums;
  }

  /** Adds all that the other one holds, which is of the same kind. */
  void addAll(ExactTotal other) {
    int length = words.length / 2;
    long[] negated = new long[length];
    ExactSum.subtractWords(negated, 0, other.words, 0, length);
    ExactSum.subtractWords(words, 0, negated, 0, length);
    long[] sums = other.wide;
    if (sums != null) {
      long[] negatedWide = new long[ExactSum.WIDE_WORDS];
      ExactSum.subtractWide(negatedWide, 0, sums, 0);
      ExactSum.subtractWide(wide(), 0, negatedWide, 0);
    }
  }

  /**
   * Adds the difference of two accumulators of the same kind.
   *
   * @param wides holds their wide parts, if there are any
   */
  void addDifference(
      long[] from,
      int minuend,
      int subtrahend,
      long @Nullable [] wides,
      int wideMinuend,
      int wideSubtrahend) {
    int length = words.length / 2;
    long[] negated = new long[length];
    System.arraycopy(from, subtrahend, negated, 0, length);
    ExactSum.subtractWords(negated, 0, from, minuend, length);
    ExactSum.subtractWords(words, 0, negated, 0, length);
    if (wides != null && kind == StateShape.REAL) {
      long[] negatedWide = new long[ExactSum.WIDE_WORDS];
      System.arraycopy(wides, wideSubtrahend, negatedWide, 0, ExactSum.WIDE_WORDS);
      ExactSum.subtractWide(negatedWide, 0, wides, wideMinuend);
      ExactSum.subtractWide(wide(), 0, negatedWide, 0);
    }
  }

  /** The sum, rounded once. */
  double value() {
    if (kind == StateShape.SMALL_INTEGER) {
      return words[0];
    }
    if (kind == StateShape.INTEGER) {
      return ExactSum.integerDifference(words, 0, ExactSum.INTEGER_WORDS);
    }
    long[] sums = wide;
    return sums == null
        ? ExactSum.narrowDifference(words, 0, ExactSum.NARROW_WORDS)
        : ExactSum.difference(words, 0, ExactSum.NARROW_WORDS, sums, 0, ExactSum.WIDE_WORDS);
  }

  void write(DataOutput out) throws IOException {
    for (int word = 0; word < words.length / 2; word++) {
      Varint.writeSigned(out, words[word]);
    }
    long[] sums = wide;
    out.writeBoolean(sums != null);
    if (sums != null) {
      for (int word = 0; word < ExactSum.WIDE_WORDS; word++) {
        Varint.writeSigned(out, sums[word]);
      }
    }
  }

  void read(DataInput in) throws IOException {
    Arrays.fill(words, 0);
    for (int word = 0; word < words.length / 2; word++) {
      words[word] = Varint.readSigned(in);
    }
    if (in.readBoolean()) {
      long[] sums = wide();
      for (int word = 0; word < ExactSum.WIDE_WORDS; word++) {
        sums[word] = Varint.readSigned(in);
      }
    }
  }
}
