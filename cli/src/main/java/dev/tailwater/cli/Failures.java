package dev.tailwater.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** Turns a failure into the one message that is shown for it. */
final class Failures {

  private Failures() {}

  /**
   * One message for a failure: that of the nearest cause which was written for a reader, otherwise
   * that of the innermost cause, which is closest to what happened. Never empty, never a stack
   * trace.
   */
  static String describe(Throwable failure) {
    Throwable innermost = failure;
    Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Throwable cause = failure; cause != null && seen.add(cause); cause = cause.getCause()) {
      if (cause instanceof CommandFailedException
          || (isOurs(cause) && hasText(cause.getMessage()))) {
        return text(cause);
      }
      if (!(cause instanceof ExecutionException || cause instanceof CompletionException)
          && (hasText(cause.getMessage()) || cause.getCause() == null)) {
        innermost = cause;
      }
    }
    return text(innermost);
  }

  /** Exceptions of this project carry messages that name thing, value, reason and next step. */
  private static boolean isOurs(Throwable cause) {
    if (cause.getClass().getName().startsWith("dev.tailwater.")) {
      return true;
    }
    // Bad arguments are reported with the platform's own exceptions, from our own code.
    StackTraceElement[] trace = cause.getStackTrace();
    return (cause instanceof IllegalArgumentException
            || cause instanceof IllegalStateException
            || cause instanceof IOException)
        && trace.length > 0
        && trace[0].getClassName().startsWith("dev.tailwater.");
  }

  private static String text(Throwable failure) {
    String message = failure.getMessage();
    if (failure instanceof NoSuchFileException) {
      return message + ": there is no such file or folder; check the path";
    }
    if (failure instanceof AccessDeniedException) {
      return message + ": access is denied; check the permissions of the file or folder";
    }
    if (failure instanceof NotDirectoryException) {
      return message + ": is not a folder; name a folder";
    }
    if (failure instanceof FileAlreadyExistsException) {
      return message + ": exists already; remove it or choose another name";
    }
    if (failure instanceof OutOfMemoryError) {
      return "out of memory ("
          + message
          + "); set TAILWATER_HEAP to a larger heap, as in TAILWATER_HEAP=3g";
    }
    if (failure instanceof LinkageError || failure instanceof ClassNotFoundException) {
      return "the build is not complete ("
          + failure
          + "); delete the folder cli/target/tailwater and run the command again";
    }
    if (message != null && !message.isBlank()) {
      return message;
    }
    return failure.getClass().getSimpleName() + " without a message";
  }

  private static boolean hasText(@Nullable String text) {
    return text != null && !text.isBlank();
  }
}
