package dev.tailwater.plan;

import dev.tailwater.definitions.Knowledge;
import dev.tailwater.schemas.Column;
import java.io.Serializable;
import java.util.List;

/**
 * One feature view.
 *
 * @param version the first 12 hexadecimal digits of the view's semantic hash
 * @param entity position in the plan
 * @param parts which inputs of the entity answer its features, ascending by input; every feature is
 *     in one of them. All are told by the same origins, of the same facts
 * @param features names, as in {@code tx_count_1d}, and types; every one may be NULL except counts
 *     and those with {@code empty:}
 * @param horizonMs how old a fact can be that a feature covers, or {@link
 *     dev.tailwater.kernel.Window#UNBOUNDED_MS}
 * @param refreshMs a row whose values changed because time passed is written anew at the next
 *     multiple of this; 0 for never
 * @param knowledge from when on a fact counts; the same for all views of an input
 */
public record ViewPlan(
    String name,
    String version,
    int entity,
    List<Part> parts,
    List<Column> features,
    long horizonMs,
    long refreshMs,
    Knowledge knowledge)
    implements Serializable {

  public ViewPlan {
    parts = List.copyOf(parts);
    features = List.copyOf(features);
  }

  /** The last of the inputs that are told a fact of this view. */
  public int lastInput() {
    return parts.get(parts.size() - 1).input();
  }

  /**
   * The features of a view that one input answers.
   *
   * @param input position in the entity's inputs
   * @param firstFeature position of the first of them in the input's state layout; the others
   *     follow it
   * @param features positions in the view, ascending
   */
  public record Part(int input, int firstFeature, int[] features) implements Serializable {}
}
