package dev.tailwater.expressions;

import dev.tailwater.schemas.Column;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.calcite.runtime.CalciteContextException;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlOperator;
import org.apache.calcite.sql.parser.SqlParseException;
import org.apache.calcite.sql.parser.SqlParserPos;

/** What Calcite says of an expression that it does not take, with what to write instead. */
final class Refusals {

  static final String ONE_ROW =
      "an expression reads the columns of one row; aggregates belong into feature views";

  private static final String IN_PARTS = "derive parts of it as columns of their own";

  /** What the parser says it met: the first words of the text it could not go on with. */
  private static final Pattern ENCOUNTERED =
      Pattern.compile("Encountered:? \"((?:\\\\.|[^\"\\\\])*+)\"");

  private static final Pattern AT_PLACE =
      Pattern.compile(" at line \\d+, column \\d+(?:\\.$|\\. +(?=Encountered)|)");

  private static final Pattern NO_FUNCTION =
      Pattern.compile("No match found for function signature (\\w+)\\((.*)\\)");

  /** The clock and chance, by names that standard SQL does not have. */
  private static final Set<String> NOT_OF_THE_ROW =
      Set.of("NOW", "PROCTIME", "GETDATE", "SYSDATE", "RANDOM", "UUID", "GEN_RANDOM_UUID");

  /** By what the parser met. */
  private static final Map<String, String> UNPARSED =
      Map.ofEntries(
          Map.entry("<EOF>", "something is missing at the end, or a bracket is open"),
          Map.entry("=", "two values are compared by one ="),
          Map.entry("&", "write AND"),
          Map.entry("|", "write OR, or || to join texts"),
          Map.entry("!", "write NOT"),
          Map.entry(":", "to convert a value write CAST(x AS BIGINT)"),
          Map.entry("`", "a name is quoted as in \"name\""),
          Map.entry("\\'", "a text begins and ends with ', and '' is a ' inside it"),
          Map.entry(";", "write one expression"),
          Map.entry("SELECT", "write the expression alone, as in amount / 100"),
          Map.entry("WHERE", "write the condition alone, as in amount > 0"));

  private static final String LISTED = "docs/expressions.md says what can be written";
  private static final String ONE_TYPE = "write values of one type, or a CAST";

  /** What the parser says of a keyword where none can stand. */
  private static final Pattern KEYWORD = Pattern.compile("near the keyword '(\\w+)'");

  private static final Pattern TOO_MANY_DIGITS =
      Pattern.compile("Cannot convert .* to DECIMAL\\(.*\\) due to overflow");

  /** What speaks of the expression, and not of classes and code. */
  private static final Pattern OF_THE_USER =
      Pattern.compile("^Year out of range|must be between \\d+ and \\d+$");

  /** What the parser says of a text without a word, as of a comment alone. */
  private static final Pattern NOTHING = Pattern.compile("Index \\d+ out of bounds.*");

  /** What the validator says of values of other types than an operator or a function takes. */
  private static final Pattern NOT_APPLICABLE =
      Pattern.compile(
          "Cannot apply '(.+)' to arguments of type '(.*)'\\. Supported form\\(s\\): (.+)");

  /** A row of values, by the names that its columns have inside. */
  private static final Pattern ROW =
      Pattern.compile("RecordType\\((?:[^()]|\\([^()]*\\))*\\)", Pattern.CASE_INSENSITIVE);

  /** What the name of a type says that no expression can choose. */
  private static final Pattern OF_EVERY_TYPE =
      Pattern.compile(" CHARACTER SET \"UTF-8\"| NOT NULL\\b");

  private static final String TYPES =
      "types are BOOLEAN, INTEGER, BIGINT, DOUBLE, VARCHAR, TIMESTAMP";

  /** By a part of what the validator says. */
  private static final Map<String, String> INVALID =
      Map.of(
          "Expected a boolean type", "compare it with something, as in x > 0",
          "value of type BOOLEAN", "write CASE WHEN x THEN 1 ELSE 0 END",
          "Parameters must be of the same type", ONE_TYPE,
          "Cannot infer return type", ONE_TYPE,
          "is not comparable to", ONE_TYPE,
          "Illegal mixing of types", ONE_TYPE,
          "must have compatible types", ONE_TYPE,
          "is not a valid time frame", "write one as in HOUR, DAY or MONTH",
          "Unknown identifier", TYPES,
          "Unknown datatype name", TYPES);

  private Refusals() {}

  /** What the parser did not understand. */
  static InvalidExpressionException notParsed(SqlParseException e, List<Column> columns) {
    SqlParserPos position = e.getPos();
    // The place is said once, by the exception.
    String reason = AT_PLACE.matcher(firstLine(e)).replaceFirst(" ").trim();
    if (NOTHING.matcher(reason).matches()) {
      return new InvalidExpressionException(
          0, 0, "is not an expression: it has no word", "write one, or leave the key out");
    }
    return new InvalidExpressionException(
        position == null ? 0 : position.getLineNum(),
        position == null ? 0 : position.getColumnNum(),
        "is not an expression: "
            + reason.substring(0, 1).toLowerCase(Locale.ROOT)
            + reason.substring(1),
        afterUnparsed(reason, columns));
  }

  private static String afterUnparsed(String reason, List<Column> columns) {
    Matcher encountered = ENCOUNTERED.matcher(reason);
    if (!encountered.find()) {
      Matcher keyword = KEYWORD.matcher(reason);
      return keyword.find()
          ? UNPARSED.getOrDefault(keyword.group(1).toUpperCase(Locale.ROOT), LISTED)
          : LISTED;
    }
    List<String> tokens = List.of(encountered.group(1).trim().split("\\s+"));
    for (Column column : columns) {
      for (String part : column.name().split("\\.")) {
        if (tokens.contains(part)) {
          String quoted = column.name().replaceFirst("\\b" + part + "$", "\"" + part + "\"");
          return part + " is a keyword of SQL: write the column as " + quoted;
        }
      }
    }
    String last = tokens.get(tokens.size() - 1).toUpperCase(Locale.ROOT);
    return UNPARSED.getOrDefault(last, LISTED);
  }

  /** What the validator refused. */
  static InvalidExpressionException invalid(CalciteContextException e) {
    String reason = shown(firstLine(deepest(e)));
    String nextStep =
        INVALID.entrySet().stream()
            .filter(known -> reason.contains(known.getKey()))
            .map(Map.Entry::getValue)
            .findFirst()
            .orElse(LISTED);
    Matcher function = NO_FUNCTION.matcher(reason);
    if (function.matches()) {
      return noFunction(e, function.group(1), function.group(2));
    }
    if (reason.startsWith("Cannot apply '-'") && reason.contains("<TIMESTAMP(3)> - <TIMESTAMP")) {
      nextStep = "the time between two is TIMESTAMPDIFF(SECOND, a, b)";
    } else if (reason.contains("<TIMESTAMP(3)> +") || reason.contains("<TIMESTAMP(3)> -")) {
      nextStep = "add or subtract an interval, as in t + INTERVAL '1' DAY";
    } else {
      Matcher applied = NOT_APPLICABLE.matcher(reason);
      if (applied.matches()) {
        return at(
            e,
            "%s does not take %s".formatted(applied.group(1), applied.group(2)),
            "it takes " + applied.group(3));
      }
    }
    return at(e, reason, nextStep);
  }

  /** Without what only Calcite knows. */
  private static String shown(String reason) {
    return OF_EVERY_TYPE.matcher(ROW.matcher(reason).replaceAll("ROW")).replaceAll("");
  }

  /** What no code could be made of. */
  static InvalidExpressionException notCompiled(Throwable thrown) {
    Throwable deepest = deepest(thrown);
    if (deepest instanceof StackOverflowError) {
      return new InvalidExpressionException(0, 0, "is nested too deeply", IN_PARTS);
    }
    if (String.valueOf(deepest.getMessage()).contains("grows beyond 64 KB")) {
      return new InvalidExpressionException(0, 0, "is too long to be compiled", IN_PARTS);
    }
    String reason = firstLine(deepest);
    InvalidExpressionException refusal =
        TOO_MANY_DIGITS.matcher(reason).matches()
            ? new InvalidExpressionException(
                0, 0, "has a number of more than 38 digits", "write it as a DOUBLE, as in 1.5e40")
            : new InvalidExpressionException(
                0,
                0,
                OF_THE_USER.matcher(reason).find()
                    ? "cannot be compiled: " + reason
                    : "cannot be compiled: a function or an operator in it does not take what it"
                        + " is given",
                "docs/expressions.md lists what they take");
    refusal.initCause(thrown);
    return refusal;
  }

  private static InvalidExpressionException noFunction(
      CalciteContextException e, String name, String arguments) {
    String wanted = name.toUpperCase(Locale.ROOT);
    if (NOT_OF_THE_ROW.contains(wanted)) {
      return at(e, name + " is not a function of the row", ONE_ROW);
    }
    List<SqlOperator> functions =
        RowFunctions.table().getOperatorList().stream()
            .filter(operator -> operator.getName().equals(wanted))
            .toList();
    if (functions.isEmpty()) {
      Set<String> names =
          RowFunctions.table().getOperatorList().stream()
              .filter(operator -> operator instanceof SqlFunction && !operator.isAggregator())
              .map(SqlOperator::getName)
              .filter(known -> Character.isLetter(known.charAt(0)))
              .collect(Collectors.toCollection(TreeSet::new));
      return at(
          e,
          "function " + name + " does not exist",
          Suggestions.nearest(name, names)
              .map(nearest -> "did you mean " + nearest + "?")
              .orElse("docs/expressions.md lists the functions"));
    }
    return at(
        e,
        name + " does not take (" + arguments + ")",
        "it takes "
            + functions.stream()
                .filter(operator -> operator.getOperandTypeChecker() != null)
                .map(SqlOperator::getAllowedSignatures)
                .collect(Collectors.joining(" or "))
                .replaceAll("[\r\n]+", " or "));
  }

  private static InvalidExpressionException at(
      CalciteContextException e, String reason, String nextStep) {
    return new InvalidExpressionException(
        Math.max(e.getPosLine(), 0), Math.max(e.getPosColumn(), 0), reason, nextStep);
  }

  static Throwable deepest(Throwable thrown) {
    Throwable deepest = thrown;
    while (deepest.getCause() != null) {
      deepest = deepest.getCause();
    }
    return deepest;
  }

  static String firstLine(Throwable thrown) {
    String message = thrown.getMessage();
    if (message == null || message.isBlank()) {
      return thrown.getClass().getSimpleName();
    }
    return message.lines().findFirst().orElse("").trim();
  }
}
