package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.cli.Main;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The command verify on the project parity of a {@link LiveSystem}. */
final class Verification {

  static final Path PROJECT = Path.of("src/test/resources/projects/parity");

  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private final TypedCommand command;
  private final Path environment;

  Verification(LiveSystem system, Path folder) throws IOException {
    command = new TypedCommand(folder.resolve("home"));
    StringBuilder catalog = new StringBuilder();
    system
        .lake()
        .sqlCatalogProperties()
        .forEach(
            (key, value) -> {
              if (!key.equals("type")) {
                catalog.append("    ").append(key).append(": \"").append(value).append("\"\n");
              }
            });
    environment =
        Files.writeString(
            folder.resolve("environment.yaml"),
            "kafka:\n  bootstrap: %s\nredis:\n  uri: redis://127.0.0.1:%d\nlake:\n  catalog:\n%s"
                .formatted(system.log().bootstrapServers(), system.redis().port(), catalog));
  }

  /** Runs a command on the project. */
  TypedCommand.Outcome command(String name, Object... options) {
    List<Object> words = new ArrayList<>(List.of(name, PROJECT, "--environment", environment));
    words.addAll(Arrays.asList(options));
    return command.run(words.toArray());
  }

  TypedCommand.Outcome run(Object... options) {
    return command("verify", options);
  }

  /** Waits until nothing differs: until what was processed is committed. */
  void awaitEqual() {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    TypedCommand.Outcome outcome = run("--views", "card_spend,card_last,shop_risk");
    while (outcome.code() != Main.OK) {
      assertThat(System.nanoTime()).as(outcome.out() + outcome.err()).isLessThan(deadline);
      outcome = run("--views", "card_spend,card_last,shop_risk");
    }
  }

  /** Of one check of one view so many rows differ for each reason, as JSON. */
  static void assertCauses(TypedCommand.Outcome outcome, String view, String check, String causes) {
    String out = outcome.out();
    int ofView = out.indexOf("\"view\":\"" + view + "\"");
    int ofCheck = out.indexOf("\"" + check + "\":", ofView);
    String rest = out.substring(out.indexOf("\"causes\":", ofCheck) + "\"causes\":".length());
    assertThat(rest.substring(0, rest.indexOf('}') + 1))
        .as(view + " " + check + " in " + out)
        .isEqualTo(causes);
  }
}
