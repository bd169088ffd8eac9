package dev.tailwater.cli;

/** The command line asks for something that cannot be asked for in this way. */
final class WrongUsageException extends RuntimeException {

  private static final long serialVersionUID = 1;

  WrongUsageException(String message) {
    super(message);
  }
}
