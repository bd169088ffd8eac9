package dev.tailwater.definitions;

import dev.tailwater.schemas.ColumnType;
import java.util.List;

/**
 * A row expression that was checked.
 *
 * @param text as the user wrote it
 * @param type the type of its value
 * @param reads the names it reads: columns of the stream and, in a model's vector, features
 */
public record Expression(String text, ColumnType type, List<String> reads) {

  public Expression {
    reads = List.copyOf(reads);
  }

  /** Whether it is no more than the name that it reads. */
  public boolean isColumn() {
    return reads.equals(List.of(text.trim()));
  }
}
