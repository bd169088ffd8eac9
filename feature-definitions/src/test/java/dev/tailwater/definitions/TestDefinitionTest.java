package dev.tailwater.definitions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TestDefinitionTest {

  private static final String VIEW =
      """
      kind: feature-view
      name: spend
      entity: customer
      from: transactions
      features:
        n: {count: "*", over: 1d}
        total: {sum: tx_amount, over: 1d}
        recent: {last_k: tx_amount, k: 3, over: 1d}
        places: {histogram: country, over: 1d}
      """;

  private static final String TEST =
      """
      kind: test
      view: spend
      given:
        - {at: "2026-01-01T10:00:00Z", customer_id: a, tx_amount: 10, is_fraud: true}
        - {at: "10:30", tx_id: e7, customer_id: a, country: null, terminal_id: 7}
      expect:
        - {at: "10:45", customer_id: a, n: 2, total: {near: 10, by: 1e-9}, recent: [10, .inf]}
        - {at: "10:59:59.5", customer_id: b, about: e7, total: null, places: {DE: 2, FR: 1}}
      """;

  private final ProjectFolder folder;

  TestDefinitionTest(@TempDir Path folder) {
    this.folder =
        new ProjectFolder(folder)
            .write(
                "project.yaml",
                String.join("---\n", ProjectFolder.STREAM, ProjectFolder.ENTITY, VIEW));
  }

  @Test
  void aKeyColumnIsNotTakenForTheTimeOfAQuestion() {
    String called = "kind: entity\nname: customer\nkey: {at: string}\n";
    String mapped =
        VIEW.replace("from: transactions", "from: transactions\nkey: {at: customer_id}");
    String test =
        """
        kind: test
        view: spend
        given:
          - {at: "10:00", customer_id: a}
        expect:
          - {at: "10:45", n: 1}
        """;

    assertThat(
            folder
                .write(
                    "project.yaml",
                    String.join("---\n", ProjectFolder.STREAM, called, mapped, test))
                .problems())
        .singleElement()
        .asString()
        .contains("expect.at: is both when the question is asked and a key column of entity");
  }

  @Test
  void readsEventsAndWhatIsExpectedOfThem() {
    TestDefinition test = folder.write("spend.yaml", TEST).load().tests().get(0);

    assertThat(test.name()).isEqualTo("spend");
    assertThat(test.file()).isEqualTo("spend.yaml");
    assertThat(test.line()).isEqualTo(1);
    TestDefinition.Given first = test.given().get(0);
    assertThat(first.line()).isEqualTo(4);
    assertThat(first.stream()).isEqualTo("transactions");
    assertThat(first.values())
        .isEqualTo(
            Map.of(
                "tx_time",
                Instant.parse("2026-01-01T10:00:00Z").toEpochMilli(),
                "customer_id",
                "a",
                "tx_amount",
                10.0,
                "is_fraud",
                true));
    TestDefinition.Given second = test.given().get(1);
    assertThat(Instant.ofEpochMilli(second.eventTime())).isEqualTo("2026-01-01T10:30:00Z");
    assertThat(second.values()).containsEntry("country", null).containsEntry("terminal_id", 7);
    TestDefinition.Expected expected = test.expected().get(0);
    assertThat(expected.key()).containsExactly("a");
    assertThat(expected.values())
        .isEqualTo(
            Map.of(
                "n", new TestDefinition.Value(2L, 0),
                "total", new TestDefinition.Value(10.0, 1e-9),
                "recent", new TestDefinition.Value(List.of(10.0, Double.POSITIVE_INFINITY), 0)));
    assertThat(expected.about()).isEmpty();
    assertThat(test.expected().get(1).about()).contains("e7");
    assertThat(test.expected().get(1).values())
        .isEqualTo(
            Map.of(
                "total", new TestDefinition.Value(null, 0),
                "places", new TestDefinition.Value(Map.of("DE", 2L, "FR", 1L), 0)));
  }

  private static final String CHANGES =
      """
      kind: test
      view: spend
      given:
        - {at: "10:00", tx_id: e1, customer_id: a, tx_amount: 10}
        - {at: "10:30", tx_id: e2, customer_id: a, tx_amount: 5}
        - {at: "10:10", tx_id: e1, customer_id: a, tx_amount: 20}
        - {tx_id: e1, deleted: true}
      expect:
        - {at: "10:45", customer_id: a, n: 1}
      """;

  private static String changelog(String stream) {
    return stream.replace("kind: stream", "kind: stream\nformat: debezium-json");
  }

  @Test
  void aDeletionIsOfTheRowAsItLastWas() {
    folder.write(
        "project.yaml",
        String.join("---\n", changelog(ProjectFolder.STREAM), ProjectFolder.ENTITY, VIEW));
    TestDefinition test = folder.write("spend.yaml", CHANGES).load().tests().get(0);

    assertThat(test.given()).extracting(TestDefinition.Given::deleted).endsWith(false, true);
    TestDefinition.Given deletion = test.given().get(3);
    assertThat(Instant.ofEpochMilli(deletion.eventTime())).isEqualTo("2026-01-01T10:10:00Z");
    assertThat(deletion.values()).containsEntry("tx_amount", 20.0);
  }

  static Stream<Arguments> wrongDeletions() {
    return Stream.of(
        arguments("{tx_id: e1, deleted", "{tx_id: e7, deleted", "'e7' is not the id of a row that"),
        arguments("{tx_id: e1, deleted", "{deleted", "tx_id: is missing; name the row"),
        arguments("deleted: true}", "deleted: no}", "can only be true"),
        arguments("deleted: true}", "deleted: true, at: \"10:00\"}", "at: is not known here"));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("wrongDeletions")
  void namesTheMistakeInADeletion(String correct, String wrong, String expected) {
    folder.write(
        "project.yaml",
        String.join("---\n", changelog(ProjectFolder.STREAM), ProjectFolder.ENTITY, VIEW));

    assertThat(folder.write("spend.yaml", CHANGES.replace(correct, wrong)).problems())
        .singleElement()
        .asString()
        .contains(expected);
  }

  @Test
  void anEventThatIsNoRowCannotBeDeleted() {
    assertThat(folder.write("spend.yaml", CHANGES).problems())
        .singleElement()
        .asString()
        .contains("its events are not changes of rows");
  }

  @Test
  void anEventIsAppendedAtItsEventTimeUnlessTheTestOfAViewAsKnownSaysWhen() {
    String test = TEST.replace("terminal_id: 7}", "terminal_id: 7, appended: \"10:40\"}");
    String asKnown = VIEW.replace("features:", "knowledge: as_known\nfeatures:");
    assertThat(folder.write("spend.yaml", test).problems())
        .singleElement()
        .asString()
        .contains("given.appended: changes nothing: events count in view spend from their event");

    folder.write(
        "project.yaml", String.join("---\n", ProjectFolder.STREAM, ProjectFolder.ENTITY, asKnown));

    assertThat(folder.load().tests().get(0).given())
        .extracting(given -> Instant.ofEpochMilli(given.appended()).toString())
        .containsExactly("2026-01-01T10:00:00Z", "2026-01-01T10:40:00Z");
    assertThat(folder.write("spend.yaml", test.replace("10:40", "25:40")).problems())
        .singleElement()
        .asString()
        .contains("given.appended: '25:40' is not an instant");
  }

  @Test
  void aQuestionIsAboutAnEventOfTheFirstStream() {
    String both = "from: [{stream: transactions, map: {tx: 1}}, {stream: refunds, map: {tx: 1}}]";
    String test =
        """
        kind: test
        view: spend
        given:
          - {at: "10:00", stream: transactions, tx_id: e1, customer_id: a}
          - {at: "10:30", stream: refunds, tx_id: e2, customer_id: a}
        expect:
          - {at: "10:45", customer_id: a, about: e1, n: 2}
        """;
    folder
        .write(
            "project.yaml",
            String.join(
                "---\n",
                ProjectFolder.STREAM,
                ProjectFolder.STREAM.replace("name: transactions", "name: refunds"),
                ProjectFolder.ENTITY,
                """
                kind: feature-view
                name: spend
                entity: customer
                FROM
                features: {n: {sum: tx, over: 1d, self: exclude}}
                """
                    .replace("FROM", both)))
        .write("spend.yaml", test);

    assertThat(folder.load().tests().get(0).expected().get(0).about()).contains("e1");
    assertThat(folder.write("spend.yaml", test.replace("about: e1", "about: e2")).problems())
        .singleElement()
        .asString()
        .contains("'e2' is not the id of an event that is given in stream transactions; name one");
  }

  @Test
  void emptyTextIsAKeyLikeAnyOther() {
    TestDefinition test =
        folder
            .write("spend.yaml", TEST.replace("customer_id: b,", "customer_id: \"\","))
            .load()
            .tests()
            .get(0);

    assertThat(test.expected().get(1).key()).containsExactly("");
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        arguments("view: spend", "view: spent", "'spent' is not a known feature-view; did you"),
        arguments("view: spend", "veiw: spend", "veiw: is not known here; did you mean view?"),
        arguments("{at: \"10:30\",", "{at: \"25:30\",", "given.at: '25:30' is not an instant"),
        arguments("{at: \"10:30\",", "{", "given.at: is missing"),
        arguments("terminal_id: 7", "terminal_id: x", "'x' is not a value of type INT"),
        arguments("terminal_id: 7", "terminalid: 7", "did you mean terminal_id?"),
        arguments("terminal_id: 7", "tx_time: 7", "is the event time, which at says"),
        arguments("terminal_id: 7", "is_night: true", "is not a column of the schema of stream"),
        arguments("terminal_id: 7", "stream: reports", "is not a stream of view spend"),
        arguments("customer_id: b,", "", "expect.customer_id: is missing; say about which"),
        arguments("n: 2,", "n: 2.5,", "'2.5' is not a value of type LONG"),
        arguments("n: 2,", "m: 2,", "m: is not a feature of view spend; did you mean n?"),
        arguments("by: 1e-9", "by: -1", "is not a distance"),
        arguments("by: 1e-9", "by: .inf", "by: is not a distance; write a number from 0 on"),
        arguments("by: 1e-9", "by: Infinity", "is not a distance"),
        arguments("by: 1e-9", "by: .nan", "is not a distance"),
        arguments("near: 10, by", "neer: 10, by", "near: is missing"),
        arguments("[10, .inf]", "10", "'10' is not a list; write [1, 2]"),
        arguments("[10, .inf]", "[]", "recent: is an empty list; write null"),
        arguments("[10, .inf]", "[10, null]", "recent: 'null' is NULL, which is no value here"),
        arguments(
            "customer_id: b,", "customer_id: null,", "'null' is NULL, which is no value here"),
        arguments("about: e7", "about: e9", "'e9' is not the id of an event that is given"),
        arguments("{DE: 2, FR: 1}", "2", "'2' is not a map"),
        arguments("{DE: 2, FR: 1}", "[2, 1]", "places: is not a map; write {a: 1, b: 2}"),
        arguments("{DE: 2, FR: 1}", "{DE: x}", "'x' is not a value of type LONG"),
        arguments(", total: null, places: {DE: 2, FR: 1}", "", "expects nothing"),
        arguments("  - {at: \"10:30\"", "  - at\n  - {at: \"10:30\"", "that is not a mapping"));
  }

  @ParameterizedTest(name = "{index} {1}")
  @MethodSource("mistakes")
  void namesTheMistakeAndWhatToDo(String correct, String wrong, String expected) {
    assertThat(TEST).contains(correct);

    List<String> problems = folder.write("spend.yaml", TEST.replace(correct, wrong)).problems();

    assertThat(problems).isNotEmpty().hasSizeLessThanOrEqualTo(2);
    assertThat(problems).allMatch(problem -> problem.startsWith("spend.yaml:"));
    assertThat(String.join("\n", problems)).contains(expected);
  }
}
