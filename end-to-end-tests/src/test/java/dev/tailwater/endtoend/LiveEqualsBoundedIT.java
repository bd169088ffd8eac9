package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.files.EventFiles;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.Ask;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.JobSettings;
import dev.tailwater.jobs.ServedModel;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.PredictionFormat;
import dev.tailwater.schemas.RecordEncoder;
import dev.tailwater.schemas.Timestamps;
import dev.tailwater.serving.MicroBatcherSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The promise of the one graph: 200,000 published transactions, shuffled within the declared
 * disorder, through Kafka at parallelism 2, with two killed TaskManagers and one stop with
 * savepoint on the way, give the same answers, scores and final rows, bit for bit, as the file read
 * in order by a bounded run. Nothing is lost and nothing counts twice.
 */
class LiveEqualsBoundedIT {

  private static final int TRANSACTIONS = 200_000;
  private static final int PARTITIONS = 2;
  private static final long SEED = 20_261_122;

  private final Plan plan = FraudHandbook.plan();
  private final List<FeatureViewLayout> layouts = FeatureGraph.layouts(plan);
  private final StreamPlan stream = plan.streams().get(0);
  private final ModelPlan model = plan.models().get(0);

  @Test
  void evenWhenTaskManagersAreKilledAndTheJobIsMovedToASavepoint(@TempDir Path folder)
      throws Exception {
    System.out.println("seed " + SEED);
    Path history = first(FraudHandbook.data().resolve("transactions.csv.gz"), folder);
    ServedModel served = LiveSystem.anyModel(plan, SEED);
    Bounded bounded = runBounded(history, served);
    assertThat(bounded.predictions()).hasSize(TRANSACTIONS);

    try (LiveSystem system = LiveSystem.start(folder, plan, PARTITIONS);
        Transactions transactions = new Transactions(history, system.log())) {
      JobClient archive = system.startArchive();
      JobClient live = system.startLive(served, "");
      transactions.send(50_000);
      system.awaitPredictions(30_000);
      transactions.send(40_000);
      system.killTaskManager();
      system.awaitPredictions(70_000);
      transactions.send(40_000);
      system.killTaskManager();
      system.awaitPredictions(100_000);

      String savepoint = system.stop(live, false);
      transactions.send(TRANSACTIONS - 130_000);
      live = system.startLive(served, savepoint);
      system.awaitPredictions(transactions.answerableAtTheEnd());
      system.stop(live, true);
      system.awaitPredictions(TRANSACTIONS);
      system.awaitArchive(TRANSACTIONS);
      system.stop(archive, true);

      assertThat(system.awaitDeadLetters(0)).isEmpty();
      assertSamePredictions(bounded, system.predictions());
      assertThat(system.archivedQuestions()).isEqualTo(bounded.predictions().keySet());
      assertSameFinalRows(system.lake(), bounded);
      system.assertOnlineEqualsOffline();
    }
  }

  // ---- what must be equal

  private void assertSamePredictions(
      Bounded bounded, Map<String, ConsumerRecord<byte[], byte[]>> published) throws Exception {
    assertThat(published.keySet()).isEqualTo(bounded.predictions().keySet());
    PredictionFormat.Decoder decoder = PredictionFormat.JSON.decoder();
    List<String> differences = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> record : published.values()) {
      Prediction live = decoder.decode(record.value());
      Prediction replayed = bounded.predictions().get(live.questionId());
      if (replayed == null
          || !Arrays.equals(live.vector(), replayed.vector())
          || Double.compare(live.score(), replayed.score()) != 0
          || live.outcome() != Prediction.Outcome.SCORED) {
        differences.add("live " + live + ", bounded " + replayed);
      }
    }
    assertThat(differences).isEmpty();
  }

  private void assertSameFinalRows(Lake lake, Bounded bounded) throws IOException {
    for (int view = 0; view < layouts.size(); view++) {
      Map<String, String> live = new HashMap<>();
      List<String> repeated = new ArrayList<>();
      try (CloseableIterable<Record> rows = lake.readFeatures(layouts.get(view).view())) {
        for (Record row : rows) {
          String place =
              key(row, layouts.get(view)) + "@" + LiveSystem.epochMillis(row, "valid_from");
          Object until = row.getField("valid_until");
          String found =
              LiveSystem.values(row, layouts.get(view))
                  + until(
                      until == null ? Long.MAX_VALUE : LiveSystem.epochMillis(row, "valid_until"));
          if (live.put(place, found) != null) {
            repeated.add(place);
          }
        }
      }
      assertThat(repeated).isEmpty();
      assertThat(live).isEqualTo(bounded.finalRows().get(view));
    }
  }

  private static String until(long validUntil) {
    return validUntil == Long.MAX_VALUE ? "" : " until " + validUntil;
  }

  private static String key(Record row, FeatureViewLayout layout) {
    return String.valueOf(row.getField(layout.key().get(0).name()));
  }

  // ---- the bounded run

  /** Predictions by question; per view the values by key and event time. */
  private record Bounded(
      Map<String, Prediction> predictions, List<Map<String, String>> finalRows) {}

  private Bounded runBounded(Path history, ServedModel served) throws Exception {
    Map<String, Prediction> predictions = new HashMap<>();
    try (CloseableIterator<Prediction> results =
        boundedGraph(history, false)
            .predictions(served, MicroBatcherSettings.defaults(), false)
            .executeAndCollect()) {
      results.forEachRemaining(p -> predictions.put(p.questionId(), p));
    }
    List<Map<String, String>> rows = new ArrayList<>();
    layouts.forEach(layout -> rows.add(new HashMap<>()));
    FeatureGraph graph = boundedGraph(history, true);
    DataStream<FeatureRow> all =
        graph.featureRows().values().stream()
            .reduce((some, more) -> some.union(more))
            .orElseThrow();
    try (CloseableIterator<FeatureRow> results = all.executeAndCollect()) {
      results.forEachRemaining(
          row ->
              rows.get(row.view())
                  .put(
                      row.key() + "@" + row.validFrom(),
                      Arrays.toString(row.values()) + until(row.validUntil())));
    }
    return new Bounded(predictions, rows);
  }

  private FeatureGraph boundedGraph(Path history, boolean rows) {
    StreamExecutionEnvironment env =
        JobSettings.bounded(StreamExecutionEnvironment.createLocalEnvironment(PARTITIONS));
    List<Ask> asks = rows ? List.of() : List.of(Ask.always(0, model.views()));
    return FeatureGraph.build(
        env,
        plan,
        s -> EventFiles.source(history, stream.schema(), stream.eventTime()),
        new FeatureGraph.Options(asks, rows, 0, Set.of()));
  }

  // ---- the events

  /** The first transactions of the published file. */
  private static Path first(Path published, Path folder) throws IOException {
    Path file = folder.resolve("first-transactions.csv");
    try (BufferedReader reader = FraudHandbook.open(published);
        Writer writer = Files.newBufferedWriter(file)) {
      for (int line = 0; line <= TRANSACTIONS; line++) {
        writer.write(reader.readLine() + "\n");
      }
    }
    return file;
  }

  /** The transactions in an order in which they may arrive, and how to send them. */
  private final class Transactions implements AutoCloseable {

    private final ObservedProducer producer;
    private final List<ProducerRecord<byte[], byte[]>> arriving = new ArrayList<>();
    private final int answerableAtTheEnd;
    private int sent;

    Transactions(Path history, KafkaLog log) throws IOException {
      producer = new ObservedProducer(log);
      Random random = new Random(SEED);
      RecordEncoder encoder = stream.format().encoder(stream.schema());
      Map<ProducerRecord<byte[], byte[]>, Long> arrival = new HashMap<>();
      Map<Integer, ProducerRecord<byte[], byte[]>> newest = new TreeMap<>();
      Map<Integer, Long> newestTime = new TreeMap<>();
      List<Long> times = new ArrayList<>();
      try (BufferedReader reader = FraudHandbook.open(history)) {
        List<String> header = List.of(reader.readLine().split(","));
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
          Object[] values = parse(line.split(","), header);
          long time = (Long) values[stream.eventTime()];
          int partition = random.nextInt(PARTITIONS);
          ProducerRecord<byte[], byte[]> record =
              new ProducerRecord<>(stream.topic(), partition, null, encoder.encode(values));
          arriving.add(record);
          arrival.put(record, time + random.nextLong(stream.disorderMs()));
          times.add(time);
          if (time >= newestTime.getOrDefault(partition, Long.MIN_VALUE)) {
            newestTime.put(partition, time);
            newest.put(partition, record);
          }
        }
      }
      arriving.sort(Comparator.comparing(record -> arrival.getOrDefault(record, 0L)));
      // The newest of each partition comes last: when it has been read, all have been.
      arriving.removeAll(Set.copyOf(newest.values()));
      arriving.addAll(newest.values());
      long watermark =
          newestTime.values().stream().min(Long::compare).orElseThrow() - stream.disorderMs() - 1;
      answerableAtTheEnd = (int) times.stream().filter(time -> time <= watermark).count();
    }

    private Object[] parse(String[] fields, List<String> header) {
      List<Column> columns = stream.schema().columns();
      Object[] values = new Object[columns.size()];
      for (int i = 0; i < values.length; i++) {
        String text = fields[header.indexOf(columns.get(i).name())];
        values[i] =
            switch (columns.get(i).type()) {
              case BOOLEAN -> Boolean.valueOf(text);
              case INT -> Integer.valueOf(text);
              case LONG -> Long.valueOf(text);
              case DOUBLE -> Double.valueOf(text);
              case STRING -> text;
              case TIMESTAMP -> Timestamps.parse(text);
              case LONG_LIST, DOUBLE_LIST, STRING_LIST, LONG_MAP, DOUBLE_MAP ->
                  throw new IllegalStateException("no event has " + columns.get(i));
            };
      }
      return values;
    }

    /** How many questions the watermark has passed when everything has been read. */
    int answerableAtTheEnd() {
      return answerableAtTheEnd;
    }

    void send(int count) {
      for (int end = sent + count; sent < end; sent++) {
        producer.send(arriving.get(sent));
      }
      producer.flush();
    }

    @Override
    public void close() {
      producer.close();
    }
  }
}
