package dev.tailwater.plan;

import java.io.Serializable;
import java.util.List;

/**
 * Views over views: the events of a stream together with what views say at each of them, as a
 * stream that other views are computed from. The stream is one of the plan, but has no topic of its
 * own: its carried row is that of {@code from}, and behind it the {@code values}, which are NULL
 * until the views have answered. Its events first ask the views, and wait until nothing earlier is
 * expected; then they are facts.
 *
 * @param stream position in the plan
 * @param from position in the plan of the stream whose events these are
 * @param views positions of the views that the values read, ascending
 * @param values what is behind the carried row of {@code from}
 */
public record ChainPlan(int stream, int from, int[] views, List<ModelPlan.Source> values)
    implements Serializable {

  public ChainPlan {
    values = List.copyOf(values);
  }
}
