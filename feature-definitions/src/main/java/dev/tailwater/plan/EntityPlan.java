package dev.tailwater.plan;

import dev.tailwater.kernel.StateLayout;
import dev.tailwater.schemas.Column;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One entity: what it is told, by which streams, and what it is asked.
 *
 * @param name the entity's, or as in {@code customer.2} if some of its views come later than others
 * @param key the key columns, in order
 * @param inputs the facts about this entity; one kernel state each
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

  /** The name of the entity, which is the same at all its places. */
  public String entity() {
    int dot = name.indexOf('.');
    return dot < 0 ? name : name.substring(0, dot);
  }

  /**
   * Facts about this entity that share one kernel state: those of one stream, or of several that
   * are seen as one.
   *
   * @param origins where the facts come from. Facts of one instant have the order of this list,
   *     then that of partition and offset
   * @param layout the kernel's state; its features are those of {@code views}, one view after the
   *     other
   * @param views positions in the plan
   */
  public record Input(List<Origin> origins, StateLayout layout, int[] views)
      implements Serializable {

    public Input {
      origins = List.copyOf(origins);
    }
  }

  /**
   * One stream's facts: where in its carried row the state's columns and filters are.
   *
   * @param stream position in the plan
   * @param columns positions in the stream's carried row, one per column of the state
   * @param filters positions in the stream's carried row of BOOLEAN values, one per filter of the
   *     state (TRUE lets a fact pass; FALSE and NULL do not)
   */
  public record Origin(int stream, int[] columns, int[] filters) implements Serializable {}
}
