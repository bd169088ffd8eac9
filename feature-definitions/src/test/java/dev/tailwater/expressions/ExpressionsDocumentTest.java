package dev.tailwater.expressions;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every example of {@code docs/expressions.md} has the value that stands beside it. */
class ExpressionsDocumentTest {

  private static final DateTimeFormatter TIMESTAMP =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS", Locale.ROOT).withZone(ZoneOffset.UTC);

  static Stream<Arguments> examples() throws IOException {
    List<Arguments> examples =
        Files.readAllLines(Path.of("../docs/expressions.md")).stream()
            // A vertical bar in an expression is written with a backslash.
            .map(line -> line.split("(?<!\\\\)\\|", -1))
            .filter(cells -> cells.length == 6 && cells[4].startsWith(" `"))
            .filter(cells -> cells[3].startsWith(" `"))
            .filter(cells -> !cells[2].startsWith(" `"))
            .map(cells -> Arguments.arguments(code(cells[3]), code(cells[4])))
            .toList();
    assertThat(examples).hasSizeGreaterThan(150);
    return examples.stream();
  }

  private static String code(String cell) {
    return cell.trim().replace("\\|", "|").replaceAll("^`|`$", "");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("examples")
  void hasTheValueBesideIt(String expression, String value) {
    RowExpression compiled = Expressions.compile(expression, List.of());

    assertThat(sql(compiled.evaluate(new Object[0]), compiled.type())).isEqualTo(value);
  }

  private static String sql(@Nullable Object value, ColumnType type) {
    if (value == null) {
      return "NULL";
    }
    return switch (type) {
      case BOOLEAN -> value.toString().toUpperCase(Locale.ROOT);
      case STRING -> "'" + value + "'";
      case TIMESTAMP -> TIMESTAMP.format(Instant.ofEpochMilli((Long) value));
      default -> value.toString();
    };
  }
}
