package dev.tailwater.plan;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RecordSchema;
import java.io.Serializable;
import java.util.List;

/**
 * One stream: where its records are, and what {@code check} makes of each of them.
 *
 * <p>{@code check} builds the <em>full row</em>: the schema's columns, then {@link #computed} one
 * by one (each may use everything before it: derived columns first, then expectations, then the
 * filters of features). Of the full row only the {@link #carried} positions travel on, in this
 * order; every other part of the plan refers to positions in the carried row.
 *
 * @param eventTime position of the event-time column in the schema
 * @param eventId position of the event-id column in the schema, or -1: then (topic, partition,
 *     offset) identifies the event
 * @param messageKey position in the schema of the column that producers use as message key, or -1
 * @param disorderMs how far out of order events may be in a partition: the watermark's distance
 * @param latenessMs how much later than that an event is still accepted
 * @param idleAfterMs a partition without events for this long in processing time does not hold back
 *     the watermark
 * @param aheadMs an event time further than this after the append time is from the future
 */
public record StreamPlan(
    String name,
    String topic,
    RecordFormat format,
    RecordSchema schema,
    int eventTime,
    int eventId,
    int messageKey,
    long disorderMs,
    long latenessMs,
    long idleAfterMs,
    long aheadMs,
    List<Computed> computed,
    List<Expectation> expectations,
    List<Column> carried,
    int[] carriedFrom)
    implements Serializable {

  public StreamPlan {
    computed = List.copyOf(computed);
    expectations = List.copyOf(expectations);
    carried = List.copyOf(carried);
  }

  /** A column computed by an expression over the columns of the full row before it. */
  public record Computed(Column column, String expression) implements Serializable {}

  /**
   * A condition every record should keep. It holds when the expression is TRUE or NULL, as SQL's
   * CHECK.
   *
   * @param condition position in the full row of the BOOLEAN computed column
   */
  public record Expectation(String name, int condition, String expression, Otherwise otherwise)
      implements Serializable {}

  /** What happens to a record that breaks an expectation. */
  public enum Otherwise {
    /** It becomes a dead letter. */
    QUARANTINE,
    /** It is counted and left out. */
    DROP,
    /** It is counted and kept. */
    WARN,
    /** The job fails. */
    FAIL
  }
}
