package dev.tailwater.definitions;

import java.util.List;
import java.util.stream.Collectors;

/** A project that cannot be run, with everything that is wrong with it. */
public final class InvalidProjectException extends RuntimeException {

  private static final int LISTED = 100;

  private final List<Problem> problems;

  /**
   * @param problems at least one, in the order of files and lines
   */
  public InvalidProjectException(List<Problem> problems) {
    super(message(problems));
    this.problems = List.copyOf(problems);
  }

  /** All problems, in the order of files and lines. */
  public List<Problem> problems() {
    return problems;
  }

  private static String message(List<Problem> problems) {
    String title = problems.size() == 1 ? "1 problem" : problems.size() + " problems";
    String rest = problems.size() > LISTED ? "\n  and " + (problems.size() - LISTED) + " more" : "";
    return problems.stream()
        .limit(LISTED)
        .map(problem -> "\n  " + problem)
        .collect(Collectors.joining("", title, rest));
  }
}
