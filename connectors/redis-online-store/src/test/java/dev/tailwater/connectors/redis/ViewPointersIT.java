package dev.tailwater.connectors.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.localstack.RedisServer;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.streaming.runtime.tasks.TestProcessingTimeService;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

class ViewPointersIT {

  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  private static RedisServer server;
  private static RedisAddress address;

  private ViewPointers pointers;

  @BeforeAll
  static void startServer(@TempDir Path directory) throws Exception {
    server = RedisServer.start(directory, 0);
    address = RedisAddress.parse("redis://127.0.0.1:" + server.port());
  }

  @AfterAll
  static void stopServer() throws Exception {
    server.close();
  }

  @BeforeEach
  void connect() {
    try (Jedis client = new Jedis("127.0.0.1", server.port())) {
      client.flushAll();
    }
    pointers = new ViewPointers(address, TIMEOUT);
  }

  @AfterEach
  void disconnect() {
    pointers.close();
  }

  @Test
  void aWriterNamesItsVersionOnlyWhereNoneIsNamed() throws Exception {
    write("v1", true);
    write("v2", true);

    assertThat(pointers.current()).containsOnly(entry("spend", "v1"));
    assertThat(pointers.previous()).isEmpty();
  }

  @Test
  void rowsOfAVersionThatIsNotActivatedAreNotFoundEvenIfTheViewHasNoOther() throws Exception {
    write("v1", false);

    assertThat(pointers.current()).isEmpty();
    pointers.activate(Map.of("spend", "v1"));
    assertThat(pointers.current()).containsOnly(entry("spend", "v1"));
    assertThat(pointers.previous()).as("there was none before").isEmpty();
  }

  @Test
  void theVersionBeforeIsKeptAndActivatingAgainDoesNotForgetIt() {
    pointers.activate(Map.of("spend", "v1", "risk", "v1"));
    pointers.activate(Map.of("spend", "v2", "risk", "v1"));
    pointers.activate(Map.of("spend", "v2"));

    assertThat(pointers.current()).containsOnly(entry("spend", "v2"), entry("risk", "v1"));
    assertThat(pointers.previous()).containsOnly(entry("spend", "v1"));

    pointers.activate(Map.of("spend", "v1"));
    assertThat(pointers.current()).contains(entry("spend", "v1"));
    assertThat(pointers.previous()).as("the way forward again").contains(entry("spend", "v2"));

    assertThat(pointers.unfinished()).containsOnly(entry("spend", "v1"), entry("risk", "v1"));
    pointers.finish(List.of("spend", "unknown"));
    assertThat(pointers.unfinished()).containsOnly(entry("risk", "v1"));

    pointers.forgetPrevious("spend");
    assertThat(pointers.previous()).isEmpty();
  }

  @Test
  void aReaderSeesAllViewsOfOneActivationOrNone() {
    pointers.activate(Map.of("spend", "v0", "risk", "v0", "traffic", "v0"));
    AtomicBoolean done = new AtomicBoolean();
    CompletableFuture<Void> flips =
        CompletableFuture.runAsync(
            () -> {
              for (int i = 1; i <= 500; i++) {
                String version = "v" + i;
                pointers.activate(Map.of("spend", version, "risk", version, "traffic", version));
              }
              done.set(true);
            });

    try (ViewPointers reader = new ViewPointers(address, TIMEOUT)) {
      while (!done.get() && !flips.isDone()) {
        Map<String, String> seen = reader.current();
        assertThat(seen).hasSize(3);
        assertThat(Set.copyOf(seen.values())).as("versions of %s", seen).hasSize(1);
      }
    }
    flips.join();
    assertThat(pointers.current().values()).containsOnly("v500");
    assertThat(pointers.previous().values()).containsOnly("v499");
  }

  @Test
  void anUnreachableServerIsNamedWithTheNextStep() {
    try (ViewPointers nobody =
        new ViewPointers(RedisAddress.parse("redis://writer:secret@127.0.0.1:1"), TIMEOUT)) {
      assertThatThrownBy(() -> nobody.activate(Map.of("spend", "v1")))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("redis://127.0.0.1:1")
          .hasMessageContaining("Check that it runs")
          .hasMessageNotContaining("secret");
    }
  }

  private static void write(String version, boolean firstOfView) throws Exception {
    FeatureViewLayout layout =
        new FeatureViewLayout(
            "spend", version, "customer", Rows.SPEND.key(), Rows.SPEND.features(), 60_000);
    FeatureRow row = Rows.row("c7", 0, 1, 1_000);
    try (RedisRowWriter writer =
            new RedisRowWriter(
                address,
                new RedisLayout[] {new RedisLayout(layout)},
                RedisWriteSettings.DEFAULT,
                firstOfView,
                new TestProcessingTimeService(),
                new UnregisteredMetricsGroup());
        RedisOnlineStore store = new RedisOnlineStore(address, TIMEOUT)) {
      writer.write(row, WriterHarness.NO_CONTEXT);
      writer.flush(false);
      assertThat(store.get(layout, "c7")).isPresent();
      assertThat(store.features("spend", version, "c7"))
          .containsOnly(
              entry("tx_count_1d", "1"),
              entry("amount_avg_1d", "0.125"),
              entry("last_city", "Zürich"));
      assertThat(store.mget(layout, List.of("c8"))).containsOnly(java.util.Optional.empty());
    }
  }
}
