package dev.tailwater.jobs;

import java.io.Serializable;

/**
 * What the events of each stream of the plan want of one entity.
 *
 * @param askedViews the views of this entity that the stream's questions ask for
 * @param answersAtOnce whether the stream's questions do not wait for the clock
 * @param forwardsFacts whether an entity further on needs the stream's facts too
 * @param reportsFacts whether the entity is the one that reports the stream's conflicts: of an
 *     event and what is derived from it, the first that it is told
 */
record Visits(
    int[][] askedViews, boolean[] answersAtOnce, boolean[] forwardsFacts, boolean[] reportsFacts)
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

  /** Whether what is wrong with the event is still to be reported: it is once, by one entity. */
  boolean reports(Envelope event) {
    return reportsFacts[event.stream] && !event.isReported();
  }
}
