package dev.tailwater.expressions;

import dev.tailwater.schemas.ColumnType;
import org.jspecify.annotations.Nullable;

/** A compiled expression over the columns of one row. Not thread-safe. */
public interface RowExpression {

  /** The type of its value. */
  ColumnType type();

  /**
   * The value for a row that has at least the columns the expression was compiled against, in their
   * order; NULL by SQL's rules is null.
   *
   * @throws ArithmeticException where SQL has no value: an integer divided by zero, text that is
   *     not a number cast to one
   */
  @Nullable Object evaluate(@Nullable Object[] row);
}
