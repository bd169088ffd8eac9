package dev.tailwater.cli;

import org.jspecify.annotations.Nullable;

/**
 * A command could not do what it was asked, for a reason the person at the keyboard can act on. The
 * message names the thing, its value, the reason and the next step; it is all that is shown.
 */
public final class CommandFailedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  public CommandFailedException(String message) {
    super(message);
  }

  /** Keeps the cause for the log; the message must be complete without it. */
  public CommandFailedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
