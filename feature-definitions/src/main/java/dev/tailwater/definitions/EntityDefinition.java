package dev.tailwater.definitions;

import dev.tailwater.schemas.Column;
import java.util.List;

/**
 * One kind of thing that features describe.
 *
 * @param key the columns that identify one, in order
 */
public record EntityDefinition(String name, List<Column> key) {

  public EntityDefinition {
    key = List.copyOf(key);
  }
}
