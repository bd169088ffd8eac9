package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.cli.LoadedProject;
import dev.tailwater.cli.Main;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.redis.ViewPointers;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.plan.Plan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.apache.flink.core.execution.JobClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.RedisClient;

/**
 * An online store that lost everything has all rows again after one command, while events go on
 * arriving and the live job goes on writing.
 */
class RehydrateIT {

  private static final long SEED = 20_261_124;
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private final Plan plan = LoadedProject.load(Verification.PROJECT).plan();
  private final List<FeatureViewLayout> layouts = FeatureGraph.layouts(plan);

  @Test
  void bringsBackAllRowsWhileEventsArriveAndNoneGoesBackInTime(@TempDir Path folder)
      throws Exception {
    System.out.println("seed " + SEED);
    try (LiveSystem system = LiveSystem.start(folder, plan, 2);
        Payments payments = new Payments(system.log(), 2, SEED)) {
      JobClient archive = system.startArchive();
      JobClient live = system.startLive(LiveSystem.anyModel(plan, SEED), "");
      Verification verification = new Verification(system, folder);
      payments.send(1_000);
      system.awaitPredictions(1_000);

      try (RedisClient redis = system.redisClient()) {
        assertThat(redis.flushAll()).isEqualTo("OK");
      }
      rehydrate(system, verification, payments);
      verification.awaitEqual();

      system.redis().kill();
      deleteData(folder.resolve("redis"));
      system.redis().restart();
      rehydrate(system, verification, payments);
      verification.awaitEqual();
      system.assertNeverFailed(live);
      system.stop(live, false);
      system.stop(archive, false);
    }
  }

  /** While a reader watches and events arrive. */
  private void rehydrate(LiveSystem system, Verification verification, Payments payments) {
    AtomicBoolean done = new AtomicBoolean();
    CompletableFuture<List<String>> backwards =
        CompletableFuture.supplyAsync(() -> backwards(system, done));
    CompletableFuture<Void> arriving =
        CompletableFuture.runAsync(
            () -> {
              while (!done.get() && payments.count() % 1_000 != 900) {
                payments.send(20);
              }
            });

    TypedCommand.Outcome outcome = verification.command("rehydrate");

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(Main.OK);
    assertThat(outcome.err()).contains("card_spend: 40 entities are there again");
    try (ViewPointers pointers = new ViewPointers(system.online(), TIMEOUT)) {
      Map<String, String> versions = new TreeMap<>();
      layouts.forEach(layout -> versions.put(layout.view(), layout.version()));
      assertThat(pointers.current()).isEqualTo(versions);
    }
    arriving.orTimeout(TIMEOUT.toSeconds(), TimeUnit.SECONDS).join();
    system.awaitPredictions(payments.count());
    done.set(true);
    assertThat(backwards.orTimeout(TIMEOUT.toSeconds(), TimeUnit.SECONDS).join()).isEmpty();
  }

  /** The rows that a reader has seen as of an earlier instant than before. */
  private List<String> backwards(LiveSystem system, AtomicBoolean done) {
    Map<String, Long> seen = new HashMap<>();
    List<String> backwards = new ArrayList<>();
    try (RedisOnlineStore store = new RedisOnlineStore(system.online(), TIMEOUT)) {
      boolean last = false;
      while (!last) {
        last = done.get();
        for (FeatureViewLayout layout : layouts) {
          store.forEachRow(
              layout,
              row -> {
                Long before = seen.put(layout.view() + " " + row.key(), row.validFrom());
                if (before != null && before > row.validFrom()) {
                  backwards.add(layout.view() + " " + row + " after " + before);
                }
              },
              (key, reason) -> backwards.add(reason));
        }
      }
    }
    return backwards;
  }

  private static void deleteData(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (file.getFileName().toString().matches(".*\\.(aof|rdb)(\\..*)?")) {
          Files.delete(file);
        }
      }
    }
  }
}
