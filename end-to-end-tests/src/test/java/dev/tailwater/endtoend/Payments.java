package dev.tailwater.endtoend;

import dev.tailwater.connectors.kafka.KafkaLog;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Random;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Payments of the project parity as they may arrive: out of order within the disorder, some much
 * later, some twice.
 */
final class Payments implements AutoCloseable {

  private static final long START = 1_577_836_800_000L; // 2020-01-01
  private static final int CARDS = 40;
  private static final int SHOPS = 12;
  private static final int DISORDER_MS = 2_000;
  private static final int LATENESS_MS = 1_800_000;

  private final Random random;
  private final int partitions;
  private final ObservedProducer producer;
  private int payments;

  Payments(KafkaLog log, int partitions, long seed) {
    this.random = new Random(seed);
    this.partitions = partitions;
    this.producer = new ObservedProducer(log);
  }

  /** How many different ones have been sent. */
  int count() {
    return payments;
  }

  /** Sends more; on average one a second of event time. */
  void send(int count) {
    for (int i = 0; i < count; i++) {
      long now = START + 1_000L * payments;
      int kind = random.nextInt(100);
      long behind = kind < 3 ? random.nextInt(LATENESS_MS) : random.nextInt(DISORDER_MS);
      byte[] payment =
          String.format(
                  Locale.ROOT,
                  "{\"payment_id\": \"p%d\", \"paid_at\": %d, \"card_id\": \"c%d\", \"shop_id\": \"s%d\", \"country\": \"%s\", \"amount\": %.2f}",
                  payments,
                  Math.max(START, now - behind),
                  random.nextInt(CARDS),
                  random.nextInt(SHOPS),
                  random.nextBoolean() ? "be" : "a|b",
                  random.nextInt(10_000) / 100.0)
              .getBytes(StandardCharsets.UTF_8);
      int partition = random.nextInt(partitions);
      for (int copy = kind == 99 ? 2 : 1; copy > 0; copy--) {
        producer.send(new ProducerRecord<>("payments", partition, null, payment));
      }
      payments++;
    }
    producer.flush();
  }

  @Override
  public void close() {
    producer.close();
  }
}
