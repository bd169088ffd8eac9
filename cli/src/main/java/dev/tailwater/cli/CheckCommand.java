package dev.tailwater.cli;

import dev.tailwater.checks.ProjectCheck;
import dev.tailwater.checks.ProjectCheck.Result;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code tailwater check}: do the features say what the project's tests expect of them. */
final class CheckCommand {

  private final Console console;

  CheckCommand(Console console) {
    this.console = console;
  }

  /**
   * Runs every test and prints those that failed; the others too, and what was refused, if asked.
   */
  int run(LoadedProject project, boolean verbose, boolean json) throws Exception {
    ProjectCheck check = new ProjectCheck(project.plan());
    if (project.definitions().tests().isEmpty()) {
      console.say(
          project.directory()
              + " has no tests; write some as documents of kind: test beside the definitions");
    }
    long start = System.nanoTime();
    List<Result> results = check.run(project.definitions());
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    long failed = results.stream().filter(result -> !result.passed()).count();
    if (json) {
      console.print(Json.write(description(results, failed)));
    } else {
      results.forEach(result -> print(result, verbose));
      if (verbose) {
        check
            .untested(project.definitions())
            .forEach(view -> console.print("no test is about view " + view));
      }
      console.print(
          "%d passed, %d failed, in %.1f s"
              .formatted(results.size() - failed, failed, took.toMillis() / 1000.0));
    }
    return failed == 0 ? Main.OK : Main.FAILED;
  }

  private void print(Result result, boolean verbose) {
    if (result.passed() && !verbose) {
      return;
    }
    console.print(
        "%s %s: %s (%s:%d)"
            .formatted(
                result.passed() ? "ok    " : "FAILED",
                result.test().view(),
                result.test().name(),
                result.test().file(),
                result.test().line()));
    result.problems().forEach(line -> console.print("  " + line));
    if (!result.passed() || verbose) {
      result.refused().forEach(line -> console.print("  refused: " + line));
    }
  }

  private static Map<String, Object> description(List<Result> results, long failed) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("passed", results.size() - failed);
    description.put("failed", failed);
    description.put("tests", results.stream().map(CheckCommand::description).toList());
    return description;
  }

  private static Map<String, Object> description(Result result) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("name", result.test().name());
    description.put("view", result.test().view());
    description.put("file", result.test().file());
    description.put("line", result.test().line());
    description.put("passed", result.passed());
    description.put("problems", result.problems());
    description.put("refused", result.refused());
    return description;
  }
}
