package dev.tailwater.serving;

/** A file that cannot be served. The message says what was found and what is needed. */
public final class InvalidModelException extends Exception {
  public InvalidModelException(String message) {
    super(message);
  }

  public InvalidModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
