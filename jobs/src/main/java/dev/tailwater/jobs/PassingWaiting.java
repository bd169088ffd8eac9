package dev.tailwater.jobs;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.TreeMap;

/** What waits for the clock of the one key that is passing, of which nothing is stored. */
final class PassingWaiting implements Waiting {

  private final PriorityQueue<Envelope> envelopes = new PriorityQueue<>(BY_DUE_TIME);
  private final List<Envelope> taken = new ArrayList<>();

  // Of the facts that wait to be known, how many are of each event time.
  private final TreeMap<Long, Integer> unknown = new TreeMap<>();

  @Override
  public void add(KeyState state, Envelope envelope) {
    envelopes.add(envelope);
    state.firstWaiting = Math.min(state.firstWaiting, Waiting.due(envelope));
    if (envelope.isUnknownYet()) {
      unknown.merge(envelope.eventTime, 1, Integer::sum);
      state.oldestUnknown = unknown.firstKey();
    }
  }

  @Override
  public List<Envelope> take(KeyState state, long until) {
    taken.clear();
    Envelope first = envelopes.peek();
    while (first != null && Waiting.due(first) <= until) {
      taken.add(envelopes.remove());
      if (first.isUnknownYet()) {
        unknown.computeIfPresent(first.eventTime, (time, many) -> many == 1 ? null : many - 1);
      }
      first = envelopes.peek();
    }
    state.firstWaiting = first == null ? Long.MAX_VALUE : Waiting.due(first);
    state.oldestUnknown = unknown.isEmpty() ? Long.MAX_VALUE : unknown.firstKey();
    return taken;
  }

  @Override
  public void clear() {
    envelopes.clear();
    unknown.clear();
    taken.clear();
  }
}
