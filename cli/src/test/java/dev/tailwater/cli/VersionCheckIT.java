package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.redis.RedisOnlineStoreSink;
import dev.tailwater.connectors.redis.RedisWriteSettings;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.localstack.RedisServer;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows are written by hand here: the graph never writes ones that contradict each other. */
class VersionCheckIT {

  private static final long INSTANT = 1_767_225_600_000L;
  private static final Column COUNT = new Column("paid_count", ColumnType.LONG, true);
  private static final Column AVERAGE = new Column("paid_avg", ColumnType.DOUBLE, true);
  private static final FeatureViewLayout BEFORE = layout("v1", AVERAGE);
  private static final FeatureViewLayout AFTER = layout("v2", COUNT, AVERAGE);

  private static RedisServer server;
  private static Lake lake;

  @BeforeAll
  static void write(@TempDir Path directory) throws Exception {
    server = RedisServer.start(directory.resolve("redis"), 0);
    lake = Lake.local(directory.resolve("lake"));
    List<FeatureRow> before = new ArrayList<>();
    List<FeatureRow> after = new ArrayList<>();
    List<FeatureRow> wrongOnline = new ArrayList<>();
    List<FeatureRow> otherMeaning = new ArrayList<>();
    for (int customer = 0; customer < 10; customer++) {
      String key = "c" + customer;
      before.add(row(key, INSTANT, true, true, 2.5));
      after.add(row(key, INSTANT, true, true, 3L, 2.5));
      wrongOnline.add(row(key, INSTANT, true, false, 3L, 2.5));
      wrongOnline.add(row(key, INSTANT, false, true, 3L, customer == 7 ? 2.25 : 2.5));
      otherMeaning.add(row(key, INSTANT, true, true, 3L, customer == 7 ? null : 2.5));
    }
    after.add(row("not-final", INSTANT + 1, true, false, 1L, 1.0));
    write(BEFORE, before);
    write(AFTER, after);
    write(layout("v3", COUNT, AVERAGE), wrongOnline);
    write(layout("v4", COUNT, AVERAGE), otherMeaning);
  }

  @AfterAll
  static void stopServer() throws Exception {
    server.close();
  }

  @Test
  void rowsThatAgreeWithEachOtherAndWithTheVersionBeforePass() {
    VersionCheck.Result result = check(AFTER);

    assertThat(result.differences()).isEmpty();
    assertThat(result)
        .extracting(
            VersionCheck.Result::sampled,
            VersionCheck.Result::equal,
            VersionCheck.Result::notFinal,
            VersionCheck.Result::equalBefore)
        .containsExactly(11, 10, 1, 10);
  }

  @Test
  void anOnlineRowThatIsNotTheFinalRowOfItsInstantIsADifference() {
    assertThat(check(layout("v3", COUNT, AVERAGE)).differences())
        .singleElement()
        .asString()
        .contains("customer c7", "paid_avg is 2.5 online, 2.25 offline");
  }

  @Test
  void aFeatureThatMeansTheSameAndHasOtherValuesIsADifference() {
    assertThat(check(layout("v4", COUNT, AVERAGE)).differences())
        .singleElement()
        .asString()
        .contains("customer c7", "paid_avg is null in version v4, 2.5 in version v1");
  }

  private static VersionCheck.Result check(FeatureViewLayout layout) {
    try (RedisOnlineStore online = new RedisOnlineStore(address(), Duration.ofSeconds(5))) {
      return new VersionCheck(lake, online, layout, Optional.of(BEFORE), Duration.ofMillis(1))
          .run();
    }
  }

  private static void write(FeatureViewLayout layout, List<FeatureRow> rows) throws Exception {
    Configuration configuration = new Configuration();
    configuration.setString("taskmanager.memory.network.min", "16mb");
    configuration.setString("taskmanager.memory.network.max", "16mb");
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    DataStream<FeatureRow> stream =
        env.fromData(rows, FeatureRowSerializer.typeInfo(List.of(layout))).uid("rows");
    stream
        .sinkTo(
            new RedisOnlineStoreSink(address(), List.of(layout), RedisWriteSettings.DEFAULT)
                .untilActivated())
        .uid("online");
    lake.appendFeatures(stream, 0, layout, "offline");
    env.execute();
  }

  private static RedisAddress address() {
    return RedisAddress.parse("redis://127.0.0.1:" + server.port());
  }

  private static FeatureViewLayout layout(String version, Column... features) {
    return new FeatureViewLayout(
        "spend",
        version,
        "customer",
        List.of(new Column("customer_id", ColumnType.STRING, false)),
        List.of(features),
        86_400_000);
  }

  private static FeatureRow row(
      String key, long instant, boolean online, boolean offline, @Nullable Object... values) {
    return new FeatureRow(
        0, key, instant, instant + 60_000, 0, 0, 3, values, "payments", 0, 42, online, offline);
  }
}
