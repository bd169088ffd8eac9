package dev.tailwater.kernel;

/** What became of a fact that was given to an {@link EntityState}. */
public enum Inserted {
  /** It is new, and counts. */
  NEW,
  /**
   * It took the place of a stored version of the same event or row: answers may have changed,
   * though there is no more to count.
   */
  REPLACED,
  /** A copy of it, or a newer version, is stored already: nothing has changed. */
  DUPLICATE,
  /**
   * A copy of it with another payload is stored already and comes first in the log: nothing has
   * changed, and this one is in conflict.
   */
  CONFLICT,
  /**
   * A copy of it with another payload was stored but comes later in the log: this one took its
   * place, and the other is in conflict; {@link EntityState#conflictPartition} and {@link
   * EntityState#conflictOffset} say where it came from.
   */
  REPLACED_CONFLICT,
  /** It is older than what was pruned: no answer that can still be asked for would change. */
  TOO_OLD;

  /** Whether answers may have changed. */
  public boolean changed() {
    return this == NEW || this == REPLACED || this == REPLACED_CONFLICT;
  }
}
