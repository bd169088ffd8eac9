package dev.tailwater.plan;

import dev.tailwater.kernel.StateLayout;
import dev.tailwater.schemas.Column;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One entity: what it is told, by which streams, and what it is asked.
 *
 * @param key the key columns, in order
 * @param inputs the streams whose events are facts about this entity; one kernel state each
 * @param keyPositions per stream of the plan, the positions of the key columns in that stream's
 *     carried row, or null if the stream neither tells nor asks this entity anything
 */
public record EntityPlan(
    String name, List<Column> key, List<Input> inputs, List<int @Nullable []> keyPositions)
    implements Serializable {

  public EntityPlan {
    key = List.copyOf(key);
    inputs = List.copyOf(inputs);
    keyPositions = java.util.Collections.unmodifiableList(new java.util.ArrayList<>(keyPositions));
  }

  /**
   * The facts of one stream about this entity.
   *
   * @param stream position in the plan
   * @param layout the kernel's state: its columns are the values at {@code columns}, its filters
   *     the BOOLEAN values at {@code filters} (TRUE lets a fact pass; FALSE and NULL do not), its
   *     features those of {@code views}, one view after the other
   * @param columns positions in the stream's carried row
   * @param filters positions in the stream's carried row
   * @param views positions in the plan, of the views from this stream about this entity
   */
  public record Input(int stream, StateLayout layout, int[] columns, int[] filters, int[] views)
      implements Serializable {}
}
