package dev.tailwater.jobs;

import org.jspecify.annotations.Nullable;

/**
 * An accepted event on its way through the graph: a fact, a question, or both, with the answers
 * that were collected so far. Its record timestamp is its event time.
 *
 * <p>Immutable but for {@link #answer}, which the operator that holds the only reference may call.
 */
final class Envelope implements Comparable<Envelope> {

  /** The event is told to the entities. */
  static final int FACT = 1;

  /** The event asks for features. */
  static final int QUESTION = 2;

  final int roles;
  final int stream;
  final long eventTime;
  final int partition;
  final long offset;
  final long appendTime;
  final long idHash;
  final @Nullable Object[] values;

  /** Per view of the plan its feature values, or null while it has none. Empty unless asked. */
  final @Nullable Object[] @Nullable [] answers;

  Envelope(
      int roles,
      int stream,
      long eventTime,
      int partition,
      long offset,
      long appendTime,
      long idHash,
      @Nullable Object[] values,
      @Nullable Object[] @Nullable [] answers) {
    this.roles = roles;
    this.stream = stream;
    this.eventTime = eventTime;
    this.partition = partition;
    this.offset = offset;
    this.appendTime = appendTime;
    this.idHash = idHash;
    this.values = values;
    this.answers = answers;
  }

  boolean isFact() {
    return (roles & FACT) != 0;
  }

  boolean isQuestion() {
    return (roles & QUESTION) != 0;
  }

  void answer(int view, @Nullable Object[] features) {
    answers[view] = features;
  }

  /** A copy that can be answered while this one stays as it is, in a snapshot for example. */
  Envelope toAnswer() {
    return new Envelope(
        roles, stream, eventTime, partition, offset, appendTime, idHash, values, answers.clone());
  }

  /** Event time, then the place in the log. */
  @Override
  public int compareTo(Envelope other) {
    int byTime = Long.compare(eventTime, other.eventTime);
    if (byTime != 0) {
      return byTime;
    }
    int byPartition = Integer.compare(partition, other.partition);
    return byPartition != 0 ? byPartition : Long.compare(offset, other.offset);
  }
}
