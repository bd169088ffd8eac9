package dev.tailwater.plan;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RecordSchema;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One stream: where its records are, and what {@code check} makes of each of them.
 *
 * <p>{@code check} builds the <em>full row</em>: the schema's columns, then {@link #computed} one
 * by one (each may use everything before it: derived columns first, then expectations, then the
 * filters of features). Of the full row only the {@link #carried} positions travel on, in this
 * order; every other part of the plan refers to positions in the carried row.
 *
 * <p>A stream that a {@link ChainPlan} derives has the topic of the one it is derived from, no
 * records and no computed columns of its own: its carried row is filled from the other's, and
 * {@code carriedFrom} is -1 for what the chain puts behind it.
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

  /** The columns of the full row before a computed one, under the names its expression uses. */
  public List<Column> columnsBefore(int computedColumn) {
    Map<Integer, String> names = new HashMap<>();
    computed.get(computedColumn).names().forEach((name, position) -> names.put(position, name));
    List<Column> columns = new ArrayList<>(schema.columns());
    computed.subList(0, computedColumn).forEach(before -> columns.add(before.column()));
    if (!names.isEmpty()) {
      for (int i = 0; i < columns.size(); i++) {
        Column column = columns.get(i);
        columns.set(
            i, new Column(names.getOrDefault(i, "#" + i), column.type(), column.nullable()));
      }
    }
    return columns;
  }

  /**
   * A column computed by an expression over the columns of the full row before it.
   *
   * @param names positions in the full row by the names that the expression calls them, where they
   *     are not those of the columns, as in a view that maps several streams to one form; empty
   *     where they are
   */
  public record Computed(Column column, String expression, Map<String, Integer> names)
      implements Serializable {

    public Computed {
      names = Map.copyOf(names);
    }

    /** A column computed from columns under their own names. */
    public Computed(Column column, String expression) {
      this(column, expression, Map.of());
    }
  }

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
