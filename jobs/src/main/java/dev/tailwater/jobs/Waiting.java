package dev.tailwater.jobs;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.api.common.state.ListState;

/**
 * What waits for the clock of the current key: questions for the instant they ask about, and facts
 * for the instant from which they are known.
 */
final class Waiting {

  private static final Comparator<Envelope> BY_DUE_TIME =
      Comparator.comparingLong(Waiting::due).thenComparing(Comparator.naturalOrder());

  private final ListState<Envelope> envelopes;

  Waiting(ListState<Envelope> envelopes) {
    this.envelopes = envelopes;
  }

  static long due(Envelope envelope) {
    return envelope.isUnknownYet() ? envelope.knownFrom() : envelope.eventTime;
  }

  void add(KeyState state, Envelope envelope) throws Exception {
    envelopes.add(envelope);
    state.firstWaiting = Math.min(state.firstWaiting, due(envelope));
  }

  /** Removes what is due until an instant, in the order in which it is due. */
  List<Envelope> take(KeyState state, long until) throws Exception {
    if (state.firstWaiting > until) {
      return List.of();
    }
    List<Envelope> due = new ArrayList<>();
    List<Envelope> later = new ArrayList<>();
    long firstLater = Long.MAX_VALUE;
    for (Envelope envelope : envelopes.get()) {
      if (due(envelope) <= until) {
        due.add(envelope);
      } else {
        later.add(envelope);
        firstLater = Math.min(firstLater, due(envelope));
      }
    }
    envelopes.update(later);
    state.firstWaiting = firstLater;
    due.sort(BY_DUE_TIME);
    return due;
  }

  void clear() {
    envelopes.clear();
  }
}
