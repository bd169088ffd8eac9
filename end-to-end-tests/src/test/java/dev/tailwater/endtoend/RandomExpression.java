package dev.tailwater.endtoend;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.List;
import java.util.Random;

/**
 * Random expressions that have a value on every row: no division by zero, no cast that may fail,
 * nothing in which Flink SQL is known to differ.
 */
final class RandomExpression {

  private static final int DEPTH = 4;
  private static final List<ColumnType> TYPES =
      List.of(
          ColumnType.BOOLEAN,
          ColumnType.INT,
          ColumnType.LONG,
          ColumnType.DOUBLE,
          ColumnType.STRING,
          ColumnType.TIMESTAMP);
  private static final List<String> WORDS = List.of("''", "'a'", "'ab'", "'Ü'", "' x '", "'日本'");

  private final Random random;
  private final List<Column> columns;

  RandomExpression(long seed, List<Column> columns) {
    this.random = new Random(seed);
    this.columns = columns;
  }

  String next() {
    return of(oneOf(TYPES), DEPTH);
  }

  private String of(ColumnType type, int depth) {
    if (depth == 0 || random.nextInt(6) == 0) {
      return random.nextInt(3) == 0 ? literal(type) : column(type);
    }
    int next = depth - 1;
    int general = random.nextInt(12);
    return switch (general) {
      case 0 ->
          "CASE WHEN %s THEN %s ELSE %s END"
              .formatted(of(ColumnType.BOOLEAN, next), of(type, next), of(type, next));
      case 1 -> "COALESCE(%s, %s)".formatted(of(type, next), of(type, next));
      case 2 ->
          "IF(%s, %s, %s)".formatted(of(ColumnType.BOOLEAN, next), of(type, next), of(type, next));
      case 3 -> "NULLIF(%s, %s)".formatted(of(type, next), column(type));
      default ->
          switch (type) {
            case BOOLEAN -> condition(next);
            case INT -> whole(next);
            case LONG -> big(next);
            case DOUBLE -> number(next);
            case STRING -> text(next);
            default -> time(next);
          };
    };
  }

  private String condition(int depth) {
    ColumnType type = oneOf(TYPES);
    return switch (random.nextInt(10)) {
      case 0 -> "(%s AND %s)".formatted(bool(depth), bool(depth));
      case 1 -> "(%s OR %s)".formatted(bool(depth), bool(depth));
      case 2 -> "(NOT %s)".formatted(bool(depth));
      case 3 -> "(%s IS NULL)".formatted(of(type, depth));
      case 4 -> "(%s IS DISTINCT FROM %s)".formatted(of(type, depth), of(type, depth));
      case 5 ->
          "(%s BETWEEN %s AND %s)"
              .formatted(
                  of(ColumnType.DOUBLE, depth),
                  of(ColumnType.INT, depth),
                  of(ColumnType.LONG, depth));
      case 6 -> "(%s IN (%s, %s))".formatted(of(type, depth), literal(type), literal(type));
      case 7 ->
          "(%s LIKE %s)"
              .formatted(
                  of(ColumnType.STRING, depth), oneOf(List.of("'%a%'", "'_'", "'a_%'", "'%'")));
      case 8 -> "(%s IS NOT TRUE)".formatted(bool(depth));
      default ->
          "(%s %s %s)"
              .formatted(
                  of(type, depth),
                  oneOf(List.of("=", "<>", "<", "<=", ">", ">=")),
                  of(type, depth));
    };
  }

  private String whole(int depth) {
    String a = of(ColumnType.INT, depth);
    String text = of(ColumnType.STRING, depth);
    return switch (random.nextInt(9)) {
      case 0 -> "(%s + %s)".formatted(a, of(ColumnType.INT, depth));
      case 1 -> "(%s - %s)".formatted(a, of(ColumnType.INT, depth));
      case 2 -> "(%s * %s)".formatted(a, of(ColumnType.INT, depth));
      case 3 -> "(%s / NULLIF(%s, 0))".formatted(a, of(ColumnType.INT, depth));
      case 4 -> "MOD(%s, %d)".formatted(a, 1 + random.nextInt(9));
      case 5 -> "CHAR_LENGTH(%s)".formatted(text);
      case 6 -> "POSITION(%s IN %s)".formatted(oneOf(WORDS), text);
      case 7 -> "INSTR(%s, %s)".formatted(text, oneOf(WORDS));
      default -> "GREATEST(%s, %s)".formatted(a, of(ColumnType.INT, depth));
    };
  }

  private String big(int depth) {
    String a = of(ColumnType.LONG, depth);
    return switch (random.nextInt(6)) {
      case 0 -> "(%s + %s)".formatted(a, of(ColumnType.INT, depth));
      case 1 -> "(%s - %s)".formatted(a, of(ColumnType.LONG, depth));
      case 2 -> "(%s * %s)".formatted(a, of(ColumnType.INT, depth));
      case 3 -> "(%s / NULLIF(%s, 0))".formatted(a, of(ColumnType.LONG, depth));
      case 4 -> "LEAST(%s, %s)".formatted(a, of(ColumnType.LONG, depth));
      default ->
          "EXTRACT(%s FROM %s)"
              .formatted(
                  oneOf(
                      List.of(
                          "YEAR", "QUARTER", "MONTH", "DAY", "DOY", "HOUR", "MINUTE", "SECOND")),
                  of(ColumnType.TIMESTAMP, depth));
    };
  }

  private String number(int depth) {
    String a = of(ColumnType.DOUBLE, depth);
    return switch (random.nextInt(9)) {
      case 0 -> "(%s + %s)".formatted(a, of(ColumnType.LONG, depth));
      case 1 -> "(%s - %s)".formatted(a, of(ColumnType.DOUBLE, depth));
      case 2 -> "(%s * %s)".formatted(a, of(ColumnType.DOUBLE, depth));
      case 3 -> "(%s / NULLIF(%s, 0))".formatted(a, of(ColumnType.DOUBLE, depth));
      case 4 -> "ABS(%s)".formatted(a);
      case 5 -> "FLOOR(%s)".formatted(a);
      case 6 -> "SQRT(ABS(%s))".formatted(a);
      case 7 -> "CAST(%s AS DOUBLE)".formatted(of(ColumnType.INT, depth));
      default -> "SIGN(%s)".formatted(a);
    };
  }

  private String text(int depth) {
    String a = of(ColumnType.STRING, depth);
    return switch (random.nextInt(12)) {
      case 0 -> "UPPER(%s)".formatted(a);
      case 1 -> "LOWER(%s)".formatted(a);
      case 2 -> "TRIM(%s)".formatted(a);
      case 3 -> "(%s || %s)".formatted(a, of(ColumnType.STRING, depth));
      case 4 ->
          "SUBSTRING(%s FROM %d FOR %d)".formatted(a, 1 + random.nextInt(4), random.nextInt(4));
      case 5 -> "REPLACE(%s, 'a', %s)".formatted(a, oneOf(WORDS));
      case 6 -> "LEFT(%s, %d)".formatted(a, random.nextInt(5));
      case 7 -> "RIGHT(%s, %d)".formatted(a, random.nextInt(5));
      case 8 -> "CAST(%s AS VARCHAR)".formatted(of(ColumnType.INT, depth));
      case 9 -> "CAST(%s AS VARCHAR)".formatted(of(ColumnType.BOOLEAN, depth));
      case 10 -> "DATE_FORMAT(%s, 'yyyy-MM-dd HH')".formatted(of(ColumnType.TIMESTAMP, depth));
      default -> "CONCAT_WS('-', %s, %s)".formatted(a, of(ColumnType.STRING, depth));
    };
  }

  private String time(int depth) {
    String a = of(ColumnType.TIMESTAMP, depth);
    return switch (random.nextInt(4)) {
      case 0 ->
          "(%s + INTERVAL '%d' %s)"
              .formatted(
                  a,
                  1 + random.nextInt(90),
                  oneOf(List.of("SECOND", "MINUTE", "HOUR", "DAY", "MONTH")));
      case 1 ->
          "FLOOR(%s TO %s)"
              .formatted(a, oneOf(List.of("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")));
      case 2 ->
          "TIMESTAMPADD(%s, %d, %s)"
              .formatted(oneOf(List.of("SECOND", "HOUR", "DAY", "MONTH")), random.nextInt(100), a);
      default -> "COALESCE(%s, %s)".formatted(a, literal(ColumnType.TIMESTAMP));
    };
  }

  private String bool(int depth) {
    return of(ColumnType.BOOLEAN, depth);
  }

  private String column(ColumnType type) {
    return oneOf(columns.stream().filter(column -> column.type() == type).toList()).name();
  }

  private String literal(ColumnType type) {
    return switch (type) {
      case BOOLEAN -> random.nextBoolean() ? "TRUE" : "FALSE";
      case INT -> String.valueOf(random.nextInt(20));
      case LONG -> "CAST(" + random.nextInt(1000) + " AS BIGINT)";
      case DOUBLE -> random.nextInt(100) + "." + random.nextInt(10) + "e" + random.nextInt(4);
      case STRING -> oneOf(WORDS);
      default ->
          "TIMESTAMP '20%02d-0%d-1%d 0%d:00:00.%03d'"
              .formatted(
                  random.nextInt(100),
                  1 + random.nextInt(9),
                  random.nextInt(10),
                  random.nextInt(10),
                  random.nextInt(1000));
    };
  }

  private <T> T oneOf(List<T> choices) {
    return choices.get(random.nextInt(choices.size()));
  }
}
