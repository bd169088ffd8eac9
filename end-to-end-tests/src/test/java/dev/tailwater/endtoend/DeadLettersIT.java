package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.cli.LoadedProject;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.DeadLetter.Code;
import dev.tailwater.plan.Plan;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.core.execution.JobClient;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is sent, the live job never fails, and accepted + dead letters = sent. */
class DeadLettersIT {

  private static final int ROUNDS = 20;
  private static final long START = 1_577_836_800_000L; // 2020-01-01
  private static final long IN_2100 = 4_102_444_800_000L;
  private static final long TWO_HOURS = 7_200_000L;
  private static final byte[] NO_UTF_8 = {'{', '"', (byte) 0xC3, (byte) 0x28, '"', '}'};

  private final Plan plan =
      LoadedProject.load(Path.of("src/test/resources/projects/payments")).plan();
  private final List<ProducerRecord<byte[], byte[]>> sent = new ArrayList<>();
  private final Set<String> accepted = new HashSet<>();
  private final Map<Long, Refusal> refused = new TreeMap<>();

  /** Why the record at an offset is refused. */
  private record Refusal(Code code, String reason) {}

  @Test
  void tellWhyAndWhereAndTheJobGoesOn(@TempDir Path folder) throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      fill(START + round * 1_000L);
    }
    assertThat(accepted.size() + refused.size()).isEqualTo(sent.size());

    try (LiveSystem system = LiveSystem.start(folder, plan, 1)) {
      JobClient live = system.startLive(LiveSystem.anyModel(plan, 1), "");
      try (ObservedProducer producer = new ObservedProducer(system.log())) {
        for (ProducerRecord<byte[], byte[]> record : sent) {
          producer.send(record);
        }
      }
      system.awaitPredictions(accepted.size());
      List<DeadLetter> letters = system.awaitDeadLetters(refused.size());
      system.assertNeverFailed(live);
      system.stop(live, true);

      assertThat(system.predictions().keySet()).isEqualTo(accepted);
      assertThat(letters).hasSize(refused.size());
      for (DeadLetter letter : letters) {
        Refusal expected = Objects.requireNonNull(refused.get(letter.offset()), letter::toString);
        assertThat(letter.code()).as(letter.toString()).isEqualTo(expected.code());
        assertThat(letter.reason()).contains(expected.reason());
        assertThat(letter.stream()).isEqualTo("payments");
        assertThat(letter.topic()).isEqualTo("payments");
        assertThat(letter.partition()).isZero();
        byte[] original = sent.get((int) letter.offset()).value();
        assertThat(letter.value()).isEqualTo(original == null ? new byte[0] : original);
      }
      system.assertOnlineEqualsOffline();
    }
  }

  /** One record of every kind, good ones between them. */
  private void fill(long now) {
    good(now);
    bad("not json", Code.UNDECODABLE, "JSON");
    bad("", Code.UNDECODABLE, "");
    bad((byte[]) null, Code.UNDECODABLE, "no value");
    bad(NO_UTF_8, Code.UNDECODABLE, "");
    good(now + 1);
    bad(payment("a", now, "10", "1").substring(0, 30), Code.UNDECODABLE, "");
    bad(payment("b", now, "\"ten\"", "1"), Code.UNDECODABLE, "amount");
    bad(payment("c", now, "10", "null"), Code.UNDECODABLE, "items");
    bad("{\"payment_id\": \"d\", \"paid_at\": " + now + "}", Code.UNDECODABLE, "card_id");
    bad(
        payment("e", now, "10", "1").replace(Long.toString(now), "null"),
        Code.MISSING_EVENT_TIME,
        "paid_at");
    good(now + 2);
    bad(payment("f", IN_2100, "10", "1"), Code.FUTURE, "after the append time; at most 60000");
    bad(payment("g", now - TWO_HOURS, "10", "1"), Code.LATE, "at most 3605000");
    good(now - 3_000); // Behind, within the disorder.
    bad(payment("h", now, "-1", "1"), Code.EXPECTATION, "amount_positive: amount >= 0");
    bad(payment("i", now, "10", "0"), Code.EXPECTATION, "plausible: amount / items < 1000: ");
    good(now - 600_000); // Later than the disorder, within the lateness.
  }

  private void good(long at) {
    String id = "p" + sent.size();
    accepted.add(id);
    send(payment(id, at, "10", "2").getBytes(StandardCharsets.UTF_8));
  }

  private void bad(String value, Code code, String reason) {
    bad(value.getBytes(StandardCharsets.UTF_8), code, reason);
  }

  private void bad(byte @Nullable [] value, Code code, String reason) {
    refused.put((long) sent.size(), new Refusal(code, reason));
    send(value);
  }

  private void send(byte @Nullable [] value) {
    sent.add(new ProducerRecord<>("payments", 0, null, value));
  }

  private static String payment(String id, long at, String amount, String items) {
    return "{\"payment_id\": \"%s\", \"paid_at\": %d, \"card_id\": \"c1\", \"amount\": %s, \"items\": %s}"
        .formatted(id, at, amount, items);
  }
}
