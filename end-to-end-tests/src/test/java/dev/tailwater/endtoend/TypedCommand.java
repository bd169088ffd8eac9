package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.cli.Main;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

/** The command as somebody types it, in this JVM and a home folder of its own. */
final class TypedCommand {

  static final Path FRAUD_EXAMPLE =
      Path.of("..", "feature-definitions", "examples", "fraud").toAbsolutePath().normalize();

  private final Path home;

  TypedCommand(Path home) {
    this.home = home;
  }

  /**
   * What became of it.
   *
   * @param out standard output
   * @param err standard error
   */
  record Outcome(int code, String out, String err) {

    /** It failed with a message for a person, in which these texts stand. */
    Outcome failsSaying(String... texts) {
      assertThat(code).as(err).isEqualTo(Main.FAILED);
      return says(texts);
    }

    /** The command line itself was wrong. */
    Outcome isWrongUsageSaying(String... texts) {
      assertThat(code).as(err).isEqualTo(Main.WRONG_USAGE);
      return says(texts);
    }

    Outcome succeedsSaying(String... texts) {
      assertThat(code).as(err).isEqualTo(Main.OK);
      return says(texts);
    }

    private Outcome says(String... texts) {
      assertThat(err).contains(texts).doesNotContain("\tat ", "Exception", "java.");
      return this;
    }
  }

  Outcome run(Object... words) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    String[] arguments = new String[words.length];
    for (int i = 0; i < words.length; i++) {
      arguments[i] = words[i].toString();
    }
    int code =
        Main.run(
            arguments,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            Map.of("TAILWATER_HOME", home.toString()),
            false);
    return new Outcome(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
