package dev.tailwater.jobs;

import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import java.io.Serializable;

/**
 * When the state of an entity's key ends: its last fact can no longer be in any window, not even
 * for a late question, and no row is refreshed any more.
 */
final class StateEnd implements Serializable {

  private final long keptMs;

  StateEnd(Plan plan, int entity) {
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
    keptMs = horizon + refresh + lateness + 1;
  }

  /** The first clock at which the state of a key with this last fact is gone. */
  long after(long lastFactTime) {
    return lastFactTime > Long.MAX_VALUE - keptMs ? Long.MAX_VALUE : lastFactTime + keptMs;
  }
}
