package dev.tailwater.jobs;

import dev.tailwater.definitions.AnswerMode;
import java.io.Serializable;
import java.util.Map;

/**
 * A stream whose events ask, and what they ask for.
 *
 * @param stream position in the plan
 * @param views positions of the views to answer, ascending
 * @param answer when they are answered; in a run over sorted input the order is that of event time
 *     in any case
 * @param about position in the stream's carried row of the id of the event that a question is
 *     about, or -1 if each is about itself
 * @param fromOffset per partition the first offset that asks; earlier events are facts only.
 *     Partitions that are not named ask from their beginning. So a job that starts on a log with a
 *     past learns from it without predicting it
 * @param from the first event time that asks, in milliseconds since the epoch
 * @param until the event time from which on no event asks, in milliseconds since the epoch
 */
public record Ask(
    int stream,
    int[] views,
    AnswerMode answer,
    int about,
    Map<Integer, Long> fromOffset,
    long from,
    long until)
    implements Serializable {

  public Ask {
    fromOffset = Map.copyOf(fromOffset);
  }

  /** Events of any time ask. */
  public Ask(int stream, int[] views, AnswerMode answer, int about, Map<Integer, Long> fromOffset) {
    this(stream, views, answer, about, fromOffset, Long.MIN_VALUE, Long.MAX_VALUE);
  }

  /** Every event of the stream asks for these views, and waits for the watermark. */
  public static Ask always(int stream, int... views) {
    return new Ask(stream, views, AnswerMode.ON_WATERMARK, -1, Map.of());
  }

  /** The same questions, about the event whose id is at this position in the carried row. */
  public Ask about(int position) {
    return new Ask(stream, views, answer, position, fromOffset, from, until);
  }

  /**
   * The same questions, of this time only; events of other times are facts.
   *
   * @param first in milliseconds since the epoch
   * @param end in milliseconds since the epoch; itself too late
   */
  public Ask between(long first, long end) {
    return new Ask(stream, views, answer, about, fromOffset, first, end);
  }

  boolean asks(int partition, long offset, long eventTime) {
    return eventTime >= from
        && eventTime < until
        && (fromOffset.isEmpty() || offset >= fromOffset.getOrDefault(partition, 0L));
  }
}
