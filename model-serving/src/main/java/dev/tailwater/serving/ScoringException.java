package dev.tailwater.serving;

/** Why a row has no score. */
public final class ScoringException extends Exception {

  /** The closed list of reasons, for metrics and for the reason of a FALLBACK outcome. */
  public enum Reason {
    /** The model failed on this row, also when it was alone in its batch. */
    MODEL_FAILED,
    /** The model answered NaN or an infinity, for example because an input was missing. */
    NOT_FINITE,
    /** The vector does not have the model's input length. */
    WRONG_LENGTH,
    /** The queue had no room: more rows arrive than the model can score. */
    QUEUE_FULL,
    /** The batcher was closed before the row was scored. */
    CLOSED
  }

  private final Reason reason;

  public ScoringException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public ScoringException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
