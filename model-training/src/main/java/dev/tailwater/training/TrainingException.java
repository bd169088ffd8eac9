package dev.tailwater.training;

/** No model can be trained from this data. The message names what is wrong and the next step. */
public final class TrainingException extends Exception {
  public TrainingException(String message) {
    super(message);
  }

  public TrainingException(String message, Throwable cause) {
    super(message, cause);
  }
}
