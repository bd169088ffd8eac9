package dev.tailwater.schemas;

import org.jspecify.annotations.Nullable;

/**
 * One change of a row, as a record of a changelog tells it.
 *
 * @param kind what happened
 * @param before the row before the change, one value per column; there for UPDATE and DELETE
 * @param after the row after the change, one value per column; there for INSERT and UPDATE
 * @param changedAt when the source's connector saw the change, in milliseconds since the epoch;
 *     {@link Long#MAX_VALUE} if the record does not say
 */
public record RowChange(
    Kind kind,
    @Nullable Object @Nullable [] before,
    @Nullable Object @Nullable [] after,
    long changedAt) {

  /** What happened to a row. */
  public enum Kind {
    /** The row is new, or read in a snapshot: a snapshot may repeat what was told before. */
    INSERT,
    /** The row has other values now; its key and its event time may have changed too. */
    UPDATE,
    /** The row is gone. */
    DELETE,
    /** No row changed: a tombstone, or a message of the source. It is counted and skipped. */
    NOTHING
  }

  /** A row that a stream without changes tells: it is there from now on. */
  public static RowChange insert(@Nullable Object[] row) {
    return new RowChange(Kind.INSERT, null, row, Long.MAX_VALUE);
  }
}
