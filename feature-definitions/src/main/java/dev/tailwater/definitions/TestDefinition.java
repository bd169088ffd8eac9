package dev.tailwater.definitions;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a view should say after given events.
 *
 * @param name as the user wrote it, else the view's
 * @param file relative to the project folder, for messages
 * @param line where the test begins
 * @param given the events, in the order in which they arrive
 */
public record TestDefinition(
    String name, String view, String file, int line, List<Given> given, List<Expected> expected) {

  public TestDefinition {
    given = List.copyOf(given);
    expected = List.copyOf(expected);
  }

  /**
   * One event, or one change of a row: in a changelog an earlier event with the same id is the row
   * before it.
   *
   * @param eventTime in milliseconds since the epoch; in {@code values} too
   * @param values what is written, by column of the stream's schema and in its type; the other
   *     columns are NULL, but an event id is one that no other event has
   * @param deleted whether the row with this event id is gone; then the rest is as it last was
   * @param appended when the log got it, in milliseconds since the epoch
   */
  public record Given(
      int line,
      String stream,
      long eventTime,
      Map<String, @Nullable Object> values,
      boolean deleted,
      long appended) {

    /** An event that tells a row, in the log from its event time on. */
    public Given(int line, String stream, long eventTime, Map<String, @Nullable Object> values) {
      this(line, stream, eventTime, values, false);
    }

    /** An event that is in the log from its event time on. */
    public Given(
        int line,
        String stream,
        long eventTime,
        Map<String, @Nullable Object> values,
        boolean deleted) {
      this(line, stream, eventTime, values, deleted, eventTime);
    }

    public Given {
      values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }
  }

  /**
   * What features should be.
   *
   * @param at the instant of the question, in milliseconds since the epoch
   * @param key in the order and the types of the entity's key
   * @param about the id of the event that the question is about, if it is about one
   * @param values by feature
   */
  public record Expected(
      int line, long at, List<Object> key, Optional<Object> about, Map<String, Value> values) {

    /** A question that is about no event. */
    public Expected(int line, long at, List<Object> key, Map<String, Value> values) {
      this(line, at, key, Optional.empty(), values);
    }

    public Expected {
      key = List.copyOf(key);
      values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }
  }

  /**
   * What a feature should be.
   *
   * @param value in the feature's type, or null for NULL; a double has to be equal in every bit
   * @param by how far a DOUBLE may be from it; 0 for not at all
   */
  public record Value(@Nullable Object value, double by) {}
}
