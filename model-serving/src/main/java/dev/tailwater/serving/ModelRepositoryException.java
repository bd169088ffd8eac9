package dev.tailwater.serving;

import java.io.IOException;

/**
 * The repository's files cannot be read or written. The message names the file and the next step.
 */
public final class ModelRepositoryException extends IOException {
  public ModelRepositoryException(String message) {
    super(message);
  }

  public ModelRepositoryException(String message, Throwable cause) {
    super(message, cause);
  }
}
