package dev.tailwater.connectors.redis;

import static dev.tailwater.connectors.redis.Rows.SPEND;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.localstack.RedisServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.Jedis;

class RedisOnlineStoreSinkIT {

  private static final int ENTITIES = 500;
  private static final long ROWS = 50_000;

  private static final AtomicBoolean KILLED = new AtomicBoolean();
  private static final AtomicBoolean FAILED = new AtomicBoolean();

  /** The job runs in this JVM: its functions reach the server and its restart here. */
  private static RedisServer server;

  private static volatile CompletableFuture<Void> restart = CompletableFuture.completedFuture(null);

  @BeforeAll
  static void startServer(@TempDir Path directory) throws Exception {
    server = RedisServer.start(directory, 0);
  }

  @AfterAll
  static void stopServer() throws Exception {
    server.close();
  }

  @BeforeEach
  void emptyServer() {
    try (Jedis client = new Jedis("127.0.0.1", server.port())) {
      client.flushAll();
    }
  }

  @Test
  void aJobOutlivesAKilledServerAndAFailureOfItsOwn() throws Exception {
    StreamExecutionEnvironment env = environment(RuntimeExecutionMode.STREAMING);

    env.fromSequence(0, ROWS - 1)
        .map(RedisOnlineStoreSinkIT::rowWithAccidents)
        .returns(FeatureRowSerializer.typeInfo(List.of(SPEND)))
        .sinkTo(sink())
        .uid("online-store");
    env.execute("accidents");
    restart.join();

    assertThat(KILLED).isTrue();
    assertThat(FAILED).isTrue();
    assertEveryEntityHasItsNewestRow();
  }

  @ParameterizedTest
  @EnumSource(
      value = RuntimeExecutionMode.class,
      names = {"BATCH", "STREAMING"})
  void aBoundedJobWithoutCheckpointsWritesEverything(RuntimeExecutionMode mode) throws Exception {
    StreamExecutionEnvironment env = environment(mode);
    env.getCheckpointConfig().disableCheckpointing();

    env.fromSequence(0, ROWS - 1)
        .map(RedisOnlineStoreSinkIT::row)
        .returns(FeatureRowSerializer.typeInfo(List.of(SPEND)))
        .sinkTo(sink())
        .uid("online-store");
    env.execute("bounded");

    assertEveryEntityHasItsNewestRow();
  }

  private static FeatureRow rowWithAccidents(long number) {
    // The first subtask ends at ROWS / 2; the second begins there.
    if (number == ROWS / 10 && KILLED.compareAndSet(false, true)) {
      server.kill();
      restart = CompletableFuture.runAsync(RedisOnlineStoreSinkIT::restartServer);
    }
    if (number == ROWS / 4 && FAILED.compareAndSet(false, true)) {
      throw new IllegalStateException("injected");
    }
    return row(number);
  }

  private static void restartServer() {
    try {
      server.restart();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static FeatureRow row(long number) {
    return Rows.row("c" + number % ENTITIES, 0, number / ENTITIES, number);
  }

  private static RedisOnlineStoreSink sink() {
    return new RedisOnlineStoreSink(address(), List.of(SPEND), RedisWriteSettings.DEFAULT);
  }

  private static RedisAddress address() {
    return RedisAddress.parse("redis://127.0.0.1:" + server.port());
  }

  private static void assertEveryEntityHasItsNewestRow() {
    try (RedisOnlineStore store = new RedisOnlineStore(address(), Duration.ofSeconds(5))) {
      for (int entity = 0; entity < ENTITIES; entity++) {
        assertThat(store.get(SPEND, "c" + entity).orElseThrow().factsApplied())
            .as("facts of c%s", entity)
            .isEqualTo(ROWS / ENTITIES - 1);
      }
    }
  }

  private static StreamExecutionEnvironment environment(RuntimeExecutionMode mode) {
    Configuration configuration = new Configuration();
    configuration.setString("taskmanager.memory.network.min", "16mb");
    configuration.setString("taskmanager.memory.network.max", "16mb");
    configuration.setString("pipeline.generic-types", "false");
    configuration.setString("execution.checkpointing.interval", "50ms");
    configuration.setString("restart-strategy.type", "fixed-delay");
    configuration.setString("restart-strategy.fixed-delay.attempts", "3");
    configuration.setString("restart-strategy.fixed-delay.delay", "10ms");
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(2, configuration);
    env.setRuntimeMode(mode);
    return env;
  }
}
