package dev.tailwater.cli;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** {@code tailwater demo}: the whole loop, on a stack of its own that starts empty. */
final class DemoCommand {

  private final Session session;

  DemoCommand(Session session) {
    this.session = session;
  }

  /**
   * Runs the demo and then waits for Ctrl-C, so that the stack can be looked at.
   *
   * @param project the fraud example
   * @param wait false to stop the stack and return at once
   */
  int run(LoadedProject project, Demo.Settings settings, boolean wait, boolean json)
      throws Exception {
    Console console = session.console();
    Path directory = session.home().demo();
    LocalStack.requireNoneRunning(session.home());
    Folders.delete(directory);
    console.say("Tailwater demo: card payments, as in " + shown(project.directory()));
    console.say("0  The local stack, in " + shown(directory));
    try (LocalStack stack =
        LocalStack.start(
            session.home(),
            directory,
            project.directory(),
            directory.resolve("models"),
            EnvironmentConfig.local().withCheckpointInterval(CHECKPOINTS),
            console)) {
      try {
        Map<String, Object> figures =
            new Demo(session.home(), console, project, settings).run(stack);
        if (json) {
          console.print(Json.write(figures));
        }
        if (wait) {
          invite(project, stack);
          new CountDownLatch(1).await();
        }
        return Main.OK;
      } catch (Exception e) {
        if (stack.isStopping()) {
          new CountDownLatch(1).await(); // Ctrl-C: what fails because of it is not news.
        }
        throw e;
      }
    }
  }

  private void invite(LoadedProject project, LocalStack stack) {
    Console console = session.console();
    console.say("");
    console.say("Still running");
    console.say("  Flink's page  " + stack.webUrl());
    console.say("  Kafka         " + stack.log().bootstrapServers());
    console.say("  Redis         " + stack.redis());
    console.say("  Iceberg       " + shown(stack.lakeDirectory()));
    console.say("");
    console.say("Try next, in another terminal");
    console.say(
        "  ./tailwater get %s customer_spend customer_id=c-00042"
            .formatted(shown(project.directory())));
    console.say("  ./tailwater verify " + shown(project.directory()));
    console.say(
        "  ./tailwater sql \"SELECT outcome, COUNT(*) AS predictions, AVG(latency_ms) AS latency_ms FROM predictions.fraud GROUP BY outcome\"");
    console.say("  ./tailwater validate " + shown(project.directory()));
    console.say("");
    console.say("Ctrl-C stops everything.");
  }

  /** Paths below the current directory are shown from there, to be typed again. */
  private static String shown(Path path) {
    Path here = Path.of("").toAbsolutePath();
    Path absolute = path.toAbsolutePath().normalize();
    return absolute.startsWith(here) ? here.relativize(absolute).toString() : absolute.toString();
  }

  private static final java.time.Duration CHECKPOINTS = java.time.Duration.ofSeconds(5);
}
