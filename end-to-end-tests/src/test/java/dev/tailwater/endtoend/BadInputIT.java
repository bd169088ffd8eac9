package dev.tailwater.endtoend;

import static dev.tailwater.endtoend.TypedCommand.FRAUD_EXAMPLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.cli.LoadedProject;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.serving.InvalidModelException;
import dev.tailwater.serving.ModelMetadata;
import dev.tailwater.serving.ModelRepository;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bad input that only shows once servers or jobs run. */
class BadInputIT {

  private static final String HISTORY =
      """
      transaction_id,tx_time,customer_id,terminal_id,tx_amount
      a,2026-01-01 10:00:00,c1,t1,10.5
      b,2026-01-01 11:00:00,c1,t1,20.5
      """;
  private static final String SPINE =
      """
      note,customer_id,event_time
      last,c1,2026-01-02 10:00:00
      first,c1,2026-01-01 10:00:00
      """;

  private final Path folder;
  private final Path home;
  private final TypedCommand command;

  BadInputIT(@TempDir Path folder) {
    this.folder = folder;
    this.home = folder.resolve("home");
    this.command = new TypedCommand(home);
  }

  @Test
  void aBrokenLineIsNamedWithItsPlaceAndNothingElseIsLost() throws IOException {
    Path history = write("history.csv", HISTORY + "broken line\nc,2026-01-01 12:00:00,c1,t1,5\n");
    Path out = folder.resolve("out.csv");

    trainingSet(write("spine.csv", SPINE), history, out)
        .succeedsSaying(
            "1 record was left out (1 UNDECODABLE)",
            history + ", record 3 after the header: UNDECODABLE: ");

    assertThat(Files.readAllLines(out)).hasSize(3);
    assertThat(column(out, "customer_spend.tx_count_7d")).containsExactly("3", "1");
    assertThat(column(out, "customer_spend.amount_avg_7d")).containsExactly("12.0", "10.5");
  }

  @Test
  void everyKindOfRefusedRecordIsCountedAndTheFirstAreTold() throws IOException {
    StringBuilder lines = new StringBuilder(HISTORY);
    lines.append("c,2026-01-09 10:00:00,c1,t1,5\n");
    for (int i = 0; i < 7; i++) {
      lines.append("late").append(i).append(",2026-01-01 10:00:00,c1,t1,5\n");
    }
    lines.append("n,2026-01-09 10:00:00,c1,t1,-5\n");
    Path history = write("history.csv", lines.toString());

    TypedCommand.Outcome outcome =
        trainingSet(write("spine.csv", SPINE), history, folder.resolve("out.csv"))
            .succeedsSaying("8 records were left out (1 EXPECTATION, 7 LATE)", "The first:");

    assertThat(outcome.err().lines().filter(line -> line.contains("after the header"))).hasSize(5);
  }

  @Test
  void aBrokenRowOfTheSpineIsNamedAndTheOthersAreAnswered() throws IOException {
    Path spine = write("spine.csv", SPINE + "broken,c1,yesterday\nnobody,c2,2026-01-01 10:00:00\n");
    Path out = folder.resolve("out.csv");

    trainingSet(spine, write("history.csv", HISTORY), out)
        .succeedsSaying(
            "1 record was left out",
            spine + ", record 3 after the header: UNDECODABLE: ",
            "'yesterday'");

    assertThat(column(out, "note")).containsExactly("last", "first", "nobody");
    assertThat(column(out, "customer_spend.tx_count_7d")).containsExactly("2", "1", "0");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"kafka_port,Kafka", "redis_port,Redis", "web_port,Flink's web page"})
  void aPortThatIsFixedAndTakenIsNamed(String key, String server) throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = taken.getLocalPort();
      Path environment = write("tailwater.yaml", "local: {" + key + ": " + port + "}\n");

      command
          .run("up", FRAUD_EXAMPLE, "--environment", environment)
          .failsSaying(
              "port " + port + " of 127.0.0.1 is taken, so " + server + " cannot listen there",
              "stop the process that uses it");
      assertThat(home.resolve("run.json")).doesNotExist();
    }
  }

  @Test
  void aFileThatIsNoModelIsNeitherRegisteredNorServed() throws Exception {
    byte[] text = "this is not a model".getBytes(StandardCharsets.UTF_8);
    ModelPlan fraud = LoadedProject.load(FRAUD_EXAMPLE).plan().models().get(0);
    List<String> inputs = fraud.vector().stream().map(ModelPlan.Element::name).toList();
    Path models = home.resolve("models");
    ModelRepository repository = ModelRepository.open(models);
    ModelMetadata metadata =
        new ModelMetadata(inputs, fraud.version(), Instant.EPOCH, Instant.EPOCH, Map.of());
    assertThatThrownBy(() -> repository.register("fraud", text, metadata))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining("model 'fraud': not an ONNX file");

    // Put there by hand, with everything else in order.
    Path version = Files.createDirectories(models.resolve("fraud").resolve("1"));
    Files.write(version.resolve("model.onnx"), text);
    Files.writeString(
        version.resolve("metadata.json"),
        """
        {"model": "fraud", "version": 1, "sha256": "%s", "size_bytes": %d,
         "inputs": ["%s"], "definition_version": "%s",
         "trained_from": "2026-01-01T00:00:00Z", "trained_until": "2026-01-02T00:00:00Z",
         "metrics": {}}
        """
            .formatted(
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text)),
                text.length,
                String.join("\", \"", inputs),
                fraud.version()));
    repository.promote("fraud", 1);
    command
        .run("up", FRAUD_EXAMPLE)
        .failsSaying("fraud@1 cannot be served: not an ONNX file", "promote another version");
    assertThat(home.resolve("run.json")).doesNotExist();

    Files.writeString(version.resolve("model.onnx"), "changed since");
    command
        .run("up", FRAUD_EXAMPLE)
        .failsSaying("model.onnx: the file of fraud@1 cannot be served", "13 bytes, 19 were");
  }

  @Test
  void sqlRefusesToWriteUnlessAskedToAndNamesWhatIsWrongWithAStatement() throws Exception {
    Lake lake = Lake.local(home.resolve("stack").resolve("lake"));
    FeatureGraph.layouts(LoadedProject.load(FRAUD_EXAMPLE).plan())
        .forEach(lake::ensureFeatureTable);

    String readOnly = "sql is read-only";
    command.run("sql", "DROP TABLE features.customer_spend").failsSaying(readOnly, "--write");
    command
        .run("sql", "INSERT INTO features.a SELECT * FROM features.customer_spend")
        .failsSaying("not valid", "SHOW TABLES");
    command.run("sql", "SELEC 1").failsSaying("the statement is not valid", "correct it");
    command.run("sql", "SELECT * FROM features.nothing").failsSaying("not found", "SHOW TABLES");
    command.run("sql", "SELECT 1; SELECT 2").failsSaying("only single statement supported");
    assertThat(command.run("sql", "SHOW TABLES IN features").out()).contains("customer_spend");
  }

  private TypedCommand.Outcome trainingSet(Path spine, Path history, Path out) {
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
        out);
  }

  private Path write(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  /** One column of a file whose values hold no commas. */
  private static List<String> column(Path csv, String name) throws IOException {
    List<List<String>> rows =
        Files.readAllLines(csv).stream().map(line -> List.of(line.split(",", -1))).toList();
    int position = rows.get(0).indexOf(name);
    return rows.stream().skip(1).map(row -> row.get(position)).toList();
  }
}
