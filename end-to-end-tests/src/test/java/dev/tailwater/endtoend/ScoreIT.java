package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tailwater.cli.LoadedProject;
import dev.tailwater.cli.TailwaterHome;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.jobs.ServedModel;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.Timestamps;
import dev.tailwater.serving.ModelMetadata;
import dev.tailwater.serving.ModelRepository;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.flink.core.execution.JobClient;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Payments are answered live by version 1 of a model, and some more arrive late. Scoring them all
 * again gives the served scores bit for bit, but for the questions that did not know the late
 * payments; those that should differ, and no others.
 */
class ScoreIT {

  private static final long SEED = 20_261_123;
  private static final int PAYMENTS = 400;
  private static final int CARDS = 12;
  private static final Instant START = Instant.parse("2026-03-01T10:00:00Z");
  private static final Duration WINDOW = Duration.ofHours(1);

  private static final Path PROJECT = Path.of("src/test/resources/projects/scored-payments");

  private final Path folder;
  private final TypedCommand command;
  private final List<Payment> payments = new ArrayList<>();

  private record Payment(String id, Instant paidAt, String card, double amount, boolean isFraud) {

    String json() {
      return "{\"payment_id\":\"%s\",\"paid_at\":\"%s\",\"card_id\":\"%s\",\"amount\":%s,\"is_fraud\":%s}"
          .formatted(id, Timestamps.format(paidAt.toEpochMilli()), card, amount, isFraud);
    }
  }

  ScoreIT(@TempDir Path folder) {
    this.folder = folder;
    this.command = new TypedCommand(folder.resolve("home"));
  }

  @Test
  void reproducesWhatWasServedButForWhatCameLater() throws Exception {
    System.out.println("seed " + SEED);
    Plan plan = LoadedProject.load(PROJECT).plan();
    ServedModel first = LiveSystem.anyModel(plan, SEED);
    register(plan, first);
    register(plan, LiveSystem.anyModel(plan, SEED + 1));
    List<Payment> late;
    // One partition, so that what was known to an answer is no matter of chance.
    try (LiveSystem system = LiveSystem.start(folder, plan, 1);
        ObservedProducer producer = new ObservedProducer(system.log())) {
      JobClient archive = system.startArchive();
      JobClient live = system.startLive(first, "");
      makePayments();
      payments.forEach(payment -> send(producer, payment));
      producer.flush();
      system.awaitPredictions(PAYMENTS);
      late = List.of(latePayment("late-1", 100), latePayment("late-2", 250));
      late.forEach(payment -> send(producer, payment));
      producer.flush();
      system.awaitPredictions(PAYMENTS + late.size());
      system.awaitArchive(PAYMENTS + late.size());
      // Both jobs go on: a run is appended beside the archive of the same table.
      writeEnvironment(system);

      int all = PAYMENTS + late.size();
      int unaware = (int) payments.stream().filter(payment -> missesOneOf(late, payment)).count();
      assertThat(unaware).isPositive();

      JsonNode again = score("--model-version", 1);
      assertThat(again.at("/questions").asInt()).isEqualTo(all);
      assertThat(again.at("/scores/not_reproduced").asInt()).isZero();
      assertThat(again.at("/scores/equal").asInt()).isEqualTo(all - unaware);
      assertThat(again.at("/scores/different_vector").asInt()).isEqualTo(unaware);
      assertThat(again.at("/vectors/equal").asInt()).isEqualTo(all - unaware);
      assertThat(again.at("/vectors/features").toString())
          .isEqualTo(
              "{\"spend.payments\":{\"late\":%d},\"spend.spent\":{\"late\":%d}}"
                  .formatted(unaware, unaware));
      assertThat(again.at("/labels/served/rows").asInt()).isEqualTo(all);
      assertKept(system.lake(), again.at("/run").asText(), all);

      JsonNode asServed = score("--model-version", 1, "--as-served", "--dry-run");
      assertThat(asServed.at("/scores/equal").asInt()).isEqualTo(all);
      assertThat(asServed.at("/vectors/equal").asInt()).isEqualTo(all);
      assertThat(asServed.has("run")).isFalse();

      Instant from = payments.get(50).paidAt();
      JsonNode backtest =
          score("--model-version", 2, "--dry-run", "--from", from, "--to", START.plus(WINDOW));
      int inRange =
          (int)
              Stream.concat(payments.stream(), late.stream())
                  .filter(payment -> !payment.paidAt().isBefore(from))
                  .filter(payment -> payment.paidAt().isBefore(START.plus(WINDOW)))
                  .count();
      assertThat(backtest.at("/scores/other_version").asInt()).isEqualTo(inRange);
      assertThat(backtest.at("/differences/questions").asInt()).isEqualTo(inRange);
      assertThat(backtest.at("/differences/mean_absolute").asDouble()).isPositive();
      assertThat(backtest.at("/labels/scored/roc_auc").isNumber()).isTrue();
      assertThat(backtest.at("/vectors/not_served").asInt()).isZero();
      assertThat(backtest.at("/vectors/not_replayed").asInt()).isZero();

      readsWell(all, unaware);
      scoresRowsOfAFile();
      command
          .run("score", PROJECT, "fraud", "--model-version", 7, "--environment", environment())
          .failsSaying("has no version 7", "[1, 2]");
      system.assertNeverFailed(live);
      system.assertNeverFailed(archive);
      Payment afterwards = new Payment("after", START.plus(WINDOW), "card-1", 1, false);
      send(producer, afterwards);
      system.awaitArchive(2 * all + 1);
      assertThat(system.archivedQuestions()).hasSize(all + 1).contains("after");
    }
  }

  private void readsWell(int all, int unaware) {
    TypedCommand.Outcome report =
        command.run(
            "score",
            PROJECT,
            "fraud",
            "--model-version",
            1,
            "--dry-run",
            "--environment",
            environment());
    assertThat(report.code()).as(report.err()).isZero();
    assertThat(report.out())
        .contains("fraud@1 scored " + all + " questions; nothing was kept (--dry-run)")
        .contains(all - unaware + "  the same score as served, bit for bit")
        .contains(unaware + "  another score than served: the vector is another")
        .containsPattern("spend.spent +" + unaware)
        .contains("(late)")
        .contains("Against the labels, " + all + " questions");
  }

  /** A row that is in no history asks for what the history says, and is not counted itself. */
  private void scoresRowsOfAFile() throws IOException {
    Payment last = payments.get(PAYMENTS - 1);
    Path rows = folder.resolve("rows.csv");
    Files.writeString(
        rows,
        """
        payment_id,paid_at,card_id,amount,is_fraud
        new,%s,%s,1.5,false
        %s,%s,%s,%s,%s
        """
            .formatted(
                Timestamps.format(last.paidAt().toEpochMilli()),
                last.card(),
                last.id(),
                Timestamps.format(last.paidAt().toEpochMilli()),
                last.card(),
                last.amount(),
                last.isFraud()));
    JsonNode scored = score("--model-version", 1, "--spine", rows, "--dry-run");
    assertThat(scored.at("/questions").asInt()).isEqualTo(2);
    assertThat(scored.at("/scores/not_served").asInt()).isEqualTo(1);
    assertThat(scored.at("/scores/equal").asInt() + scored.at("/scores/different_vector").asInt())
        .isEqualTo(1);
  }

  // ---- what happened

  private void makePayments() {
    Random random = new Random(SEED);
    long time = START.toEpochMilli();
    for (int i = 0; i < PAYMENTS; i++) {
      time += random.nextInt(40_000);
      payments.add(
          new Payment(
              "p" + i,
              Instant.ofEpochMilli(time),
              "card-" + random.nextInt(CARDS),
              random.nextInt(2_000) / 100.0,
              random.nextInt(5) == 0));
    }
  }

  /** One millisecond after another payment, with its card. */
  private Payment latePayment(String id, int after) {
    Payment before = payments.get(after);
    return new Payment(id, before.paidAt().plusMillis(1), before.card(), 12.25, true);
  }

  private static boolean missesOneOf(List<Payment> late, Payment question) {
    return late.stream()
        .anyMatch(
            payment ->
                payment.card().equals(question.card())
                    && !payment.paidAt().isAfter(question.paidAt())
                    && payment.paidAt().isAfter(question.paidAt().minus(WINDOW)));
  }

  private static void send(ObservedProducer producer, Payment payment) {
    producer.send(
        new ProducerRecord<>("payments", payment.json().getBytes(StandardCharsets.UTF_8)));
  }

  // ---- the command

  private JsonNode score(Object... options) throws IOException {
    List<Object> words =
        new ArrayList<>(
            List.of("score", PROJECT, "fraud", "--json", "--environment", environment()));
    words.addAll(List.of(options));
    TypedCommand.Outcome outcome = command.run(words.toArray());
    assertThat(outcome.code()).as(outcome.err()).isZero();
    return new ObjectMapper().readTree(outcome.out());
  }

  private Path environment() {
    return folder.resolve("environment.yaml");
  }

  private void writeEnvironment(LiveSystem system) throws IOException {
    StringBuilder catalog = new StringBuilder();
    for (Map.Entry<String, String> property : system.lake().sqlCatalogProperties().entrySet()) {
      if (!property.getKey().equals("type")) {
        catalog.append("    %s: \"%s\"\n".formatted(property.getKey(), property.getValue()));
      }
    }
    Files.writeString(
        environment(),
        "kafka: {bootstrap: \"%s\"}\nlake:\n  catalog:\n%s"
            .formatted(system.log().bootstrapServers(), catalog));
  }

  private void register(Plan plan, ServedModel served) throws Exception {
    List<String> inputs =
        plan.models().get(0).vector().stream().map(ModelPlan.Element::name).toList();
    ModelRepository.open(new TailwaterHome(folder.resolve("home")).models())
        .register(
            "fraud",
            served.onnx(),
            new ModelMetadata(inputs, "any", START, START.plus(WINDOW), Map.of()));
  }

  private static void assertKept(Lake lake, String run, int questions) throws IOException {
    try (CloseableIterable<Record> live = lake.readPredictions("fraud");
        CloseableIterable<Record> batch = lake.readPredictions("fraud", run)) {
      assertThat(live).hasSize(questions);
      assertThat(batch)
          .hasSize(questions)
          .allSatisfy(
              row -> {
                assertThat(row.getField("model_version")).isEqualTo("1");
                assertThat(row.getField("log_offset")).isNull();
                assertThat(row.getField("latency_ms")).isNull();
                assertThat(row.getField("outcome")).isEqualTo("SCORED");
              });
    }
  }
}
