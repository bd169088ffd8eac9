package dev.tailwater.jobs;

import dev.tailwater.plan.ChainPlan;
import dev.tailwater.plan.Plan;

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
}
