package dev.tailwater.connectors.log;

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
   * the log does not know (a file), so that no record can be from the future there.
   */
  public long appendTime = Long.MAX_VALUE;

  /** Milliseconds since the epoch; {@link Long#MIN_VALUE} when {@link #problem} is set. */
  public long eventTime = Long.MIN_VALUE;

  /**
   * One value per column of the stream's schema; null when the record could not be decoded. A
   * record that was decoded, but whose event time is NULL, has its values and a {@link #problem}.
   */
  public @Nullable Object @Nullable [] values;

  /** Why the record could not be decoded, or has no event time; or null. */
  public @Nullable String problem;

  /** The original bytes; kept only when {@link #problem} is set, or the source was told to. */
  public byte @Nullable [] bytes;
}
