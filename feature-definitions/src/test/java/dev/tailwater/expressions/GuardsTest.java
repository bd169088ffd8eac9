package dev.tailwater.expressions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** AND and OR compute their right side where the left one does not decide, and only there. */
class GuardsTest {

  private static final List<Column> COLUMNS =
      List.of(
          new Column("zero", ColumnType.INT, true),
          new Column("three", ColumnType.INT, true),
          new Column("maybe", ColumnType.BOOLEAN, true),
          new Column("word", ColumnType.STRING, true),
          new Column("amount", ColumnType.DOUBLE, true));
  private static final @Nullable Object[] ROW = {0, 3, null, "x", 120.5};

  static Stream<Arguments> guarded() {
    return Stream.of(
        arguments("zero = 0 OR 10 / zero > 1", true),
        arguments("zero <> 0 AND 10 / zero > 1", false),
        arguments("zero <> 0 AND 10 / zero > 1 AND three = 3", false),
        arguments("zero = 0 OR 10 / zero > 1 OR three = 4", true),
        arguments("zero <> 0 AND MOD(10, zero) = 1", false),
        arguments("word = '12' AND CAST(word AS INT) > 1", false),
        arguments("word = '12' AND CAST(word AS DOUBLE) > 1", false),
        arguments("zero <> 0 AND SPLIT_PART(word, ',', zero) = 'x'", false),
        arguments("zero <> 0 AND 10 / zero IS NOT NULL", false),
        arguments("maybe AND 10 / three > 1", null),
        arguments("maybe AND 10 / three > 4", false),
        arguments("maybe OR 10 / three > 4", null),
        arguments("maybe OR 10 / three > 1", true),
        arguments("three = 3 AND CAST(amount AS VARCHAR) = '120.5' AND 10 / three = 3", true),
        arguments("zero IN (1, 2, 3, 4, 5, 6, 7, 8) AND 10 / zero > 0", false),
        arguments("zero IN (" + numbers(60) + ") AND 10 / zero > 0", false),
        arguments(
            IntStream.range(0, 40)
                .mapToObj(i -> "10 / zero > " + i)
                .collect(Collectors.joining(" OR ", "zero = 0 OR ", "")),
            true),
        // A left side is there twice: were it so at each level, this would not end.
        arguments(nested(40), true));
  }

  private static String numbers(int count) {
    return IntStream.rangeClosed(1, count)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(", "));
  }

  private static String nested(int depth) {
    String nested = "three = 3";
    for (int i = 0; i < depth; i++) {
      nested = "((" + nested + " AND 10 / three = 3) OR 10 / three = 4)";
    }
    return nested;
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("guarded")
  @Timeout(60)
  void theRightSideIsComputedWhereTheLeftDoesNotDecide(String sql, @Nullable Boolean value) {
    assertThat(Expressions.compile(sql, COLUMNS).evaluate(ROW)).isEqualTo(value);
  }

  @Test
  void listsThatCannotFailMayBeLong() {
    assertThat(Expressions.compile("three IN (" + numbers(700) + ")", COLUMNS).evaluate(ROW))
        .isEqualTo(true);
  }
}
