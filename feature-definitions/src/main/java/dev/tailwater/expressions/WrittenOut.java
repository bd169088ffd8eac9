package dev.tailwater.expressions;

import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;

/**
 * How long an expression is once {@code COALESCE}, {@code GREATEST}, {@code BETWEEN} and their like
 * are written out. Calcite repeats their operands: nested a few dozen deep they would never end.
 */
final class WrittenOut {

  private static final long MAX = 100_000;

  /**
   * Known lengths: the parser writes what {@code CASE x WHEN} compares once for each comparison.
   */
  private final Map<SqlNode, Long> lengths = new IdentityHashMap<>();

  private WrittenOut() {}

  /** Refuses what takes more than a few seconds to compile. */
  static void requireShort(SqlNode expression) {
    if (new WrittenOut().length(expression) > MAX) {
      throw new InvalidExpressionException(
          0,
          0,
          "is longer than "
              + MAX
              + " operations once COALESCE, GREATEST, BETWEEN, IN and their like are written out,"
              + " which repeats their operands",
          "derive the inner ones as columns of their own");
    }
  }

  /** Operations, columns and values; if they are more than {@link #MAX}, any greater number. */
  private long length(SqlNode node) {
    Long known = lengths.get(node);
    if (known != null) {
      return known;
    }
    long length = 1;
    if (node instanceof SqlNodeList list) {
      for (SqlNode element : list) {
        length = Math.min(MAX + 1, length + length(element));
      }
    } else if (node instanceof SqlCall call) {
      for (int i = 0; i < call.operandCount(); i++) {
        SqlNode operand = call.getOperandList().get(i);
        if (operand != null) { // A CASE has no value to compare, or none that is written.
          length = Math.min(MAX + 1, length + times(call, i) * length(operand));
        }
      }
    }
    lengths.put(node, length);
    return length;
  }

  /** How often an operand is there. */
  private static long times(SqlCall call, int operand) {
    int count = call.operandCount();
    return switch (call.getOperator().getName().toUpperCase(Locale.ROOT)) {
      case "COALESCE", "IFNULL", "NVL" -> operand < count - 1 ? 2 : 1;
      case "GREATEST", "LEAST" -> count + 1;
      case "NULLIF", "BETWEEN ASYMMETRIC", "NOT BETWEEN ASYMMETRIC" -> operand == 0 ? 2 : 1;
      case "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC" -> operand == 0 ? 4 : 2;
      case "IS DISTINCT FROM", "IS NOT DISTINCT FROM" -> 3;
      case "IN", "NOT IN" ->
          operand == 0 && call.operand(1) instanceof SqlNodeList list ? list.size() : 1;
      case "OVERLAPS" -> 4;
      default -> 1;
    };
  }
}
