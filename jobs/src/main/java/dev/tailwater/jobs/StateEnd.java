package dev.tailwater.jobs;

import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import java.io.Serializable;

/**
 * When the state of an entity's key ends: its last fact can no longer be in any window, not even
 * for a late question, no row is refreshed any more, and no later fact can be as of an earlier
 * instant than a row that was written.
 *
 * @param horizonMs how far back the longest window reaches
 * @param latenessMs the longest of the inputs
 * @param refreshMs the longest of the views; 0 if none is refreshed
 */
record StateEnd(long horizonMs, long latenessMs, long refreshMs) implements Serializable {

  static StateEnd of(Plan plan, int entity) {
    long horizon = 0;
    long lateness = 0;
    for (EntityPlan.Input input : plan.entities().get(entity).inputs()) {
      horizon = Math.max(horizon, input.layout().horizonMs());
      lateness = Math.max(lateness, input.layout().latenessMs());
    }
    long refresh = 0;
    for (int view : EntityViews.positions(plan, entity)) {
      refresh = Math.max(refresh, plan.views().get(view).refreshMs());
    }
    return new StateEnd(horizon, lateness, refresh);
  }

  /** The first clock at which the state of a key with this last fact is gone. */
  long after(long lastFactTime) {
    return afterRow(plus(lastFactTime, horizonMs + refreshMs));
  }

  /** The first clock at which no fact can be as of an earlier instant than a row. */
  long afterRow(long asOf) {
    return plus(asOf, latenessMs + 1);
  }

  private static long plus(long instant, long spanMs) {
    return instant > Long.MAX_VALUE - spanMs ? Long.MAX_VALUE : instant + spanMs;
  }
}
