package dev.tailwater.jobs;

import java.io.Serializable;

/**
 * What the events of each stream of the plan want of one entity.
 *
 * @param askedViews the views of this entity that the stream's questions ask for
 * @param answersAtOnce whether the stream's questions do not wait for the clock
 * @param forwardsFacts whether an entity further on needs the stream's facts too
 * @param reportsFacts whether the stream's conflicts are reported at all
 * @param toldBefore the key positions in the carried row of each entity that was told before this
 *     one
 */
record Visits(
    int[][] askedViews,
    boolean[] answersAtOnce,
    boolean[] forwardsFacts,
    boolean[] reportsFacts,
    int[][][] toldBefore)
    implements Serializable {

  boolean asks(Envelope event) {
    return event.isQuestion() && askedViews[event.stream].length > 0;
  }

  boolean asksFor(Envelope event, int view) {
    for (int asked : askedViews[event.stream]) {
      if (asked == view) {
        return true;
      }
    }
    return false;
  }

  /** Whether this entity is the first that is told the event: what is wrong is reported once. */
  boolean reports(Envelope event) {
    if (!reportsFacts[event.stream]) {
      return false;
    }
    for (int[] key : toldBefore[event.stream]) {
      if (EntityKey.isPresent(event, key)) {
        return false;
      }
    }
    return true;
  }
}
