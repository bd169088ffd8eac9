package dev.tailwater.expressions;

import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.apache.calcite.avatica.util.TimeUnitRange;
import org.apache.calcite.sql.SqlOperator;
import org.apache.calcite.sql.SqlOperatorTable;
import org.apache.calcite.sql.fun.SqlLibraryOperators;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.type.OperandTypes;
import org.apache.calcite.sql.type.ReturnTypes;
import org.apache.calcite.sql.type.SqlOperandTypeChecker;
import org.apache.calcite.sql.type.SqlReturnTypeInference;
import org.apache.calcite.sql.type.SqlTypeFamily;
import org.apache.calcite.sql.type.SqlTypeName;
import org.apache.calcite.sql.type.SqlTypeTransforms;
import org.apache.calcite.sql.util.SqlOperatorTables;

/**
 * The functions that expressions may call: standard SQL's as Calcite has them, some of other
 * dialects, and those whose meaning is written here because Calcite's differs from the standard or
 * from Flink SQL.
 */
final class RowFunctions {

  private static final SqlTypeFamily TEXT = SqlTypeFamily.CHARACTER;
  private static final SqlTypeFamily WHOLE = SqlTypeFamily.INTEGER;
  private static final SqlTypeFamily NUMBER = SqlTypeFamily.NUMERIC;
  private static final SqlTypeFamily TIME = SqlTypeFamily.TIMESTAMP;
  private static final SqlTypeFamily ARRAY = SqlTypeFamily.ARRAY;
  private static final SqlTypeFamily MAP = SqlTypeFamily.MAP;

  private static final SqlReturnTypeInference STRING = nullable(SqlTypeName.VARCHAR);
  private static final SqlReturnTypeInference INT = nullable(SqlTypeName.INTEGER);
  private static final SqlReturnTypeInference LONG = nullable(SqlTypeName.BIGINT);
  private static final SqlReturnTypeInference DOUBLE = nullable(SqlTypeName.DOUBLE);
  private static final SqlReturnTypeInference BOOLEAN = nullable(SqlTypeName.BOOLEAN);
  private static final SqlReturnTypeInference DATE = nullable(SqlTypeName.DATE);
  private static final SqlReturnTypeInference TIMESTAMP =
      ReturnTypes.explicit(SqlTypeName.TIMESTAMP, 3).andThen(SqlTypeTransforms.FORCE_NULLABLE);

  /** Taken from Calcite's tables of other dialects as they are. */
  private static final List<SqlOperator> OF_DIALECTS =
      List.of(
          SqlLibraryOperators.IF,
          SqlLibraryOperators.IFNULL,
          SqlLibraryOperators.NVL,
          SqlLibraryOperators.NVL2,
          SqlLibraryOperators.GREATEST,
          SqlLibraryOperators.LEAST,
          SqlLibraryOperators.TRY_CAST,
          SqlLibraryOperators.SAFE_CAST,
          SqlLibraryOperators.CONCAT_FUNCTION,
          SqlLibraryOperators.CONCAT_WS,
          SqlLibraryOperators.ILIKE,
          SqlLibraryOperators.NOT_ILIKE,
          SqlLibraryOperators.RLIKE,
          SqlLibraryOperators.NOT_RLIKE,
          SqlLibraryOperators.TRANSLATE3,
          SqlLibraryOperators.LEVENSHTEIN,
          SqlLibraryOperators.SOUNDEX,
          SqlLibraryOperators.SINH,
          SqlLibraryOperators.COSH,
          SqlLibraryOperators.TANH,
          SqlLibraryOperators.LOG1P,
          SqlLibraryOperators.ARRAY_APPEND,
          SqlLibraryOperators.ARRAY_CONCAT,
          SqlLibraryOperators.ARRAY_DISTINCT,
          SqlLibraryOperators.ARRAY_EXCEPT,
          SqlLibraryOperators.ARRAY_INTERSECT,
          SqlLibraryOperators.ARRAY_JOIN,
          SqlLibraryOperators.ARRAY_LENGTH,
          SqlLibraryOperators.ARRAY_MAX,
          SqlLibraryOperators.ARRAY_MIN,
          SqlLibraryOperators.ARRAY_PREPEND,
          SqlLibraryOperators.ARRAY_UNION,
          SqlLibraryOperators.SORT_ARRAY,
          SqlLibraryOperators.MAP_CONTAINS_KEY);

  private static final List<SqlOperator> OWN = own();

  /** By the standard operator whose place in compiled code they take. */
  private static final Map<SqlOperator, SqlOperator> REPLACEMENTS = replacements();

  /** TRUE, or NULL, of a value that has to be computed to know which; or it fails. */
  static final SqlOperator COMPUTED = collection("COMPUTED", "computed", BOOLEAN, OperandTypes.ANY);

  /** What a cast to text begins with. */
  static final SqlOperator TEXT_OF_DOUBLE = text("TEXT_OF", "textOf", STRING, one(NUMBER));

  static final SqlOperator TEXT_OF_TIMESTAMP = time("TEXT_OF", "textOf", STRING, one(TIME));

  /** As many digits as ROUND and TRUNCATE may be given. */
  static final SqlOperator DIGITS = number("DIGITS", "digits", INT, one(WHOLE));

  /** What ROUND and TRUNCATE of a double are. */
  static final SqlOperator ROUND_DOUBLE = number("ROUND", "round", DOUBLE, two(NUMBER, WHOLE));

  static final SqlOperator TRUNCATE_DOUBLE =
      number("TRUNCATE", "truncate", DOUBLE, two(NUMBER, WHOLE));

  /** What a cast to CHAR and VARCHAR of a length ends with. */
  static final SqlOperator LEFT = text("LEFT", "left", STRING, two(TEXT, WHOLE));

  static final SqlOperator PADDED = text("PADDED", "rpad", STRING, two(TEXT, WHOLE));

  static final SqlOperator LTRIM = text("LTRIM", "ltrim", STRING, two(TEXT, TEXT));

  static final SqlOperator RTRIM = text("RTRIM", "rtrim", STRING, two(TEXT, TEXT));

  static final SqlOperator BTRIM = text("BTRIM", "btrim", STRING, two(TEXT, TEXT));

  /**
   * A part of a TIMESTAMP. Calcite's own code does not compile where a condition and one of its
   * branches extract the same part.
   */
  private static final Map<TimeUnitRange, SqlOperator> PARTS =
      Map.ofEntries(
          part(TimeUnitRange.YEAR, "year"),
          part(TimeUnitRange.QUARTER, "quarter"),
          part(TimeUnitRange.MONTH, "month"),
          part(TimeUnitRange.WEEK, "week"),
          part(TimeUnitRange.ISOYEAR, "isoYear"),
          part(TimeUnitRange.DAY, "day"),
          part(TimeUnitRange.DOY, "dayOfYear"),
          part(TimeUnitRange.DOW, "dayOfWeek"),
          part(TimeUnitRange.ISODOW, "isoDayOfWeek"),
          part(TimeUnitRange.HOUR, "hour"),
          part(TimeUnitRange.MINUTE, "minute"),
          part(TimeUnitRange.SECOND, "second"),
          part(TimeUnitRange.MILLISECOND, "millisecond"),
          part(TimeUnitRange.MICROSECOND, "microsecond"),
          part(TimeUnitRange.NANOSECOND, "nanosecond"),
          part(TimeUnitRange.EPOCH, "unixSeconds"));

  /** The length of a unit in milliseconds. */
  private static final Map<TimeUnitRange, Long> MILLISECONDS =
      Map.of(
          TimeUnitRange.MILLISECOND, 1L,
          TimeUnitRange.SECOND, 1_000L,
          TimeUnitRange.MINUTE, 60_000L,
          TimeUnitRange.HOUR, 3_600_000L,
          TimeUnitRange.DAY, 86_400_000L);

  private static final Map<TimeUnitRange, Long> MONTHS =
      Map.of(
          TimeUnitRange.MONTH, 1L,
          TimeUnitRange.QUARTER, 3L,
          TimeUnitRange.YEAR, 12L,
          TimeUnitRange.DECADE, 120L);

  private static final SqlOperatorTable TABLE = createTable();

  private RowFunctions() {}

  private static SqlOperatorTable createTable() {
    Set<String> own = new HashSet<>();
    for (SqlOperator operator : OWN) {
      own.add(operator.getName());
    }
    List<SqlOperator> operators = new ArrayList<>(OWN);
    operators.addAll(OF_DIALECTS);
    for (SqlOperator operator : SqlStdOperatorTable.instance().getOperatorList()) {
      if (!own.contains(operator.getName().toUpperCase(Locale.ROOT))) {
        operators.add(operator);
      }
    }
    return SqlOperatorTables.of(operators);
  }

  /** What names may stand for. */
  static SqlOperatorTable table() {
    return TABLE;
  }

  /** What extracts a part of a TIMESTAMP, if it is written here. */
  static Optional<SqlOperator> part(TimeUnitRange unit) {
    return Optional.ofNullable(PARTS.get(unit));
  }

  /** What rounds a TIMESTAMP to a unit: a function, and its second argument if it has one. */
  record Rounding(SqlOperator function, OptionalLong argument) {}

  /** What rounds a TIMESTAMP down or up, if it is written here; for the reason of PARTS. */
  static Optional<Rounding> rounding(TimeUnitRange unit, boolean up) {
    String name = up ? "ceil" : "floor";
    if (unit == TimeUnitRange.WEEK) {
      return Optional.of(
          new Rounding(time(name, name + "ToWeek", TIMESTAMP, one(TIME)), OptionalLong.empty()));
    }
    Long milliseconds = MILLISECONDS.get(unit);
    if (milliseconds != null) {
      return Optional.of(
          new Rounding(
              time(name, name, TIMESTAMP, two(TIME, WHOLE)), OptionalLong.of(milliseconds)));
    }
    Long months = MONTHS.get(unit);
    if (months != null) {
      return Optional.of(
          new Rounding(
              time(name, name + "ToMonths", TIMESTAMP, two(TIME, WHOLE)), OptionalLong.of(months)));
    }
    return Optional.empty();
  }

  private static Map.Entry<TimeUnitRange, SqlOperator> part(TimeUnitRange unit, String method) {
    return Map.entry(unit, time("EXTRACT_" + unit, method, LONG, one(TIME)));
  }

  /** Whether arrays of different element types have to be made one type before. */
  static boolean needsOneElementType(SqlOperator operator) {
    return operator == SqlLibraryOperators.ARRAY_CONCAT
        || operator == SqlLibraryOperators.ARRAY_UNION
        || operator == SqlLibraryOperators.ARRAY_EXCEPT
        || operator == SqlLibraryOperators.ARRAY_INTERSECT;
  }

  /**
   * Checks a text that an expression gives a function, if it must be a regular expression, a format
   * of times or a time zone: with another one the function has no value for any row.
   *
   * @param argument which one it is, from 0
   * @throws IllegalArgumentException if it is none; so says the message
   * @throws DateTimeException if it is no time zone
   */
  static void requireUsable(String function, int argument, String text) {
    switch (function.toUpperCase(Locale.ROOT)) {
      case "REGEXP",
          "REGEXP_LIKE",
          "REGEXP_REPLACE",
          "REGEXP_EXTRACT",
          "REGEXP_SUBSTR",
          "REGEXP_COUNT",
          "REGEXP_INSTR",
          "RLIKE",
          "NOT RLIKE" -> {
        if (argument == 1) {
          TextFunctions.pattern(text);
        }
      }
      case "DATE_FORMAT", "TO_TIMESTAMP", "TO_DATE", "UNIX_TIMESTAMP", "FROM_UNIXTIME" -> {
        if (argument == 1) {
          TimeFunctions.format(text);
        }
      }
      case "AT_ZONE", "CONVERT_TZ" -> {
        if (argument > 0) {
          TimeFunctions.zone(text);
        }
      }
      default -> {} // Any text will do.
    }
  }

  /** The operator to compile in the place of one that the parser or Calcite chose. */
  static Optional<SqlOperator> replacement(SqlOperator operator) {
    return Optional.ofNullable(REPLACEMENTS.get(operator));
  }

  private static List<SqlOperator> own() {
    return List.of(
        text("LENGTH", "charLength", INT, one(TEXT)),
        text("SUBSTR", "substr", STRING, two(TEXT, WHOLE).or(three(TEXT, WHOLE, WHOLE))),
        text("LEFT", "left", STRING, two(TEXT, WHOLE)),
        text("RIGHT", "right", STRING, two(TEXT, WHOLE)),
        text("INSTR", "instr", INT, two(TEXT, TEXT)),
        text("STRPOS", "instr", INT, two(TEXT, TEXT)),
        text("LOCATE", "locate", INT, two(TEXT, TEXT).or(three(TEXT, TEXT, WHOLE))),
        text("REPLACE", "replace", STRING, three(TEXT, TEXT, TEXT)),
        text("LTRIM", "ltrim", STRING, one(TEXT).or(two(TEXT, TEXT))),
        text("RTRIM", "rtrim", STRING, one(TEXT).or(two(TEXT, TEXT))),
        text("BTRIM", "btrim", STRING, one(TEXT).or(two(TEXT, TEXT))),
        text("LPAD", "lpad", STRING, two(TEXT, WHOLE).or(three(TEXT, WHOLE, TEXT))),
        text("RPAD", "rpad", STRING, two(TEXT, WHOLE).or(three(TEXT, WHOLE, TEXT))),
        text("REPEAT", "repeat", STRING, two(TEXT, WHOLE)),
        text("REVERSE", "reverse", STRING, one(TEXT)),
        text("SPLIT_INDEX", "splitIndex", STRING, three(TEXT, TEXT, WHOLE)),
        text("SPLIT_PART", "splitPart", STRING, three(TEXT, TEXT, WHOLE)),
        text("STARTSWITH", "startsWith", BOOLEAN, two(TEXT, TEXT)),
        text("ENDSWITH", "endsWith", BOOLEAN, two(TEXT, TEXT)),
        text("REGEXP", "regexp", BOOLEAN, two(TEXT, TEXT)),
        text("REGEXP_LIKE", "regexp", BOOLEAN, two(TEXT, TEXT)),
        text("REGEXP_REPLACE", "regexpReplace", STRING, three(TEXT, TEXT, TEXT)),
        text(
            "REGEXP_EXTRACT",
            "regexpExtract",
            STRING,
            two(TEXT, TEXT).or(three(TEXT, TEXT, WHOLE))),
        text("REGEXP_SUBSTR", "regexpExtract", STRING, two(TEXT, TEXT)),
        text("REGEXP_COUNT", "regexpCount", INT, two(TEXT, TEXT)),
        text("REGEXP_INSTR", "regexpInstr", INT, two(TEXT, TEXT)),
        text("ASCII", "ascii", INT, one(TEXT)),
        text("CHR", "chr", STRING, one(WHOLE)),
        text("MD5", "md5", STRING, one(TEXT)),
        text("SHA1", "sha1", STRING, one(TEXT)),
        text("SHA224", "sha224", STRING, one(TEXT)),
        text("SHA256", "sha256", STRING, one(TEXT)),
        text("SHA384", "sha384", STRING, one(TEXT)),
        text("SHA512", "sha512", STRING, one(TEXT)),
        text("SHA2", "sha2", STRING, two(TEXT, WHOLE)),
        text("TO_BASE64", "toBase64", STRING, one(TEXT)),
        text("FROM_BASE64", "fromBase64", STRING, one(TEXT)),
        text("HEX", "hex", STRING, one(TEXT).or(one(WHOLE))),
        text("URL_ENCODE", "urlEncode", STRING, one(TEXT)),
        text("URL_DECODE", "urlDecode", STRING, one(TEXT)),
        text("PARSE_URL", "parseUrl", STRING, two(TEXT, TEXT).or(three(TEXT, TEXT, TEXT))),
        text("IS_ALPHA", "isAlpha", BOOLEAN, one(TEXT)),
        text("IS_DIGIT", "isDigit", BOOLEAN, one(TEXT)),
        text("IS_DECIMAL", "isDecimal", BOOLEAN, one(TEXT)),
        collection("ARRAY_CONTAINS", "contains", BOOLEAN, OperandTypes.ARRAY_ELEMENT),
        collection("ARRAY_POSITION", "position", INT, OperandTypes.ARRAY_ELEMENT),
        collection("ARRAY_REMOVE", "remove", ReturnTypes.ARG0_NULLABLE, OperandTypes.ARRAY_ELEMENT),
        collection("ARRAY_REVERSE", "reverse", ReturnTypes.ARG0_NULLABLE, one(ARRAY)),
        collection(
            "ARRAY_SLICE",
            "slice",
            ReturnTypes.ARG0_NULLABLE,
            two(ARRAY, WHOLE).or(three(ARRAY, WHOLE, WHOLE))),
        collection("MAP_KEYS", "keys", ReturnTypes.TO_MAP_KEYS_NULLABLE, one(MAP)),
        collection("MAP_VALUES", "values", ReturnTypes.TO_MAP_VALUES_NULLABLE, one(MAP)),
        number("LOG", "log", DOUBLE, one(NUMBER).or(two(NUMBER, NUMBER))),
        number("LOG2", "log2", DOUBLE, one(NUMBER)),
        number("LN", "ln", DOUBLE, one(NUMBER)),
        number("LOG10", "log10", DOUBLE, one(NUMBER)),
        number("E", "e", DOUBLE, OperandTypes.NILADIC),
        number("POW", "power", DOUBLE, two(NUMBER, NUMBER)),
        number("BIN", "bin", STRING, one(WHOLE)),
        number("IS_NAN", "isNan", BOOLEAN, one(NUMBER)),
        number("IS_INF", "isInf", BOOLEAN, one(NUMBER)),
        time("DATE_FORMAT", "dateFormat", STRING, two(TIME, TEXT).or(two(TEXT, TEXT))),
        time("TO_TIMESTAMP", "toTimestamp", TIMESTAMP, one(TEXT).or(two(TEXT, TEXT))),
        time("TO_DATE", "toDate", DATE, one(TEXT).or(two(TEXT, TEXT))),
        time("UNIX_TIMESTAMP", "unixTimestamp", LONG, one(TEXT).or(two(TEXT, TEXT))),
        time("UNIX_SECONDS", "unixSeconds", LONG, one(TIME)),
        time("UNIX_MILLIS", "unixMillis", LONG, one(TIME)),
        time("FROM_UNIXTIME", "fromUnixtime", STRING, one(WHOLE).or(two(WHOLE, TEXT))),
        time("TO_TIMESTAMP_LTZ", "toTimestampLtz", TIMESTAMP, two(WHOLE, WHOLE)),
        time("AT_ZONE", "atZone", TIMESTAMP, two(TIME, TEXT)),
        time("CONVERT_TZ", "convertTz", STRING, three(TEXT, TEXT, TEXT)));
  }

  private static Map<SqlOperator, SqlOperator> replacements() {
    Map<SqlOperator, SqlOperator> replacements = new HashMap<>();
    SqlOperator length = text("CHAR_LENGTH", "charLength", INT, one(TEXT));
    replacements.put(SqlStdOperatorTable.CHAR_LENGTH, length);
    replacements.put(SqlStdOperatorTable.CHARACTER_LENGTH, length);
    replacements.put(
        SqlStdOperatorTable.SUBSTRING,
        text("SUBSTRING", "substring", STRING, two(TEXT, WHOLE).or(three(TEXT, WHOLE, WHOLE))));
    replacements.put(
        SqlStdOperatorTable.POSITION,
        text("POSITION", "position", INT, two(TEXT, TEXT).or(three(TEXT, TEXT, WHOLE))));
    replacements.put(
        SqlStdOperatorTable.OVERLAY, text("OVERLAY", "overlay", STRING, three(TEXT, TEXT, WHOLE)));
    SqlOperandTypeChecker pattern = two(TEXT, TEXT).or(three(TEXT, TEXT, TEXT));
    replacements.put(SqlStdOperatorTable.LIKE, text("LIKE", "like", BOOLEAN, pattern));
    replacements.put(SqlLibraryOperators.ILIKE, text("ILIKE", "ilike", BOOLEAN, pattern));
    replacements.put(SqlLibraryOperators.RLIKE, text("RLIKE", "regexp", BOOLEAN, two(TEXT, TEXT)));
    replacements.put(
        SqlLibraryOperators.LEVENSHTEIN, text("LEVENSHTEIN", "levenshtein", INT, two(TEXT, TEXT)));
    // Calcite's CONCAT_WS of text takes some NULLs for empty text.
    replacements.put(SqlLibraryOperators.CONCAT_WS, SqlLibraryOperators.CONCAT_WS_POSTGRESQL);
    replacements.put(
        SqlLibraryOperators.TRANSLATE3,
        text("TRANSLATE", "translate", STRING, three(TEXT, TEXT, TEXT)));
    // Calcite's sorts the list of a feature in place, which cannot be changed.
    replacements.put(
        SqlLibraryOperators.SORT_ARRAY,
        collection(
            "SORT_ARRAY",
            "sorted",
            ReturnTypes.ARG0_NULLABLE,
            one(ARRAY).or(two(ARRAY, SqlTypeFamily.BOOLEAN))));
    replacements.put(
        SqlStdOperatorTable.ATAN2, number("ATAN2", "atan2", DOUBLE, two(NUMBER, NUMBER)));
    return replacements;
  }

  private static SqlReturnTypeInference nullable(SqlTypeName type) {
    return ReturnTypes.explicit(type).andThen(SqlTypeTransforms.FORCE_NULLABLE);
  }

  private static SqlOperandTypeChecker one(SqlTypeFamily first) {
    return OperandTypes.family(first);
  }

  private static SqlOperandTypeChecker two(SqlTypeFamily first, SqlTypeFamily second) {
    return OperandTypes.family(first, second);
  }

  private static SqlOperandTypeChecker three(
      SqlTypeFamily first, SqlTypeFamily second, SqlTypeFamily third) {
    return OperandTypes.family(first, second, third);
  }

  private static SqlOperator text(
      String name, String method, SqlReturnTypeInference type, SqlOperandTypeChecker operands) {
    return new RowFunction(name, TextFunctions.class, method, type, operands);
  }

  private static SqlOperator collection(
      String name, String method, SqlReturnTypeInference type, SqlOperandTypeChecker operands) {
    return new RowFunction(name, CollectionFunctions.class, method, type, operands);
  }

  private static SqlOperator number(
      String name, String method, SqlReturnTypeInference type, SqlOperandTypeChecker operands) {
    return new RowFunction(name, NumberFunctions.class, method, type, operands);
  }

  private static SqlOperator time(
      String name, String method, SqlReturnTypeInference type, SqlOperandTypeChecker operands) {
    return new RowFunction(name, TimeFunctions.class, method, type, operands);
  }
}
