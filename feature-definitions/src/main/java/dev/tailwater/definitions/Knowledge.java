package dev.tailwater.definitions;

/** From when on a fact counts. */
public enum Knowledge {
  /** From the time at which it happened, as if it had been known at once. */
  AS_HAPPENED,
  /** From the time at which it was appended to the log: what an answer then could know. */
  AS_KNOWN
}
