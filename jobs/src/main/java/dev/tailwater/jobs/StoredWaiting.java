package dev.tailwater.jobs;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.state.ListState;

/** What waits for the clocks of keys whose state Flink keeps. */
final class StoredWaiting implements Waiting {

  private final ListState<Envelope> envelopes;

  StoredWaiting(ListState<Envelope> envelopes) {
    this.envelopes = envelopes;
  }

  @Override
  public void add(KeyState state, Envelope envelope) throws Exception {
    envelopes.add(envelope);
    state.firstWaiting = Math.min(state.firstWaiting, Waiting.due(envelope));
    if (envelope.isUnknownYet()) {
      state.oldestUnknown = Math.min(state.oldestUnknown, envelope.eventTime);
    }
  }

  @Override
  public List<Envelope> take(KeyState state, long until) throws Exception {
    if (state.firstWaiting > until) {
      return List.of();
    }
    List<Envelope> due = new ArrayList<>();
    List<Envelope> later = new ArrayList<>();
    long firstLater = Long.MAX_VALUE;
    long oldestUnknown = Long.MAX_VALUE;
    for (Envelope envelope : envelopes.get()) {
      if (Waiting.due(envelope) <= until) {
        // What is answered must not be what a snapshot still holds.
        due.add(envelope.isUnknownYet() ? envelope : envelope.toAnswer());
      } else {
        later.add(envelope);
        firstLater = Math.min(firstLater, Waiting.due(envelope));
        if (envelope.isUnknownYet()) {
          oldestUnknown = Math.min(oldestUnknown, envelope.eventTime);
        }
      }
    }
    envelopes.update(later);
    state.firstWaiting = firstLater;
    state.oldestUnknown = oldestUnknown;
    due.sort(BY_DUE_TIME);
    return due;
  }

  @Override
  public void clear() {
    envelopes.clear();
  }
}
