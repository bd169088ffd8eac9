package dev.tailwater.cli;

import java.io.PrintStream;

/**
 * What a person sees. Data goes to standard output, so that it can be piped; progress and messages
 * go to standard error. Thread-safe.
 */
public final class Console {

  private final PrintStream out;
  private final PrintStream err;
  private final boolean interactive;
  private int liveLength;

  /**
   * A console on two streams.
   *
   * @param interactive whether a line can be rewritten in place: true on a terminal
   */
  public Console(PrintStream out, PrintStream err, boolean interactive) {
    this.out = out;
    this.err = err;
    this.interactive = interactive;
  }

  /** One line of the result. */
  public synchronized void print(String line) {
    endLive();
    out.println(line);
    out.flush();
  }

  /** One line about what is going on. */
  public synchronized void say(String line) {
    endLive();
    err.println(line);
    err.flush();
  }

  /**
   * The present state of something that takes time: the next live line replaces it on a terminal;
   * elsewhere it is left out, because a file needs no animation.
   */
  public synchronized void live(String line) {
    if (!interactive) {
      return;
    }
    err.print("\r" + line + " ".repeat(Math.max(0, liveLength - line.length())));
    err.flush();
    liveLength = line.length();
  }

  private void endLive() {
    if (liveLength > 0) {
      err.print("\r" + " ".repeat(liveLength) + "\r");
      liveLength = 0;
    }
  }
}
