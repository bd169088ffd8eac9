package dev.tailwater.expressions;

import static dev.tailwater.schemas.ColumnType.BOOLEAN;
import static dev.tailwater.schemas.ColumnType.DOUBLE;
import static dev.tailwater.schemas.ColumnType.INT;
import static dev.tailwater.schemas.ColumnType.LONG;
import static dev.tailwater.schemas.ColumnType.STRING;
import static dev.tailwater.schemas.ColumnType.TIMESTAMP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExpressionsTest {

  private static final List<Column> COLUMNS =
      List.of(
          new Column("tx_id", STRING, false),
          new Column("tx_time", TIMESTAMP, false),
          new Column("TX_AMOUNT", DOUBLE, true),
          new Column("country", STRING, true),
          new Column("items", INT, true),
          new Column("total", LONG, true),
          new Column("online", BOOLEAN, true),
          new Column("value", INT, true),
          new Column("customer_spend.amount_avg_7d", DOUBLE, true),
          new Column("customer_spend.count", LONG, true));

  /** A Sunday, four minutes to one in the morning. */
  private static final long TIME = Instant.parse("2018-04-01T00:56:01.250Z").toEpochMilli();

  private static final @Nullable Object[] ROW = {
    "t1", TIME, 120.5, "DE", 7, 10_000_000_000L, true, 3, 30.0, 2L
  };
  private static final @Nullable Object[] NULLS = {
    "t1", TIME, null, null, null, null, null, null, null, null
  };

  static Stream<Arguments> valuesOnARowAndOnNulls() {
    return Stream.of(
        arguments("TX_AMOUNT", DOUBLE, 120.5, null),
        arguments(" country ", STRING, "DE", null),
        arguments("TX_AMOUNT / NULLIF(customer_spend.amount_avg_7d, 0)", DOUBLE, 120.5 / 30, null),
        arguments("TX_AMOUNT * 1.1", DOUBLE, 120.5 * 1.1, null),
        arguments("items * 1.1", DOUBLE, 7.7, null),
        arguments("items + 1", INT, 8, null),
        arguments("items / 2", INT, 3, null),
        arguments("items / 2.0", DOUBLE, 3.5, null),
        arguments("total = 10000000000.4", BOOLEAN, false, null),
        arguments("total IN (10000000000.4, 1.5)", BOOLEAN, false, null),
        arguments("COALESCE(total, 2.5)", DOUBLE, 1e10, 2.5),
        arguments("LEAST(total, 2.5)", DOUBLE, 2.5, null),
        arguments("CASE WHEN online THEN 0.4 ELSE total END", DOUBLE, 0.4, null),
        arguments("total + items", LONG, 10_000_000_007L, null),
        arguments("MOD(items, 2)", INT, 1, null),
        arguments("mod(items, 2)", INT, 1, null),
        arguments("Coalesce(upper(country), 'none')", STRING, "DE", "none"),
        arguments("-items", INT, -7, null),
        arguments("\"value\" + 1", INT, 4, null),
        arguments("customer_spend.\"count\" * 2", LONG, 4L, null),
        arguments("ABS(items - 10)", INT, 3, null),
        arguments("EXTRACT(HOUR FROM tx_time) <= 6", BOOLEAN, true, true),
        arguments("EXTRACT(HOUR FROM tx_time)", LONG, 0L, 0L),
        arguments("EXTRACT(MINUTE FROM tx_time)", LONG, 56L, 56L),
        arguments("EXTRACT(DOW FROM tx_time)", LONG, 1L, 1L),
        arguments("EXTRACT(ISODOW FROM tx_time)", LONG, 7L, 7L),
        arguments("EXTRACT(ISODOW FROM tx_time) >= 6", BOOLEAN, true, true),
        arguments("tx_time + INTERVAL '1' HOUR", TIMESTAMP, TIME + 3_600_000, TIME + 3_600_000),
        arguments("tx_time >= TIMESTAMP '2018-04-01 00:56:01.250'", BOOLEAN, true, true),
        arguments("tx_time < TIMESTAMP '2018-04-01 00:56:01'", BOOLEAN, false, false),
        arguments("FLOOR(tx_time TO HOUR)", TIMESTAMP, TIME - 3_361_250, TIME - 3_361_250),
        arguments("CASE WHEN online THEN 1 ELSE 0 END", INT, 1, 0),
        arguments(
            "CASE WHEN TX_AMOUNT > 100 THEN 'big' ELSE 'smaller' END", STRING, "big", "smaller"),
        arguments("CASE country WHEN 'DE' THEN 'home' END", STRING, "home", null),
        arguments("COALESCE(TX_AMOUNT, 0)", DOUBLE, 120.5, 0.0),
        arguments("COALESCE(country, 'none')", STRING, "DE", "none"),
        arguments("NULLIF(items, 7)", INT, null, null),
        arguments("country IN ('DE', 'FR')", BOOLEAN, true, null),
        arguments("country NOT IN ('DE', 'FR')", BOOLEAN, false, null),
        arguments(
            "items IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,"
                + " 20, 21, 22)",
            BOOLEAN,
            true,
            null),
        arguments("country LIKE 'D%'", BOOLEAN, true, null),
        arguments("country = 'Österreich'", BOOLEAN, false, null),
        arguments("country || 'ü'", STRING, "DEü", null),
        arguments("LOWER(country)", STRING, "de", null),
        arguments("UPPER(LOWER(country))", STRING, "DE", null),
        arguments("CHAR_LENGTH(country)", INT, 2, null),
        arguments("SUBSTRING(country FROM 1 FOR 1)", STRING, "D", null),
        arguments("TX_AMOUNT BETWEEN 120 AND 121", BOOLEAN, true, null),
        arguments("TX_AMOUNT IS NULL", BOOLEAN, false, true),
        arguments("TX_AMOUNT IS NOT NULL", BOOLEAN, true, false),
        arguments("NOT online", BOOLEAN, false, null),
        arguments("online AND items > 100", BOOLEAN, false, null),
        arguments("online OR items > 100", BOOLEAN, true, null),
        arguments("items > 100 AND 1 = 2", BOOLEAN, false, false),
        arguments("items > 100 OR 1 = 1", BOOLEAN, true, true),
        arguments("online IS TRUE", BOOLEAN, true, false),
        arguments("TX_AMOUNT = 120.5", BOOLEAN, true, null),
        arguments("CAST(items AS DOUBLE) / 2", DOUBLE, 3.5, null),
        arguments("CAST(items AS SMALLINT)", INT, 7, null),
        arguments("CAST(items AS VARCHAR)", STRING, "7", null),
        arguments("CAST(NULL AS DOUBLE)", DOUBLE, null, null),
        arguments("SQRT(POWER(items, 2))", DOUBLE, 7.0, null),
        arguments("1 -- one", INT, 1, 1));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("valuesOnARowAndOnNulls")
  void followsSql(String sql, ColumnType type, @Nullable Object onRow, @Nullable Object onNulls) {
    RowExpression expression = Expressions.compile(sql, COLUMNS);

    assertThat(expression.type()).isEqualTo(type);
    assertThat(expression.evaluate(ROW)).isEqualTo(onRow);
    assertThat(expression.evaluate(NULLS)).isEqualTo(onNulls);
    assertThat(expression.evaluate(ROW)).as("nothing is left of the row before").isEqualTo(onRow);
  }

  static Stream<Arguments> refusals() {
    return Stream.of(
        arguments("amont > 1", 1, 1, "column amont does not exist"),
        arguments("1 +\n  tx_amount", 2, 3, "did you mean TX_AMOUNT?"),
        arguments("items +", 1, 7, "is not an expression"),
        arguments("", 0, 0, "is not an expression"),
        arguments("value + 1", 1, 1, "write the column as \"value\""),
        arguments(
            "customer_spend.count * 2",
            1,
            15,
            "count is a keyword of SQL: write the column as customer_spend.\"count\""),
        arguments("items > 'x'", 1, 9, "CHAR cannot stand for INTEGER"),
        arguments("country = 5", 1, 11, "INTEGER cannot stand for VARCHAR"),
        arguments("TX_AMOUNT + country", 1, 13, "VARCHAR cannot stand for"),
        arguments("items IN (1, 'x')", 1, 14, "CHAR cannot stand for INTEGER"),
        arguments("COALESCE(items, 'x')", 1, 17, "CHAR cannot stand for INTEGER"),
        arguments("online = 1", 1, 10, "INTEGER cannot stand for BOOLEAN"),
        arguments("UPPER(items)", 0, 0, ""),
        arguments("NOT items", 0, 0, ""),
        arguments("foo(items)", 1, 1, "function FOO does not exist; docs/expressions.md lists"),
        arguments("uper(country)", 1, 1, "function UPER does not exist; did you mean UPPER?"),
        arguments(
            "date_format(tx_time)", 1, 1, "DATE_FORMAT does not take (<TIMESTAMP>); it takes"),
        arguments("now()", 1, 1, "NOW is not a function of the row"),
        arguments("tx_time - tx_time", 1, 1, "TIMESTAMPDIFF(SECOND, a, b)"),
        arguments("tx_time + 1", 1, 1, "as in t + INTERVAL '1' DAY"),
        arguments("`items` > 1", 1, 1, "a name is quoted as in \"name\""),
        arguments("country = 'DE", 1, 9, "a text begins and ends with '"),
        arguments("items == 1", 1, 7, "two values are compared by one ="),
        arguments("online && online", 1, 8, "write AND"),
        arguments("(items + 1", 1, 10, "a bracket is open"),
        arguments("items::BIGINT", 1, 6, "write CAST(x AS BIGINT)"),
        arguments("country = \"DE\"", 1, 11, "in single quotes, as in 'DE'"),
        arguments("CASE WHEN items THEN 1 END", 1, 1, "as in x > 0"),
        arguments("ARRAY[items][CAST(items AS BIGINT)]", 0, 0, "write CAST(x AS INTEGER)"),
        arguments("COUNT(*)", 1, 1, "more than one row"),
        arguments("SUM(items)", 0, 0, "SUM sees more than one row"),
        arguments("SUM(items) OVER ()", 1, 1, "more than one row"),
        arguments("(SELECT 1)", 1, 1, "subquery"),
        arguments("EXISTS (SELECT 1)", 1, 8, "subquery"),
        arguments("items IN (SELECT 1)", 1, 11, "subquery"),
        arguments("?", 1, 1, "no parameters"),
        arguments("CASE WHEN online THEN MAP['a', 1] ELSE MAP['a', total] END['a']", 0, 0, "a map"),
        arguments("TIMESTAMPDIFF(MILLISECOND, tx_time, tx_time)", 1, 15, "not MILLISECOND"),
        arguments("REGEXP(country, '[')", 1, 17, "REGEXP cannot use '['"),
        arguments("country NOT RLIKE '('", 1, 19, "'(' is not a regular expression"),
        arguments("regexp_extract(country, '*', 1)", 1, 25, "would have no value for any row"),
        arguments("DATE_FORMAT(tx_time, 'nonsense')", 1, 22, "cannot use 'nonsense'"),
        arguments("AT_ZONE(tx_time, 'Nowhere')", 1, 18, "cannot use 'Nowhere'"),
        arguments("CONVERT_TZ(country, 'UTC', 'Mars')", 1, 28, "cannot use 'Mars'"),
        arguments("ARRAY_JOIN(ARRAY[items], '-')", 0, 0, "joins an array of INTEGER"),
        arguments("ARRAY[items][0]", 1, 14, "0 is the position of no element"),
        arguments("ARRAY[items][-1]", 1, 14, "-1 is the position of no element"),
        arguments("CURRENT_TIMESTAMP", 0, 0, "not a function of the row"),
        arguments("RAND() < 0.5", 0, 0, "not a function of the row"),
        arguments("USER", 0, 0, "not a function of the row"),
        arguments("NULL", 0, 0, "no type"),
        arguments("CAST(tx_time AS DATE)", 0, 0, "has the type DATE"),
        arguments("ROW(1, 2)", 0, 0, "has the type"),
        arguments("*", 0, 0, ""),
        arguments("online ! = online", 1, 9, "docs/expressions.md says what can be written"),
        arguments("SELECT items", 1, 1, "write the expression alone, as in amount / 100"),
        arguments("CAST(TX_AMOUNT AS BOOLEAN)", 0, 0, "does not take what it is given; docs/expre"),
        arguments("JSON_QUERY(items, '$')", 0, 0, "does not take what it is given; docs/expre"),
        arguments("GREATEST()", 0, 0, "does not take what it is given; docs/expressions.md lists"),
        arguments("1" + "0".repeat(40) + " > items", 0, 0, "a number of more than 38 digits"),
        arguments("DATE '99999-01-01' IS NULL", 0, 0, "Year out of range"),
        arguments("", 0, 0, "it has no word; write one, or leave the key out"),
        arguments("ARRAY_CONCAT(items)", 1, 1, "ARRAY_CONCAT does not take ARRAY_CONCAT(<INT"),
        arguments("GREATEST(items, country)", 1, 1, "write values of one type, or a CAST"),
        arguments("CAST(country AS nope)", 1, 17, "types are BOOLEAN"),
        arguments("ABS(ROW(1, 'x'))", 1, 1, "ABS does not take ABS(<ROW>); it takes"),
        arguments("DATE '2024-02-30' > DATE '2024-01-01'", 1, 1, "; docs/expressions.md says"),
        arguments("CAST(TIME '10:00:00' AS TIMESTAMP)", 0, 0, "it has no day"),
        arguments("(".repeat(4000) + "1" + ")".repeat(4000), 0, 0, ""),
        arguments("1" + "+1".repeat(6000), 0, 0, "characters"));
  }

  @ParameterizedTest(name = "{index} {3}")
  @MethodSource("refusals")
  void saysWhatIsWrongAndWhere(String sql, int line, int column, String reason) {
    InvalidExpressionException refusal =
        catchThrowableOfType(
            InvalidExpressionException.class, () -> Expressions.compile(sql, COLUMNS));

    assertThat(refusal).as(sql.length() < 100 ? sql : "long").isNotNull();
    assertThat(refusal).hasMessageContaining(reason);
    assertThat(refusal.getMessage()).hasLineCount(1);
    if (line > 0) {
      assertThat(List.of(refusal.line(), refusal.column())).containsExactly(line, column);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "COALESCE(%s, 1)",
        "NULLIF(%s, 1)",
        "GREATEST(%s, 1)",
        "LEAST(2, %s)",
        "CASE %s WHEN 1 THEN 2 WHEN 3 THEN 4 END",
        "CASE WHEN %s BETWEEN 1 AND 2 THEN 3 END",
        "CASE WHEN items BETWEEN SYMMETRIC %s AND 2 THEN 3 END",
        "CASE WHEN %s NOT IN (items, 2) THEN 3 END",
        "CASE WHEN %s IS DISTINCT FROM 2 THEN 3 END",
        "CASE WHEN (tx_time, INTERVAL '1' DAY) OVERLAPS (TIMESTAMPADD(DAY, %s, tx_time), tx_time)"
            + " THEN 3 END"
      })
  void refusesWhatWouldTakeTooLongToCompile(String nested) {
    String sql = "items";
    for (int depth = 0; depth < 40; depth++) {
      sql = nested.replace("%s", sql);
    }
    String deep = sql;

    assertThatThrownBy(() -> Expressions.compile(deep, COLUMNS))
        .isInstanceOf(InvalidExpressionException.class)
        .hasMessageContaining("derive the inner ones as columns of their own");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ROUND(TX_AMOUNT, items - 200000007) = 0",
        "TRUNCATE(TX_AMOUNT, items - 200000007) = 0",
        "ROUND(TX_AMOUNT, items + 200000000) = TX_AMOUNT",
        "ROUND(items * 1.5, items - 200000007) = 0",
        "ROUND(items * 1.5, -200000000) = 0",
        "TRUNCATE(items, items - 200000007) = 0",
        "ROUND(total, items + 200000000) = total"
      })
  void roundsToAnyNumberOfDigitsAtOnce(String sql) {
    assertThat(Expressions.compile(sql, COLUMNS).evaluate(ROW)).isEqualTo(true);
  }

  @Test
  void failsAsSqlDoesWhenThereIsNoValue() {
    assertThatThrownBy(() -> Expressions.compile("items / 0", COLUMNS).evaluate(ROW))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("items / 0");
    assertThatThrownBy(() -> Expressions.compile("CAST(country AS INT)", COLUMNS).evaluate(ROW))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("\"DE\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ROUND(TX_AMOUNT, 2)", "ROUND(TX_AMOUNT)", "TRUNCATE(TX_AMOUNT, 2)"})
  void whatIsNoFiniteNumberStaysWhenRounded(String sql) {
    RowExpression expression = Expressions.compile(sql, COLUMNS);

    for (double value : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
      @Nullable Object[] row = ROW.clone();
      row[2] = value;
      assertThat(expression.evaluate(row)).isEqualTo(value);
    }
  }

  static Stream<Arguments> valuesOfListsAndMaps() {
    return Stream.of(
        arguments("amounts[1]", DOUBLE, 9.5, null),
        arguments("amounts[3]", DOUBLE, null, null),
        arguments("amounts[CARDINALITY(amounts)]", DOUBLE, 1.5, null),
        arguments("shops[1] = shops[2]", BOOLEAN, false, null),
        arguments("CARDINALITY(counts)", INT, 2, null),
        arguments("ARRAY_CONTAINS(counts, 4)", BOOLEAN, true, null),
        arguments("ARRAY_MAX(amounts) - ARRAY_MIN(amounts)", DOUBLE, 8.0, null),
        arguments("by_country['DE']", LONG, 3L, null),
        arguments("COALESCE(by_country['FR'], 0)", LONG, 0L, 0L),
        arguments("by_country[shops[1]]", LONG, 3L, null),
        arguments("sums['DE'] / by_country['DE']", DOUBLE, 2.5, null),
        arguments("MAP_KEYS(sums)[1]", STRING, "DE", null),
        arguments("shops IS NULL", BOOLEAN, false, true),
        arguments("SORT_ARRAY(amounts)[1]", DOUBLE, 1.5, null),
        arguments("SORT_ARRAY(counts, FALSE)[1]", LONG, 5L, null),
        arguments("COALESCE(sums, MAP['DE', CAST(0 AS DOUBLE)])['DE']", DOUBLE, 7.5, 0.0));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("valuesOfListsAndMaps")
  void readsListAndMapFeatures(
      String sql, ColumnType type, @Nullable Object onRow, @Nullable Object onNulls) {
    List<Column> columns =
        List.of(
            new Column("counts", ColumnType.LONG_LIST, true),
            new Column("amounts", ColumnType.DOUBLE_LIST, true),
            new Column("shops", ColumnType.STRING_LIST, true),
            new Column("by_country", ColumnType.LONG_MAP, true),
            new Column("sums", ColumnType.DOUBLE_MAP, true));
    @Nullable Object[] row = {
      List.of(4L, 5L),
      List.of(9.5, 1.5),
      List.of("DE", "AT"),
      new TreeMap<>(Map.of("AT", 1L, "DE", 3L)),
      Map.of("DE", 7.5)
    };
    RowExpression expression = Expressions.compile(sql, columns);

    assertThat(expression.type()).isEqualTo(type);
    assertThat(expression.evaluate(row)).isEqualTo(onRow);
    assertThat(expression.evaluate(new @Nullable Object[5])).isEqualTo(onNulls);
  }

  static Stream<Arguments> valuesBefore1970() {
    return Stream.of(
        arguments("EXTRACT(YEAR FROM tx_time)", 1969L),
        arguments("EXTRACT(QUARTER FROM tx_time)", 4L),
        arguments("EXTRACT(MONTH FROM tx_time)", 12L),
        arguments("EXTRACT(DAY FROM tx_time)", 30L),
        arguments("EXTRACT(DOW FROM tx_time)", 3L),
        arguments("EXTRACT(ISODOW FROM tx_time)", 2L),
        arguments("EXTRACT(WEEK FROM tx_time)", 1L),
        arguments("EXTRACT(ISOYEAR FROM tx_time)", 1970L),
        arguments("EXTRACT(HOUR FROM tx_time)", 13L),
        arguments("EXTRACT(MINUTE FROM tx_time)", 14L),
        arguments("EXTRACT(SECOND FROM tx_time)", 15L),
        arguments("EXTRACT(MILLISECOND FROM tx_time)", 161L),
        arguments("UNIX_SECONDS(tx_time)", -125_145L),
        arguments("DATE_FORMAT(FLOOR(tx_time TO WEEK), 'MM-dd HH:mm')", "12-28 00:00"),
        arguments("DATE_FORMAT(CEIL(tx_time TO WEEK), 'MM-dd HH:mm')", "01-04 00:00"),
        arguments("DATE_FORMAT(FLOOR(tx_time TO QUARTER), 'MM-dd HH:mm')", "10-01 00:00"),
        arguments("DATE_FORMAT(CEIL(tx_time TO YEAR), 'yyyy-MM-dd')", "1970-01-01"),
        arguments("DATE_FORMAT(CEIL(tx_time TO HOUR), 'MM-dd HH:mm')", "12-30 14:00"),
        arguments("CAST(CAST(tx_time AS DATE) AS VARCHAR)", "1969-12-30"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("valuesBefore1970")
  void countsBackwardsBefore1970(String sql, Object value) {
    @Nullable Object[] row = ROW.clone();
    row[1] = Instant.parse("1969-12-30T13:14:15.161Z").toEpochMilli();

    assertThat(Expressions.compile(sql, COLUMNS).evaluate(row)).isEqualTo(value);
  }

  @Test
  void aConditionAndItsBranchesMayAskForTheSamePart() {
    assertThat(
            Expressions.compile(
                    "IF(EXTRACT(HOUR FROM tx_time) > 1,"
                        + " EXTRACT(HOUR FROM tx_time - INTERVAL '1' HOUR),"
                        + " EXTRACT(HOUR FROM FLOOR(tx_time + INTERVAL '1' HOUR TO HOUR)))",
                    COLUMNS)
                .evaluate(ROW))
        .isEqualTo(1L);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "REPEAT('x', 2000000)",
        "LPAD('x', 2000000, 'y')",
        "REGEXP('a', CONCAT('(', country))",
        "REGEXP_REPLACE('a', 'a', '$1')",
        "CHR(-1)",
        "SHA2('a', 1)",
        "FROM_BASE64('*')",
        "SUBSTRING('a' FROM 1 FOR -1)",
        "SPLIT_PART('a', ',', 0)",
        "DATE_FORMAT(TIMESTAMP '2020-01-01 00:00:00', 'non' || 'sense')",
        "AT_ZONE(TIMESTAMP '2020-01-01 00:00:00', 'No' || 'where')",
        "ELEMENT(ARRAY[1, 2])",
        "items / (items - 7) IS NOT NULL",
        "items / (items - 7) IS NULL",
        "CAST(country AS INT) IS NOT NULL",
        "CASE WHEN MOD(items, items - 7) IS NULL THEN 1 ELSE 2 END",
        "REGEXP(REPEAT('ab', 100000), '^(a|b)*$')",
        "REGEXP(REPEAT('x', 1000), 'x*x*x*x*x*x*y')",
        "REPEAT('x', 1000) RLIKE 'x*x*x*x*x*x*y'",
        "REPEAT('x', 1000000) LIKE '%' || REPEAT('x', 10000) || 'y%'",
        "REPEAT('x', 1000000) ILIKE '%' || REPEAT('X', 10000) || 'y%'",
        "LEVENSHTEIN(REPEAT('x', 100000), REPEAT('y', 100000))",
        "REPLACE(REPEAT('x', 1000000), 'x', REPEAT('y', 1000000))",
        "REPLACE(REPEAT('x', 1000000), '', REPEAT('y', 1000000))",
        "REGEXP_REPLACE(REPEAT('x', 1000000), 'x', REPEAT('y', 1000000))",
        "'a' LIKE 'b' ESCAPE ''",
        "'a' LIKE '!b' ESCAPE '!'",
        "CAST(1e15 AS INT)",
        "CAST('yes or no' AS BOOLEAN)",
        "CAST('x' AS TIMESTAMP)",
        "TIMESTAMP '9999-12-31 23:59:59' + INTERVAL '1' SECOND",
        "AT_ZONE(TIMESTAMP '0001-01-01 00:00:00', 'America/New_York')"
      })
  void anArgumentThatHasNoValueIsAFailureOfTheRow(String sql) {
    RowExpression expression = Expressions.compile(sql, COLUMNS);

    assertThatThrownBy(() -> expression.evaluate(ROW))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageStartingWith(sql);
  }

  @Test
  void tellsWhatItReadsAndMeansTheSameOverOnlyThat() {
    String sql = "customer_spend.amount_avg_7d / TX_AMOUNT";

    CheckedExpression checked = Expressions.check(sql, COLUMNS);

    assertThat(checked.reads())
        .extracting(Column::name)
        .containsExactly("TX_AMOUNT", "customer_spend.amount_avg_7d");
    assertThat(Expressions.compile(sql, checked.reads()).evaluate(new Object[] {60.0, 30.0}))
        .isEqualTo(0.5);
    assertThat(Expressions.check(sql, checked.reads()).reads()).isEqualTo(checked.reads());
  }

  @Test
  void evaluatorsOfOneTextDoNotShareRows() {
    RowExpression one = Expressions.compile("items + 1", COLUMNS);
    RowExpression other = Expressions.compile("items + 1", COLUMNS);

    assertThat(one).isNotSameAs(other);
    assertThat(one.evaluate(ROW)).isEqualTo(8);
    assertThat(other.evaluate(NULLS)).isNull();
    assertThat(one.evaluate(ROW)).isEqualTo(8);
  }

  @Test
  void normalizesWhatMeansTheSame() {
    assertThat(Expressions.normalized("  a  >\n 'x  y' -- why\n AND /* b */ c "))
        .isEqualTo("a > 'x  y' AND c");
    assertThat(Expressions.normalized("a = 'it''s  --'")).isEqualTo("a = 'it''s  --'");
    assertThat(Expressions.normalized("a<=b AND f( c,d )||'x'"))
        .isEqualTo("a <= b AND F(c, d) || 'x'");
    assertThat(Expressions.normalized("upper (a) IN('x') and(b or c) AND extract (DAY from t) > 2"))
        .isEqualTo("UPPER(a) IN ('x') AND (b OR c) AND EXTRACT(DAY FROM t) > 2");
    assertThat(Expressions.normalized("a*-1-b[ 1 ]/2e-3>- 1"))
        .isEqualTo("a * -1 - b[1] / 2e-3 > - 1");
    assertThat(Expressions.normalized("IF(a>b, -1, +1)")).isEqualTo("IF(a > b, -1, +1)");
    assertThat(Expressions.normalized("CASE WHEN a THEN -1 END"))
        .isEqualTo("CASE WHEN a THEN -1 END");
    assertThat(Expressions.normalized("Case when a is Null and \"or\" then null else Android end"))
        .isEqualTo("CASE WHEN a IS NULL AND \"or\" THEN NULL ELSE Android END");
    assertThat(Expressions.normalized("'and' or a_and")).isEqualTo("'and' OR a_and");
    assertThat(Expressions.normalized("a--b\n")).isEqualTo("a");
    assertThat(Expressions.normalized("a - -b")).isEqualTo("a - -b");
  }
}
