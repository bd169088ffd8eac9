package dev.tailwater.jobs;

import java.util.Comparator;
import java.util.List;

/**
 * What waits for the clock of the current key: questions for the instant they ask about, and facts
 * for the instant from which they are known.
 */
interface Waiting {

  Comparator<Envelope> BY_DUE_TIME =
      Comparator.comparingLong(Waiting::due).thenComparing(Comparator.naturalOrder());

  static long due(Envelope envelope) {
    return envelope.isUnknownYet() ? envelope.knownFrom() : envelope.eventTime;
  }

  void add(KeyState state, Envelope envelope) throws Exception;

  /**
   * Removes what is due until an instant, in the order in which it is due. The caller may answer
   * the questions. The list is valid until the next call.
   */
  List<Envelope> take(KeyState state, long until) throws Exception;

  /** Forgets what waits for the current key. */
  void clear();
}
