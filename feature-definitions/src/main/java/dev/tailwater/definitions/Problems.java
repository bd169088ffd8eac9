package dev.tailwater.definitions;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Collects what is wrong while everything is read, so that all of it is reported at once. */
final class Problems {

  private final List<Problem> problems = new ArrayList<>();

  void add(Text at, String reason, String nextStep) {
    problems.add(new Problem(at.file(), at.line(), at.key(), at.value(), reason, nextStep));
  }

  void add(Problem problem) {
    problems.add(problem);
  }

  /**
   * @throws InvalidProjectException if anything was added
   */
  void throwIfAny() {
    if (!problems.isEmpty()) {
      throw new InvalidProjectException(
          problems.stream()
              .distinct()
              .sorted(Comparator.comparing(Problem::file).thenComparingInt(Problem::line))
              .toList());
    }
  }
}
