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
 */
public record Ask(
    int stream, int[] views, AnswerMode answer, int about, Map<Integer, Long> fromOffset)
    implements Serializable {

  public Ask {
    fromOffset = Map.copyOf(fromOffset);
  }

  /** Every event of the stream asks for these views, and waits for the watermark. */
  public static Ask always(int stream, int... views) {
    return new Ask(stream, views, AnswerMode.ON_WATERMARK, -1, Map.of());
  }

  /** The same questions, about the event whose id is at this position in the carried row. */
  public Ask about(int position) {
    return new Ask(stream, views, answer, position, fromOffset);
  }

  boolean asks(int partition, long offset) {
    return fromOffset.isEmpty() || offset >= fromOffset.getOrDefault(partition, 0L);
  }
}
