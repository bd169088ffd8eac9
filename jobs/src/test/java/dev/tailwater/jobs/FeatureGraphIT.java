package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.files.EventFiles;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.Timestamps;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeatureGraphIT {

  private static final Plan PLAN = CardPlan.plan();
  private static final long SEED = 42;
  private static final int PAYMENTS = 3_000;

  @Test
  void streamingAndBatchGiveTheSameAnswersAndFinalRows(@TempDir Path folder) throws Exception {
    System.out.println("seed " + SEED);
    Path payments = folder.resolve("payments.csv");
    write(payments);

    List<String> answers = answers(payments, true);
    assertThat(answers).hasSize(PAYMENTS).isEqualTo(answers(payments, false));

    Set<String> rows = finalRows(payments, true);
    assertThat(rows).isNotEmpty().isEqualTo(finalRows(payments, false));
  }

  /** Payments a little out of order, some without a card, many at the same instant. */
  private static void write(Path file) throws Exception {
    Random random = new Random(SEED);
    record Payment(String line, long arrival) {}
    List<Payment> payments = new ArrayList<>();
    for (int i = 0; i < PAYMENTS; i++) {
      long paidAt = 100L * random.nextInt(3_000);
      String card = random.nextInt(20) == 0 ? "" : "card-" + random.nextInt(15);
      String line =
          "payment-%d,%s,%s,%s"
              .formatted(i, Timestamps.format(paidAt), card, random.nextInt(10_000) / 100.0);
      payments.add(new Payment(line, paidAt + random.nextInt(1_000)));
    }
    payments.sort(Comparator.comparingLong(Payment::arrival));
    try (Writer writer = Files.newBufferedWriter(file)) {
      writer.write("payment_id,paid_at,card_id,amount\n");
      for (Payment payment : payments) {
        writer.write(payment.line + "\n");
      }
    }
  }

  private static List<String> answers(Path payments, boolean batch) throws Exception {
    DataStream<Envelope> answers =
        graph(payments, batch, List.of(Ask.always(0, 0)), false).answers();
    List<String> found = new ArrayList<>();
    try (CloseableIterator<Envelope> results = answers.executeAndCollect()) {
      results.forEachRemaining(
          question -> {
            Object[] answer = question.answers[0];
            found.add(
                question.values[0]
                    + (answer == null ? ": no card" : ": " + answer[0] + " " + answer[1]));
          });
    }
    found.sort(Comparator.naturalOrder());
    return found;
  }

  private static Set<String> finalRows(Path payments, boolean batch) throws Exception {
    DataStream<FeatureRow> rows =
        graph(payments, batch, List.of(), true).featureRows().values().iterator().next();
    Set<String> found = new TreeSet<>();
    try (CloseableIterator<FeatureRow> results = rows.executeAndCollect()) {
      results.forEachRemaining(
          row -> {
            if (row.offline()) {
              found.add(
                  "%s@%d: %s %s until %d, cause %d"
                      .formatted(
                          row.key(),
                          row.validFrom(),
                          row.values()[0],
                          row.values()[1],
                          row.validUntil(),
                          row.offset()));
            }
          });
    }
    return found;
  }

  private static FeatureGraph graph(Path payments, boolean batch, List<Ask> asks, boolean rows) {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(2);
    return FeatureGraph.build(
        batch ? JobSettings.bounded(env) : JobSettings.streaming(env),
        PLAN,
        stream ->
            EventFiles.source(
                payments,
                PLAN.streams().get(stream).schema(),
                PLAN.streams().get(stream).eventTime()),
        new FeatureGraph.Options(asks, rows, 0, Set.of()));
  }
}
