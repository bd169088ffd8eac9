package dev.tailwater.kernel;

/** What two facts with one event id and one event time are to each other. */
public enum Identity {
  /** Facts have no ids: every one counts. */
  NONE,
  /** Copies of one event: the one with the lower (partition, offset) counts. */
  EVENT,
  /**
   * Versions of one row: the one with the higher (partition, offset) counts, and if it is a
   * deletion none does.
   */
  ROW
}
