package dev.tailwater.jobs;

import dev.tailwater.kernel.Window;
import dev.tailwater.plan.ChainPlan;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import java.util.Arrays;
import java.util.List;

/** Questions about the chains of a plan. */
public final class Chains {

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
        + Arrays.stream(streams(plan, view)).map(stream -> behindStream[stream]).max().orElse(0);
  }

  /** The streams that a view is computed from in the end, none of them derived. */
  public static List<StreamPlan> recordedStreams(Plan plan, ViewPlan view) {
    int[] bases = baseStreams(plan);
    return Arrays.stream(streams(plan, view))
        .map(stream -> bases[stream])
        .distinct()
        .mapToObj(plan.streams()::get)
        .toList();
  }

  /**
   * How old an event can be that a view's value depends on, in milliseconds: each view covers its
   * own windows, behind those of the views that it is based on. {@link Window#UNBOUNDED_MS} or more
   * for any age.
   */
  public static long reachMs(Plan plan, ViewPlan view) {
    long[] behindStream = new long[plan.streams().size()];
    for (ChainPlan chain : plan.chains()) {
      behindStream[chain.stream()] = behindStream[chain.from()];
      for (int base : chain.views()) {
        behindStream[chain.stream()] =
            Math.max(
                behindStream[chain.stream()], reachMs(plan, plan.views().get(base), behindStream));
      }
    }
    return reachMs(plan, view, behindStream);
  }

  private static long reachMs(Plan plan, ViewPlan view, long[] behindStream) {
    long behind =
        Arrays.stream(streams(plan, view))
            .mapToLong(stream -> behindStream[stream])
            .max()
            .orElse(0);
    long reach = view.horizonMs() + behind;
    return reach < 0 ? Long.MAX_VALUE : reach;
  }

  /** The streams whose events a view is told. */
  private static int[] streams(Plan plan, ViewPlan view) {
    return plan.entities().get(view.entity()).inputs().get(view.lastInput()).origins().stream()
        .mapToInt(EntityPlan.Origin::stream)
        .toArray();
  }
}
