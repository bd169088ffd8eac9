package dev.tailwater.checks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.definitions.FeatureViewDefinition;
import dev.tailwater.definitions.Project;
import dev.tailwater.definitions.ProjectLoader;
import dev.tailwater.definitions.TestDefinition;
import dev.tailwater.definitions.TestDefinition.Expected;
import dev.tailwater.definitions.TestDefinition.Given;
import dev.tailwater.definitions.TestDefinition.Value;
import dev.tailwater.plan.PlanCompiler;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ProjectCheckTest {

  /** 2026-03-29T00:00Z: the day on which many zones lose an hour. */
  private static final long START = 1_774_742_400_000L;

  private static final long MINUTE_MS = 60_000;

  private static final List<String> SHOPS = List.of("north", "south", "east", "west");

  private static final Project PROJECT =
      ProjectLoader.load(Path.of("src/test/resources/projects/everything"));
  private static final ProjectCheck CHECK = new ProjectCheck(PlanCompiler.compile(PROJECT));

  static Stream<Arguments> viewsAndSeeds() {
    return PROJECT.views().stream()
        .filter(view -> !isOfRows(view))
        .flatMap(view -> Stream.of(1L, 2L, 3L).map(seed -> Arguments.of(view.name(), seed)));
  }

  private static boolean isOfRows(FeatureViewDefinition view) {
    return PROJECT.stream(view.streams().get(0)).orElseThrow().isChangelog();
  }

  static Stream<Arguments> viewsOfRowsAndSeeds() {
    return PROJECT.views().stream()
        .filter(ProjectCheckTest::isOfRows)
        .flatMap(
            view -> Stream.of(1L, 2L, 3L, 4L, 5L, 6L).map(seed -> Arguments.of(view.name(), seed)));
  }

  @ParameterizedTest(name = "{0}, seed {1}")
  @MethodSource("viewsAndSeeds")
  void theEngineInAnyOrderAndTheReferenceAgree(String view, long seed) throws Exception {
    Random random = new Random(seed);
    List<String> streams = PROJECT.view(view).orElseThrow().streams();
    List<Given> given = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      String id = "p" + random.nextInt(25);
      String stream = streams.get(random.nextInt(streams.size()));
      given.add(payment(id, stream, START + 5 * MINUTE_MS * random.nextInt(300), random));
    }
    given.sort((left, right) -> Long.compare(left.eventTime(), right.eventTime()));
    List<Expected> questions = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      long at = START + 5 * MINUTE_MS * random.nextInt(320) - random.nextInt(2);
      Optional<Object> about =
          random.nextBoolean() ? Optional.of("p" + random.nextInt(40)) : Optional.empty();
      questions.add(new Expected(i, at, key(view, random), about, Map.of()));
    }

    assertThat(CHECK.run(test(view, given, questions)).problems()).isEmpty();
  }

  @ParameterizedTest(name = "{0}, seed {1}")
  @MethodSource("viewsOfRowsAndSeeds")
  void rowsThatChangeMoveAndGoAreRetractedInAnyOrder(String view, long seed) throws Exception {
    Random random = new Random(seed);
    String stream = PROJECT.view(view).orElseThrow().streams().get(0);
    List<Given> given = new ArrayList<>();
    Map<String, Given> rows = new HashMap<>();
    // Some change long after their time, others soon: then time passes between the changes.
    boolean soon = seed > 3;
    for (int i = 0; i < 60; i++) {
      String id = "o" + (soon ? i / 5 + random.nextInt(3) : random.nextInt(12));
      Given row = rows.get(id);
      if (row != null && random.nextInt(3) == 0) {
        given.add(
            new Given(
                i,
                stream,
                row.eventTime(),
                row.values(),
                true,
                appended(row.appended(), view, random)));
        rows.remove(id);
        continue;
      }
      long elsewhere =
          START + 5 * MINUTE_MS * (soon ? 4 * i + random.nextInt(40) : random.nextInt(300));
      long at = row != null && random.nextBoolean() ? row.eventTime() : elsewhere;
      Given now = payment(id, stream, at, random);
      Given told =
          new Given(
              i,
              stream,
              at,
              now.values(),
              false,
              appended(row == null ? at : Math.max(at, row.appended()), view, random));
      given.add(told);
      rows.put(id, told);
    }
    List<Expected> questions = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      long at = START + 5 * MINUTE_MS * random.nextInt(320) - random.nextInt(2);
      questions.add(new Expected(i, at, key(view, random), Map.of()));
    }

    assertThat(CHECK.run(test(view, given, questions)).problems()).isEmpty();
  }

  private static long appended(long at, String view, Random random) {
    return view.startsWith("known") ? at + 5 * MINUTE_MS * random.nextInt(20) : at;
  }

  private static List<Object> key(String view, Random random) {
    return PROJECT.view(view).orElseThrow().entity().equals("shop")
        ? List.of(SHOPS.get(random.nextInt(SHOPS.size())))
        : List.of("c" + random.nextInt(3));
  }

  private static Given payment(String id, String stream, long at, Random random) {
    Map<String, @Nullable Object> values = new HashMap<>();
    values.put("id", id);
    values.put("at", at);
    values.put("customer", "c" + random.nextInt(2));
    if (random.nextInt(8) > 0) {
      values.put("amount", random.nextInt(1_000) / 10.0 - 2);
    }
    if (random.nextInt(8) > 0) {
      values.put("items", random.nextInt(4));
    }
    if (random.nextInt(8) > 0) {
      values.put("shop", SHOPS.get(random.nextInt(SHOPS.size())));
    }
    values.put("online", random.nextBoolean());
    return new Given(0, stream, at, values);
  }

  private static TestDefinition test(String view, List<Given> given, List<Expected> expected) {
    return new TestDefinition("the test", view, "project.yaml", 7, given, expected);
  }

  @Test
  void aDifferenceNamesTheLineTheEntityAndBothValues() throws Exception {
    Given payment =
        new Given(3, "payments", START, Map.of("at", START, "customer", "c", "items", 1));
    Expected wrong =
        new Expected(
            5,
            START,
            List.of("c"),
            Map.of("n_1h", new Value(2L, 0), "total_1h", new Value(1.0, 0)));

    assertThat(CHECK.run(test("numbers", List.of(payment), List.of(wrong))).problems())
        .hasSize(3)
        .startsWith("project.yaml:5: at 2026-03-29T00:00:00.000Z, customer=c")
        .contains("  n_1h: expected 2, was 1", "  total_1h: expected 1.0, was NULL");
  }

  @Test
  void aDifferenceTellsTextFromNullAndSaysHowNearANumberHadToBe() throws Exception {
    Given payment =
        new Given(
            3,
            "payments",
            START,
            Map.of("at", START, "customer", "c", "amount", 1.0, "shop", "NULL"));
    Expected none =
        new Expected(5, START, List.of("c"), Map.of("last_shop_2h", new Value(null, 0)));
    Expected empty = new Expected(6, START, List.of("c"), Map.of("last_shop_2h", new Value("", 0)));
    Expected near = new Expected(7, START, List.of("c"), Map.of("total_1h", new Value(1.1, 0.01)));

    assertThat(CHECK.run(test("orders", List.of(payment), List.of(none, empty))).problems())
        .contains(
            "  last_shop_2h: expected NULL, was \"NULL\"",
            "  last_shop_2h: expected \"\", was \"NULL\"");
    assertThat(CHECK.run(test("numbers", List.of(payment), List.of(near))).problems())
        .contains("  total_1h: expected 1.1 ±0.01, was 1.0");
  }

  @Test
  void aQuestionAboutAnEventLeavesItOutWhereItShould() throws Exception {
    Given event = new Given(3, "payments", START, Map.of("id", "p1", "at", START, "customer", "c"));
    Expected about =
        new Expected(5, START, List.of("c"), Optional.of("p1"), Map.of("n_1h", new Value(0L, 0)));
    Expected aboutNone = new Expected(6, START, List.of("c"), Map.of("n_1h", new Value(1L, 0)));

    assertThat(CHECK.run(test("others", List.of(event), List.of(about, aboutNone))).problems())
        .isEmpty();
  }

  @Test
  void theReferenceIsExactWhereHugeValuesCancel() throws Exception {
    List<Given> given = new ArrayList<>();
    List<Expected> questions = new ArrayList<>();
    double[] amounts = {1e308, -9e18, 9e18, 1e308};
    for (int i = 0; i < amounts.length; i++) {
      long at = START + 7 * i;
      // One has a single huge value; what another spent cancels.
      String customer = i == 0 || i == 3 ? "c" + i : "c";
      given.add(
          new Given(
              i, "payments", at, Map.of("at", at, "customer", customer, "amount", amounts[i])));
      questions.add(new Expected(i, START + MINUTE_MS * (1 + 50 * i), List.of(customer), Map.of()));
    }

    assertThat(CHECK.run(test("numbers", given, questions)).problems()).isEmpty();
  }

  @Test
  void aDoubleMayBeNearIfTheTestSaysSo() throws Exception {
    Map<String, @Nullable Object> values = Map.of("at", START, "customer", "c", "amount", 0.1);
    Expected near = new Expected(5, START, List.of("c"), Map.of("total_1h", new Value(0.11, 0.02)));

    assertThat(
            CHECK
                .run(
                    test(
                        "numbers", List.of(new Given(3, "payments", START, values)), List.of(near)))
                .passed())
        .isTrue();
  }

  @Test
  void anEventOfAViewAsKnownCountsFromItsAppendTimeOn() throws Exception {
    Map<String, @Nullable Object> values = Map.of("at", START, "customer", "c");
    long appended = START + 40 * MINUTE_MS;
    Given event = new Given(3, "payments", START, values, false, appended);
    Expected before = new Expected(5, appended - 1, List.of("c"), Map.of("n_1h", new Value(0L, 0)));
    Expected after = new Expected(6, appended, List.of("c"), Map.of("n_1h", new Value(1L, 0)));

    assertThat(CHECK.run(test("known", List.of(event), List.of(before, after))).problems())
        .isEmpty();
  }

  static Stream<Arguments> viewsOfWhatIsKnownAndSeeds() {
    return Stream.of("known", "known_chain", "chain_of_known")
        .flatMap(view -> Stream.of(1L, 2L, 3L, 4L, 5L, 6L).map(seed -> Arguments.of(view, seed)));
  }

  @ParameterizedTest(name = "{0}, seed {1}")
  @MethodSource("viewsOfWhatIsKnownAndSeeds")
  void theReferenceKnowsWhatTheEngineDoes(String view, long seed) throws Exception {
    Random random = new Random(seed);
    String stream = PROJECT.view(view).orElseThrow().streams().get(0);
    List<Given> given = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      long at = START + 5 * MINUTE_MS * random.nextInt(60);
      boolean isCopy = i > 0 && random.nextInt(4) == 0;
      Given told = isCopy ? given.get(random.nextInt(i)) : payment("p" + i, stream, at, random);
      given.add(
          new Given(
              i,
              told.stream(),
              told.eventTime(),
              told.values(),
              false,
              told.eventTime() + 5 * MINUTE_MS * random.nextInt(20)));
    }
    given.sort((left, right) -> Long.compare(left.eventTime(), right.eventTime()));
    List<Expected> questions = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      long at = START + 5 * MINUTE_MS * random.nextInt(90) - random.nextInt(2);
      questions.add(new Expected(i, at, key(view, random), Map.of()));
    }

    assertThat(CHECK.run(test(view, given, questions)).problems()).isEmpty();
  }

  @Test
  void aRecordThatIsTooLateIsShownAndCountsInNoOrder() throws Exception {
    Given first = new Given(3, "refunds", START, Map.of("at", START, "customer", "c"));
    long early = START - 2 * MINUTE_MS;
    Given late = new Given(4, "refunds", early, Map.of("at", early, "customer", "c"));
    Expected one = new Expected(6, START, List.of("c"), Map.of("moves", new Value(1L, 0)));

    ProjectCheck.Result result = CHECK.run(test("both_ways", List.of(first, late), List.of(one)));

    assertThat(result.problems()).isEmpty();
    assertThat(result.refused()).singleElement().asString().startsWith("project.yaml:4: LATE: ");
  }
}
