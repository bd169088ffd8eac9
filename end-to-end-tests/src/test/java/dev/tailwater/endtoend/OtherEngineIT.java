package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.LakeTables;
import dev.tailwater.connectors.iceberg.TrainingSetDraft;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.definitions.ProjectLoader;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.JobSettings;
import dev.tailwater.jobs.TrainingSetJob;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.PlanCompiler;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.io.Closeable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What Flink wrote, read by an engine that has nothing of Flink or of Java: PyIceberg, through the
 * same catalog. Of every table it sees the same rows, to the bit.
 */
class OtherEngineIT {

  private static final int TRANSACTIONS = 500;
  private static final Path DOCUMENT = Path.of("..", "docs", "tables.md");

  private final Plan plan = PlanCompiler.compile(ProjectLoader.load(TypedCommand.FRAUD_EXAMPLE));

  @Test
  void readsEveryTableAsFlinkWroteIt(@TempDir Path folder) throws Exception {
    Python python = Python.withPackages();
    Lake lake = writeEveryTable(folder);

    Map<String, String> read = digests(python, folder);

    assertThat(read).isEqualTo(digests(lake));
    assertThat(read.keySet())
        .containsExactly(
            "features.customer_spend",
            "features.terminal_reports",
            "features.terminal_traffic",
            "predictions.fraud",
            "raw.fraud_reports",
            "raw.transactions",
            "training.spend");
    assertThat(read.get("predictions.fraud")).startsWith(TRANSACTIONS + " ");
    assertThat(read.get("raw.transactions")).startsWith(TRANSACTIONS + " ");
    assertThat(read.get("training.spend")).startsWith("2 ");
    assertThat(python.program(documented(folder, "python")))
        .contains(Long.toString(lake.count("features.customer_spend")));

    addAFeature(lake);

    Map<String, String> evolved = digests(python, folder);
    assertThat(evolved).isEqualTo(digests(lake));
    assertThat(evolved.get("features.customer_spend"))
        .isNotEqualTo(read.get("features.customer_spend"));
    assertThat(
            python.program(
                documented(folder, "python")
                    + "\nprint(rows['amount_min'].null_count, rows['amount_min'].to_pylist().count(1.25))"))
        .contains(lake.count("features.customer_spend") - 1 + " 1");
  }

  private Lake writeEveryTable(Path folder) throws Exception {
    try (LiveSystem system = LiveSystem.start(folder, plan, 2)) {
      JobClient archive = system.startArchive();
      JobClient live = system.startLive(LiveSystem.anyModel(plan, 1), "");
      send(system.log());
      system.awaitPredictions(TRANSACTIONS);
      system.stop(live, true);
      system.awaitArchive(TRANSACTIONS);
      system.stop(archive, true);
      writeTrainingSet(system.lake(), folder);
      return system.lake();
    }
  }

  private void send(KafkaLog log) {
    try (ObservedProducer producer = new ObservedProducer(log)) {
      Instant start = Instant.parse("2026-03-02T10:00:00Z");
      for (int i = 0; i < TRANSACTIONS; i++) {
        String customer = "customer " + i % 17;
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(
                "transactions",
                customer.getBytes(StandardCharsets.UTF_8),
                """
                {"transaction_id":"t%d","tx_time":"%s","customer_id":"%s","terminal_id":"Käse %d","tx_amount":%s}"""
                    .formatted(i, start.plusSeconds(60L * i), customer, i % 5, i / 8.0)
                    .getBytes(StandardCharsets.UTF_8));
        record.headers().add("trace", new byte[] {(byte) i, 0, -1});
        producer.send(record);
      }
    }
  }

  private void writeTrainingSet(Lake lake, Path folder) throws Exception {
    Path spine =
        Files.writeString(
            folder.resolve("spine.csv"),
            """
            customer_id,event_time
            customer 1,2026-03-02T12:00:00Z
            nobody,2026-03-02T12:00:00Z
            """);
    Path history =
        Files.writeString(
            folder.resolve("transactions.csv"),
            """
            transaction_id,tx_time,customer_id,terminal_id,tx_amount
            a,2026-03-02 10:00:00,customer 1,t1,10.1
            """);
    int[] views = {view("customer_spend")};
    TrainingSetDraft draft =
        lake.draftTrainingSet(
            "spend", Optional.of("first"), TrainingSetJob.tableColumns(plan, views, spine));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(1, JobSettings.oneShotCluster(1));
    TrainingSetJob.build(
        env,
        plan,
        views,
        spine,
        new BoundedSources(Optional.empty(), Map.of("transactions", history)),
        new TrainingSetJob.Output(Optional.empty(), Optional.of(draft)));
    draft.commit(TrainingSetJob.Made.of(env.execute()).files(), Map.of());
  }

  private int view(String name) {
    for (int view = 0; view < plan.views().size(); view++) {
      if (plan.views().get(view).name().equals(name)) {
        return view;
      }
    }
    throw new AssertionError("no view " + name);
  }

  /** The next version of a view: its table gets a column, and a row that has it. */
  private void addAFeature(Lake lake) throws Exception {
    FeatureViewLayout before = FeatureGraph.layouts(plan).get(view("customer_spend"));
    List<Column> features = new ArrayList<>(before.features());
    features.add(new Column("amount_min", ColumnType.DOUBLE, true));
    FeatureViewLayout after =
        new FeatureViewLayout(
            before.view(), "next", before.entity(), before.key(), features, before.timeToLiveMs());
    Object[] values = new Object[features.size()];
    values[values.length - 1] = 1.25;
    long at = Instant.parse("2026-03-09T10:00:00Z").toEpochMilli();
    FeatureRow row =
        new FeatureRow(
            0, "customer 1", at, Long.MAX_VALUE, 0, 1, 1, values, "transactions", 0, 1, true, true);
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(1, JobSettings.oneShotCluster(1));
    JobSettings.bounded(env);
    lake.appendFeatures(
        env.fromData(List.of(row), FeatureRowSerializer.typeInfo(List.of(after))).uid("row"),
        0,
        after,
        "offline");
    env.execute();
  }

  // ---- the other engine's view, and ours

  /** By table: how many rows, and a digest of all their values. */
  private static Map<String, String> digests(Python python, Path folder) throws Exception {
    Map<String, String> digests = new TreeMap<>();
    for (String line : python.script("digests.py", folder.resolve("lake").toString())) {
      String[] parts = line.split(" ", 2);
      digests.put(parts[0], parts[1]);
    }
    return digests;
  }

  private static Map<String, String> digests(Lake lake) throws Exception {
    Map<String, String> digests = new TreeMap<>();
    Catalog catalog = lake.openCatalog();
    for (String name : new LakeTables(lake).names()) {
      Table table = catalog.loadTable(TableIdentifier.parse(name));
      List<String> lines = new ArrayList<>();
      try (CloseableIterable<Record> rows = IcebergGenerics.read(table).build()) {
        rows.forEach(row -> lines.add(line(row)));
      }
      // As Python sorts: by code points, which UTF-8 keeps.
      lines.sort(
          (a, b) ->
              Arrays.compareUnsigned(
                  a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8)));
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
      digests.put(name, lines.size() + " " + HexFormat.of().formatHex(digest));
    }
    if (catalog instanceof Closeable open) {
      open.close();
    }
    return digests;
  }

  private static String line(Record row) {
    List<String> values = new ArrayList<>();
    for (int i = 0; i < row.size(); i++) {
      values.add(text(row.get(i)));
    }
    return String.join("\t", values);
  }

  private static String text(@Nullable Object value) {
    if (value == null) {
      return "null";
    }
    if (value instanceof Double number) {
      return HexFormat.of().toHexDigits(Double.doubleToRawLongBits(number));
    }
    if (value instanceof ByteBuffer bytes) {
      byte[] copy = new byte[bytes.remaining()];
      bytes.duplicate().get(copy);
      return HexFormat.of().formatHex(copy);
    }
    if (value instanceof OffsetDateTime time) {
      return Long.toString(ChronoUnit.MICROS.between(Instant.EPOCH, time.toInstant()));
    }
    if (value instanceof Record struct) {
      List<String> parts = new ArrayList<>();
      for (int i = 0; i < struct.size(); i++) {
        parts.add(text(struct.get(i)));
      }
      return "{" + String.join(";", parts) + "}";
    }
    if (value instanceof Map<?, ?> map) {
      if (map.isEmpty()) {
        return "[]"; // Python has the same for both.
      }
      Map<String, String> sorted = new TreeMap<>();
      map.forEach((key, part) -> sorted.put(key.toString(), text(part)));
      return sorted.entrySet().stream()
          .map(entry -> entry.getKey() + "=" + entry.getValue())
          .collect(Collectors.joining(";", "<", ">"));
    }
    if (value instanceof List<?> list) {
      return list.stream().map(OtherEngineIT::text).collect(Collectors.joining(";", "[", "]"));
    }
    return value.toString();
  }

  /** The program of this language in docs/tables.md, for the lake of this test. */
  private static String documented(Path folder, String language) throws Exception {
    String document = Files.readString(DOCUMENT);
    int start = document.indexOf("```" + language) + language.length() + 4;
    return document
        .substring(start, document.indexOf("```", start))
        .replace("/path/to/lake", folder.resolve("lake").toString());
  }
}
