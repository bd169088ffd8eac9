package dev.tailwater.connectors.log;

import dev.tailwater.schemas.RecordSchema;
import dev.tailwater.schemas.RowChange;
import org.jspecify.annotations.Nullable;

/**
 * One record of a stream at its place in the log, as a source emits it: decoded, or kept with the
 * reason why it could not be. Sources never fail on a bad record and never skip one.
 *
 * <p>A mutable carrier for speed inside one chain of operators; never changed after it was emitted.
 */
public final class LogRecord {

  /** The partition of the log; 0 in a file. */
  public int partition;

  /** The place in the partition: Kafka's offset, or the record's number in a file, from 0. */
  public long offset;

  /**
   * When the log accepted the record, in milliseconds since the epoch; {@link Long#MAX_VALUE} where
   * the log does not know (a file), so that no record can be from the future there. In a file of
   * changes it is when the connector saw the change, if the record says so.
   */
  public long appendTime = Long.MAX_VALUE;

  /**
   * Milliseconds since the epoch: of the row after a change, and of the row before it where it was
   * deleted; {@link Long#MIN_VALUE} when {@link #problem} is set or nothing changed.
   */
  public long eventTime = Long.MIN_VALUE;

  /**
   * The newest event time at earlier offsets of the partition, of records that are not from the
   * future, as far as the source knows: {@link Long#MIN_VALUE} when it knows none. It decides
   * whether the record is too late, whatever the order in which records are read.
   */
  public long newestBefore = Long.MIN_VALUE;

  /**
   * Whether {@link #newestBefore} is exact, as the lake stores it; else it is a lower bound: the
   * newest of the records that the lake holds, for those that the log holds after them.
   */
  public boolean newestIsExact;

  /**
   * What the record tells of its row. Always INSERT in a stream without changes, and where there is
   * a {@link #problem}.
   */
  public RowChange.Kind change = RowChange.Kind.INSERT;

  /**
   * The row, one value per column of the stream's schema: after a change. Null when the record
   * could not be decoded, the row was deleted, or nothing changed. A record that was decoded, but
   * whose event time is NULL, has its values and a {@link #problem}.
   */
  public @Nullable Object @Nullable [] values;

  /**
   * The row before an UPDATE or DELETE, with an event time; else null. It was told by an earlier
   * record and is to be retracted.
   */
  public @Nullable Object @Nullable [] before;

  /** Why the record could not be decoded, or has no event time; or null. */
  public @Nullable String problem;

  /**
   * The original bytes; kept only when {@link #problem} is set, the source was told to, or a file
   * tells a deletion.
   */
  public byte @Nullable [] bytes;

  /**
   * Takes what a decoder read: the change, its rows and the event time, or the problem that there
   * is no event time.
   *
   * @param eventTimeColumn a column of type TIMESTAMP, or LONG in milliseconds since the epoch
   */
  public void take(RowChange told, RecordSchema schema, int eventTimeColumn) {
    @Nullable Object @Nullable [] old = told.before();
    @Nullable Object @Nullable [] row = told.after();
    String column = schema.columns().get(eventTimeColumn).name();
    values = row;
    if (row != null && row[eventTimeColumn] == null) {
      problem = "no event time: column %s is NULL".formatted(column);
      return;
    }
    if (old != null && old[eventTimeColumn] == null) {
      values = null;
      problem =
          ("no event time in the row before the change: column %s is NULL, so it cannot be"
                  + " retracted; set REPLICA IDENTITY FULL on the table, so that every change"
                  + " carries the whole row before it")
              .formatted(column);
      return;
    }
    change = told.kind();
    before = old;
    @Nullable Object @Nullable [] timed = row == null ? old : row;
    if (timed != null && timed[eventTimeColumn] instanceof Long time) {
      eventTime = time;
    }
  }
}
