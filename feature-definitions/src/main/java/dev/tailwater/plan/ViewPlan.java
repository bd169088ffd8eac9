package dev.tailwater.plan;

import dev.tailwater.schemas.Column;
import java.io.Serializable;
import java.util.List;

/**
 * One feature view.
 *
 * @param version the first 12 hexadecimal digits of the view's semantic hash
 * @param entity position in the plan
 * @param input position in the entity's inputs
 * @param firstFeature position of the view's first feature in the input's state layout
 * @param features names, as in {@code tx_count_1d}, and types; every one may be NULL except counts
 *     and those with {@code empty:}
 * @param horizonMs how old a fact can be that a feature covers, or {@link
 *     dev.tailwater.kernel.Window#UNBOUNDED_MS}
 * @param refreshMs a row whose values changed because time passed is written anew at the next
 *     multiple of this; 0 for never
 */
public record ViewPlan(
    String name,
    String version,
    int entity,
    int input,
    int firstFeature,
    List<Column> features,
    long horizonMs,
    long refreshMs)
    implements Serializable {

  public ViewPlan {
    features = List.copyOf(features);
  }
}
