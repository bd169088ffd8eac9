package dev.tailwater.kernel;

import org.jspecify.annotations.Nullable;

/** One fact on its way into an {@link EntityState}. Mutable, so that one instance is reused. */
public final class Fact {

  /** Event time, in milliseconds since the epoch. */
  public long time;

  public int partition;
  public long offset;

  /** A 64-bit hash of the event id; ignored if the layout's facts have no identity. */
  public long idHash;

  /**
   * A 64-bit hash of everything the event says; tells copies of an event from conflicts. Ignored
   * unless the layout's identity is {@link Identity#EVENT}.
   */
  public long payloadHash;

  /** Whether this version says that the row is gone; only where the identity is ROW. */
  public boolean deleted;

  /** Bit i is set if the fact passes filter i. */
  public long filterBits;

  /** One value per column of the layout, in its type, or null. */
  public @Nullable Object[] values;

  public Fact(StateLayout layout) {
    values = new Object[layout.columns().size()];
  }
}
