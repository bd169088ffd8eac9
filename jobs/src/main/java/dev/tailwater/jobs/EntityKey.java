package dev.tailwater.jobs;

import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.plan.Plan;
import java.util.Objects;

/**
 * Where an entity's key is in an event, and the order in which bounded input visits the entity: key
 * by key, and of a key in the order of the log.
 *
 * @param positions per stream the positions of the key columns in its carried row; none if the
 *     stream is not for the entity
 */
record EntityKey(int[][] positions) implements OrderOperator.By<Envelope> {

  /** Whether an event says something about the entity: none of the key columns is NULL. */
  boolean isPresent(Envelope event) {
    int[] columns = positions[event.stream];
    for (int column : columns) {
      if (event.values[column] == null) {
        return false;
      }
    }
    return columns.length > 0;
  }

  /** The text of an event's key. */
  String of(Envelope event) {
    return Objects.requireNonNull(EntityKeys.encode(event.values, positions[event.stream]));
  }

  /** The key as it is, or its text where it has several columns. */
  @Override
  public Object key(Envelope event) {
    int[] columns = positions[event.stream];
    return columns.length == 1 ? Objects.requireNonNull(event.values[columns[0]]) : of(event);
  }

  @Override
  public long time(Envelope event) {
    return event.eventTime;
  }

  @Override
  public int compare(Envelope one, Envelope other) {
    return one.compareTo(other);
  }

  /** Whether the stream may have events that say nothing about the entity. */
  boolean mayBeMissing(Plan plan, int stream) {
    int[] columns = positions[stream];
    for (int column : columns) {
      if (plan.streams().get(stream).carried().get(column).nullable()) {
        return true;
      }
    }
    return columns.length == 0;
  }
}
