package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.FeatureGraph;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands as they are typed, on real servers. */
class CommandIT {

  private final Path directory;

  CommandIT(@TempDir Path directory) {
    this.directory = directory;
    System.setProperty("tailwater.root", Path.of("..").toAbsolutePath().normalize().toString());
  }

  @Test
  void theDemoClosesTheLoopAndItsLakeCanBeQueriedAfterwards() {
    Outcome demo =
        run(
            "demo",
            "--transactions",
            "14000",
            "--rate",
            "200",
            "--seconds",
            "5",
            "--seed",
            "7",
            "--no-wait",
            "--json");

    assertThat(demo.code()).as(demo.err()).isEqualTo(Main.OK);
    assertThat(figure(demo, "predictions")).isEqualTo(figure(demo, "live_transactions"));
    assertThat(figure(demo, "archived_predictions")).isEqualTo(figure(demo, "predictions"));
    assertThat(figure(demo, "transactions")).isEqualTo(14_000 + figure(demo, "live_transactions"));
    assertThat(figure(demo, "fraud_reports")).isEqualTo(figure(demo, "transactions"));
    assertThat(figure(demo, "dead_letters")).isZero();
    assertThat(figure(demo, "entities_different")).isZero();
    assertThat(figure(demo, "entities_equal")).isPositive();
    assertThat(figure(demo, "rows_different")).isZero();
    assertThat(figure(demo, "rows_equal")).isPositive();
    assertThat(new TailwaterHome(directory).runFile()).doesNotExist();

    Outcome count =
        run("sql", "--json", "SELECT COUNT(DISTINCT question_id) AS n FROM predictions.fraud");
    assertThat(count.code()).as(count.err()).isEqualTo(Main.OK);
    assertThat(figure(count, "n")).isEqualTo(figure(demo, "predictions"));

    Outcome write = run("sql", "DROP TABLE predictions.fraud");
    assertThat(write.code()).isEqualTo(Main.FAILED);
    assertThat(write.err()).contains("read-only").doesNotContain("\tat ");
  }

  @Test
  void aTrainingSetHasOneRowPerSpineRowInItsOrder() throws Exception {
    Path history =
        write(
            "transactions.csv",
            """
            transaction_id,tx_time,customer_id,terminal_id,tx_amount
            a,2026-01-01 10:00:00,c1,t1,10.5
            b,2026-01-01 11:00:00,c1,t1,20.5
            broken line
            c,2026-01-03 10:00:00,c1,t1,5
            """);
    Path spine =
        write(
            "spine.csv",
            """
            note,customer_id,event_time
            "later, all",c1,2026-01-03T10:00:00Z
            nobody,c2,2026-01-03T10:00:00Z
            first,c1,2026-01-01 10:00:00
            """);
    Path out = directory.resolve("out.csv");

    Outcome outcome =
        run(
            "training-set",
            "../feature-definitions/examples/fraud",
            "--views",
            "customer_spend",
            "--spine",
            spine.toString(),
            "--history",
            "transactions=" + history,
            "--out",
            out.toString());

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(Main.OK);
    String[] lines = Files.readString(out).split("\r?\n");
    assertThat(lines).hasSize(4);
    assertThat(lines[0])
        .startsWith("note,customer_id,event_time,")
        .contains("customer_spend.tx_count_7d");
    assertThat(value(lines, 1, "customer_spend.tx_count_1d")).isEqualTo("1");
    assertThat(value(lines, 1, "customer_spend.tx_count_7d")).isEqualTo("3");
    assertThat(value(lines, 1, "customer_spend.amount_avg_7d")).isEqualTo("12.0");
    assertThat(value(lines, 2, "customer_spend.tx_count_7d")).isEqualTo("0");
    assertThat(value(lines, 2, "customer_spend.amount_avg_7d")).isEmpty();
    assertThat(value(lines, 3, "customer_spend.tx_count_7d")).isEqualTo("1");
  }

  private static final String PAYMENTS =
      """
      {"transaction_id":"1","tx_time":"2026-03-02T10:00:00Z","customer_id":"ann","terminal_id":"t","tx_amount":10}
      {"transaction_id":"2","tx_time":"2026-03-02T10:30:00Z","customer_id":"ann","terminal_id":"t","tx_amount":5}
      {"transaction_id":"3","tx_time":"2026-03-02T10:30:00Z","customer_id":"bob","terminal_id":"t","tx_amount":5}
      {"transaction_id":"2","tx_time":"2026-03-02T10:30:00Z","customer_id":"ann","terminal_id":"t","tx_amount":5}
      {"transaction_id":"2","tx_time":"2026-03-02T10:30:00Z","customer_id":"ann","terminal_id":"t","tx_amount":6}
      {"transaction_id":"4","tx_time":"2026-03-02T10:31:00Z","customer_id":"ann","terminal_id":"t","tx_amount":-6}
      {"transaction_id":"5","tx_time":"2026-02-02T10:31:00Z","customer_id":"ann","terminal_id":"t","tx_amount":6}
      {"transaction_id":
      {"transaction_id":"6","tx_time":"2026-03-02T12:31:00Z","customer_id":"ann","terminal_id":"t","tx_amount":7}
      """;

  @Test
  void anExplanationNamesTheEventsOfEachWindowAndThoseThatDoNotCount() throws Exception {
    Path history = write("transactions.jsonl", PAYMENTS);

    Outcome explained = explain(history, "customer_id=ann", "--at", "2026-03-02T11:00:00Z");

    assertThat(explained.code()).as(explained.err()).isEqualTo(Main.OK);
    assertThat(explained.out())
        .contains(
            "customer_spend of customer ann at 2026-03-02T11:00:00.000Z: 2 events up to then, and 1 later",
            "  #1 2026-03-02T10:00:00.000Z transactions/0/0",
            "  #2 2026-03-02T10:30:00.000Z transactions/0/1",
            "amount_avg_1d = 7.5: avg of 2, (2026-03-01T11:00:00Z, 2026-03-02T11:00:00Z]: #1 10.0, #2 5.0",
            "night_sum = 0.0: sum of nothing that pass",
            "not counted: transactions/0/3 DUPLICATE",
            "not counted: transactions/0/4 CONFLICT",
            "not counted: transactions/0/5 EXPECTATION: amount_positive",
            "not counted: transactions/0/6 LATE",
            "1 of the records cannot be read");

    Outcome nobody = explain(history, "customer_id=eve");
    assertThat(nobody.code()).isEqualTo(Main.FAILED);
    assertThat(nobody.err())
        .contains(
            "customer eve has no event in this history; 1 of the records cannot be read, and may be"
                + " of any entity (the first: transactions/0/7, UNDECODABLE: ")
        .contains("; check the key and the stream's format")
        .doesNotContain("\tat ");
  }

  @Test
  void anExplanationOfRowsSaysWhatBecameOfThoseThatAreNoMore() throws Exception {
    Path history =
        write(
            "rows.jsonl",
            """
            {"op":"c","after":{"id":"r1","at":"2026-01-01T10:00:00Z","who":"ann","amount":1}}
            {"op":"u","before":{"id":"r1","at":"2026-01-01T10:00:00Z","who":"ann","amount":1},"after":{"id":"r1","at":"2026-01-01T10:00:00Z","who":"ann","amount":2}}
            {"op":"c","after":{"id":"r2","at":"2026-01-01T10:09:00Z","who":"ann","amount":4}}
            {"op":"d","before":{"id":"r2","at":"2026-01-01T10:09:00Z","who":"ann","amount":4}}
            {"op":"c","after":{"id":"r3","at":"2026-01-01T10:06:00Z","who":"ann","amount":8}}
            {"op":"u","before":{"id":"r3","at":"2026-01-01T10:06:00Z","who":"ann","amount":8},"after":{"id":"r3","at":"2026-01-01T10:05:00Z","who":"ann","amount":8}}
            {"op":"c","after":{"id":"r4","at":"2026-01-01T10:09:00Z","who":"bob","amount":8}}
            {"op":"d","before":{"id":"r4","at":"2026-01-01T10:09:00Z","who":"bob","amount":8}}
            """);
    String project = rowProject("rows", "as_happened");

    Outcome ann = run("explain", project, "spend", "who=ann", "--history", "rows=" + history);
    assertThat(ann.code()).as(ann.err()).isEqualTo(Main.OK);
    assertThat(ann.out())
        .contains(
            "spend of person ann at 2026-01-01T10:05:00.000Z: 2 events\n",
            "  #1 2026-01-01T10:00:00.000Z rows/0/1\n",
            "  #2 2026-01-01T10:05:00.000Z rows/0/5\n",
            "total = 10.0: sum of 2, (2026-01-01T09:05:00Z, 2026-01-01T10:05:00Z]: #1 2.0, #2 8.0",
            "not counted: rows/0/0 REPLACED: replaced by rows/0/1",
            "not counted: rows/0/2 DELETED: deleted, or moved away to another person, by rows/0/3",
            "not counted: rows/0/4 MOVED: moved to 2026-01-01T10:05:00.000Z by rows/0/5")
        .doesNotContain("#3");

    Outcome bob = run("explain", project, "spend", "who=bob", "--history", "rows=" + history);
    assertThat(bob.code()).as(bob.err()).isEqualTo(Main.OK);
    assertThat(bob.out())
        .contains("0 events", "not counted: rows/0/6 DELETED: deleted, or moved away");
  }

  @Test
  void anExplanationOfAViewAsKnownSaysWhenItsEventsBecomeKnown() throws Exception {
    Path history =
        write(
            "rows.jsonl",
            """
            {"op":"c","ts_ms":1767261660000,"after":{"id":"r1","at":"2026-01-01T10:00:00Z","who":"ann","amount":1}}
            {"op":"c","ts_ms":1767264600000,"after":{"id":"r2","at":"2026-01-01T10:05:00Z","who":"ann","amount":4}}
            {"op":"u","ts_ms":1767264000000,"before":{"id":"r1","at":"2026-01-01T10:00:00Z","who":"ann","amount":1},"after":{"id":"r1","at":"2026-01-01T10:00:00Z","who":"ann","amount":2}}
            """);
    String[] command = {
      "explain", rowProject("known", "as_known"), "spend", "who=ann", "--history", "rows=" + history
    };

    Outcome all = run(command);
    assertThat(all.code()).as(all.err()).isEqualTo(Main.OK);
    assertThat(all.out())
        .contains(
            "spend of person ann at 2026-01-01T10:50:00.000Z: 2 events\n",
            "  #1 2026-01-01T10:00:00.000Z rows/0/2, known from 2026-01-01T10:40:00.000Z\n",
            "  #2 2026-01-01T10:05:00.000Z rows/0/1, known from 2026-01-01T10:50:00.000Z\n",
            "total = 6.0",
            "not counted: rows/0/0 REPLACED: replaced by rows/0/2");

    List<String> earlier = new ArrayList<>(List.of(command));
    earlier.addAll(List.of("--at", "2026-01-01T10:10:00Z"));
    Outcome some = run(earlier.toArray(String[]::new));
    assertThat(some.code()).as(some.err()).isEqualTo(Main.OK);
    assertThat(some.out())
        .contains(
            "spend of person ann at 2026-01-01T10:10:00.000Z: 1 event\n",
            "  #1 2026-01-01T10:00:00.000Z rows/0/0, known from 2026-01-01T10:01:00.000Z\n",
            "total = 1.0",
            "not counted: rows/0/1 NOT_KNOWN_YET: known only from 2026-01-01T10:50:00.000Z",
            "not counted: rows/0/2 NOT_KNOWN_YET: known only from 2026-01-01T10:40:00.000Z")
        .doesNotContain("REPLACED");
  }

  @Test
  void anExplanationKeepsTheEventsApartWhoseValueIsNull() throws Exception {
    Path history =
        write(
            "rows.jsonl",
            """
            {"op":"c","after":{"id":"r1","at":"2026-01-01T10:00:00Z","who":"ann","amount":null}}
            {"op":"c","after":{"id":"r2","at":"2026-01-01T10:01:00Z","who":"bob","amount":null}}
            {"op":"c","after":{"id":"r3","at":"2026-01-01T10:02:00Z","who":"bob","amount":3}}
            """);
    String project = rowProject("nulls", "as_happened");

    Outcome ann = run("explain", project, "spend", "who=ann", "--history", "rows=" + history);
    assertThat(ann.code()).as(ann.err()).isEqualTo(Main.OK);
    assertThat(ann.out())
        .contains(
            "total = NULL: sum of nothing, (2026-01-01T09:00:00Z, 2026-01-01T10:00:00Z]; skipped as NULL: #1\n",
            "changes = 1: count of 1, (2026-01-01T09:00:00Z, 2026-01-01T10:00:00Z]: #1\n");

    Outcome bob = run("explain", project, "spend", "who=bob", "--history", "rows=" + history);
    assertThat(bob.out()).contains("total = 3.0: sum of 1, ", "]: #2 3.0; skipped as NULL: #1\n");
  }

  private String rowProject(String name, String knowledge) throws Exception {
    String project = Files.createDirectory(directory.resolve(name)).toString();
    write(
        name + "/row.avsc",
        """
        {"type": "record", "name": "Row", "fields": [
          {"name": "id", "type": "string"},
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "who", "type": "string"},
          {"name": "amount", "type": ["null", "double"], "default": null}]}
        """);
    write(
        name + "/project.yaml",
        """
        {kind: stream, name: rows, schema: row.avsc, format: debezium-json, event_time: at, event_id: id, disorder: 1h}
        ---
        {kind: entity, name: person, key: {who: string}}
        ---
        kind: feature-view
        name: spend
        entity: person
        from: rows
        knowledge: %s
        features:
          total: {sum: amount, over: 1h}
          changes: {count: "*", over: 1h}
        """
            .formatted(knowledge));
    return project;
  }

  private Outcome explain(Path history, String... rest) {
    List<String> arguments =
        new ArrayList<>(
            List.of("explain", "../feature-definitions/examples/fraud", "customer_spend"));
    arguments.addAll(List.of(rest));
    arguments.addAll(List.of("--history", "transactions=" + history));
    return run(arguments.toArray(String[]::new));
  }

  @Test
  void aPlanComparesWithTheLakeAndMeasuresTheSample() throws Exception {
    Path history = write("transactions.jsonl", PAYMENTS);
    Path reports =
        write(
            "reports.csv",
            "report_id,report_time,customer_id,terminal_id,is_fraud,transaction_id\n");
    String project = "../feature-definitions/examples/fraud";

    Outcome first =
        run(
            "plan",
            project,
            "--history",
            "transactions=" + history,
            "--history",
            "fraud_reports=" + reports);
    assertThat(first.code()).as(first.err()).isEqualTo(Main.OK);
    assertThat(first.out())
        .contains(
            "customer_spend: new, version ",
            "  new       amount_avg_1d,",
            "  replay    transactions")
        .containsPattern(
            "state of customer: [1-9]\\d* bytes per key .*: 2 of 2 keys have state at the end of 6 events")
        .containsPattern("rows of customer_spend: \\d\\.\\d\\d per event");

    LoadedProject loaded = LoadedProject.load(Path.of(project));
    Lake lake = Lake.local(new TailwaterHome(directory).stack().resolve("lake"));
    for (FeatureViewLayout layout : FeatureGraph.layouts(loaded.plan())) {
      lake.ensureFeatureTable(layout);
    }
    Map<String, String> other =
        new HashMap<>(loaded.featureHashes().getOrDefault("customer_spend", Map.of()));
    other.put("amount_max", "0");
    other.put("gone", "1");
    other.remove("night_sum");
    lake.activate(Map.of("customer_spend", new Lake.DeployedView("older", other)));

    Outcome second = run("plan", project);
    assertThat(second.code()).as(second.err()).isEqualTo(Main.OK);
    assertThat(second.out())
        .contains(
            "customer_spend: version older becomes ",
            "  new       night_sum",
            "  changed   amount_max",
            "  removed   gone",
            "terminal_traffic: unchanged, version ")
        .containsOnlyOnce("replay");
  }

  @Test
  void aViewOfAViewOfSeveralStreamsIsCheckedPlannedExplainedAndTrainedOn() throws Exception {
    String project = Files.createDirectory(directory.resolve("moves")).toString();
    write(
        "moves/move.avsc",
        """
        {"type": "record", "name": "Move", "fields": [
          {"name": "id", "type": "string"},
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "who", "type": "string"},
          {"name": "shop", "type": "string"},
          {"name": "amount", "type": "double"}]}
        """);
    write(
        "moves/project.yaml",
        """
        {kind: stream, name: cards, schema: move.avsc, event_time: at, event_id: id, lateness: 0s}
        ---
        {kind: stream, name: transfers, schema: move.avsc, event_time: at, event_id: id, lateness: 0s}
        ---
        {kind: entity, name: person, key: {who: string}}
        ---
        {kind: entity, name: shop, key: {shop: string}}
        ---
        kind: feature-view
        name: moves
        entity: person
        from:
          - {stream: cards, map: {moved: amount, place: shop}}
          - {stream: transfers, map: {moved: -amount, place: shop}}
        features: {mean: {avg: moved, over: 1h}}
        ---
        kind: feature-view
        name: surprises
        entity: shop
        from: moves
        key: {shop: place}
        features:
          above: {count: "*", where: moved > mean, over: 1h}
          means: {sum: mean, over: 1h}
        ---
        kind: test
        view: surprises
        given:
          - {stream: cards, at: "10:00", who: ann, shop: s, amount: 4}
          - {stream: transfers, at: "10:01", who: ann, shop: s, amount: 2}
          - {stream: cards, at: "10:02", who: ann, shop: s, amount: 7}
        expect:
          - {at: "10:30", shop: s, above: 1, means: 8.0}
        """);
    String history =
        "cards="
            + write(
                "cards.jsonl",
                """
                {"id":"1","at":"2026-03-02T10:00:00Z","who":"ann","shop":"s","amount":4}
                {"id":"2","at":"2026-03-02T10:02:00Z","who":"ann","shop":"s","amount":7}
                {"id":"3","at":"2026-03-02T09:00:00Z","who":"ann","shop":"s","amount":9}
                """);
    String transfers =
        "transfers="
            + write(
                "transfers.jsonl",
                """
                {"id":"1","at":"2026-03-02T10:01:00Z","who":"ann","shop":"s","amount":2}
                """);
    Path spine = write("spine.csv", "event_time,shop\n2026-03-02T10:01:30Z,s\n");
    Path out = directory.resolve("out.csv");

    Outcome check = run("check", project);
    assertThat(check.code()).as(check.out() + check.err()).isEqualTo(Main.OK);

    Outcome plan = run("plan", project, "--history", history, "--history", transfers);
    assertThat(plan.code()).as(plan.err()).isEqualTo(Main.OK);
    assertThat(plan.out())
        .contains("surprises: new, version ", "  replay    cards, transfers")
        .containsPattern(
            "state of shop: [1-9]\\d* bytes per key .*: 1 of 1 keys have state at the end of 3 events");

    Outcome explained =
        run(
            "explain",
            project,
            "surprises",
            "shop=s",
            "--history",
            history,
            "--history",
            transfers);
    assertThat(explained.code()).as(explained.err()).isEqualTo(Main.OK);
    assertThat(explained.out())
        .contains(
            "#1 2026-03-02T10:00:00.000Z cards/0/0",
            "#2 2026-03-02T10:01:00.000Z transfers/0/0",
            "#3 2026-03-02T10:02:00.000Z cards/0/1",
            "above = 1",
            "means = 8.0",
            "#1 4.0, #2 1.0, #3 3.0",
            "not counted: cards/0/2 LATE");

    Outcome trained =
        run(
            "training-set",
            project,
            "--views",
            "surprises",
            "--spine",
            spine.toString(),
            "--history",
            history,
            "--history",
            transfers,
            "--out",
            out.toString());
    assertThat(trained.code()).as(trained.err()).isEqualTo(Main.OK);
    String[] lines = Files.readString(out).split("\r?\n");
    assertThat(value(lines, 1, "surprises.means")).isEqualTo("5.0");
  }

  @Test
  void aMissingFileAWrongHeaderAndAMissingLogAreOneClearMessageEach() throws Exception {
    Path spine = write("spine.csv", "customer_id,event_time\nc1,2026-01-01 10:00:00\n");
    Path wrong = write("wrong.csv", "id,amount\n1,2\n");

    assertThat(trainingSet(spine, "transactions=missing.csv").err()).contains("missing.csv");
    assertThat(trainingSet(spine, "transactions=" + wrong).err())
        .contains("wrong.csv", "transaction_id");
    assertThat(trainingSet(wrong, "transactions=" + wrong).err()).contains("event_time");
    Outcome noLog =
        run(
            "training-set",
            "../feature-definitions/examples/fraud",
            "--model",
            "fraud",
            "--spine",
            spine.toString(),
            "--out",
            directory.resolve("o.csv").toString());
    assertThat(noLog.code()).isEqualTo(Main.FAILED);
    assertThat(noLog.err()).doesNotContain("\tat ");
  }

  private Outcome trainingSet(Path spine, String history) {
    Outcome outcome =
        run(
            "training-set",
            "../feature-definitions/examples/fraud",
            "--views",
            "customer_spend",
            "--spine",
            spine.toString(),
            "--history",
            history,
            "--out",
            directory.resolve("o.csv").toString());
    assertThat(outcome.code()).isEqualTo(Main.FAILED);
    assertThat(outcome.err()).doesNotContain("\tat ");
    return outcome;
  }

  private Outcome run(String... arguments) {
    return Outcome.of(directory, (Object[]) arguments);
  }

  private Path write(String name, String content) throws Exception {
    return Files.writeString(directory.resolve(name), content);
  }

  private static String value(String[] lines, int row, String column) {
    String[] names = lines[0].split(",", -1);
    // The only quoted field holds one comma.
    String[] values = lines[row].replaceAll("\"[^\"]*\"", "quoted").split(",", -1);
    for (int i = 0; i < names.length; i++) {
      if (names[i].equals(column)) {
        return values[i];
      }
    }
    throw new AssertionError(column + " is not in " + lines[0]);
  }

  private static long figure(Outcome outcome, String name) {
    Matcher matcher = Pattern.compile("\"" + name + "\":(\\d+)").matcher(outcome.out());
    assertThat(matcher.find()).as(name + " in " + outcome.out()).isTrue();
    return Long.parseLong(matcher.group(1));
  }
}
