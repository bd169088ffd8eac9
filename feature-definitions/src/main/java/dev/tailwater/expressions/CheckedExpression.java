package dev.tailwater.expressions;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.List;

/**
 * What is known of an expression that compiles.
 *
 * @param type the type of its value
 * @param reads the columns it reads, in the order of the columns it was compiled against; the text
 *     compiles against this list too, with the same meaning
 */
public record CheckedExpression(ColumnType type, List<Column> reads) {

  public CheckedExpression {
    reads = List.copyOf(reads);
  }
}
