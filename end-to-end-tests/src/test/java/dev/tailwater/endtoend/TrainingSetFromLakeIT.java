package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tailwater.cli.LoadedProject;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.jobs.ServedModel;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.PredictionFormat;
import dev.tailwater.schemas.Timestamps;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.apache.flink.core.execution.JobClient;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Payments are archived, and forgotten by the log. A training set made of the lake is, byte for
 * byte, the one made of a file with the same records; and it can be made again, bit for bit, after
 * more payments have come that change what is true.
 */
class TrainingSetFromLakeIT {

  private static final long SEED = 20_261_124;
  private static final int PAYMENTS = 300;
  private static final int CARDS = 9;
  private static final Instant START = Instant.parse("2026-03-01T10:00:00Z");

  private static final Path PROJECT = Path.of("src/test/resources/projects/scored-payments");

  private final Path folder;
  private final TypedCommand command;
  private final Random random = new Random(SEED);

  TrainingSetFromLakeIT(@TempDir Path folder) {
    this.folder = folder;
    this.command = new TypedCommand(folder.resolve("home"));
  }

  @Test
  void equalsTheOneOfTheFileAndIsMadeAgainBitForBit() throws Exception {
    System.out.println("seed " + SEED);
    Plan plan = LoadedProject.load(PROJECT).plan();
    ServedModel model = LiveSystem.anyModel(plan, SEED);
    List<String> records = records();
    Path file = Files.write(folder.resolve("payments.jsonl"), records);
    Path spine = spine();
    // One partition: only then has a file the order of the log.
    try (LiveSystem system = LiveSystem.start(folder, plan, 1);
        ObservedProducer producer = new ObservedProducer(system.log())) {
      JobClient archive = system.startArchive();
      JobClient live = system.startLive(model, "");
      records.forEach(record -> send(producer, record));
      producer.flush();
      awaitRaw(system, records.size());
      forgetAll(system.log());
      writeEnvironment(system);

      Path ofLake = folder.resolve("lake.csv");
      Path ofFile = folder.resolve("file.csv");
      makes("--spine", spine, "--out", ofLake, "--out-table", "of_file", "--tag", "t1");
      makes("--spine", spine, "--out", ofFile, "--history", "payments=" + file);
      assertThat(ofLake).hasSameTextualContentAs(ofFile);

      JsonNode asked =
          makes(
              "--spine-sql",
              "SELECT payment_id, card_id, _event_time AS event_time, is_fraud FROM streams.payments WHERE amount >= 1",
              "--out-table",
              "asked",
              "--tag",
              "t1",
              "--label",
              "is_fraud");
      // A payment that was sent twice is two events.
      assertThat(asked.at("/rows").asInt()).isBetween(PAYMENTS / 2, records.size());
      assertThat(asked.at("/label").asText()).isEqualTo("is_fraud");

      // What comes now is older than many rows: it changes what is true of them.
      for (int i = 0; i < 40; i++) {
        send(producer, payment("more-" + i, START.plus(Duration.ofMinutes(random.nextInt(60)))));
      }
      producer.flush();
      awaitRaw(system, records.size() + 40);
      makes("--spine", spine, "--out-table", "of_file", "--tag", "t2");
      assertRebuilt("of_file@t1");
      assertRebuilt("of_file@t2");
      assertRebuilt("asked");
      assertThat(
              rows(
                  "SELECT COUNT(*) AS n FROM training.of_file /*+ OPTIONS('tag'='t1') */ AS a JOIN training.of_file AS b ON a.spine_row = b.spine_row WHERE a.spend__payments < b.spend__payments"))
          .doesNotContain("\"n\":0}");

      tellsWhatWasServed(system);
      system.assertNeverFailed(live);
      system.assertNeverFailed(archive);
    }
  }

  // ---- as served

  /** Every answer is a row, and the differences from what is true are counted and explained. */
  private void tellsWhatWasServed(LiveSystem system) throws Exception {
    int questions = count("SELECT COUNT(DISTINCT payment_id) AS n FROM streams.payments");
    system.awaitPredictions(questions);
    system.awaitArchive(questions);

    assertThat(makes("--model", "fraud", "--as-served", "--out-table", "served").at("/rows"))
        .hasToString(String.valueOf(questions));
    assertIsWhatTheTopicSays(system);

    Instant middle = START.plus(Duration.ofMinutes(50));
    int before =
        makes("--model", "fraud", "--as-served", "--to", middle, "--out-table", "before")
            .at("/rows")
            .asInt();
    assertThat(before).isBetween(1, questions - 1);
    assertThat(count("SELECT COUNT(*) AS n FROM training.served WHERE event_time < " + sql(middle)))
        .isEqualTo(before);

    JsonNode truth = makes("--model", "fraud", "--from", middle, "--out-table", "truth");
    assertThat(truth.at("/rows").asInt())
        .isEqualTo(
            count(
                "SELECT COUNT(*) AS n FROM (SELECT DISTINCT payment_id, _event_time FROM streams.payments WHERE _event_time >= %s)"
                    .formatted(sql(middle))));

    JsonNode later = differences("--from", middle);
    assertThat(later.at("/equal").asInt() + later.at("/different").asInt())
        .isEqualTo(questions - before);
    // The same, told by the two sets: an id that came again at another time is another question.
    assertThat(later.at("/equal").asInt())
        .isEqualTo(
            count(
                "SELECT COUNT(*) AS n FROM training.served AS s JOIN training.truth AS t ON s.question_id = t.payment_id AND s.event_time = t.event_time WHERE s.amount = t.amount AND s.spend__payments = t.spend__payments AND s.spend__spent = t.spend__spent"));

    JsonNode all = differences();
    assertThat(all.at("/equal").asInt() + all.at("/different").asInt()).isEqualTo(questions);
    assertThat(all.at("/not_served").asInt()).isZero();
    Map<String, Integer> causes = new HashMap<>();
    for (JsonNode feature : all.at("/features")) {
      feature
          .properties()
          .forEach(cause -> causes.merge(cause.getKey(), cause.getValue().asInt(), Integer::sum));
    }
    // What came last was appended long after the first answers were. Whether an answer has seen
    // what was appended together with its question is chance.
    assertThat(causes).containsKey("late").doesNotContainKeys("version", "float");
  }

  private JsonNode differences(Object... range) throws IOException {
    List<Object> options = new ArrayList<>(List.of("--model", "fraud", "--as-true", "--as-served"));
    options.addAll(List.of(range));
    JsonNode differences = makes(options.toArray());
    assertThat(differences.at("/not_replayed").asInt()).isZero();
    return differences;
  }

  private int count(String statement) throws IOException {
    return json("sql", "--project", PROJECT, statement).at("/n").asInt();
  }

  private static String sql(Instant instant) {
    return "TO_TIMESTAMP_LTZ(%d, 3)".formatted(instant.toEpochMilli());
  }

  /** The columns are the values of the first answer to each question on the topic. */
  private void assertIsWhatTheTopicSays(LiveSystem system) throws Exception {
    PredictionFormat.Decoder decoder = PredictionFormat.JSON.decoder();
    List<String> served =
        rows("SELECT question_id, score, amount, `spend__payments` AS payments, `spend__spent` AS spent FROM training.served")
            .lines()
            .toList();
    assertThat(served).hasSameSizeAs(system.predictions().keySet());
    for (String line : served) {
      JsonNode row = new ObjectMapper().readTree(line);
      Prediction answer =
          decoder.decode(
              Objects.requireNonNull(system.predictions().get(row.at("/question_id").asText()))
                  .value());
      assertThat(answer.vectorNames()).containsExactly("amount", "spend.payments", "spend.spent");
      assertThat(
              List.of(
                  row.at("/amount").asDouble(),
                  row.at("/payments").asDouble(),
                  row.at("/spent").asDouble()))
          .isEqualTo(Arrays.stream(answer.vector()).boxed().toList());
      assertThat(row.at("/score").asDouble()).isEqualTo(answer.score());
    }
  }

  // ---- what happened

  /** Out of order, twice, too late, from nowhere: everything that history has to be told from. */
  private List<String> records() {
    List<String> records = new ArrayList<>();
    long time = START.toEpochMilli();
    for (int i = 0; i < PAYMENTS; i++) {
      time += random.nextInt(40_000);
      Instant at = Instant.ofEpochMilli(time - random.nextInt(8_000));
      records.add(payment("p" + i, at));
      switch (random.nextInt(20)) {
        case 0 -> records.add(records.get(random.nextInt(records.size())));
        case 1 -> records.add("{\"payment_id\":");
        case 2 -> records.add(payment("late-" + i, at.minus(Duration.ofDays(2))));
        case 3 -> records.add(payment("p" + random.nextInt(i + 1), at));
        default -> {}
      }
    }
    return records;
  }

  private String payment(String id, Instant at) {
    return "{\"payment_id\":\"%s\",\"paid_at\":\"%s\",\"card_id\":\"card-%d\",\"amount\":%s,\"is_fraud\":%s}"
        .formatted(
            id,
            Timestamps.format(at.toEpochMilli()),
            random.nextInt(CARDS),
            random.nextInt(2_000) / 100.0,
            random.nextInt(5) == 0);
  }

  private Path spine() throws IOException {
    StringBuilder rows = new StringBuilder("row,card_id,event_time\n");
    for (int i = 0; i < 100; i++) {
      rows.append(
          "r%d,card-%d,%s\n"
              .formatted(
                  i,
                  random.nextInt(CARDS + 1),
                  Timestamps.format(START.toEpochMilli() + random.nextInt(6_000_000))));
    }
    return Files.writeString(folder.resolve("spine.csv"), rows);
  }

  private static void send(ObservedProducer producer, String record) {
    producer.send(new ProducerRecord<>("payments", record.getBytes(StandardCharsets.UTF_8)));
  }

  private static void awaitRaw(LiveSystem system, int records) {
    system.await(
        () -> system.lake().count("raw.payments") == records, records + " archived records");
  }

  private static void forgetAll(KafkaLog log) throws Exception {
    TopicPartition partition = new TopicPartition("payments", 0);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", log.bootstrapServers()))) {
      admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(-1))).all().get();
    }
  }

  // ---- the command

  private JsonNode makes(Object... options) throws IOException {
    List<Object> words = new ArrayList<>(List.of("training-set", PROJECT));
    List<Object> given = List.of(options);
    if (!given.contains("--model")) {
      words.addAll(List.of("--views", "spend"));
    }
    words.addAll(given);
    return json(words.toArray());
  }

  private void assertRebuilt(String set) throws IOException {
    JsonNode rebuilt = json("training-set", PROJECT, "--rebuild", set);
    assertThat(rebuilt.at("/equal").asBoolean()).as(rebuilt.toString()).isTrue();
    assertThat(rebuilt.at("/rows").asInt()).isPositive();
  }

  private JsonNode json(Object... words) throws IOException {
    return new ObjectMapper().readTree(told(words));
  }

  private String rows(String statement) {
    return told("sql", statement);
  }

  private String told(Object... words) {
    List<Object> all = new ArrayList<>(List.of(words));
    all.addAll(List.of("--json", "--environment", folder.resolve("environment.yaml")));
    TypedCommand.Outcome outcome = command.run(all.toArray());
    assertThat(outcome.code()).as(outcome.err() + outcome.out()).isZero();
    return outcome.out();
  }

  private void writeEnvironment(LiveSystem system) throws IOException {
    StringBuilder catalog = new StringBuilder();
    for (Map.Entry<String, String> property : system.lake().sqlCatalogProperties().entrySet()) {
      if (!property.getKey().equals("type")) {
        catalog.append("    %s: \"%s\"\n".formatted(property.getKey(), property.getValue()));
      }
    }
    Files.writeString(
        folder.resolve("environment.yaml"),
        "kafka: {bootstrap: \"%s\"}\nlake:\n  catalog:\n%s"
            .formatted(system.log().bootstrapServers(), catalog));
  }
}
