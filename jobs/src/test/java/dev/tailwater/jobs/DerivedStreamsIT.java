package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.files.EventFiles;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.definitions.Knowledge;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.plan.ChainPlan;
import dev.tailwater.plan.ModelPlan.Source;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.Timestamps;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole graphs of chains, unions and changelogs: the same in STREAMING and in BATCH. */
class DerivedStreamsIT {

  private static final long SEED = 77;
  private static final int EVENTS = 1_500;

  /** One payment of a history, as it stands in a file. */
  private record Payment(String id, long at, String card, String shop, double amount) {

    String csv() {
      return "%s,%s,%s,%s,%s\n".formatted(id, Timestamps.format(at), card, shop, amount);
    }

    String json() {
      return "{\"id\":\"%s\",\"at\":%d,\"card\":\"%s\",\"shop\":\"%s\",\"amount\":%s}"
          .formatted(id, at, card, shop, amount);
    }
  }

  private static List<Payment> history(Random random, String prefix) {
    List<Payment> payments = new ArrayList<>();
    for (int i = 0; i < EVENTS; i++) {
      payments.add(
          new Payment(
              prefix + i,
              1_000_000 + 100L * random.nextInt(3_000),
              "card-" + random.nextInt(12),
              "shop-" + random.nextInt(5),
              random.nextInt(1_000)));
    }
    // A little out of order.
    Map<Payment, Long> arrival = new HashMap<>();
    payments.forEach(payment -> arrival.put(payment, payment.at + random.nextInt(1_000)));
    payments.sort(Comparator.comparing(payment -> arrival.getOrDefault(payment, 0L)));
    return payments;
  }

  private static Path csv(Path folder, String name, List<Payment> payments) throws Exception {
    StringBuilder text = new StringBuilder("id,at,card,shop,amount\n");
    payments.forEach(payment -> text.append(payment.csv()));
    return Files.writeString(folder.resolve(name), text);
  }

  /** Per shop: how many payments, and the sum of what each card had just spent. */
  @Test
  void aViewOverAViewCountsWhatTheOtherSaidAtEachEvent(@TempDir Path folder) throws Exception {
    System.out.println("seed " + SEED);
    List<Payment> payments = history(new Random(SEED), "p");
    Path file = csv(folder, "payments.csv", payments);
    StreamPlan stream = TestPlans.stream("payments", RecordFormat.JSON, 0);
    StreamPlan derived =
        TestPlans.derived(stream, "spend", new Column("spent", ColumnType.DOUBLE, true));
    Plan plan =
        new Plan(
            "chain",
            List.of(stream, derived),
            List.of(
                TestPlans.entity(
                    "card", TestPlans.input(layout(), 0, TestPlans.AMOUNT, 0), TestPlans.CARD, 2),
                TestPlans.entity(
                    "shop",
                    TestPlans.input(layout(), 1, TestPlans.CARRIED.size(), 1),
                    TestPlans.SHOP,
                    2)),
            List.of(
                TestPlans.view("spend", 0, 0, Knowledge.AS_HAPPENED),
                TestPlans.view("shop_spend", 1, 3_000, Knowledge.AS_HAPPENED)),
            List.of(),
            List.of(new ChainPlan(1, 0, new int[] {0}, List.of(new Source.Feature(0, 1)))));

    List<String> expected = new ArrayList<>();
    for (Payment question : payments) {
      long count = 0;
      double sum = 0;
      for (Payment event : payments) {
        if (event.shop.equals(question.shop) && isIn(event, question.at)) {
          count++;
          for (Payment spent : payments) {
            if (spent.card.equals(event.card) && isIn(spent, event.at)) {
              sum += spent.amount;
            }
          }
        }
      }
      expected.add(question.id + ": " + count + " " + sum);
    }
    assertSameInBothModes(plan, 1, expected, file);
  }

  /** Per shop: how many payments and transfers, and what each card had just moved by both. */
  @Test
  void aViewOverAViewOfSeveralStreamsCountsTheEventsOfAll(@TempDir Path folder) throws Exception {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    List<Payment> payments = history(random, "e");
    List<Payment> transfers = history(random, "e"); // The same ids.
    Path[] files = {csv(folder, "p.csv", payments), csv(folder, "t.csv", transfers)};
    Plan plan =
        chainPlan(
            TestPlans.DISORDER_MS,
            Identity.EVENT,
            TestPlans.stream("payments", RecordFormat.JSON, 0),
            TestPlans.stream("transfers", RecordFormat.JSON, 0));

    List<Payment> all = new ArrayList<>(payments);
    all.addAll(transfers);
    List<Double> spent = spent(all);
    List<String> expected = new ArrayList<>();
    for (Payment question : payments) {
      expected.add(question.id + ": " + ofShop(all, spent, question.shop, question.at));
    }
    assertSameInBothModes(plan, 1, expected, files);
  }

  /** A change comes as late as the disorder allows: later ones are not accepted. */
  @Test
  void aViewOverAViewOfAChangelogCountsRowsAsTheyAreWhenTheyAreOver(@TempDir Path folder)
      throws Exception {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    TreeMap<String, Payment> present = new TreeMap<>();
    StringBuilder lines = new StringBuilder();
    long newest = Long.MIN_VALUE;
    List<Payment> told = new ArrayList<>();
    for (Payment payment : history(random, "r")) {
      lines.append("{\"op\":\"c\",\"after\":%s}\n".formatted(payment.json()));
      present.put(payment.id, payment);
      told.add(payment);
      newest = Math.max(newest, payment.at);
      Payment old = present.get(told.get(Math.max(0, told.size() - 1 - random.nextInt(5))).id);
      if (old == null || newest - old.at > TestPlans.DISORDER_MS) {
        continue;
      }
      if (random.nextInt(3) == 0) {
        lines.append("{\"op\":\"d\",\"before\":%s}\n".formatted(old.json()));
        present.remove(old.id);
      } else {
        Payment moved =
            new Payment(
                old.id,
                Math.min(newest, old.at + 100L * random.nextInt(5)),
                random.nextInt(3) == 0 ? "card-" + random.nextInt(12) : old.card,
                random.nextInt(3) == 0 ? "shop-" + random.nextInt(5) : old.shop,
                random.nextInt(1_000));
        lines.append(
            "{\"op\":\"u\",\"before\":%s,\"after\":%s}\n".formatted(old.json(), moved.json()));
        present.put(moved.id, moved);
      }
    }
    Path file = Files.writeString(folder.resolve("changes.jsonl"), lines);
    Plan plan =
        chainPlan(
            TestPlans.DISORDER_MS,
            Identity.ROW,
            TestPlans.stream("changes", RecordFormat.DEBEZIUM_JSON, 0));

    List<Payment> all = new ArrayList<>(present.values());
    List<Double> spent = spent(all);
    for (boolean batch : new boolean[] {true, false}) {
      List<String> differences = new ArrayList<>();
      int ofShops = 0;
      for (FeatureRow row : offline(graph(plan, batch, List.of(), file))) {
        if (row.view() == 1) {
          ofShops++;
          String found = row.values()[0] + " " + row.values()[1];
          String expected = ofShop(all, spent, row.key(), row.validFrom());
          if (!found.equals(expected.replace("0 0.0", "0 null"))) {
            differences.add(row.key() + "@" + row.validFrom() + ": " + found + ", not " + expected);
          }
        }
      }
      assertThat(ofShops).isGreaterThan(EVENTS / 2);
      assertThat(differences).isEmpty();
    }
  }

  /** What each card spends in all streams, and per shop the sum of what cards had just spent. */
  private static Plan chainPlan(long latenessMs, Identity identity, StreamPlan... recorded) {
    int count = recorded.length;
    List<StreamPlan> streams = new ArrayList<>(List.of(recorded));
    List<ChainPlan> chains = new ArrayList<>();
    for (int stream = 0; stream < count; stream++) {
      Column value = new Column("spent", ColumnType.DOUBLE, true);
      streams.add(TestPlans.derived(recorded[stream], recorded[stream].name() + ".spend", value));
      chains.add(
          new ChainPlan(count + stream, stream, new int[] {0}, List.of(new Source.Feature(0, 1))));
    }
    StateLayout layout = TestPlans.layout(identity, latenessMs, false);
    return new Plan(
        "chains",
        streams,
        List.of(
            TestPlans.entity(
                "card",
                TestPlans.input(layout, 0, TestPlans.AMOUNT, IntStream.range(0, count).toArray()),
                TestPlans.CARD,
                2 * count),
            TestPlans.entity(
                "shop",
                TestPlans.input(
                    layout,
                    1,
                    TestPlans.CARRIED.size(),
                    IntStream.range(count, 2 * count).toArray()),
                TestPlans.SHOP,
                2 * count)),
        List.of(
            TestPlans.view("spend", 0, 0, Knowledge.AS_HAPPENED),
            TestPlans.view("shop_spend", 1, 3_000, Knowledge.AS_HAPPENED)),
        List.of(),
        chains);
  }

  /** Per event what its card had spent. */
  private static List<Double> spent(List<Payment> all) {
    List<Double> spent = new ArrayList<>();
    for (Payment event : all) {
      double sum = 0;
      for (Payment earlier : all) {
        sum += earlier.card.equals(event.card) && isIn(earlier, event.at) ? earlier.amount : 0;
      }
      spent.add(sum);
    }
    return spent;
  }

  private static String ofShop(List<Payment> all, List<Double> spent, String shop, long instant) {
    long count = 0;
    double sum = 0;
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).shop.equals(shop) && isIn(all.get(i), instant)) {
        count++;
        sum += spent.get(i);
      }
    }
    return count + " " + sum;
  }

  @Test
  void aUnionOfStreamsIsOneStreamInTheOrderOfTheList(@TempDir Path folder) throws Exception {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    List<Payment> payments = history(random, "e");
    List<Payment> transfers = history(random, "e"); // The same ids.
    Plan plan =
        TestPlans.cards(
            TestPlans.view("spend", 0, 3_000, Knowledge.AS_HAPPENED),
            layout(),
            TestPlans.stream("payments", RecordFormat.JSON, 0),
            TestPlans.stream("transfers", RecordFormat.JSON, 0));
    Path[] files = {csv(folder, "p.csv", payments), csv(folder, "t.csv", transfers)};

    List<String> expected = new ArrayList<>();
    for (Payment question : payments) {
      long count = 0;
      double sum = 0;
      for (List<Payment> events : List.of(payments, transfers)) {
        for (Payment event : events) {
          if (event.card.equals(question.card) && isIn(event, question.at)) {
            count++;
            sum += event.amount;
          }
        }
      }
      expected.add(question.id + ": " + count + " " + sum);
    }
    assertSameInBothModes(plan, 0, expected, files);
  }

  @Test
  void aChangelogCountsEveryRowAsItIsInTheEnd(@TempDir Path folder) throws Exception {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    List<Payment> payments = history(random, "r");
    TreeMap<String, Payment> present = new TreeMap<>();
    StringBuilder lines = new StringBuilder();
    for (Payment payment : payments) {
      lines.append("{\"op\":\"c\",\"after\":%s}\n".formatted(payment.json()));
      present.put(payment.id, payment);
      Payment old = payments.get(random.nextInt(payments.size()));
      if (!present.containsKey(old.id) || random.nextInt(3) != 0) {
        continue;
      }
      old = present.get(old.id);
      if (random.nextInt(3) == 0) {
        lines.append("{\"op\":\"d\",\"before\":%s}\n".formatted(old.json()));
        present.remove(old.id);
      } else {
        Payment moved =
            new Payment(
                old.id,
                old.at + (random.nextBoolean() ? 0 : 100L * random.nextInt(50)),
                random.nextInt(3) == 0 ? "card-" + random.nextInt(12) : old.card,
                old.shop,
                random.nextInt(1_000));
        lines.append(
            "{\"op\":\"u\",\"before\":%s,\"after\":%s}\n".formatted(old.json(), moved.json()));
        present.put(moved.id, moved);
      }
    }
    lines.append("{\"op\":\"d\",\"before\":null}\n");
    Path file = Files.writeString(folder.resolve("changes.jsonl"), lines);
    Plan plan =
        TestPlans.cards(
            TestPlans.view("spend", 0, 3_000, Knowledge.AS_HAPPENED),
            TestPlans.layout(Identity.ROW, 1_000_000 + TestPlans.DISORDER_MS, false),
            TestPlans.stream("changes", RecordFormat.DEBEZIUM_JSON, 1_000_000));

    // What is true of the rows in the end is what every latest revision says.
    Map<String, String> batch = latest(graph(plan, true, List.of(), file));
    Map<String, String> live = latest(graph(plan, false, List.of(), file));
    for (Map<String, String> rows : List.of(batch, live)) {
      List<String> differences = new ArrayList<>();
      rows.forEach(
          (place, values) -> {
            String card = place.substring(0, place.indexOf('@'));
            long instant = Long.parseLong(place.substring(place.indexOf('@') + 1));
            long count = 0;
            double sum = 0;
            for (Payment row : present.values()) {
              if (row.card.equals(card) && isIn(row, instant)) {
                count++;
                sum += row.amount;
              }
            }
            String expected = count + " " + (count == 0 ? null : sum);
            if (!values.equals(expected)) {
              differences.add(place + ": " + values + " instead of " + expected);
            }
          });
      assertThat(rows).isNotEmpty();
      assertThat(differences).isEmpty();
    }
    assertThat(live.keySet()).containsAll(batch.keySet());

    List<String> letters = new ArrayList<>();
    FeatureGraph graph = graph(plan, true, List.of(), file);
    DataStream<OutgoingRecord> refused =
        graph.deadLetters().stream().reduce((some, more) -> some.union(more)).orElseThrow();
    try (CloseableIterator<OutgoingRecord> found = refused.executeAndCollect()) {
      found.forEachRemaining(
          letter ->
              letters.add(
                  letter.headers().get(DeadLetter.CODE_HEADER)
                      + " "
                      + letter.headers().get(DeadLetter.REASON_HEADER)));
    }
    assertThat(letters).singleElement().asString().contains("UNDECODABLE", "REPLICA IDENTITY FULL");
  }

  @Test
  void aSpineNamesTheEventsThatItsRowsAreAbout(@TempDir Path folder) throws Exception {
    Path payments =
        csv(
            folder,
            "payments.csv",
            List.of(
                new Payment("p1", 1_000, "a", "s", 5),
                new Payment("p2", 1_000, "a", "s", 7),
                new Payment("p3", 4_000, "a", "s", 1)));
    Path spine =
        Files.writeString(
            folder.resolve("spine.csv"),
            """
            event_time,card,about
            1970-01-01T00:00:01Z,a,p2
            1970-01-01T00:00:05Z,a,p1
            1970-01-01T00:00:05Z,a,
            1970-01-01T00:00:05Z,a,p9
            """);
    Plan plan =
        TestPlans.cards(
            TestPlans.view("spend", 0, 0, Knowledge.AS_HAPPENED),
            TestPlans.layout(Identity.EVENT, TestPlans.DISORDER_MS, true),
            TestPlans.stream("payments", RecordFormat.JSON, 0));
    List<String> found = new ArrayList<>();
    BoundedSources history = new BoundedSources(Optional.empty(), Map.of("payments", payments));
    try (CloseableIterator<TrainingSetRow> rows =
        TrainingSetJob.answers(
                StreamExecutionEnvironment.createLocalEnvironment(2),
                plan,
                new int[] {0},
                spine,
                stream -> history.of(plan.streams().get(stream)),
                history.files())
            .executeAndCollect()) {
      rows.forEachRemaining(
          row -> found.add(row.row() + ": " + row.features()[0] + " " + row.features()[1]));
    }
    found.sort(Comparator.naturalOrder());
    assertThat(found).containsExactly("0: 1 5.0", "1: 2 8.0", "2: 3 13.0", "3: 3 13.0");
  }

  private static StateLayout layout() {
    return TestPlans.layout(Identity.EVENT, TestPlans.DISORDER_MS, false);
  }

  private static boolean isIn(Payment event, long instant) {
    return event.at <= instant && event.at > instant - TestPlans.WINDOW_MS;
  }

  /** Both modes answer every event of the first file as expected, and write the same rows. */
  private static void assertSameInBothModes(
      Plan plan, int view, List<String> expected, Path... files) throws Exception {
    expected.sort(Comparator.naturalOrder());
    for (boolean batch : new boolean[] {true, false}) {
      assertThat(answers(graph(plan, batch, List.of(Ask.always(0, view)), files), view))
          .isEqualTo(expected);
    }
    assertThat(rows(graph(plan, true, List.of(), files)))
        .isNotEmpty()
        .isEqualTo(rows(graph(plan, false, List.of(), files)));
  }

  private static FeatureGraph graph(Plan plan, boolean batch, List<Ask> asks, Path... files) {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(2);
    return FeatureGraph.build(
        batch ? JobSettings.bounded(env) : JobSettings.streaming(env),
        plan,
        stream ->
            EventFiles.source(
                files[stream],
                plan.streams().get(stream).schema(),
                plan.streams().get(stream).eventTime(),
                plan.streams().get(stream).format()),
        new FeatureGraph.Options(asks, asks.isEmpty(), 0, Set.of()));
  }

  private static List<String> answers(FeatureGraph graph, int view) throws Exception {
    List<String> found = new ArrayList<>();
    try (CloseableIterator<Envelope> results =
        graph.answers().filter(Envelope::isQuestion).executeAndCollect()) {
      results.forEachRemaining(
          question -> {
            Object[] answer = question.answers[view];
            found.add(question.values[0] + ": " + answer[0] + " " + answer[1]);
          });
    }
    found.sort(Comparator.naturalOrder());
    return found;
  }

  private static List<FeatureRow> offline(FeatureGraph graph) throws Exception {
    List<FeatureRow> found = new ArrayList<>();
    DataStream<FeatureRow> rows =
        graph.featureRows().values().stream()
            .reduce((some, more) -> some.union(more))
            .orElseThrow();
    try (CloseableIterator<FeatureRow> results = rows.executeAndCollect()) {
      results.forEachRemaining(
          row -> {
            if (row.offline()) {
              found.add(row);
            }
          });
    }
    return found;
  }

  private static List<String> rows(FeatureGraph graph) throws Exception {
    return offline(graph).stream()
        .map(
            row ->
                "%d %s@%d: %s %s until %d, cause %s %d"
                    .formatted(
                        row.view(),
                        row.key(),
                        row.validFrom(),
                        row.values()[0],
                        row.values()[1],
                        row.validUntil(),
                        row.topic(),
                        row.offset()))
        .sorted()
        .toList();
  }

  /** The values of the latest revision, by key and instant. */
  private static Map<String, String> latest(FeatureGraph graph) throws Exception {
    Map<String, FeatureRow> latest = new TreeMap<>();
    for (FeatureRow row : offline(graph)) {
      latest.merge(
          row.key() + "@" + row.validFrom(),
          row,
          (one, other) -> one.revision() > other.revision() ? one : other);
    }
    Map<String, String> values = new TreeMap<>();
    latest.forEach((place, row) -> values.put(place, row.values()[0] + " " + row.values()[1]));
    return values;
  }
}
