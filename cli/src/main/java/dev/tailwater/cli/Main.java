package dev.tailwater.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.Map;
import picocli.CommandLine;

/**
 * The {@code tailwater} command. Exit codes: 0 done, 1 failed (one message says why), 2 wrong
 * usage.
 */
public final class Main {

  /** Done. */
  public static final int OK = 0;

  /** Failed; one message on standard error says why. */
  public static final int FAILED = 1;

  /** The command line itself is wrong; the usage is shown. */
  public static final int WRONG_USAGE = 2;

  private Main() {}

  public static void main(String[] arguments) {
    // Libraries leave threads behind that would keep the process alive.
    System.exit(run(arguments, System.out, System.err, System.getenv(), System.console() != null));
  }

  /**
   * Runs one command in this JVM and returns its exit code.
   *
   * @param environment the environment variables to go by
   * @param interactive whether standard error is a terminal
   */
  public static int run(
      String[] arguments,
      PrintStream out,
      PrintStream err,
      Map<String, String> environment,
      boolean interactive) {
    TailwaterCommand command =
        new TailwaterCommand(new Console(out, err, interactive), environment);
    PrintWriter results = new PrintWriter(out, true);
    PrintWriter messages = new PrintWriter(err, true);
    int exitCode = commandLine(command).setOut(results).setErr(messages).execute(arguments);
    // Suggestions are written without the end of a line, which is what flushes.
    results.flush();
    messages.flush();
    return exitCode;
  }

  static CommandLine commandLine(TailwaterCommand command) {
    return new CommandLine(command)
        .setExecutionExceptionHandler(
            (failure, commandLine, result) -> command.failed(failure, commandLine))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(true);
  }
}
