package dev.tailwater.jobs;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;

/** What waits for the clock of the one key that is passing, of which nothing is stored. */
final class PassingWaiting implements Waiting {

  private final PriorityQueue<Envelope> envelopes = new PriorityQueue<>(BY_DUE_TIME);
  private final List<Envelope> taken = new ArrayList<>();

  @Override
  public void add(KeyState state, Envelope envelope) {
    envelopes.add(envelope);
    state.firstWaiting = Math.min(state.firstWaiting, Waiting.due(envelope));
  }

  @Override
  public List<Envelope> take(KeyState state, long until) {
    taken.clear();
    Envelope first = envelopes.peek();
    while (first != null && Waiting.due(first) <= until) {
      taken.add(envelopes.remove());
      first = envelopes.peek();
    }
    state.firstWaiting = first == null ? Long.MAX_VALUE : Waiting.due(first);
    return taken;
  }

  @Override
  public void clear() {
    envelopes.clear();
    taken.clear();
  }
}
