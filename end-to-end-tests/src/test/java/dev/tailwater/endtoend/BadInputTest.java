package dev.tailwater.endtoend;

import static dev.tailwater.endtoend.TypedCommand.FRAUD_EXAMPLE;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is wrong, one message names the thing, its value, the reason and the next step. */
class BadInputTest {

  private final Path folder;
  private final TypedCommand command;

  BadInputTest(@TempDir Path folder) {
    this.folder = folder;
    this.command = new TypedCommand(folder.resolve("home"));
  }

  // ---- projects

  @Test
  void sixMistakesInADefinitionAreAllListedAtOnce() throws IOException {
    Path project = Files.createDirectory(folder.resolve("project"));
    Files.copy(FRAUD_EXAMPLE.resolve("transaction.avsc"), project.resolve("transaction.avsc"));
    Files.writeString(
        project.resolve("features.yaml"),
        """
        kind: stream
        name: transactions
        schema: transaction.avsc
        event_time: tx_tme
        lateness: 1 day
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
          tx_count:   {count: "*", over: 7x}
          amount_avg: {avg: tx_amont, over: 7d}
        ---
        kind: model
        name: fraud
        ask: transactions
        vector: [tx_amount, customer_spend.*]
        fallback: 2
        """);

    TypedCommand.Outcome outcome = command.run("validate", project);

    outcome.failsSaying(
        "features.yaml:4: event_time: 'tx_tme'",
        "features.yaml:5: lateness: '1 day'",
        "features.yaml:13: entity: 'custmer'",
        "'7x'",
        "'tx_amont'",
        "features.yaml:23: fallback: '2'",
        "has 6 problems; correct them and run tailwater validate " + project);
    assertThat(outcome.err().lines()).hasSize(7);
  }

  @Test
  void aProjectWithoutStreamsSaysWhatAStreamIsWrittenLike() throws IOException {
    Path project = Files.createDirectory(folder.resolve("project"));
    command.run("validate", project).failsSaying(project.toString(), "stream");

    Files.writeString(
        project.resolve("customer.yaml"),
        "kind: entity\nname: customer\nkey: {customer_id: string}\n");
    command.run("validate", project).failsSaying("no stream", "kind: stream");
    command.run("up", project).failsSaying("no stream", "kind: stream");
  }

  @Test
  void aProjectFolderThatIsNotThereIsNamed() throws IOException {
    Path absent = folder.resolve("absent");
    String message = absent + ": there is no such folder; name the folder";
    command.run("validate", absent).failsSaying(message);
    command.run("up", absent).failsSaying(message);
    command.run("get", absent, "view", "key=1").failsSaying(message);

    Path file = Files.writeString(folder.resolve("project.yaml"), "kind: stream\n");
    command.run("validate", file).failsSaying(file + " is not a folder");
  }

  @Test
  void whatIsNotYamlIsNamedWithItsLine() throws IOException {
    Path project = Files.createDirectory(folder.resolve("project"));
    Files.writeString(project.resolve("broken.yaml"), "kind: stream\nname: [a, b\ntopic: c\n");
    command.run("validate", project).failsSaying("broken.yaml:3");

    Files.write(
        project.resolve("broken.yaml"), "name: \u00e4".getBytes(StandardCharsets.ISO_8859_1));
    command.run("validate", project).failsSaying("broken.yaml", "UTF-8");
  }

  // ---- files

  @Test
  void aMissingFileIsNamedBeforeAnythingRuns() throws IOException {
    Path spine = write("spine.csv", "customer_id,event_time\nc1,2026-01-01 10:00:00\n");
    Path absent = folder.resolve("absent.csv");
    trainingSet(spine, absent).failsSaying(absent.toString(), "there is no such file");
    trainingSet(absent, spine).failsSaying(absent.toString(), "there is no such file");
  }

  @Test
  void aWrongHeaderIsShownBesideTheOneThatIsNeeded() throws IOException {
    Path spine = write("spine.csv", "customer_id,event_time\nc1,2026-01-01 10:00:00\n");
    Path wrong = write("wrong.csv", "id,tx_time,amount\n1,2026-01-01 10:00:00,2\n");
    trainingSet(spine, wrong).failsSaying("wrong.csv", "amount", "transaction_id", "tx_amount");
    trainingSet(wrong, spine).failsSaying("wrong.csv", "event_time", "customer_id");
    trainingSet(write("empty.csv", ""), spine).failsSaying("empty.csv", "empty", "event_time");
  }

  @Test
  void aFileOfAnotherKindIsRefusedByItsEndingOrItsContent() throws IOException {
    Path spine = write("spine.csv", "customer_id,event_time\nc1,2026-01-01 10:00:00\n");
    trainingSet(spine, write("history.xlsx", "x")).failsSaying("history.xlsx", ".csv");
    trainingSet(spine, write("history.csv.gz", "plain")).failsSaying("history.csv.gz", "gzip");
    trainingSet(write("spine.parquet", "plain"), spine).failsSaying("spine.parquet", "Parquet");
  }

  @Test
  void aFolderThatIsNotThereIsNotWrittenTo() throws IOException {
    Path spine = write("spine.csv", "customer_id,event_time\nc1,2026-01-01 10:00:00\n");
    Path out = folder.resolve("absent").resolve("out.csv");
    command
        .run(
            "training-set",
            FRAUD_EXAMPLE,
            "--views",
            "customer_spend",
            "--spine",
            spine,
            "--history",
            "transactions=" + spine,
            "--out",
            out)
        .failsSaying("--out " + out, "there is no folder");
  }

  // ---- names

  @Test
  void anUnknownViewModelOrStreamIsAnsweredWithTheKnownOnes() throws IOException {
    Path redis = write("elsewhere.yaml", "redis: {uri: \"redis://127.0.0.1:1\"}\n");
    command
        .run("get", FRAUD_EXAMPLE, "customer_spent", "customer_id=a", "--environment", redis)
        .failsSaying("no feature view 'customer_spent'", "customer_spend, terminal_traffic");
    command
        .run("get", FRAUD_EXAMPLE, "customer_spend", "terminal_id=a", "--environment", redis)
        .isWrongUsageSaying("view customer_spend is about customer", "customer_id=VALUE");
    command.run("train", FRAUD_EXAMPLE, "frod").failsSaying("no model 'frod'", "it has fraud");
  }

  @Test
  void aRedisThatDoesNotAnswerIsNamed() throws IOException {
    Path redis = write("elsewhere.yaml", "redis: {uri: \"redis://127.0.0.1:1\"}\n");
    command
        .run("get", FRAUD_EXAMPLE, "customer_spend", "customer_id=a", "--environment", redis)
        .failsSaying("127.0.0.1:1", "Redis");
  }

  @Test
  void withoutAStackTheStoresCannotBeAsked() {
    command
        .run("get", FRAUD_EXAMPLE, "customer_spend", "customer_id=a")
        .failsSaying("no stack runs in " + folder.resolve("home"), "start one with tailwater up");
    command
        .run("sql", "SELECT 1")
        .failsSaying("there is no lake in " + folder.resolve("home"), "run tailwater demo");
    command
        .run("train", FRAUD_EXAMPLE, "fraud")
        .failsSaying("stream transactions has no history", "--history transactions=FILE");
  }

  @Test
  void anEnvironmentFileIsCheckedLikeADefinition() throws IOException {
    Path wrong = write("tailwater.yaml", "local: {kafka_port: ninety}\n");
    command
        .run("up", FRAUD_EXAMPLE, "--environment", wrong)
        .failsSaying(wrong.toString(), "local.kafka_port 'ninety'", "from 1 to 65535");
  }

  // ---- the command line

  @Test
  void anUnknownCommandOrOptionIsAnsweredWithTheUsage() {
    command.run("valdate").isWrongUsageSaying("'valdate'", "Did you mean: tailwater validate");
    command.run("validate", FRAUD_EXAMPLE, "--jsno").isWrongUsageSaying("--jsno");
    command.run("get", FRAUD_EXAMPLE).isWrongUsageSaying("VIEW");
    command.run("demo", "--seconds", "many").isWrongUsageSaying("--seconds", "many");
    command.run("get", FRAUD_EXAMPLE, "customer_spend", "customer_id").failsSaying("no stack runs");
  }

  private TypedCommand.Outcome trainingSet(Path spine, Path history) {
    return command.run(
        "training-set",
        FRAUD_EXAMPLE,
        "--views",
        "customer_spend",
        "--spine",
        spine,
        "--history",
        "transactions=" + history,
        "--out",
        folder.resolve("out.csv"));
  }

  private Path write(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }
}
