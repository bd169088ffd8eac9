package dev.tailwater.expressions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.apache.calcite.runtime.SqlFunctions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** LIKE means what the same pattern as a regular expression does, and always ends. */
class LikePatternTest {

  /** Calcite's, which makes regular expressions. */
  private static final SqlFunctions.LikeFunction LIKE = new SqlFunctions.LikeFunction();

  private static final String[] PATTERN_PARTS = {
    "%", "%", "_", "a", "b", "A", "!", "\\", ".", "*", "\uD83D\uDE00", "\n", "é"
  };
  private static final String[] TEXT_PARTS = {
    "a", "a", "b", "B", "A", "!", "\\", ".", "*", "%", "_", "\uD83D\uDE00", "\n", "\u2028", "é", "É"
  };

  @Test
  void matchesWhatTheRegularExpressionOfThePatternDoes() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    int matches = 0;
    for (int i = 0; i < 200_000; i++) {
      String pattern = text(random, PATTERN_PARTS, 7);
      String text = text(random, TEXT_PARTS, 9);
      String escape = random.nextInt(3) == 0 ? "!" : null;
      boolean anyCase = random.nextBoolean();

      String expected = expected(text, pattern, escape, anyCase);

      assertThat(actual(text, pattern, escape, anyCase))
          .as("seed %d: '%s' like '%s' escape %s", seed, text, pattern, escape)
          .isEqualTo(expected);
      matches += expected.equals("true") ? 1 : 0;
    }
    assertThat(matches).as("seed %d", seed).isGreaterThan(5_000);
  }

  private static String text(Random random, String[] parts, int longest) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(longest + 1); i > 0; i--) {
      text.append(parts[random.nextInt(parts.length)]);
    }
    return text.toString();
  }

  private static String expected(
      String text, String pattern, @Nullable String escape, boolean anyCase) {
    try {
      if (escape == null) {
        return String.valueOf(anyCase ? LIKE.ilike(text, pattern) : LIKE.like(text, pattern));
      }
      return String.valueOf(
          anyCase ? LIKE.ilike(text, pattern, escape) : LIKE.like(text, pattern, escape));
    } catch (RuntimeException e) {
      return "refused";
    }
  }

  private static String actual(
      String text, String pattern, @Nullable String escape, boolean anyCase) {
    try {
      return String.valueOf(LikePattern.of(pattern, escape, anyCase).matches(text));
    } catch (IllegalArgumentException e) {
      return "refused";
    }
  }

  /** As a regular expression, this takes a time with the tenth power of the text's length. */
  @Test
  @Timeout(60)
  void manyWildcardsTakeNoLongerThanOne() {
    LikePattern pattern = LikePattern.of("%a%a%a%a%a%a%a%a%a%b", null, false);

    assertThat(pattern.matches("a".repeat(100_000))).isFalse();
    assertThat(pattern.matches("a".repeat(100_000) + "b")).isTrue();
  }

  @Test
  @Timeout(60)
  void aPatternThatTakesTooManyStepsIsRefused() {
    LikePattern pattern = LikePattern.of("%" + "a".repeat(10_000) + "b%", null, false);

    assertThatThrownBy(() -> pattern.matches("a".repeat(1_000_000)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("takes more than 50000000 steps");
  }
}
