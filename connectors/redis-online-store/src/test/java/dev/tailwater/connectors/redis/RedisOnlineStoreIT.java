package dev.tailwater.connectors.redis;

import static dev.tailwater.connectors.redis.Rows.SPEND;
import static dev.tailwater.connectors.redis.Rows.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.localstack.RedisServer;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.params.ClientKillParams;
import redis.clients.jedis.params.ClientKillParams.SkipMe;

class RedisOnlineStoreIT {

  private static final RedisWriteSettings SETTINGS =
      new RedisWriteSettings(
          100, Duration.ofMillis(10), Duration.ofSeconds(5), Duration.ofSeconds(30));

  private static RedisServer server;
  private static RedisAddress address;

  private WriterHarness writer;
  private RedisOnlineStore store;
  private Jedis client;

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
    writer = new WriterHarness(address, SETTINGS);
    store = new RedisOnlineStore(address, Duration.ofSeconds(5));
    client = new Jedis("127.0.0.1", server.port());
    client.flushAll();
    // Every acknowledged write survives a kill: what is missing after one was never acknowledged.
    client.configSet("appendfsync", "always");
  }

  @AfterEach
  void disconnect() {
    writer.close();
    store.close();
    client.close();
  }

  @Test
  void aRowIsReadBackAsItWasWritten() throws Exception {
    FeatureRow written = row("zoë:7", 2, 17, 1_000, 17L, Double.NaN, "a|b\n\"");
    put(written);

    OnlineRow read = store.get(SPEND, "zoë:7").orElseThrow();

    assertThat(read.values()).containsExactly(17L, Double.NaN, "a|b\n\"");
    assertThat(read)
        .extracting(
            OnlineRow::key,
            OnlineRow::validFrom,
            OnlineRow::validUntil,
            OnlineRow::generation,
            OnlineRow::factsApplied,
            OnlineRow::topic,
            OnlineRow::partition,
            OnlineRow::offset)
        .containsExactly("zoë:7", 1_000L, 61_000L, 2L, 17L, "transactions", 3, 170L);
  }

  @Test
  void listsAndMapsAreJsonTextAndReadBackExactly() throws Exception {
    FeatureViewLayout shapes =
        Rows.layout(
            "shapes",
            Long.MAX_VALUE / 4 + 86_400_000,
            new Column("last_times", ColumnType.LONG_LIST, true),
            new Column("last_amounts", ColumnType.DOUBLE_LIST, true),
            new Column("last_cities", ColumnType.STRING_LIST, true),
            new Column("by_city", ColumnType.LONG_MAP, true),
            new Column("spend_by_city", ColumnType.DOUBLE_MAP, true));
    FeatureRow written =
        row(
            "c7",
            0,
            1,
            1_000,
            List.of(3L, Long.MIN_VALUE),
            List.of(0.1, Double.NaN, -0.0),
            List.of("Zürich", "a,b"),
            new TreeMap<>(Map.of("Zürich", 2L, "Bern", 1L)),
            Map.of());
    try (WriterHarness shapesWriter = new WriterHarness(address, SETTINGS, shapes)) {
      shapesWriter.write(written);
      shapesWriter.flush();
    }

    assertThat(store.get(shapes, "c7").orElseThrow().values()).isEqualTo(written.values());
    assertThat(client.hgetAll("shapes@abc123:c7"))
        .contains(
            entry("last_times", "[3,-9223372036854775808]"),
            entry("last_amounts", "[0.1,\"NaN\",-0.0]"),
            entry("last_cities", "[\"Zürich\",\"a,b\"]"),
            entry("by_city", "{\"Bern\":1,\"Zürich\":2}"),
            entry("spend_by_city", "{}"));
    assertThat(client.pttl("shapes@abc123:c7"))
        .as("a lifetime feature never expires")
        .isEqualTo(-1);
    client.hset("shapes@abc123:c7", "last_times", "[1,");
    assertThatThrownBy(() -> store.get(shapes, "c7"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("shapes@abc123:c7");
  }

  @Test
  void theHashIsPlainText() throws Exception {
    put(row("c7", 2, 17, 1_000, 17L, 0.1, "Zürich"));

    assertThat(client.hgetAll("spend@abc123:c7"))
        .containsOnly(
            entry("tx_count_1d", "17"),
            entry("amount_avg_1d", "0.1"),
            entry("last_city", "Zürich"),
            entry("_valid_from", "1000"),
            entry("_valid_until", "61000"),
            entry("_version", "2|1000|17"),
            entry("_cause", "transactions/3/170"));
    assertThat(client.hgetAll("tailwater:views")).containsOnly(entry("spend", "abc123"));
    assertThat(store.currentVersion("spend")).contains("abc123");
    assertThat(store.currentVersion("unknown")).isEmpty();
  }

  @Test
  void anOlderVersionNeverReplacesANewerOne() throws Exception {
    FeatureRow newest = row("c7", 5, 100, 1_000);
    put(newest);

    put(row("c7", 4, 999, 9_999));
    put(row("c7", 5, 999, 999));
    put(row("c7", 5, 99, 1_000));

    assertThat(version("c7")).isEqualTo("5|1000|100");
    assertThat(writer.count(RedisMetric.ROWS_STALE)).isEqualTo(3);
    assertThat(writer.count(RedisMetric.ROWS_WRITTEN)).isEqualTo(1);
  }

  @Test
  void versionsAreComparedAsNumbersOf64Bits() throws Exception {
    put(row("c7", 0, 9, -5));
    put(row("c7", 0, 10, -5));
    put(row("c7", 0, 9, -4));
    put(row("c7", 0, 10, -4));
    put(row("c7", 0, 99, -50));
    assertThat(version("c7")).isEqualTo("0|-4|10");

    put(row("c7", Long.MAX_VALUE - 1, 0, 0));
    put(row("c7", Long.MAX_VALUE - 2, 0, 0));
    assertThat(version("c7")).isEqualTo((Long.MAX_VALUE - 1) + "|0|0");
    put(row("c7", Long.MAX_VALUE, 0, 0));
    assertThat(version("c7")).isEqualTo(Long.MAX_VALUE + "|0|0");
  }

  @Test
  void writingTheSameRowAgainChangesNothing() throws Exception {
    put(row("c7", 1, 5, 1_000));
    var before = client.hgetAll("spend@abc123:c7");

    put(row("c7", 1, 5, 1_000));

    assertThat(client.hgetAll("spend@abc123:c7")).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void theNewestVersionWinsInAnyOrderOfAnyBatches(long seed) throws Exception {
    Random random = new Random(seed);
    List<FeatureRow> rows = new ArrayList<>();
    for (int i = 0; i < 2_000; i++) {
      rows.add(row("c" + random.nextInt(20), random.nextInt(3), random.nextInt(12), i % 7));
    }
    Collections.shuffle(rows, random);
    for (FeatureRow row : rows) {
      writer.write(row);
      if (random.nextInt(30) == 0) {
        writer.flush();
      }
    }
    writer.flush();

    for (int key = 0; key < 20; key++) {
      String entity = "c" + key;
      FeatureRow newest =
          rows.stream()
              .filter(row -> row.key().equals(entity))
              .reduce((a, b) -> isNewer(b, a) ? b : a)
              .orElseThrow();
      assertThat(store.get(SPEND, entity).orElseThrow())
          .as(entity)
          .extracting(OnlineRow::generation, OnlineRow::factsApplied, OnlineRow::validFrom)
          .containsExactly(newest.generation(), newest.factsApplied(), newest.validFrom());
    }
  }

  private static boolean isNewer(FeatureRow a, FeatureRow b) {
    if (a.generation() != b.generation()) {
      return a.generation() > b.generation();
    }
    return a.validFrom() != b.validFrom()
        ? a.validFrom() > b.validFrom()
        : a.factsApplied() > b.factsApplied();
  }

  @Test
  void rowsOfOneEntityBetweenTwoFlushesBecomeOneWriteOfTheNewest() throws Exception {
    writer.write(row("c7", 0, 2, 1_000), row("c7", 0, 3, 1_000), row("c7", 0, 1, 1_000));
    writer.flush();

    assertThat(version("c7")).isEqualTo("0|1000|3");
    assertThat(writer.count(RedisMetric.ROWS_WRITTEN)).isEqualTo(1);
    assertThat(writer.count(RedisMetric.ROWS_COALESCED)).isEqualTo(2);
  }

  @Test
  void aFeatureThatBecomesNullLosesItsField() throws Exception {
    put(row("c7", 0, 1, 1_000, 1L, 0.5, "Bern"));
    put(row("c7", 0, 2, 2_000, 2L, null, null));

    assertThat(client.hgetAll("spend@abc123:c7")).doesNotContainKeys("amount_avg_1d", "last_city");
    assertThat(store.get(SPEND, "c7").orElseThrow().values()).containsExactly(2L, null, null);
  }

  @Test
  void aRowThatNeverChangesByItselfHasNoValidUntil() throws Exception {
    put(new FeatureRow(0, "c7", 1, Long.MAX_VALUE, 0, 0, 1, new Object[3], "t", 0, 0, true, true));

    assertThat(client.hexists("spend@abc123:c7", "_valid_until")).isFalse();
    assertThat(store.get(SPEND, "c7").orElseThrow().validUntil()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void everyRowLivesForTheViewsTimeToLive() throws Exception {
    put(row("c7", 0, 1, 1_000));

    assertThat(client.pttl("spend@abc123:c7"))
        .isBetween(SPEND.timeToLiveMs() - 60_000, SPEND.timeToLiveMs());
  }

  @Test
  void rowsThatAreNotForTheOnlineStorePassUnwritten() throws Exception {
    put(Rows.offlineOnly("c7"));

    assertThat(store.get(SPEND, "c7")).isEmpty();
  }

  @Test
  void flushesWhenTheBatchIsFullOrTheOldestRowHasWaitedLongEnough() throws Exception {
    writer.write(row("c1", 0, 1, 1));
    assertThat(store.get(SPEND, "c1")).isEmpty();
    writer.advanceClock(10);
    assertThat(store.get(SPEND, "c1")).isPresent();

    for (int i = 0; i < SETTINGS.batchRows(); i++) {
      writer.write(row("d" + i, 0, 1, 1));
    }
    assertThat(store.get(SPEND, "d99")).isPresent();
  }

  @Test
  void severalRowsAreReadInOneTripInTheOrderOfTheKeys() throws Exception {
    put(row("a", 0, 1, 1), row("b", 0, 2, 1));

    assertThat(store.mget(SPEND, List.of("b", "missing", "a")))
        .extracting(found -> found.map(OnlineRow::factsApplied))
        .containsExactly(Optional.of(2L), Optional.empty(), Optional.of(1L));
  }

  @Test
  void everyKeyOfAViewCanBeListed() throws Exception {
    Set<String> expected = new HashSet<>();
    for (int i = 0; i < 2_500; i++) {
      expected.add("key*" + i);
      writer.write(row("key*" + i, 0, 1, 1));
    }
    writer.flush();
    client.set("spend@other:key1", "another version");

    Set<String> seen = new HashSet<>();
    store.forEachKey(SPEND, seen::add);

    assertThat(seen).isEqualTo(expected);
  }

  @Test
  void aFlushedScriptIsLoadedAgain() throws Exception {
    put(row("c7", 0, 1, 1_000));
    client.scriptFlush();

    put(row("c7", 0, 2, 1_000), row("c8", 0, 2, 1_000));

    assertThat(version("c7")).isEqualTo("0|1000|2");
    assertThat(version("c8")).isEqualTo("0|1000|2");
    assertThat(writer.count(RedisMetric.RECONNECTS)).isZero();
  }

  @Test
  void aLostConnectionIsOpenedAgain() throws Exception {
    put(row("c7", 0, 1, 1_000));
    client.clientKill(
        ClientKillParams.clientKillParams().type(ClientType.NORMAL).skipMe(SkipMe.YES));

    put(row("c7", 0, 2, 1_000));

    assertThat(version("c7")).isEqualTo("0|1000|2");
    assertThat(writer.count(RedisMetric.RECONNECTS)).isEqualTo(1);
  }

  @Test
  void aServerThatIsKilledIsWaitedForAndNothingIsLost() throws Exception {
    put(row("before", 0, 1, 1_000));
    client.close();
    server.kill();
    writer.write(row("during", 0, 1, 1_000));
    CompletableFuture<Void> restart = CompletableFuture.runAsync(RedisOnlineStoreIT::restart);

    writer.flush();
    restart.join();
    put(row("after", 0, 1, 1_000));

    client = new Jedis("127.0.0.1", server.port());
    assertThat(store.mget(SPEND, List.of("before", "during", "after")))
        .allMatch(Optional::isPresent);
    assertThat(writer.count(RedisMetric.RECONNECTS)).isEqualTo(1);
  }

  private static void restart() {
    try {
      server.restart();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void anOutageThatLastsTooLongFailsWithTheAddressTheWaitAndTheNextStep() throws Exception {
    RedisAddress nobody = RedisAddress.parse("redis://writer:secret@127.0.0.1:1");
    try (WriterHarness lonely =
        new WriterHarness(nobody, SETTINGS.withRetryFor(Duration.ofMillis(120)))) {
      lonely.write(row("c7", 0, 1, 1_000));

      assertThatThrownBy(lonely::flush)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("redis://127.0.0.1:1 ")
          .hasMessageContaining("PT0.12S")
          .hasMessageContaining("Check that Redis runs")
          .hasMessageNotContaining("secret");
    }
  }

  @Test
  void aWrongPasswordFailsAtOnce() throws Exception {
    client.configSet("requirepass", "right");
    try (WriterHarness stranger =
        new WriterHarness(
            RedisAddress.parse(
                address.uri().toString().replace("redis://", "redis://default:wrong@")),
            SETTINGS)) {
      stranger.write(row("c7", 0, 1, 1_000));

      assertThatThrownBy(stranger::flush)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("refuses the connection")
          .hasMessageContaining("WRONGPASS")
          .hasMessageNotContaining("wrong@");
    } finally {
      client.configSet("requirepass", "");
    }
  }

  @Test
  void aFullServerIsWaitedForUntilItHasRoom() throws Exception {
    client.configSet("maxmemory", "1");
    try (WriterHarness patient =
        new WriterHarness(address, SETTINGS.withRetryFor(Duration.ofMillis(60)))) {
      patient.write(row("c7", 0, 1, 1_000));

      assertThatThrownBy(patient::flush)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("was not usable for")
          .hasMessageContaining("OOM");

      client.configSet("maxmemory", "0");
      patient.flush();
      assertThat(version("c7")).isEqualTo("0|1000|1");
    } finally {
      client.configSet("maxmemory", "0");
    }
  }

  @Test
  void aKeyOfAnotherKindFailsWithItsName() throws Exception {
    client.set("spend@abc123:c7", "not a hash");

    assertThatThrownBy(() -> put(row("c7", 0, 1, 1_000)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("spend@abc123:c7")
        .hasMessageContaining("WRONGTYPE");
  }

  @Test
  void aHashThatSomethingElseWroteIsReportedWithItsKey() {
    client.hset("spend@abc123:c7", "tx_count_1d", "17");

    assertThatThrownBy(() -> store.get(SPEND, "c7"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("spend@abc123:c7")
        .hasMessageContaining("_version");
  }

  @Test
  void aReaderWithoutAServerReportsTheAddress() {
    try (RedisOnlineStore nobody =
        new RedisOnlineStore(RedisAddress.parse("redis://127.0.0.1:1"), Duration.ofMillis(500))) {
      assertThatThrownBy(() -> nobody.get(SPEND, "c7"))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("redis://127.0.0.1:1");
    }
  }

  private void put(FeatureRow... rows) throws Exception {
    writer.write(rows);
    writer.flush();
  }

  private String version(String entityKey) {
    return client.hget("spend@abc123:" + entityKey, "_version");
  }

  private static Map.Entry<String, String> entry(String field, String value) {
    return Map.entry(field, value);
  }
}
