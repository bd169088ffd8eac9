package dev.tailwater.definitions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.Window;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ProjectLoaderTest {

  private final Path folder;

  ProjectLoaderTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void readsEveryKey() {
    Project project = new ProjectFolder(folder).complete().load();

    StreamDefinition stream = project.stream("transactions").orElseThrow();
    assertThat(stream.topic()).isEqualTo("transactions");
    assertThat(stream.format()).isEqualTo(RecordFormat.JSON);
    assertThat(stream.disorder()).isEqualTo(Duration.ofSeconds(5));
    assertThat(stream.lateness()).isEqualTo(Duration.ofHours(1));
    assertThat(stream.idleAfter()).isEqualTo(Duration.ofSeconds(10));
    assertThat(stream.ahead()).isEqualTo(Duration.ofMinutes(1));
    assertThat(stream.derived().get(1).expression().reads())
        .containsExactly("tx_amount", "is_night");
    assertThat(stream.expectations().get(0).otherwise()).isEqualTo(StreamDefinition.Otherwise.DROP);
    FeatureViewDefinition view = project.view("customer_spend").orElseThrow();
    assertThat(view.features())
        .extracting(FeatureDefinition::name)
        .containsExactly("amount_avg", "tx_count_1d", "tx_count_7d");
    FeatureDefinition average = view.features().get(0);
    assertThat(average.aggregate()).isEqualTo(Aggregate.AVG);
    assertThat(average.type()).isEqualTo(ColumnType.DOUBLE);
    assertThat(average.window()).isEqualTo(Window.sliding(Duration.ofDays(7).toMillis(), 0));
    assertThat(average.where().orElseThrow().reads()).containsExactly("country");
    ModelDefinition model = project.model("fraud").orElseThrow();
    assertThat(model.vector())
        .extracting(ModelDefinition.Element::name)
        .containsExactly(
            "tx_amount",
            "customer_spend.amount_avg",
            "customer_spend.tx_count_1d",
            "customer_spend.tx_count_7d",
            "ratio");
    assertThat(model.to()).isEqualTo("predictions.fraud");
    assertThat(model.deadline()).isEqualTo(Duration.ofMillis(100));
  }

  @Test
  void findsDefinitionsInAnyFileAndOrder() {
    ProjectFolder project =
        new ProjectFolder(folder)
            .write("a/model.yaml", ProjectFolder.MODEL)
            .write("b/c/view.yml", ProjectFolder.VIEW)
            .write("entity.yaml", ProjectFolder.ENTITY)
            .write("z.yaml", "---\n" + ProjectFolder.STREAM + "---\n")
            .write("tailwater.yaml", "kafka: {bootstrap: nowhere}")
            .write(".hidden/other.yaml", "kind: nothing")
            .write(".hidden.yaml", "kind: nothing")
            .write("notes.txt", "kind: nothing");

    assertThat(project.problems()).isEmpty();
  }

  @Test
  void mapsKeysThatHaveOtherNames() {
    Project project =
        new ProjectFolder(folder)
            .write("stream.yaml", ProjectFolder.STREAM)
            .write("entity.yaml", "{kind: entity, name: account, key: {account_id: string}}")
            .write(
                "view.yaml",
                """
                kind: feature-view
                name: account_spend
                entity: account
                from: transactions
                key: {account_id: customer_id}
                features: {spent: {sum: tx_amount, over: 1d, empty: 0}}
                """)
            .write(
                "model.yaml",
                """
                kind: model
                name: fraud
                ask: transactions
                key: {account.account_id: customer_id}
                vector: [account_spend.spent, ratio: tx_amount / 2]
                fallback: 0
                """)
            .load();

    assertThat(project.views().get(0).sources().get(0).keyColumns()).containsExactly("customer_id");
    assertThat(project.views().get(0).features().get(0).empty()).isEqualTo(Optional.of(0.0));
    assertThat(project.models().get(0).keyColumns().get("account")).containsExactly("customer_id");
    assertThat(project.models().get(0).vector().get(1).expression().text())
        .isEqualTo("tx_amount / 2");
  }

  @Test
  void listsSixMistakesAtOnce() {
    ProjectFolder project =
        new ProjectFolder(folder)
            .write("base.yaml", ProjectFolder.STREAM + "---\n" + ProjectFolder.ENTITY)
            .write(
                "features/card.yaml",
                """
                kind: feature-view
                name: Card
                entity: custmer
                from: transactions
                windows: 7d
                features:
                  a: {sum: country, over: 7d}
                  b: {avg: tx_amount, over: 7x}
                  c: {count: "*", over: 1d, where: tx_amuont > 3}
                """);

    assertThat(project.problems())
        .containsExactly(
            "features/card.yaml:2: name: 'Card' is not a name; start with a letter a-z and go on"
                + " with a-z, 0-9 and _, at most 63 in all",
            "features/card.yaml:3: entity: 'custmer' is not a known entity; did you mean customer?",
            "features/card.yaml:5: windows: is not known here; there are kind, name, entity,"
                + " from, key, refresh, knowledge, features",
            "features/card.yaml:7: features.a.sum: 'country' is a STRING column, of which there is"
                + " no sum; aggregate another column, or count this one",
            "features/card.yaml:8: features.b.over: '7x' is not a duration; write a number and a"
                + " unit (ms, s, m, h or d), as in 7d",
            "features/card.yaml:9: features.c.where: 'tx_amuont > 3' is not an expression here at"
                + " column 1: column tx_amuont does not exist; did you mean tx_amount?");
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        // streams
        arguments(
            "schema: transaction.avsc",
            "schema: missing.avsc",
            "schema: 'missing.avsc' is not a file"),
        arguments(
            "schema: transaction.avsc",
            "schema: ../transaction.avsc",
            "is outside the project folder"),
        arguments(
            "schema: transaction.avsc", "schema: /etc/passwd", "is outside the project folder"),
        arguments("schema: transaction.avsc\n", "", "schema: is missing"),
        arguments(
            "schema: transaction.avsc",
            "schema: project.yaml",
            "is not a contract that can be read"),
        arguments("event_time: tx_time\n", "", "event_time: is missing"),
        arguments("event_time: tx_time", "event_time: tx_tme", "did you mean tx_time?"),
        arguments(
            "event_time: tx_time",
            "event_time: tx_amount",
            "is a DOUBLE column; name one that is TIMESTAMP"),
        arguments("event_time: tx_time", "event_time:", "event_time: has no value"),
        arguments(
            "event_time: tx_time", "event_time: [tx_time]", "event_time: is not a single value"),
        arguments(
            "event_id: tx_id", "event_id: tx_amount", "name one that is INT or LONG or STRING"),
        arguments(
            "event_id: tx_id",
            "event_idd: tx_id",
            "event_idd: is not known here; did you mean event_id?"),
        arguments("event_id: tx_id", "name: other", "name: is already written in line 2"),
        arguments(
            "event_id: tx_id", "key: nothing", "'nothing' is not a column of stream transactions"),
        arguments(
            "event_id: tx_id",
            "format: xml",
            "'xml' is not a format that can be read; write json, avro or debezium-json"),
        arguments("event_id: tx_id", "topic: a b", "'a b' is not a topic"),
        arguments("event_id: tx_id", "disorder: 5", "'5' is not a duration"),
        arguments("event_id: tx_id", "lateness: 99999999d", "is longer than 3660d"),
        arguments("event_id: tx_id", "idle_after: 0s", "is shorter than 1ms"),
        arguments(
            "is_night: EXTRACT(HOUR FROM tx_time) <= 6",
            "is_night: EXTRACT(HOUR FROM tx_tme) <= 6",
            "derive.is_night: 'EXTRACT(HOUR FROM tx_tme) <= 6' is not an expression here at column 19: column tx_tme does not exist; did you mean tx_time?"),
        arguments(
            "is_night: EXTRACT",
            "tx_amount: EXTRACT",
            "derive.tx_amount: is already a column of the stream"),
        arguments(
            "EXTRACT(HOUR FROM tx_time) <= 6",
            "night_amount > 0",
            "column night_amount does not exist; columns are derived in order: write night_amount above what reads it"),
        arguments(
            "is_night: EXTRACT", "IsNight: EXTRACT", "derive.IsNight: 'IsNight' is not a name"),
        arguments("that: tx_amount >= 0", "that: tx_amount + 1", "is DOUBLE, not BOOLEAN"),
        arguments(
            "else: drop",
            "else: dropp",
            "'dropp' is not what can become of a record; did you mean drop?"),
        arguments(
            "{that: tx_amount >= 0, else: drop}",
            "tx_amount >= 0",
            "expect.amount_positive: is not a mapping"),
        // entities
        arguments(
            "{customer_id: string}", "{customer_id: double}", "'double' is not a type of a key"),
        arguments("{customer_id: string}", "{}", "key: has no column"),
        arguments("{customer_id: string}", "customer_id", "key: is not a mapping"),
        arguments(
            "{customer_id: string}",
            "{customer_id: int}",
            "key column customer_id of entity customer is INT but column customer_id is STRING"),
        arguments(
            "{customer_id: string}",
            "{card_id: string}",
            "entity customer needs the key column card_id"),
        arguments(
            "{customer_id: string}", "{\"a b\": string}", "key.a b: 'a b' is not a column name"),
        arguments(
            "{customer_id: string}",
            "{revision: string}",
            "'revision' is a column of every stored row"),
        // feature views
        arguments(
            "from: transactions",
            "from: transaction",
            "'transaction' is not a known stream or view; did you mean transactions?"),
        arguments(
            "from: transactions",
            "from: transactions\nkey: {customer: country}",
            "key.customer: is not known here; there is customer_id"),
        arguments(
            "from: transactions",
            "from: transactions\nkey: {customer_id: nothing}",
            "'nothing' is not a column of stream transactions"),
        arguments(
            "{count: \"*\", over: [1d, 7d]}",
            "{over: [1d, 7d]}",
            "features.tx_count: has no aggregate"),
        arguments(
            "{count: \"*\", over: [1d, 7d]}",
            "{count: \"*\", sum: tx_amount, over: [1d, 7d]}",
            "features.tx_count: has 2 aggregates"),
        arguments(
            "{count: \"*\", over: [1d, 7d]}",
            "{count: \"*\"}",
            "features.tx_count.over: is missing"),
        arguments(
            "{count: \"*\", over: [1d, 7d]}",
            "{count: \"*\", over: []}",
            "features.tx_count.over: is an empty list"),
        arguments("over: [1d, 7d]", "over: [1d, 1d]", "'tx_count_1d' is the name of two features"),
        arguments(
            "over: [1d, 7d]",
            "over: [1d, 7d], empty: 0",
            "is not needed: the count of nothing is 0"),
        arguments(
            "over: [1d, 7d]",
            "over: [1d, 7d], delay: -1d",
            "features.tx_count.delay: '-1d' is not a duration"),
        arguments("over: [1d, 7d]", "over: 0s", "is shorter than 1ms"),
        arguments("avg: tx_amount,", "avg: tx_amount * ,", "is not an expression here"),
        arguments(
            "avg: tx_amount,",
            "avg: UPPER(country),",
            "'UPPER(country)' is STRING, of which there is no avg"),
        arguments("avg: tx_amount,", "avg: \"*\",", "'*' can only be counted"),
        arguments("avg: tx_amount,", "avg: tx_id,", "is a STRING column, of which there is no avg"),
        arguments(
            "avg: tx_amount,", "min: country,", "is a STRING column, of which there is no min"),
        arguments(
            "avg: tx_amount,",
            "max: tx_amount, empty: none,",
            "'none' is not a value of type DOUBLE"),
        arguments("avg: tx_amount,", "avg: tx_amout,", "did you mean tx_amount?"),
        arguments("where: country = 'DE'", "where: country", "is STRING, not BOOLEAN"),
        arguments(
            "where: country = 'DE'", "where: country = 5", "INTEGER cannot stand for VARCHAR"),
        arguments("amount_avg: {", "customer_id: {", "is a column of every stored row"),
        arguments("amount_avg: {", "at: {", "'at' is a key of the questions that tests ask"),
        arguments("amount_avg: {", "about: {", "'about' is a key of the questions that tests ask"),
        arguments("tx_count: {", "TxCount: {", "'TxCount' is not a name"),
        arguments(
            "avg: tx_amount,", "max: tx_amount, empty: 1d,", "'1d' is not a value of type DOUBLE"),
        // models
        arguments(
            "ask: transactions",
            "ask: questions",
            "'questions' is not a known stream; there is transactions"),
        arguments(
            "vector: [tx_amount,",
            "vector: [tx_amont,",
            "'tx_amont' is not a column of stream transactions; did you mean tx_amount?"),
        arguments(
            "vector: [tx_amount,",
            "vector: [country,",
            "country is STRING, and a model reads numbers"),
        arguments(
            "vector: [tx_amount,",
            "vector: [tx_amount, tx_amount,",
            "tx_amount is in the vector twice"),
        arguments(
            "vector: [tx_amount,",
            "vector: [customer_spend,",
            "is a view, not an input; write customer_spend.* for all its features"),
        arguments(
            "vector: [tx_amount,",
            "vector: [customer_spnd.*,",
            "'customer_spnd' is not a known feature-view; did you mean customer_spend?"),
        arguments(
            "vector: [tx_amount,",
            "vector: [customer_spend.tx_count_2d,",
            "is not a feature of view customer_spend; did you mean tx_count_1d?"),
        arguments(
            "vector: [tx_amount,",
            "vector: [tx_amount + 1,",
            "'tx_amount + 1' is not an input; write a column, view.feature, view.*, or \"name: expression\""),
        arguments(
            "\"ratio: tx_amount",
            "\"ratio: tx_amont",
            "is not an expression here at column 1: column tx_amont does not exist"),
        arguments("fallback: 0.5", "fallback: 1.5", "'1.5' is not between 0 and 1"),
        arguments("fallback: 0.5", "fallback: .nan", "is not a number"),
        arguments("fallback: 0.5\n", "", "fallback: is missing"),
        arguments(
            "fallback: 0.5",
            "fallback: 0.5\nto: transactions",
            "'transactions' is the topic of the stream in project.yaml:2"),
        arguments(
            "fallback: 0.5",
            """
            fallback: 0.5
            ---
            {kind: model, name: again, ask: transactions, vector: [tx_amount], fallback: 0, to: predictions.fraud}
            """,
            "'predictions.fraud' is already where the model in"),
        arguments(
            "vector: [tx_amount,",
            "vector: [tx_time,",
            "tx_time is TIMESTAMP, and a model reads numbers; turn it into a number, as in"
                + " \"x: UNIX_MILLIS(tx_time)\""),
        arguments(
            "fallback: 0.5",
            "fallback: 0.5\nanswer: later",
            "'later' is not known here; write one of [on_arrival, on_watermark]"),
        arguments("fallback: 0.5", "fallback: 0.5\nformat: xml", "write one of [json, avro]"),
        arguments("fallback: 0.5", "fallback: 0.5\ndeadline: soon", "'soon' is not a duration"),
        arguments(
            "fallback: 0.5",
            "fallback: 0.5\nkey: {terminal_id: terminal_id}",
            "key.terminal_id: is not a key column of an entity that the vector reads"),
        arguments(
            "fallback: 0.5",
            "fallback: 0.5\nkey: {customer_id: country}",
            "entity customer is found in stream transactions by [country] here and by [customer_id] elsewhere"),
        arguments("on: tx_id", "on: terminal_id", "is INT but the event id tx_id is STRING"),
        arguments(
            "value: is_fraud",
            "value: country",
            "is a STRING column; name a BOOLEAN or numeric one"),
        arguments("value: is_fraud, ", "", "labels.value: is missing"),
        arguments("value: is_fraud, within: 30d", "value: country", "is a STRING column"),
        arguments(
            "labels: {stream: transactions",
            "labels: {stream: reports",
            "'reports' is not a known stream"),
        // documents
        arguments(
            "kind: entity",
            "kind: entitty",
            "'entitty' is not a kind of definition; did you mean entity?"),
        arguments(
            "fallback: 0.5\n",
            "fallback: 0.5\nto: transactions.dead-letters\n",
            "to: 'transactions.dead-letters' is where the dead letters of the stream in"),
        arguments("kind: entity\n", "", "kind: is missing"),
        arguments("name: customer\n", "", "name: is missing"),
        arguments("kind: entity", "- kind: entity", "is not YAML"),
        arguments(
            "key: {customer_id: string}", "key: &k {customer_id: string}", "has a YAML anchor"),
        arguments(
            "name: fraud\n",
            "name: !include fraud\n",
            "has the YAML tag !include; write the value without a tag"),
        arguments(
            "key: {customer_id: string}",
            "key: {customer_id: string",
            ": is not YAML at column 1: expected ',' or '}', but got <document start>; look for"),
        arguments(
            "name: customer\n",
            "name: \"\\e[31mcustomer\"\n",
            "name: '\uFFFD[31mcustomer' is not a name; start with"));
  }

  @ParameterizedTest(name = "{index} {1}")
  @MethodSource("mistakes")
  void namesTheMistakeAndWhatToDo(String correct, String wrong, String expected) {
    String text =
        String.join(
            "---\n",
            ProjectFolder.STREAM,
            ProjectFolder.ENTITY,
            ProjectFolder.VIEW,
            ProjectFolder.MODEL);
    assertThat(text).contains(correct);

    ProjectFolder project =
        new ProjectFolder(folder).write("project.yaml", text.replace(correct, wrong));

    assertThat(project.problems()).isNotEmpty();
    assertThat(project.problems()).anyMatch(problem -> problem.contains(expected));
    assertThat(project.problems()).allMatch(problem -> problem.startsWith("project.yaml"));
  }

  @Test
  void reportsOneMistakeOnce() {
    String text =
        String.join(
            "---\n",
            ProjectFolder.STREAM.replace("FROM tx_time", "FROM nowhere"),
            ProjectFolder.ENTITY,
            ProjectFolder.VIEW.replace("avg: tx_amount", "avg: night_amount"),
            ProjectFolder.MODEL);

    assertThat(new ProjectFolder(folder).write("project.yaml", text).problems())
        .as("not what reads is_night, nor what reads that")
        .hasSize(1)
        .allMatch(problem -> problem.contains("derive.is_night"));
  }

  @Test
  void reportsABadNameOfFeaturesOnce() {
    String text =
        String.join(
            "---\n",
            ProjectFolder.STREAM,
            ProjectFolder.ENTITY,
            ProjectFolder.VIEW.replace("tx_count:", "tx-count:"));

    assertThat(new ProjectFolder(folder).write("project.yaml", text).problems())
        .as("not for each of its windows")
        .singleElement()
        .asString()
        .contains("features.tx-count: 'tx-count' is not a name");
  }

  @Test
  void refusesTwoDefinitionsOfOneName() {
    ProjectFolder project =
        new ProjectFolder(folder).complete().write("z/again.yaml", ProjectFolder.ENTITY);

    assertThat(project.problems())
        .containsExactly(
            "z/again.yaml:2: name: 'customer' is already the name of the entity in"
                + " project.yaml:13; rename one of them");
  }

  @Test
  void refusesMoreThanAStateCanHold() {
    StringBuilder view =
        new StringBuilder(
            "kind: feature-view\nname: many\nentity: customer\nfrom: transactions\nfeatures:\n");
    for (int i = 0; i < 65; i++) {
      view.append("  f%d: {count: \"*\", over: 1d, where: tx_amount > %d}\n".formatted(i, i));
    }
    ProjectFolder project =
        new ProjectFolder(folder).complete().write("many.yaml", view.toString());

    assertThat(project.problems())
        .hasSize(1)
        .allMatch(problem -> problem.contains("or with more than 62 different conditions"));
  }

  @Test
  void aProjectNeedsAStream() {
    assertThat(new ProjectFolder(folder).problems())
        .containsExactly(
            ".: the project has no stream; write a file with kind: stream that names a topic and"
                + " its schema");
  }

  @Test
  void aFolderThatIsNoneIsAProblemToo() {
    assertThatThrownBy(() -> ProjectLoader.load(folder.resolve("nothing")))
        .isInstanceOf(InvalidProjectException.class)
        .hasMessageContaining("nothing: is not a folder");
  }

  static Stream<Arguments> hostileFiles() {
    return Stream.of(
        arguments("deep", "[".repeat(100_000)),
        arguments("deep flow", "a: ".repeat(1) + "{a: ".repeat(2000) + "1" + "}".repeat(2000)),
        arguments("long", "# " + "x".repeat(1 << 20)),
        arguments("bomb", "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n"),
        arguments("recursive", "a: &a [*a]\n"),
        arguments("tag", "kind: !!java.net.URL [http://localhost]\n"),
        arguments("scalar", "hello"),
        arguments("list", "- kind: stream"),
        arguments("unclosed", "kind: \"stream"),
        arguments("tab", "kind:\n\t- x"),
        arguments("key", "[a, b]: c\n"),
        arguments("control", "kind: \u0001"));
  }

  @Test
  void aCharacterOfTwoUnitsMayStandAnywhereInAFile() {
    for (int before = 1000; before < 1060; before++) {
      ProjectFolder project =
          new ProjectFolder(folder)
              .complete()
              .write("long.yaml", "#" + "x".repeat(before) + "😀".repeat(2000));

      assertThat(project.problems()).isEmpty();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("hostileFiles")
  void aHostileFileIsAProblemLikeAnyOther(String name, String text) {
    ProjectFolder project = new ProjectFolder(folder).complete().write("hostile.yaml", text);

    assertThat(project.problems())
        .isNotEmpty()
        .allMatch(problem -> problem.startsWith("hostile.yaml"));
  }

  @Test
  void saysWhereACharacterIsThatYamlDoesNotAllow() {
    ProjectFolder project =
        new ProjectFolder(folder).complete().write("bell.yaml", "# one\n# \u0007\n");

    assertThat(project.problems())
        .containsExactly(
            "bell.yaml:2: is not YAML: has the character U+0007, which is not allowed; remove it");
  }

  @Test
  void cutsAKeyOfAnyLength() {
    ProjectFolder project =
        new ProjectFolder(folder)
            .complete()
            .write("long.yaml", ProjectFolder.ENTITY + "? " + "k".repeat(500_000) + "\n: 1\n");

    assertThat(project.problems()).isNotEmpty().allMatch(problem -> problem.length() < 300);
  }

  @Test
  void aFileWhoseNameIsAlmostThatOfDefinitionsIsAProblem() throws Exception {
    Files.createSymbolicLink(folder.resolve("gone.yaml"), folder.resolve("nowhere"));

    assertThat(new ProjectFolder(folder).complete().write("more.YML", "kind: x").problems())
        .containsExactlyInAnyOrder(
            "gone.yaml: is a link to a file that does not exist; correct or remove the link",
            "more.YML: is not read: its name ends in capitals; rename it so that it ends in"
                + " .yaml");
  }

  @Test
  void aFileThatIsNotUtf8IsAProblem() throws Exception {
    Files.write(folder.resolve("latin.yaml"), "name: \u00fc".getBytes(StandardCharsets.ISO_8859_1));

    assertThat(new ProjectFolder(folder).complete().problems())
        .containsExactly("latin.yaml: is not UTF-8 text; save it as UTF-8");
  }

  @Test
  void aSchemaBehindALinkOutOfTheProjectIsRefused(@TempDir Path elsewhere) throws Exception {
    new ProjectFolder(elsewhere);
    Files.createSymbolicLink(folder.resolve("linked.avsc"), elsewhere.resolve("transaction.avsc"));
    ProjectFolder project =
        new ProjectFolder(folder)
            .write("stream.yaml", ProjectFolder.STREAM.replace("transaction.avsc", "linked.avsc"));

    assertThat(project.problems())
        .hasSize(1)
        .allMatch(problem -> problem.contains("is outside the project folder"));
  }

  @Test
  void ordersNamesByTheirNumbers() {
    assertThat(
            Stream.of("a_30d", "a_7d", "b", "a_1d", "a", "a_07d")
                .sorted(FeatureViewReader::compareNames))
        .containsExactly("a", "a_1d", "a_07d", "a_7d", "a_30d", "b");
  }

  @Test
  void namesAProjectAfterItsFolder() {
    assertThat(Names.ofProject("Fraud-Handbook v2")).isEqualTo("fraud_handbook_v2");
    assertThat(Names.ofProject("2024")).isEqualTo("project_2024");
    assertThat(Names.ofProject("")).isEqualTo("project_");
  }
}
