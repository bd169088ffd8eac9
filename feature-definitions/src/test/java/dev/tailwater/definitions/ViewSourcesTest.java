package dev.tailwater.definitions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.tailwater.plan.PlanCompiler;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ViewSourcesTest {

  private static final String PROJECT =
      """
      {kind: stream, name: cards, schema: transaction.avsc, event_time: tx_time, event_id: tx_id, lateness: 0s}
      ---
      {kind: stream, name: transfers, schema: transaction.avsc, event_time: tx_time, event_id: tx_id}
      ---
      {kind: entity, name: customer, key: {customer_id: string}}
      ---
      {kind: entity, name: terminal, key: {terminal_id: int}}
      ---
      kind: feature-view
      name: paid
      entity: customer
      from:
        - {stream: cards, map: {amount: tx_amount, place: country}}
        - {stream: transfers, key: {customer_id: country}, map: {amount: tx_amount * 2, place: "'home'"}}
      features:
        total: {sum: amount, where: place = 'DE', over: 1d}
      ---
      kind: feature-view
      name: spend
      entity: customer
      from: cards
      features:
        tx_amount: {avg: tx_amount, over: 1d}
        recent: {last_k: tx_amount, k: 3, over: 1d}
        n: {count: "*", over: 1d}
      ---
      kind: feature-view
      name: visitors
      entity: terminal
      from: spend
      features:
        heavy: {count: "*", where: tx_amount > 2 * spend.tx_amount AND n > 3, over: 1d}
      ---
      kind: model
      name: fraud
      ask: cards
      vector: [spend.*, visitors.heavy, "last: spend.recent[1]"]
      about: tx_id
      fallback: 0.5
      """;

  private final ProjectFolder folder;

  ViewSourcesTest(@TempDir Path folder) {
    this.folder = new ProjectFolder(folder);
  }

  @Test
  void severalStreamsAreSeenAsOne() {
    FeatureViewDefinition view =
        folder.write("project.yaml", PROJECT).load().view("paid").orElseThrow();

    assertThat(view.streams()).containsExactly("cards", "transfers");
    assertThat(view.sources().get(1).keyColumns()).containsExactly("country");
    assertThat(view.sources().get(1).mapped().keySet()).containsExactly("amount", "place");
    assertThat(view.features().get(0).column().orElseThrow().reads()).containsExactly("amount");
  }

  @Test
  void aViewOfAViewReadsColumnsAndFeatures() {
    Project project = folder.write("project.yaml", PROJECT).load();
    FeatureViewDefinition view = project.view("visitors").orElseThrow();

    assertThat(view.basedOn()).contains("spend");
    assertThat(view.streams()).containsExactly("cards");
    assertThat(view.features().get(0).where().orElseThrow().reads())
        .containsExactlyInAnyOrder("tx_amount", "spend.tx_amount", "n");
    assertThat(project.featureNamed("tx_amount", view)).as("the column is first").isEmpty();
    assertThat(project.featureNamed("n", view)).contains("spend.n");
  }

  /** Per place what customers had paid, by card or otherwise. */
  private static final String CHAIN_OF_A_UNION =
      PROJECT.replace("event_id: tx_id}", "event_id: tx_id, lateness: 0s}")
          + """
          ---
          {kind: entity, name: country, key: {country: string}}
          ---
          kind: feature-view
          name: places
          entity: country
          from: paid
          key: {country: country}
          features:
            large: {count: "*", where: amount * 2 > total AND paid.total > 5, over: 1d}
          """;

  @Test
  void aViewOfAViewOfSeveralStreamsReadsWhatTheseMapAndFeatures() {
    Project project = folder.write("project.yaml", CHAIN_OF_A_UNION).load();
    FeatureViewDefinition view = project.view("places").orElseThrow();

    assertThat(view.basedOn()).contains("paid");
    assertThat(view.streams())
        .as("in the order of the other view")
        .containsExactly("cards", "transfers");
    assertThat(view.sources().get(1).mapped())
        .extractingByKey("amount")
        .extracting(Expression::text)
        .isEqualTo("tx_amount * 2");
    assertThat(project.featureNamed("amount", view)).as("a mapped name").isEmpty();
    assertThat(project.featureNamed("total", view)).contains("paid.total");
    assertThat(view.sources()).allMatch(source -> source.keyColumns().equals(List.of("country")));
  }

  @Test
  void aViewOfAViewFindsTheSameEntityAsThatDoesAndOthersByWhatIsMappedFirst() {
    Project same =
        folder
            .write(
                "project.yaml",
                CHAIN_OF_A_UNION
                    .replace("entity: country", "entity: customer")
                    .replace("key: {country: country}\n", ""))
            .load();
    assertThat(same.view("places").orElseThrow().sources())
        .extracting(FeatureViewDefinition.Source::keyColumns)
        .containsExactly(List.of("customer_id"), List.of("country"));

    Project mapped =
        folder
            .write(
                "project.yaml",
                CHAIN_OF_A_UNION
                    .replace("place: \"'home'\"", "place: customer_id")
                    .replace("{country: country}", "{country: place}"))
            .load();
    assertThat(mapped.view("places").orElseThrow().sources())
        .extracting(FeatureViewDefinition.Source::keyColumns)
        .containsExactly(List.of("country"), List.of("customer_id"));
  }

  static Stream<Arguments> mistakesInAChainOfAUnion() {
    return Stream.of(
        arguments(
            "{country: country}",
            "{country: place}",
            "is the key of entity country and stands for 'home' in stream transfers, not for a"
                + " column; derive the column in stream transfers and map place to it"),
        arguments(
            "{country: country}", "{country: countri}", "'countri' is not a column of stream"),
        arguments("amount * 2 > total", "tx_amount > total", "tx_amount does not exist"),
        arguments("paid.total > 5", "paid.totl > 5", "paid.totl does not exist"),
        arguments(
            "tx_id, lateness: 0s}\n---\n{kind: entity, name: customer",
            "tx_id, lateness: 1m}\n---\n{kind: entity, name: customer",
            "is computed from stream transfers, whose late events would change"));
  }

  @ParameterizedTest(name = "{index} {1}")
  @MethodSource("mistakesInAChainOfAUnion")
  void namesTheMistakeInAChainOfAUnion(String correct, String wrong, String expected) {
    assertThat(CHAIN_OF_A_UNION).contains(correct);

    assertThat(folder.write("project.yaml", CHAIN_OF_A_UNION.replace(correct, wrong)).problems())
        .anyMatch(problem -> problem.contains(expected));
  }

  @Test
  void aMistakeInAMapIsReportedOnceAndNotWhereAViewOfTheViewReadsIt() {
    assertThat(
            folder
                .write(
                    "project.yaml", CHAIN_OF_A_UNION.replace("amount: tx_amount *", "amount: x *"))
                .problems())
        .singleElement()
        .asString()
        .contains("x does not exist");
  }

  @Test
  void aViewOfAViewOfAChangelogNeedsItsChangesInTime() {
    String changes =
        """
        {kind: stream, name: rows, schema: transaction.avsc, format: debezium-json, event_time: tx_time, event_id: tx_id%s}
        ---
        {kind: entity, name: customer, key: {customer_id: string}}
        ---
        {kind: feature-view, name: a, entity: customer, from: rows, features: {x: {count: "*", over: 1d}}}
        ---
        {kind: feature-view, name: b, entity: customer, from: a, features: {y: {max: x, over: 1d}}}
        """;

    assertThat(folder.write("project.yaml", changes.formatted("")).problems())
        .singleElement()
        .asString()
        .contains("whose late changes would change what earlier ones saw", "write lateness: 0s");
    assertThat(folder.write("project.yaml", changes.formatted(", lateness: 0s")).load().views())
        .hasSize(2);
  }

  @Test
  void aPartOfAProjectHasTheViewsThatTheWantedOnesAreBasedOnAndMeansTheSame() {
    Project project = folder.write("project.yaml", PROJECT).load();
    FeatureHashes whole = FeatureHashes.of(project);

    Project part = project.only(List.of("visitors"));

    assertThat(part.views())
        .extracting(FeatureViewDefinition::name)
        .containsExactly("spend", "visitors");
    assertThat(part.models()).isEmpty();
    FeatureHashes ofPart = FeatureHashes.of(part);
    assertThat(ofPart.viewVersion("visitors")).isEqualTo(whole.viewVersion("visitors"));
    assertThat(ofPart.viewVersion("spend")).isEqualTo(whole.viewVersion("spend"));
    assertThat(PlanCompiler.compile(part).chains()).hasSize(1);
    assertThat(PlanCompiler.compile(project.only(List.of("paid"))).chains()).isEmpty();
    assertThatThrownBy(() -> project.only(List.of("unknown")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("unknown");
  }

  @Test
  void aListInAVectorIsOneInputForEachPlace() {
    ModelDefinition model =
        folder.write("project.yaml", PROJECT).load().model("fraud").orElseThrow();

    assertThat(model.vector())
        .extracting(ModelDefinition.Element::name)
        .containsExactly(
            "spend.n",
            "spend.recent_1",
            "spend.recent_2",
            "spend.recent_3",
            "spend.tx_amount",
            "visitors.heavy",
            "last");
    assertThat(model.vector().get(2).element()).isEqualTo(2);
    assertThat(model.about()).contains("tx_id");
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        arguments("place: country}", "pla: country}", "map it there too"),
        arguments(", place: \"'home'\"}", "}", "from.map: does not have place, which the source"),
        arguments("amount: tx_amount *", "amount: terminal_id *", "CAST one of them"),
        arguments("tx_amount * 2", "tx_amont * 2", "did you mean tx_amount?"),
        arguments("{sum: amount,", "{sum: tx_amount,", "is not a column of the map of view paid"),
        arguments("stream: transfers, key", "stream: cards, key", "'cards' is in the list twice"),
        arguments("{stream: transfers, key", "{key", "from.stream: is missing"),
        arguments("{stream: transfers, key", "{streem: transfers, key", "did you mean stream?"),
        arguments("key: {customer_id: country}, map", "map: {}, mapp", "is not known here"),
        arguments("lateness: 0s}", "lateness: 1s}", "write lateness: 0s in stream cards"),
        arguments("from: spend", "from: spent", "'spent' is not a known stream or view; did you"),
        arguments("from: spend", "from: paid", "write lateness: 0s in stream transfers"),
        arguments("from: spend", "from: visitors", "closes the cycle visitors -> visitors"),
        arguments("AND n > 3", "AND recent > 3", "> does not take <DOUBLE ARRAY> > <INTEGER>"),
        arguments(
            "count: \"*\", where: tx", "last: recent, where: tx", "of which there is no last"),
        arguments(
            "{stream: transfers, key",
            "{stream: spend, key",
            "'spend' is a view, and a list is of streams"),
        arguments(
            "from: spend",
            "from: spend\nkey: {terminal_id: n}",
            "key.terminal_id: 'n' is not a column of stream cards"),
        arguments(
            "name: transfers, schema",
            "name: transfers, format: debezium-json, schema",
            "are a changelog and events, which do not mix"),
        arguments(
            "name: cards, schema: transaction.avsc, event_time: tx_time, event_id: tx_id",
            "name: cards, format: debezium-json, schema: transaction.avsc, event_time: tx_time",
            "event_id: is missing; name the primary key of the row"),
        arguments(
            "name: cards, schema",
            "name: cards, format: debezium-json, schema",
            "'cards' is a changelog, whose records are changes and not questions"),
        arguments(
            "transaction.avsc, event_time: tx_time, event_id: tx_id}",
            "transaction.avsc, event_time: tx_time}",
            "has no event_id, other than stream cards"),
        arguments("about: tx_id", "about: tx_amount", "is a DOUBLE column; name the one that"),
        arguments("about: tx_id", "about: tx_idd", "'tx_idd' is not a column of stream cards"),
        arguments(
            "recent: {last_k: tx_amount",
            "recent: {last_k: country",
            "spend.recent is STRING_LIST, and a model reads numbers; name an element in an"),
        arguments(
            "n: {count: \"*\"",
            "n: {count: \"*\", by: country",
            "name a key in an expression, as in \"x: spend.n['a']\""),
        arguments("entity: terminal", "entity: terminal\nrefresh: often", "write never, or {every"),
        arguments(
            "entity: terminal", "entity: terminal\nrefresh: {every: 1ms}", "shorter than 1000ms"),
        arguments(
            "entity: terminal", "entity: terminal\nknowledge: as_know", "did you mean as_known?"));
  }

  @ParameterizedTest(name = "{index} {1}")
  @MethodSource("mistakes")
  void namesTheMistakeAndWhatToDo(String correct, String wrong, String expected) {
    assertThat(PROJECT).contains(correct);

    assertThat(folder.write("project.yaml", PROJECT.replace(correct, wrong)).problems())
        .anyMatch(problem -> problem.contains(expected));
  }

  @Test
  void aCycleIsNamedOnce() {
    String views =
        """
        {kind: stream, name: s, schema: transaction.avsc, event_time: tx_time, lateness: 0s}
        ---
        {kind: entity, name: customer, key: {customer_id: string}}
        """;
    for (String[] edge : new String[][] {{"a", "b"}, {"b", "c"}, {"c", "a"}, {"d", "a"}}) {
      views +=
          """
          ---
          {kind: feature-view, name: %s, entity: customer, from: %s, features: {x: {count: "*", over: 1d}}}
          """
              .formatted(edge[0], edge[1]);
    }

    assertThat(folder.write("project.yaml", views).problems())
        .containsExactly(
            "project.yaml:9: from: 'a' closes the cycle a -> b -> c -> a; compute one of them from"
                + " a stream");
  }

  @ParameterizedTest(name = "the nearest to the stream first: {0}")
  @ValueSource(booleans = {false, true})
  void refusesAChainOfMoreThanAHundredViewsInAnyOrder(boolean nearestFirst) {
    String project =
        """
        {kind: stream, name: s, schema: transaction.avsc, event_time: tx_time, lateness: 0s}
        ---
        {kind: entity, name: customer, key: {customer_id: string}}
        """;
    String view =
        """
        ---
        {kind: feature-view, name: v%d, entity: customer, from: %s, features: {n: {count: "*", over: 1d}}}
        """;
    List<String> views = new ArrayList<>();
    for (int i = 1; i <= 101; i++) {
      views.add(view.formatted(i, i == 1 ? "s" : "v" + (i - 1)));
    }
    List<String> hundred = new ArrayList<>(views.subList(0, 100));
    if (!nearestFirst) {
      Collections.reverse(views);
      Collections.reverse(hundred);
    }

    assertThat(folder.write("project.yaml", project + String.join("", hundred)).problems())
        .isEmpty();
    assertThat(folder.write("project.yaml", project + String.join("", views)).problems())
        .singleElement()
        .asString()
        .contains("belongs to a chain of more than 100 views, each computed from the next");
  }

  @ParameterizedTest(name = "{0} is refreshed every {1}")
  @CsvSource({
    "'over: 7d', PT1H40M48S",
    "'over: 10s', PT1S",
    "'over: [1h, 7d]', PT36S",
    "'over: 1d, resolution: 1h', PT1H",
    "'over: lifetime', PT0S",
    "'over: last 5 events', PT0S",
    "'over: lifetime, delay: 100m', PT1M",
    "'over: this day', PT14M24S",
    "'over: session, gap: 1h', PT36S"
  })
  void refreshesAHundredTimesAWindow(String over, Duration expected) {
    assertThat(view("", over).refresh()).isEqualTo(expected);
  }

  @Test
  void refreshAndKnowledgeAsWritten() {
    assertThat(view("refresh: never", "over: 7d").refresh()).isZero();
    assertThat(view("refresh: {every: 5m}", "over: 7d").refresh()).hasMinutes(5);
    assertThat(view("knowledge: as_known", "over: 7d").knowledge()).isEqualTo(Knowledge.AS_KNOWN);
    assertThat(view("", "over: 7d").knowledge()).isEqualTo(Knowledge.AS_HAPPENED);
  }

  private FeatureViewDefinition view(String line, String over) {
    return folder
        .write(
            "project.yaml",
            """
            {kind: stream, name: s, schema: transaction.avsc, event_time: tx_time}
            ---
            {kind: entity, name: customer, key: {customer_id: string}}
            ---
            kind: feature-view
            name: v
            entity: customer
            from: s
            %s
            features: {x: {count: "*", %s}}
            """
                .formatted(line, over))
        .load()
        .view("v")
        .orElseThrow();
  }

  @Test
  void modelsOfOneStreamAskAboutTheSame() {
    String second =
        "---\n{kind: model, name: other, ask: cards, vector: [tx_amount], fallback: 0}\n";

    assertThat(folder.write("project.yaml", PROJECT + second).problems())
        .hasSize(1)
        .allMatch(problem -> problem.contains("which asks about tx_id; give both models"));
  }

  @Test
  void nothingIsBasedOnAViewThatIsAlsoAStream() {
    assertThat(
            folder
                .write("project.yaml", PROJECT.replace("name: transfers", "name: spend"))
                .problems())
        .anyMatch(problem -> problem.contains("'spend' is both a stream and a view"));
  }
}
