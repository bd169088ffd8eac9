package dev.tailwater.expressions;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Typed SQL scalar expressions over the columns of one row, with SQL's three-valued logic.
 *
 * <p>{@code docs/expressions.md} lists the functions; the values are Flink SQL's except where it
 * says so. Columns of lists are SQL arrays, columns of maps SQL maps; a value is never one.
 *
 * <p>Column names are case-sensitive and may be dotted, as in {@code customer_spend.tx_count_1d}; a
 * name that is a SQL keyword is written in double quotes. A TIMESTAMP is an instant in UTC. A value
 * depends on the row alone: the clock, random numbers, aggregates and subqueries are refused. A
 * DECIMAL result becomes a DOUBLE, a TINYINT or SMALLINT an INT, a REAL or FLOAT a DOUBLE; results
 * of other types are refused.
 *
 * <p>Thread-safe. Compiled code is kept for the most recently used {@value #CACHED} texts, so that
 * the subtasks of one JVM compile an expression once. The first expression that is more than a
 * column's name costs about a second, most of it class loading; each further one about 10 ms.
 */
public final class Expressions {

  private static final int CACHED = 1000;
  private static final int MAX_LENGTH = 10_000;

  /** What comparisons and || are made of. */
  private static final String COMPARISON = "<>=!|";

  /** Words that are the same in any case, and columns in quotes only. */
  private static final Set<String> KEYWORDS =
      Set.of(
          "AND",
          "OR",
          "NOT",
          "IS",
          "NULL",
          "TRUE",
          "FALSE",
          "CASE",
          "WHEN",
          "THEN",
          "ELSE",
          "END",
          "IN",
          "BETWEEN",
          "LIKE",
          "SIMILAR",
          "ESCAPE",
          "DISTINCT",
          "CAST",
          "AS",
          "EXTRACT",
          "FROM",
          "INTERVAL");

  /** Keywords that brackets stand behind as they do behind a function's name. */
  private static final Set<String> LIKE_FUNCTIONS = Set.of("CAST", "EXTRACT");

  /** What stands before the sign of a number's exponent. */
  private static final Pattern EXPONENT = Pattern.compile("\\b[0-9.]+[eE]$");

  /** Guarded by itself; held while compiling, so that equal requests wait instead of compiling. */
  private static final Map<Key, CompiledExpression> COMPILED =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, CompiledExpression> eldest) {
          return size() > CACHED;
        }
      };

  private Expressions() {}

  /**
   * Compiles a text against the columns of a row.
   *
   * @return an evaluator for one thread
   * @throws InvalidExpressionException if it is not a scalar expression over these columns
   */
  public static RowExpression compile(String sql, List<Column> columns) {
    return compiled(sql, columns).newEvaluator();
  }

  /**
   * Compiles a text and tells its type and what it reads.
   *
   * @throws InvalidExpressionException if it is not a scalar expression over these columns
   */
  public static CheckedExpression check(String sql, List<Column> columns) {
    CompiledExpression compiled = compiled(sql, columns);
    List<Column> reads = new ArrayList<>();
    for (int position : compiled.reads()) {
      reads.add(columns.get(position));
    }
    return new CheckedExpression(compiled.type(), reads);
  }

  /**
   * The type of a text's value.
   *
   * @throws InvalidExpressionException if it is not a scalar expression over these columns
   */
  public static ColumnType typeOf(String sql, List<Column> columns) {
    return compiled(sql, columns).type();
  }

  /**
   * The text with comments left out, the usual keywords and the names of functions in capitals, and
   * white space as it is usual, except inside quotes: one space around an operator and behind a
   * comma, none inside brackets, one instead of several. Texts that differ only there mean the
   * same, and have the same normalized text but in two places: before an opening bracket, and
   * around a sign that has white space on one side only.
   */
  public static String normalized(String sql) {
    StringBuilder text = new StringBuilder(sql.length());
    boolean space = false;
    String word = "";
    int i = 0;
    while (i < sql.length()) {
      int end = skippedUntil(sql, i);
      if (end > i) {
        space = true;
        i = end;
        continue;
      }
      char c = sql.charAt(i);
      int next = i + 1;
      if (c == '\'' || c == '"') {
        int closing = sql.indexOf(c, next);
        next = closing < 0 ? sql.length() : closing + 1;
      } else if (COMPARISON.indexOf(c) >= 0) {
        while (next < sql.length() && COMPARISON.indexOf(sql.charAt(next)) >= 0) {
          next++;
        }
      } else {
        while (isWord(c) && next < sql.length() && isWord(sql.charAt(next))) {
          next++;
        }
      }
      boolean operator = isOperator(sql, i, space, text);
      boolean follows = text.length() > 0 && "([".indexOf(text.charAt(text.length() - 1)) < 0;
      boolean apart =
          c == '(' && !word.isEmpty()
              ? KEYWORDS.contains(word) && !LIKE_FUNCTIONS.contains(word)
              : operator || (space && ",)]".indexOf(c) < 0);
      if (follows && apart && text.charAt(text.length() - 1) != ' ') {
        text.append(' ');
      }
      String part = sql.substring(i, next);
      word = isWord(c) ? part.toUpperCase(Locale.ROOT) : "";
      text.append(KEYWORDS.contains(word) || (isWord(c) && opensBracket(sql, next)) ? word : part);
      space = operator || c == ',';
      i = next;
    }
    return text.toString();
  }

  private static boolean opensBracket(String sql, int start) {
    int i = start;
    while (i < sql.length() && skippedUntil(sql, i) > i) {
      i = skippedUntil(sql, i);
    }
    return i < sql.length() && sql.charAt(i) == '(';
  }

  private static boolean isWord(char c) {
    return c == '_' || Character.isLetterOrDigit(c);
  }

  /** Whether an operator between two values begins here, and not a sign or a part of a number. */
  private static boolean isOperator(String sql, int start, boolean spaceBefore, CharSequence text) {
    char c = sql.charAt(start);
    if (COMPARISON.indexOf(c) >= 0 || "*/%".indexOf(c) >= 0) {
      return true;
    }
    if ("+-".indexOf(c) < 0 || text.length() == 0) {
      return false;
    }
    boolean spaceBehind = start + 1 < sql.length() && skippedUntil(sql, start + 1) > start + 1;
    char before = text.charAt(text.length() - 1);
    boolean afterValue = "([,+-*/%".indexOf(before) < 0 && COMPARISON.indexOf(before) < 0;
    return afterValue && spaceBefore == spaceBehind && !EXPONENT.matcher(text).find();
  }

  /** The end of the white space or comment that starts here, or {@code start}. */
  private static int skippedUntil(String sql, int start) {
    if (Character.isWhitespace(sql.charAt(start))) {
      return start + 1;
    }
    if (sql.startsWith("--", start)) {
      int end = sql.indexOf('\n', start);
      return end < 0 ? sql.length() : end + 1;
    }
    if (sql.startsWith("/*", start)) {
      int end = sql.indexOf("*/", start + 2);
      return end < 0 ? sql.length() : end + 2;
    }
    return start;
  }

  private static CompiledExpression compiled(String sql, List<Column> columns) {
    String name = sql.trim();
    for (int i = 0; i < columns.size(); i++) {
      if (columns.get(i).name().equals(name)) {
        return new ColumnReference(columns.get(i).type(), i);
      }
    }
    if (sql.length() > MAX_LENGTH) {
      throw new InvalidExpressionException(
          0,
          0,
          "has " + sql.length() + " characters, more than " + MAX_LENGTH,
          "derive parts of it as columns of their own");
    }
    Key key = Key.of(sql, columns);
    synchronized (COMPILED) {
      CompiledExpression compiled = COMPILED.get(key);
      if (compiled == null) {
        compiled = CalciteCompiler.compile(sql, columns);
        COMPILED.put(key, compiled);
        // A plan binds an expression to only the columns it reads: that is the same code.
        List<Column> reads = new ArrayList<>();
        for (int position : compiled.reads()) {
          reads.add(columns.get(position));
        }
        COMPILED.put(Key.of(sql, reads), compiled.overReadColumns());
      }
      return compiled;
    }
  }

  /** Nullability is left out: every column may be NULL. */
  private record Key(String sql, List<String> names, List<ColumnType> types) {
    static Key of(String sql, List<Column> columns) {
      return new Key(
          sql,
          columns.stream().map(Column::name).toList(),
          columns.stream().map(Column::type).toList());
    }
  }
}
