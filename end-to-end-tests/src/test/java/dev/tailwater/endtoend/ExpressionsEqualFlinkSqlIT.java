package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.expressions.Expressions;
import dev.tailwater.expressions.RowExpression;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Row expressions mean what they mean in Flink SQL, except where the document says so. */
class ExpressionsEqualFlinkSqlIT {

  private static final Path CORPUS = Path.of("src/test/resources/expressions/corpus.txt");
  private static final Path DOCUMENT = Path.of("../docs/expressions.md");

  private static final int A_JOB = 110;

  private static final List<Column> COLUMNS =
      List.of(
          new Column("s", ColumnType.STRING, true),
          new Column("w", ColumnType.STRING, true),
          new Column("i", ColumnType.INT, true),
          new Column("l", ColumnType.LONG, true),
          new Column("d", ColumnType.DOUBLE, true),
          new Column("b", ColumnType.BOOLEAN, true),
          new Column("t", ColumnType.TIMESTAMP, true),
          new Column("j", ColumnType.STRING, true),
          new Column("la", ColumnType.LONG_LIST, true),
          new Column("da", ColumnType.DOUBLE_LIST, true),
          new Column("sa", ColumnType.STRING_LIST, true),
          new Column("lm", ColumnType.LONG_MAP, true),
          new Column("dm", ColumnType.DOUBLE_MAP, true));

  /** No instant before 1970: there Flink SQL's EXTRACT is wrong, as the document says. */
  private static final List<@Nullable Object[]> ROWS =
      List.of(
          row(
              "abc",
              "äöü",
              7,
              10_000_000_000L,
              120.5,
              true,
              time("2018-04-01T00:56:01.250Z"),
              "{\"a\":1,\"b\":\"x\",\"c\":{\"d\":[1,2]},\"e\":[1,2,3],\"f\":1.5,\"t\":true}",
              List.of(1L, 2L, 3L),
              List.of(1.5, -2.5),
              List.of("abc", "b"),
              map("a", 1L, "b", 2L),
              map("a", 0.25)),
          row("", "", 0, 0L, 0.0, false, 0L, "{}", List.of(), List.of(), List.of(), map(), map()),
          row(null, null, null, null, null, null, null, null, null, null, null, null, null),
          row(
              "Abracadabra",
              "a\uD83D\uDE00b",
              -7,
              -5L,
              -2.5,
              false,
              time("2020-02-29T23:59:59.999Z"),
              "[1, 2]",
              List.of(2L, 2L),
              List.of(0.0),
              List.of("Abracadabra"),
              map("abc", -1L),
              map("a", -1.0, "z", 3.0)),
          row(
              " a b  ",
              "aab\uD83D\uDE00\uD83D\uDE00",
              1,
              1L,
              1.0,
              true,
              time("1972-12-31T23:59:59.001Z"),
              "\"text\"",
              List.of(1L),
              List.of(1e300),
              List.of(""),
              map(" a b  ", 3L),
              map()),
          row(
              "12",
              "ß",
              Integer.MAX_VALUE,
              Long.MAX_VALUE,
              1e15,
              null,
              time("2019-12-30T12:00:00Z"),
              "not json",
              List.of(Long.MAX_VALUE),
              List.of(Double.MAX_VALUE),
              List.of("12", "12"),
              map("a", Long.MAX_VALUE),
              map("a", 1e-9)),
          row(
              "1.5",
              "x",
              Integer.MIN_VALUE,
              Long.MIN_VALUE,
              -0.0,
              true,
              time("2000-01-01T00:00:00Z"),
              "{\"a\":\"12\",\"e\":[]}",
              List.of(5L, 4L, 3L, 2L, 1L),
              List.of(3.0, 2.0, 1.0),
              List.of("b", "a"),
              map("a", 0L),
              map("b", 1.0)),
          row(
              "aaa bbb",
              "Straße",
              3,
              123_456_789L,
              1e-5,
              false,
              time("2024-12-31T18:30:00.5Z"),
              "{\"a\":null,\"c\":{\"d\":\"deep\"},\"f\":2}",
              List.of(-1L),
              List.of(0.1),
              List.of("aaa bbb", "x", "y"),
              map("b", 1L),
              map("a", 2.0)),
          row(
              "a%",
              "日本語",
              100,
              -123_456_789L,
              3.14159,
              null,
              time("2100-03-01T06:07:08.009Z"),
              "{\"a\":1.7,\"b\":false,\"t\":\"no\"}",
              List.of(7L, 7L, 8L),
              List.of(-1e-300),
              List.of("ä"),
              map("日", 4L),
              map("a", 1.5)),
          row(
              "x",
              "Abc Def",
              2,
              2L,
              99.995,
              true,
              time("1999-06-15T13:14:15.161Z"),
              "5",
              List.of(0L),
              List.of(2.0),
              List.of("x"),
              map("x", 9L),
              map("x", 9.0)));

  private static FlinkSql flinkSql = new FlinkSql(List.of(), List.of());

  @BeforeAll
  static void startFlinkSql() {
    flinkSql = new FlinkSql(COLUMNS, ROWS);
  }

  @Test
  void everyExpressionOfTheCorpusHasTheSameValues() throws IOException {
    List<String> corpus =
        Files.readAllLines(CORPUS).stream()
            .filter(line -> !line.isBlank() && !line.startsWith("#"))
            .toList();

    assertThat(corpus).hasSizeGreaterThan(400).doesNotHaveDuplicates();
    assertThat(differences(corpus)).isEmpty();
  }

  @Test
  void everyExampleOfTheDocumentHasTheSameValueIfFlinkSqlHasTheFunction() throws IOException {
    String document = Files.readString(DOCUMENT);
    Matcher absent = Pattern.compile("(?s)Not in Flink SQL: (.*?)\\.\n").matcher(document);
    assertThat(absent.find()).as("the list of what Flink SQL has not").isTrue();
    List<String> names = Arrays.asList(absent.group(1).replace("`", "").split(",\\s+"));
    List<String> examples =
        table(document, "| function | ", 4).stream()
            .filter(cells -> names.stream().noneMatch(name -> calls(cells[2], name)))
            .map(cells -> cells[2])
            .toList();

    assertThat(examples).hasSizeGreaterThan(100);
    assertThat(differences(examples)).isEmpty();
  }

  private static boolean calls(String expression, String function) {
    return Pattern.compile("\\b" + function + "\\b").matcher(expression).find();
  }

  static LongStream seeds() {
    return LongStream.rangeClosed(1, 4);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void randomExpressionsHaveTheSameValues(long seed) {
    RandomExpression random = new RandomExpression(seed, COLUMNS);
    List<String> expressions = IntStream.range(0, 70).mapToObj(i -> random.next()).toList();

    assertThat(differences(expressions)).isEmpty();
  }

  /** The differences that are known: if one vanishes, the document is wrong. */
  @Test
  void differsWhereTheDocumentSaysSo() throws IOException {
    List<String[]> rows = table(Files.readString(DOCUMENT), "| expression | here | ", 4);
    List<String> wrong = new ArrayList<>();
    List<String> valued = new ArrayList<>();
    Map<String, String> flinkSays = new HashMap<>();
    for (String[] row : rows) {
      if (!row[2].equals("fails")) {
        valued.add(row[0]);
      }
    }
    List<@Nullable Object[]> values = flinkSql.evaluate(valued);
    for (int i = 0; i < valued.size(); i++) {
      flinkSays.put(valued.get(i), sql(valued.get(i), values.get(i)[0]));
    }

    assertThat(rows).hasSizeGreaterThan(20);
    for (String[] row : rows) {
      String here = outcome(row[0]);
      String there = flinkSays.getOrDefault(row[0], "fails");
      if (!here.equals(row[1]) || !there.equals(row[2]) || here.equals(there)) {
        wrong.add(row[0] + " is " + here + " here, in Flink SQL " + there);
      }
    }
    assertThat(wrong).isEmpty();
    List<String> failing =
        rows.stream().filter(row -> row[2].equals("fails")).map(row -> row[0]).toList();
    for (String expression : failing) {
      assertThat(hasValue(expression)).as(expression).isFalse();
    }
  }

  private static boolean hasValue(String expression) {
    try {
      flinkSql.evaluate(List.of(expression));
      return true;
    } catch (IllegalStateException e) {
      return false;
    }
  }

  private static String outcome(String expression) {
    try {
      return sql(expression, Expressions.compile(expression, COLUMNS).evaluate(ROWS.get(0)));
    } catch (ArithmeticException e) {
      return "fails";
    }
  }

  /** The value as a SQL literal. */
  private static String sql(String expression, @Nullable Object value) {
    if (value == null) {
      return "NULL";
    }
    if (value instanceof Boolean truth) {
      return truth.toString().toUpperCase(Locale.ROOT);
    }
    if (Expressions.typeOf(expression, COLUMNS) == ColumnType.TIMESTAMP) {
      return DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS", Locale.ROOT)
          .format(LocalDateTime.ofInstant(Instant.ofEpochMilli((Long) value), ZoneOffset.UTC));
    }
    return value instanceof String ? "'" + value + "'" : value.toString();
  }

  /** The cells of the rows of every table that begins so, without the marks of code. */
  private static List<String[]> table(String document, String header, int cells) {
    List<String[]> rows = new ArrayList<>();
    boolean inside = false;
    for (String line : document.lines().toList()) {
      if (line.startsWith(header)) {
        inside = true;
      } else if (!line.startsWith("|")) {
        inside = false;
      } else if (inside && !line.startsWith("|---")) {
        // A vertical bar in an expression is written with a backslash.
        String[] row = line.substring(1).split("(?<!\\\\)\\|", -1);
        assertThat(row).as(line).hasSize(cells + 1);
        for (int i = 0; i < cells; i++) {
          row[i] = row[i].trim().replace("\\|", "|").replaceAll("^`|`$", "");
        }
        rows.add(row);
      }
    }
    return rows;
  }

  private static List<String> differences(List<String> expressions) {
    List<String> differences = new ArrayList<>();
    for (int from = 0; from < expressions.size(); from += A_JOB) {
      List<String> some = expressions.subList(from, Math.min(from + A_JOB, expressions.size()));
      List<@Nullable Object[]> expected = flinkSql.evaluate(some);
      for (int i = 0; i < some.size(); i++) {
        differences.addAll(differences(some.get(i), expected.get(i)));
      }
    }
    return differences;
  }

  private static List<String> differences(String expression, @Nullable Object[] expected) {
    List<String> differences = new ArrayList<>();
    RowExpression compiled = Expressions.compile(expression, COLUMNS);
    for (int i = 0; i < expected.length; i++) {
      Object value;
      try {
        value = compiled.evaluate(ROWS.get(i));
      } catch (ArithmeticException e) {
        value = e.getMessage();
      }
      if (!same(value, expected[i])) {
        differences.add(expression + ", row " + i + ": " + value + ", not " + expected[i]);
      }
    }
    return differences;
  }

  /** Whole numbers may be of another width. */
  private static boolean same(@Nullable Object value, @Nullable Object expected) {
    if (value instanceof Number a && expected instanceof Number b) {
      return a instanceof Double || b instanceof Double
          ? Double.compare(a.doubleValue(), b.doubleValue()) == 0
          : a.longValue() == b.longValue();
    }
    return value == null ? expected == null : value.equals(expected);
  }

  private static @Nullable Object[] row(@Nullable Object... values) {
    return values;
  }

  private static long time(String instant) {
    return Instant.parse(instant).toEpochMilli();
  }

  private static Map<String, Object> map(Object... keysAndValues) {
    Map<String, Object> map = new TreeMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }
}
