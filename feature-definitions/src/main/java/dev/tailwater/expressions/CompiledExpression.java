package dev.tailwater.expressions;

import dev.tailwater.schemas.ColumnType;

/** The shareable result of compiling one text against one list of columns. Thread-safe. */
interface CompiledExpression {

  ColumnType type();

  /** Positions of the columns it reads, ascending. */
  int[] reads();

  /** An evaluator of its own for one thread. */
  RowExpression newEvaluator();

  /** The same expression over a row that has only the columns it {@link #reads}. */
  CompiledExpression overReadColumns();
}
