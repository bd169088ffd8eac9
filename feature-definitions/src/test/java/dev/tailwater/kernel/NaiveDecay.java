package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;

/** The decayed sum in the words of its definition, one fact after the other. */
final class NaiveDecay {

  record Contribution(long time, double value) {}

  private NaiveDecay() {}

  static double at(List<Contribution> facts, long halfLife, long instant) {
    long e = Math.floorDiv(instant, halfLife);
    double f = (double) Math.floorMod(instant, halfLife) / halfLife;
    BigDecimal sum = BigDecimal.ZERO;
    double special = 0; // NaN and infinities add up as doubles do.
    for (Contribution fact : facts) {
      long ofFact = Math.floorDiv(fact.time, halfLife);
      if (Math.floorDiv(e, 64L) - Math.floorDiv(ofFact, 64L) > 33) {
        continue;
      }
      if (Double.isNaN(fact.value) || Double.isInfinite(fact.value)) {
        special += fact.value;
      } else {
        double w = StrictMath.pow(2, (double) Math.floorMod(fact.time, halfLife) / halfLife);
        sum = sum.add(timesPowerOfTwo(exact(fact.value).multiply(exact(w)), (int) (ofFact - e)));
      }
    }
    if (Double.isNaN(special) || Double.isInfinite(special)) {
      return special;
    }
    return sum.doubleValue() * StrictMath.pow(2, -f) + 0.0;
  }

  private static BigDecimal exact(double value) {
    return new BigDecimal(value);
  }

  private static BigDecimal timesPowerOfTwo(BigDecimal value, int exponent) {
    return exponent >= 0
        ? value.multiply(BigDecimal.valueOf(2).pow(exponent))
        : value.divide(BigDecimal.valueOf(2).pow(-exponent), MathContext.UNLIMITED);
  }

  /** The documented error bound, as far as a sum of doubles can tell. */
  static void assertNearTheRealSum(
      double value, List<Contribution> facts, long halfLife, long instant) {
    double magnitudes = 0;
    double real = 0;
    for (Contribution fact : facts) {
      long whole = Math.floorDiv(instant - fact.time, halfLife);
      double rest = (double) Math.floorMod(instant - fact.time, halfLife) / halfLife;
      double contribution =
          Math.scalb(fact.value * Math.pow(2, -rest), (int) -Math.min(whole, 10_000));
      magnitudes += Math.abs(contribution);
      real += contribution;
    }
    if (Double.isNaN(magnitudes) || Double.isInfinite(magnitudes) || magnitudes > 0x1p1022) {
      return;
    }
    // The comparison itself is in doubles, which err once for every fact.
    double bound = (4 + facts.size()) * 0x1p-51 * magnitudes + facts.size() * Double.MIN_VALUE;
    assertThat(Math.abs(value - real)).isLessThanOrEqualTo(bound + Double.MIN_VALUE);
  }
}
