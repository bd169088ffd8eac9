package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.Lake;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training sets in tables of the lake, from histories that are files. */
class TrainingSetIT {

  private static final String PROJECT = "../feature-definitions/examples/fraud";

  private static final String TRANSACTIONS =
      """
      transaction_id,tx_time,customer_id,terminal_id,tx_amount
      a,2026-01-01 10:00:00,c1,t1,10.5
      b,2026-01-01 11:00:00,c1,t1,20.5
      c,2026-01-03 10:00:00,c1,t1,5
      d,2026-01-03 10:00:00,c2,t1,0.1
      """;

  private static final String SPINE =
      """
      note,customer_id,event_time,is_fraud,amount
      "later, all",c1,2026-01-03T10:00:00Z,true,1.5
      nobody,c9,2026-01-03T10:00:00Z,false,
      broken,c1,never,false,2
      first,c1,2026-01-01 10:00:00,false,3
      """;

  private Path directory;
  private Path history;

  @BeforeEach
  void aLakeAndAHistory(@TempDir Path folder) throws IOException {
    directory = folder;
    Lake.local(new TailwaterHome(directory).stack().resolve("lake"));
    history = write("transactions.csv", TRANSACTIONS);
  }

  @Test
  void aTagNamesOneSetForEverThoughTheNextOneHasOtherColumns() throws IOException {
    Path spine = write("spine.csv", SPINE);
    Outcome first =
        trainingSet("--spine", spine, "--out-table", "spend", "--tag", "v1", "--label", "is_fraud");
    assertThat(first.code()).as(first.err()).isEqualTo(Main.OK);
    assertThat(first.out())
        .contains(
            "customer_spend.tx_count_7d", "label is_fraud: 33.33 % positive (1 of 3 labelled");
    assertThat(first.err())
        .contains("1 record was left out (1 UNDECODABLE)", "training.spend@v1: 3 rows ×");

    Outcome again = trainingSet("--spine", spine, "--out-table", "spend", "--tag", "v1");
    assertThat(again.code()).isEqualTo(Main.FAILED);
    assertThat(again.err()).contains("already has the tag v1").doesNotContain("\tat ");

    Path other = write("other.csv", "city,customer_id,event_time\nRome,c2,2026-01-04T00:00:00Z\n");
    Outcome second = trainingSet("--spine", other, "--out-table", "spend");
    assertThat(second.code()).as(second.err()).isEqualTo(Main.OK);

    assertThat(rows("SELECT * FROM training.spend"))
        .singleElement()
        .asString()
        .contains("\"note\":null", "\"city\":\"Rome\"", "\"customer_spend__tx_count_7d\":1");
    Path clash =
        write("clash.csv", "amount,customer_id,event_time\nmuch,c2,2026-01-04T00:00:00Z\n");
    assertThat(trainingSet("--spine", clash, "--out-table", "spend").err())
        .contains("Column amount of table", "is a double, but is a STRING");
    assertThat(
            rows(
                "SELECT spine_row, note, amount, customer_spend__tx_count_7d AS n FROM training.spend /*+ OPTIONS('tag'='v1') */ ORDER BY spine_row"))
        .containsExactly(
            "{\"spine_row\":0,\"note\":\"later, all\",\"amount\":1.5,\"n\":3}",
            "{\"spine_row\":1,\"note\":\"nobody\",\"amount\":null,\"n\":0}",
            "{\"spine_row\":3,\"note\":\"first\",\"amount\":3.0,\"n\":1}");

    assertEqualRebuild("spend@v1", "rebuilt bit for bit: 3 rows × 8 features");
    assertEqualRebuild("spend", "rebuilt bit for bit: 1 rows × 8 features");
    assertThat(rebuild("spend@v9").err()).contains("has no tag v9; it has [v1]");
  }

  @Test
  void aRebuildNeedsTheSameFilesAndDefinitionsAndSeesWhatWasChanged() throws IOException {
    Outcome made =
        trainingSet("--spine", write("spine.csv", SPINE), "--out-table", "spend", "--tag", "v1");
    assertThat(made.code()).as(made.err()).isEqualTo(Main.OK);

    Outcome without = run("training-set", PROJECT, "--rebuild", "spend");
    assertThat(without.code()).isEqualTo(Main.FAILED);
    assertThat(without.err()).contains("--history transactions=FILE", "SHA-256");

    Path changed = copyOfProject();
    Path view = changed.resolve("customer.yaml");
    Files.writeString(view, Files.readString(view).replace("amount_max: {max", "amount_max: {min"));
    Outcome otherwise =
        run("training-set", changed, "--rebuild", "spend", "--history", "transactions=" + history);
    assertThat(otherwise.code()).isEqualTo(Main.FAILED);
    assertThat(otherwise.err())
        .contains("feature customer_spend.amount_max means something else")
        .doesNotContain("night_sum");

    Outcome tampered =
        run(
            "sql",
            "--write",
            "INSERT OVERWRITE training.spend SELECT spine_row, note, customer_id, event_time, is_fraud, amount, customer_spend__amount_avg_1d, customer_spend__amount_avg_7d, customer_spend__amount_avg_30d, customer_spend__amount_max, customer_spend__night_sum, customer_spend__tx_count_1d, customer_spend__tx_count_7d + CASE WHEN spine_row = 3 THEN 1 ELSE 0 END, customer_spend__tx_count_30d FROM training.spend WHERE spine_row > 0");
    assertThat(tampered.code()).as(tampered.err()).isEqualTo(Main.OK);
    Outcome found = rebuild("spend");
    assertThat(found.code()).isEqualTo(Main.FAILED);
    assertThat(found.out())
        .contains(
            "1 of 2 rows differ",
            "the set was written with 3 rows",
            "row 3: customer_spend__tx_count_7d is stored as 2, and computed as 1");
    assertThat(rebuild("spend@v1").code()).isEqualTo(Main.OK);

    Files.writeString(history, "e,2026-01-01 10:00:00,c1,t1,1\n", StandardOpenOption.APPEND);
    assertThat(rebuild("spend@v1").err())
        .contains("is not the file that training.spend@v1 was made of");
  }

  @Test
  void theRowsCanComeFromSqlOverTheStreamsAsTheyAreAccepted() throws IOException {
    write("bad.csv", TRANSACTIONS + "e,2026-01-04 10:00:00,c1,t1,-1\nf,when,c1,t1,1\n");
    history = directory.resolve("bad.csv");
    Path out = directory.resolve("out.csv");
    Outcome outcome =
        trainingSet(
            "--spine-sql",
            "SELECT customer_id, MAX(_event_time) AS event_time, COUNT(*) AS n FROM streams.transactions WHERE NOT is_night GROUP BY customer_id;",
            "--out",
            out);
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(Main.OK);
    assertThat(Files.readAllLines(out))
        .anyMatch(line -> line.startsWith("c1,2026-01-03T10:00:00.000Z,3,5.0,12.0,"))
        .anyMatch(line -> line.startsWith("c2,2026-01-03T10:00:00.000Z,1,0.1,0.1,"))
        .hasSize(3);

    assertThat(trainingSet("--spine-sql", "SELECT 1 AS event_time", "--out", out).err())
        .contains("event_time of type TIMESTAMP");
    assertThat(trainingSet("--spine-sql", "DROP TABLE a", "--out", out).err())
        .contains("is a query and nothing else");
  }

  private Outcome trainingSet(Object... rest) {
    List<Object> arguments = new ArrayList<>(List.of("training-set", PROJECT));
    arguments.addAll(List.of("--views", "customer_spend", "--history", "transactions=" + history));
    arguments.addAll(List.of(rest));
    return run(arguments.toArray());
  }

  private void assertEqualRebuild(String set, String message) {
    Outcome outcome = rebuild(set);
    assertThat(outcome.code()).as(outcome.err() + outcome.out()).isEqualTo(Main.OK);
    assertThat(outcome.out()).contains(message);
  }

  private Outcome rebuild(String set) {
    return run("training-set", PROJECT, "--rebuild", set, "--history", "transactions=" + history);
  }

  private List<String> rows(String statement) {
    Outcome outcome = run("sql", "--json", statement);
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(Main.OK);
    return outcome.out().lines().toList();
  }

  private Path copyOfProject() throws IOException {
    Path copy = Files.createDirectories(directory.resolve("copy/fraud"));
    try (var files = Files.list(Path.of(PROJECT))) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    return copy;
  }

  private Path write(String name, String content) throws IOException {
    return Files.writeString(directory.resolve(name), content);
  }

  private Outcome run(Object... arguments) {
    return Outcome.of(directory, arguments);
  }
}
