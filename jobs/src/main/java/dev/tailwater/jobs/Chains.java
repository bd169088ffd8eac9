package dev.tailwater.jobs;

import dev.tailwater.plan.ChainPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;

/** Questions about the chains of a plan. */
final class Chains {

  private Chains() {}

  /**
   * Per stream of the plan the stream whose events it consists of: itself, unless it is derived.
   */
  static int[] baseStreams(Plan plan) {
    int[] bases = new int[plan.streams().size()];
    for (int stream = 0; stream < bases.length; stream++) {
      bases[stream] = stream;
    }
    for (ChainPlan chain : plan.chains()) {
      bases[chain.stream()] = bases[chain.from()];
    }
    return bases;
  }

  /** How many views are based on one another at most: 1 where none is based on another. */
  static int depth(Plan plan) {
    int[] behindStream = new int[plan.streams().size()];
    for (ChainPlan chain : plan.chains()) {
      behindStream[chain.stream()] = behindStream[chain.from()];
      for (int view : chain.views()) {
        behindStream[chain.stream()] =
            Math.max(
                behindStream[chain.stream()], depth(plan, plan.views().get(view), behindStream));
      }
    }
    return plan.views().stream().mapToInt(view -> depth(plan, view, behindStream)).max().orElse(1);
  }

  private static int depth(Plan plan, ViewPlan view, int[] behindStream) {
    return 1
        + plan.entities().get(view.entity()).inputs().get(view.lastInput()).origins().stream()
            .mapToInt(origin -> behindStream[origin.stream()])
            .max()
            .orElse(0);
  }
}
