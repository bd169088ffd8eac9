package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {

  private final Path directory;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  MainTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void aValidProjectIsDescribed() {
    assertThat(run("validate", fraudExample().toString())).isEqualTo(Main.OK);
    assertThat(out()).contains("is valid: 2 streams, 2 entities, 3 feature views", "1 model");
  }

  @Test
  void theDescriptionIsOneJsonObject() {
    assertThat(run("validate", fraudExample().toString(), "--json")).isEqualTo(Main.OK);
    assertThat(out()).startsWith("{\"valid\":true,").contains("\"customer_spend\"");
  }

  @Test
  void theTestsOfTheExamplePass() {
    assertThat(run("check", fraudExample().toString(), "--verbose")).isEqualTo(Main.OK);

    assertThat(out())
        .contains(
            "ok     customer_spend: spend counts the payments in its windows",
            "refused: tests.yaml:",
            "EXPECTATION: amount_positive",
            "no test is about view terminal_traffic",
            "0 failed");
  }

  @Test
  void aTestThatFailsShowsWhatWasExpectedAndWhatWas() throws Exception {
    Path project = Files.createDirectories(directory.resolve("project"));
    for (String file : List.of("transaction.avsc", "fraud-report.avsc", "streams.yaml")) {
      Files.copy(fraudExample().resolve(file), project.resolve(file));
    }
    Files.writeString(
        project.resolve("customer.yaml"),
        """
        kind: entity
        name: customer
        key: {customer_id: string}
        ---
        kind: feature-view
        name: spend
        entity: customer
        from: transactions
        features:
          tx_count: {count: "*", over: 1d}
        ---
        kind: test
        view: spend
        given:
          - {at: "10:00", customer_id: ann, tx_amount: 10}
        expect:
          - {at: "09:59:59.999", customer_id: ann, tx_count: 0}
          - {at: "10:00", customer_id: ann, tx_count: 2}
        """);

    assertThat(run("check", project.toString())).isEqualTo(Main.FAILED);
    assertThat(out().lines())
        .containsSequence(
            "FAILED spend: spend (customer.yaml:12)",
            "  customer.yaml:18: at 2026-01-01T10:00:00.000Z, customer_id=ann",
            "    tx_count: expected 2, was 1")
        .last()
        .asString()
        .startsWith("0 passed, 1 failed, in ");
    assertThat(run("check", project.toString(), "--json")).isEqualTo(Main.FAILED);
    assertThat(out()).contains("\"failed\":1", "tx_count: expected 2, was 1");
  }

  @Test
  void everyProblemOfAProjectIsListedWithoutAStackTrace() throws Exception {
    Path project = Files.createDirectories(directory.resolve("project"));
    Files.copy(fraudExample().resolve("transaction.avsc"), project.resolve("transaction.avsc"));
    Files.writeString(
        project.resolve("features.yaml"),
        """
        kind: stream
        name: transactions
        topic: transactions
        schema: transaction.avsc
        event_time: tx_tme
        ---
        kind: entity
        name: customer
        key: {customer_id: string}
        ---
        kind: feature-view
        name: customer_spend
        entity: custmer
        from: transactions
        features:
          tx_count: {count: "*", over: 7x}
        """);

    assertThat(run("validate", project.toString())).isEqualTo(Main.FAILED);

    assertThat(err())
        .contains("features.yaml:5", "'tx_tme'", "features.yaml:13", "'custmer'")
        .doesNotContain("\tat ");
    assertThat(err().lines().count()).isGreaterThan(2);
  }

  @Test
  void aProjectWithoutStreamsIsAClearError() throws Exception {
    Path project = Files.createDirectories(directory.resolve("empty"));

    assertThat(run("validate", project.toString())).isEqualTo(Main.FAILED);
    assertThat(err()).contains("stream").doesNotContain("\tat ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "unknown",
        "validate",
        "validate a b",
        "demo --transactions many",
        "training-set p --out o.csv",
        "completion fish"
      })
  void wrongUsageEndsWithTwo(String arguments) {
    assertThat(run(arguments.isEmpty() ? new String[0] : arguments.split(" ")))
        .isEqualTo(Main.WRONG_USAGE);
    assertThat(err()).contains("Usage: tailwater").doesNotContain("\tat ");
  }

  @Test
  void aTrainingSetNeedsAModelOrViews() {
    assertThat(
            run(
                "training-set",
                fraudExample().toString(),
                "--spine",
                "spine.csv",
                "--out",
                directory.resolve("out.csv").toString()))
        .isEqualTo(Main.WRONG_USAGE);
    assertThat(err()).contains("give either --model M or --views A,B");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--model m --out o.csv",
        "--model m --out-table t",
        "--model m --tag t",
        "--model m --label l",
        "--model m --spine s.csv",
        "--spine-sql SELECT",
        "--views v"
      })
  void bothTruthsOfATrainingSetAreComparedAndNothingIsWritten(String others) {
    assertThat(run(("training-set p --as-true --as-served " + others).split(" ")))
        .isEqualTo(Main.WRONG_USAGE);
    assertThat(err()).contains("compare and write no set").doesNotContain("\tat ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--from never --to 2026-01-01 | --from: 'never' is not a timestamp",
        "--from 2026-01-02 --to 2026-01-01 | --from 2026-01-02 is not before --to 2026-01-01"
      })
  void aRangeWithoutAnInstantIsWrongUsage(String example) {
    String[] parts = example.split(" \\| ");

    assertThat(
            run(
                ("training-set " + fraudExample() + " --model fraud --out o.csv " + parts[0])
                    .split(" ")))
        .isEqualTo(Main.WRONG_USAGE);
    assertThat(err()).contains(parts[1]).doesNotContain("\tat ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "train FRAUD fraud --hold-out 5 | --hold-out is 5.0; give a share between 0 and 1",
        "train FRAUD fraud --max-rows 0 | --max-rows is 0; give a number from 1 on",
        "score FRAUD fraud --threshold NaN | --threshold is NaN; give a score, as in 0.5",
        "replay FRAUD --from x | 'x' is not a timestamp"
      })
  void refusesANumberThatCannotBeMeantBeforeAnythingRuns(String line) {
    String[] parts = line.split(" \\| ");

    assertThat(run(parts[0].replace("FRAUD", fraudExample().toString()).split(" ")))
        .isEqualTo(Main.WRONG_USAGE);
    assertThat(err()).contains(parts[1]).doesNotContain("\tat ");
  }

  @Test
  void anEmptyNameIsNoProject() {
    assertThat(run("validate", "")).isEqualTo(Main.FAILED);
    assertThat(err()).contains("'' names no folder; name the folder");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "validate missing-folder | missing-folder: there is no such folder",
        "plan FRAUD --home pom.xml | pom.xml is not a folder; give --home",
        "tables missing-folder | missing-folder: there is no such folder",
        "maintain missing-folder | missing-folder: there is no such folder",
        "get FRAUD customer_spend customer_id=a | no stack runs in",
        "get FRAUD no_such_view customer_id=a | no stack runs in",
        "train FRAUD no_such_model | has no model 'no_such_model'; it has fraud",
        "training-set FRAUD --views a --spine s.csv --out o.csv | has no feature view 'a'",
        "training-set FRAUD --model fraud --as-true --as-served | there is no lake in",
        "training-set FRAUD --model fraud --as-served --out o.csv | there is no lake in",
        "train FRAUD fraud --history nothing=a.csv | has no stream 'nothing'",
        "train FRAUD fraud --environment missing.yaml | missing.yaml: there is no such file",
        "sql SHOW | there is no lake in",
        "demo --rate 0 | --rate is 0; give a number from 1 to 20000"
      })
  void aFailureIsOneMessageWithTheNextStep(String example) {
    String[] parts = example.split(" \\| ");
    String[] arguments = parts[0].replace("FRAUD", fraudExample().toString()).split(" ");

    assertThat(run(arguments)).isEqualTo(Main.FAILED);
    assertThat(err()).contains(parts[1]).doesNotContain("\tat ");
  }

  @Test
  void helpAndCompletionAreData() {
    assertThat(run("help")).isEqualTo(Main.OK);
    assertThat(out()).contains("validate", "up", "demo", "train", "get", "sql", "training-set");
    assertThat(run("completion", "bash")).isEqualTo(Main.OK);
    assertThat(out()).contains("complete -F");
  }

  @Test
  void whatOnlyReadsLeavesNothingBehind() throws IOException {
    run("validate", fraudExample().toString());
    run("help");

    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left.toList()).isEqualTo(List.of());
    }
  }

  private int run(String... arguments) {
    return Main.run(
        arguments,
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        Map.of("TAILWATER_HOME", directory.resolve("home").toString()),
        false);
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private static Path fraudExample() {
    return Path.of("..", "feature-definitions", "examples", "fraud");
  }
}
