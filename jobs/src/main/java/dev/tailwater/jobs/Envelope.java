package dev.tailwater.jobs;

import org.jspecify.annotations.Nullable;

/**
 * An accepted event on its way through the graph: a fact, a question, or both, with the answers
 * that were collected so far. Its record timestamp is its event time.
 *
 * <p>Immutable but for {@link #answer}, {@link #reject} and {@link #markReported}, which the
 * operator that holds the only reference may call.
 */
final class Envelope implements Comparable<Envelope> {

  /** The event is told to the entities. */
  static final int FACT = 1;

  /** The event asks for features. */
  static final int QUESTION = 2;

  /** The fact is that a row of a changelog is gone from where it was. */
  static final int DELETED = 4;

  /** The question names the event that it is about. */
  static final int ABOUT = 8;

  /** The question becomes a fact once it is answered, see {@link ChainFunction}. */
  static final int CHAINED = 16;

  /** The fact waits to be learned: it is known from its append time on. */
  static final int UNKNOWN_YET = 32;

  /** What is wrong with the fact is reported, see {@link #markReported}. */
  static final int REPORTED = 64;

  final int roles;
  final int stream;
  final long eventTime;
  final int partition;
  final long offset;
  final long appendTime;
  final long idHash;

  /** Tells copies of an event from others with its id; 0 unless the event is or becomes a fact. */
  final long payloadHash;

  /** The id hash of the event that a question is about: its own, unless it names another. */
  final long aboutHash;

  final @Nullable Object[] values;

  /** Per view of the plan its feature values, or null while it has none. Empty unless asked. */
  final @Nullable Object[] @Nullable [] answers;

  private @Nullable String rejection;
  private boolean reported;

  Envelope(
      int roles,
      int stream,
      long eventTime,
      int partition,
      long offset,
      long appendTime,
      long idHash,
      long payloadHash,
      long aboutHash,
      @Nullable Object[] values,
      @Nullable Object[] @Nullable [] answers) {
    this.roles = roles & ~REPORTED;
    reported = (roles & REPORTED) != 0;
    this.stream = stream;
    this.eventTime = eventTime;
    this.partition = partition;
    this.offset = offset;
    this.appendTime = appendTime;
    this.idHash = idHash;
    this.payloadHash = payloadHash;
    this.aboutHash = aboutHash;
    this.values = values;
    this.answers = answers;
  }

  boolean isFact() {
    return (roles & FACT) != 0;
  }

  boolean isQuestion() {
    return (roles & QUESTION) != 0;
  }

  boolean isDeletion() {
    return (roles & DELETED) != 0;
  }

  /** Whether the question names the event that it is about. */
  boolean namesAnother() {
    return (roles & ABOUT) != 0;
  }

  boolean isChained() {
    return (roles & CHAINED) != 0;
  }

  boolean isUnknownYet() {
    return (roles & UNKNOWN_YET) != 0;
  }

  /**
   * The instant from which the event is known: its append time, or its event time where the log
   * does not know that or the event was announced ahead.
   */
  long knownFrom() {
    return appendTime == Long.MAX_VALUE ? eventTime : Math.max(appendTime, eventTime);
  }

  void answer(int view, @Nullable Object[] features) {
    answers[view] = features;
  }

  /** Marks a question that cannot be answered; the first reason stays. */
  void reject(String reason) {
    if (rejection == null) {
      rejection = reason;
    }
  }

  /** Why the question cannot be answered, or null. */
  @Nullable String rejection() {
    return rejection;
  }

  /**
   * Notes that an entity has reported what is wrong with the fact, or will when it learns it: those
   * further on, which may not see the same, have nothing to report then.
   */
  void markReported() {
    reported = true;
  }

  boolean isReported() {
    return reported;
  }

  /** A copy that can be answered while this one stays as it is, in a snapshot for example. */
  Envelope toAnswer() {
    Envelope copy = as(roles, stream, values, answers.clone());
    copy.rejection = rejection;
    return copy;
  }

  /** The same event, in other roles or in another stream. */
  Envelope as(
      int otherRoles,
      int otherStream,
      @Nullable Object[] otherValues,
      @Nullable Object[] @Nullable [] otherAnswers) {
    return new Envelope(
        otherRoles | (reported ? REPORTED : 0),
        otherStream,
        eventTime,
        partition,
        offset,
        appendTime,
        idHash,
        payloadHash,
        aboutHash,
        otherValues,
        otherAnswers);
  }

  /** Event time, then stream and the place in its log. */
  @Override
  public int compareTo(Envelope other) {
    int byTime = Long.compare(eventTime, other.eventTime);
    if (byTime != 0) {
      return byTime;
    }
    int byStream = Integer.compare(stream, other.stream);
    if (byStream != 0) {
      return byStream;
    }
    int byPartition = Integer.compare(partition, other.partition);
    return byPartition != 0 ? byPartition : Long.compare(offset, other.offset);
  }
}
