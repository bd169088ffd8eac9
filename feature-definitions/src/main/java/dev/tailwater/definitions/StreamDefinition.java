package dev.tailwater.definitions;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RecordSchema;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One stream of records on the log.
 *
 * @param eventTime the schema's TIMESTAMP column that says when the event happened
 * @param eventId the column that identifies an event; duplicates count once
 * @param key the column that producers use as message key
 * @param disorder how far out of order events may be in a partition
 * @param lateness how much later than that an event still counts
 * @param idleAfter a partition silent for this long holds nothing back
 * @param ahead how far an event time may be after its record was appended
 * @param derived columns computed from the row, in order; each may read those before it
 * @param expectations what should hold for every record
 */
public record StreamDefinition(
    String name,
    String topic,
    RecordFormat format,
    RecordSchema schema,
    String eventTime,
    Optional<String> eventId,
    Optional<String> key,
    Duration disorder,
    Duration lateness,
    Duration idleAfter,
    Duration ahead,
    List<Derived> derived,
    List<Expectation> expectations) {

  public StreamDefinition {
    derived = List.copyOf(derived);
    expectations = List.copyOf(expectations);
  }

  /** The schema's columns, then the derived ones. */
  public List<Column> columns() {
    List<Column> columns = new ArrayList<>(schema.columns());
    for (Derived column : derived) {
      columns.add(new Column(column.name(), column.expression().type(), true));
    }
    return columns;
  }

  /** Whether its records are changes of rows, and not events that stay as they are. */
  public boolean isChangelog() {
    return format.isChangelog();
  }

  /** A column computed from the columns before it. */
  public record Derived(String name, Expression expression) {}

  /** A condition, and what becomes of a record for which it is FALSE. */
  public record Expectation(String name, Expression that, Otherwise otherwise) {}

  /** What becomes of a record that breaks an expectation. */
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
