package dev.tailwater.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DecayedSumTest {

  private static final long HOUR = 3_600_000;

  @Test
  void aValueIsHalvedOnceForEveryHalfLife() {
    DecayedSum sum = new DecayedSum(HOUR);
    sum.add(0, 8, false);
    sum.add(HOUR, 8, false);
    assertThat(sum.at(HOUR)).isEqualTo(12);
    assertThat(sum.at(4 * HOUR)).isEqualTo(1.5);
    assertThat(sum.at(4 * HOUR + HOUR / 2)).isCloseTo(1.5 / Math.sqrt(2), within(1e-15));
  }

  @Test
  void aFactCountsForNothingOnceItIs34BlocksOld() {
    DecayedSum sum = new DecayedSum(HOUR);
    sum.add(63 * HOUR, Double.NaN, false);
    sum.add(63 * HOUR, 1e300, false);
    assertThat(sum.at((34 * 64 - 1) * HOUR)).isNaN();
    assertThat(sum.at(34 * 64 * HOUR)).isEqualTo(0.0);
    sum.forget(34 * 64 * HOUR);
    assertThat(sum.at(63 * HOUR)).isEqualTo(0.0);
  }

  @Test
  void infinitiesAndNanCanBeTakenAwayAgain() {
    DecayedSum sum = new DecayedSum(HOUR);
    sum.add(0, 1, false);
    sum.add(1, Double.POSITIVE_INFINITY, false);
    assertThat(sum.at(1)).isEqualTo(Double.POSITIVE_INFINITY);
    sum.add(0, Double.NEGATIVE_INFINITY, false);
    assertThat(sum.at(1)).isNaN();
    sum.add(1, Double.POSITIVE_INFINITY, true);
    sum.add(0, Double.NEGATIVE_INFINITY, true);
    assertThat(sum.at(HOUR)).isEqualTo(0.5);
  }

  static LongStream seeds() {
    return LongStream.range(0, 400);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void equalsItsDefinitionInAnyOrderAndIsNearTheRealSum(long seed) throws IOException {
    Random random = new Random(seed);
    long halfLife = 1 + random.nextInt(1 << random.nextInt(20));
    long span = halfLife * (1L << random.nextInt(14));
    List<NaiveDecay.Contribution> facts = new ArrayList<>();
    List<NaiveDecay.Contribution> others = new ArrayList<>();
    for (int i = 0; i < random.nextInt(60); i++) {
      double value =
          seed % 4 == 0
              ? Math.scalb(random.nextDouble() - 0.5, random.nextInt(2000) - 1000)
              : History.number(seed % 4 == 1, random);
      long time = (long) (random.nextDouble() * span) - span / 2;
      (random.nextInt(3) == 0 ? others : facts).add(new NaiveDecay.Contribution(time, value));
    }
    DecayedSum sum = new DecayedSum(halfLife);
    List<NaiveDecay.Contribution> all = new ArrayList<>(facts);
    all.addAll(others);
    Collections.shuffle(all, random);
    all.forEach(fact -> sum.add(fact.time(), fact.value(), false));
    others.forEach(fact -> sum.add(fact.time(), fact.value(), true));
    DecayedSum stored = roundTrip(sum, halfLife);

    for (int i = 0; i < 5; i++) {
      long instant = span / 2 + (long) (random.nextDouble() * span);
      double value = sum.at(instant);
      assertThat(value).isEqualTo(NaiveDecay.at(facts, halfLife, instant));
      assertThat(stored.at(instant)).isEqualTo(value);
      assertThat(sum.copy().at(instant)).isEqualTo(value);
      NaiveDecay.assertNearTheRealSum(value, facts, halfLife, instant);
    }
  }

  private static DecayedSum roundTrip(DecayedSum sum, long halfLife) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    sum.write(new DataOutputStream(bytes));
    return DecayedSum.read(
        halfLife, new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
  }
}
