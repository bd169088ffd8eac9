package dev.tailwater.expressions;

import dev.tailwater.schemas.ColumnType;
import org.jspecify.annotations.Nullable;

/** An expression that is the name of a column: nothing to compile, so Calcite is not loaded. */
record ColumnReference(ColumnType type, int position) implements CompiledExpression, RowExpression {

  @Override
  public int[] reads() {
    return new int[] {position};
  }

  @Override
  public RowExpression newEvaluator() {
    return this;
  }

  @Override
  public CompiledExpression overReadColumns() {
    return new ColumnReference(type, 0);
  }

  @Override
  public @Nullable Object evaluate(@Nullable Object[] row) {
    return row[position];
  }
}
