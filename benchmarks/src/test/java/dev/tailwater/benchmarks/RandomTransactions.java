package dev.tailwater.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;

/** Small files with ties and with transactions exactly at the edges of windows. */
final class RandomTransactions {

  private static final int ROWS = 600;
  private static final int ENTITIES = 4;
  private static final int DAYS = 60;

  private static final LocalDateTime START = LocalDateTime.of(2018, 4, 1, 0, 0);
  private static final DateTimeFormatter DATE_TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT);

  private RandomTransactions() {}

  static Path write(Path directory, long seed) throws IOException {
    Random random = new Random(seed);
    long[] seconds =
        random
            // Flink SQL takes the epoch itself for late, so the first day is left out.
            .longs(ROWS, 1, DAYS)
            .map(day -> day * FraudFeatures.DAY_SECONDS + random.nextInt(3))
            .sorted()
            .toArray();
    StringBuilder lines =
        new StringBuilder(
            "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,"
                + "TX_TIME_SECONDS,TX_TIME_DAYS,TX_FRAUD,TX_FRAUD_SCENARIO\n");
    for (int row = 0; row < ROWS; row++) {
      int fraud = random.nextInt(4) == 0 ? 1 : 0;
      lines
          .append(row)
          .append(',')
          .append(DATE_TIME.format(START.plusSeconds(seconds[row])))
          .append(',')
          .append(random.nextInt(ENTITIES))
          .append(',')
          .append(random.nextInt(ENTITIES))
          .append(',')
          .append(random.nextInt(1, 100_000) / 100.0)
          .append(',')
          .append(seconds[row])
          .append(',')
          .append(seconds[row] / FraudFeatures.DAY_SECONDS)
          .append(',')
          .append(fraud)
          .append(",0\n");
    }
    Path csv = directory.resolve("transactions.csv.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(csv))) {
      out.write(lines.toString().getBytes(StandardCharsets.US_ASCII));
    }
    return csv;
  }

  /** The features by their definition: every row looks at every other. */
  static Map<Long, double[]> byDefinition(Path csv) throws IOException {
    Transactions all = Transactions.read(csv);
    Map<Long, double[]> features = new TreeMap<>();
    for (int row = 0; row < all.rows; row++) {
      double[] values = new double[FraudFeatures.COUNT];
      int at = 0;
      for (int days : FraudFeatures.WINDOW_DAYS) {
        int count = 0;
        double amounts = 0;
        for (int other = 0; other < all.rows; other++) {
          long age = all.seconds[row] - all.seconds[other];
          if (all.customer[other] == all.customer[row] && isIn(age, days)) {
            count++;
            amounts += all.amount[other];
          }
        }
        values[at++] = count;
        values[at++] = amounts / count;
      }
      for (int days : FraudFeatures.WINDOW_DAYS) {
        int count = 0;
        int frauds = 0;
        for (int other = 0; other < all.rows; other++) {
          long age =
              all.seconds[row]
                  - all.seconds[other]
                  - (long) FraudFeatures.DELAY_DAYS * FraudFeatures.DAY_SECONDS;
          if (all.terminal[other] == all.terminal[row] && isIn(age, days)) {
            count++;
            frauds += all.fraud[other];
          }
        }
        values[at++] = count;
        values[at++] = count == 0 ? 0 : (double) frauds / count;
      }
      features.put(all.id[row], values);
    }
    return features;
  }

  static void assertSame(Map<Long, double[]> actual, Map<Long, double[]> expected) {
    assertThat(actual).containsOnlyKeys(expected.keySet());
    expected.forEach(
        (id, features) ->
            assertThat(actual.get(id))
                .as("transaction %s", id)
                .containsExactly(features, within(1e-9)));
  }

  private static boolean isIn(long age, int days) {
    return age >= 0 && age < (long) days * FraudFeatures.DAY_SECONDS;
  }
}
