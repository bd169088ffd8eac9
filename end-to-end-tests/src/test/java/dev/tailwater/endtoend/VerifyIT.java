package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.cli.LoadedProject;
import dev.tailwater.cli.Main;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.redis.ViewPointers;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.plan.Plan;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.flink.core.execution.JobClient;
import org.apache.iceberg.data.Record;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.RedisClient;

/**
 * At quiescence a live job's rows are those of a replay, in both stores, also when a TaskManager
 * was killed on the way; and whatever is wrong with a row is found and named.
 */
class VerifyIT {

  private static final long SEED = 20_261_123;

  private final Plan plan = LoadedProject.load(Verification.PROJECT).plan();

  @Test
  void findsNothingAtQuiescenceAndEveryFaultInItsClass(@TempDir Path folder) throws Exception {
    System.out.println("seed " + SEED);
    try (LiveSystem system = LiveSystem.start(folder, plan, 2);
        Payments payments = new Payments(system.log(), 2, SEED)) {
      JobClient archive = system.startArchive();
      JobClient live = system.startLive(LiveSystem.anyModel(plan, SEED), "");
      payments.send(1_500);
      system.awaitPredictions(1_500);
      system.awaitFinalRows("shop_risk"); // From now on late events repair rows.
      system.killTaskManager();
      payments.send(1_500);
      system.awaitPredictions(3_000);

      Verification verification = new Verification(system, folder);
      verification.awaitEqual();
      system.stop(live, false);
      system.stop(archive, false);

      TypedCommand.Outcome equal = verification.run();
      assertThat(equal.code()).as(equal.err()).isEqualTo(Main.OK);
      assertThat(equal.out()).contains("card_spend", "online = offline", "offline = replay");

      breakOnlineRows(system);
      breakOfflineRows(system);
      TypedCommand.Outcome broken = verification.run("--json");
      assertThat(broken.code()).isEqualTo(Main.FAILED);
      assertThat(broken.out()).contains("\"equal\":false");
      Verification.assertCauses(
          broken,
          "card_last",
          "online_equals_offline",
          "{\"lost_write\":1,\"extra\":1,\"stale\":1,\"unreadable\":1}");
      Verification.assertCauses(broken, "card_last", "offline_equals_replay", "{}");
      Verification.assertCauses(broken, "shop_risk", "online_equals_offline", "{\"value\":1}");
      Verification.assertCauses(
          broken,
          "shop_risk",
          "offline_equals_replay",
          "{\"lost_write\":1,\"extra\":1,\"duplicate\":1,\"late\":1,\"stale\":1,\"float\":1,\"value\":1}");
      Verification.assertCauses(broken, "card_spend", "offline_equals_replay", "{}");

      TypedCommand.Outcome told = verification.run("--views", "shop_risk");
      assertThat(told.out())
          .contains("tailwater explain " + Verification.PROJECT + " shop_risk shop_id=", "country=")
          .doesNotContain("card_spend");

      try (ViewPointers pointers = new ViewPointers(system.online(), Duration.ofSeconds(10))) {
        pointers.activate(Map.of("card_spend", "feedc0ffee00"));
      }
      system.lake().activate(Map.of("card_last", new Lake.DeployedView("0123456789ab", Map.of())));
      TypedCommand.Outcome versions = verification.run("--views", "card_spend,card_last");
      assertThat(versions.code()).isEqualTo(Main.FAILED);
      assertThat(versions.out())
          .contains("readers of the online store use feedc0ffee00")
          .contains("readers of the offline store use 0123456789ab");
    }
  }

  /** One row less, one too many, one of the past, one of somebody else; and a changed value. */
  private void breakOnlineRows(LiveSystem system) {
    try (RedisClient redis = system.redisClient()) {
      String prefix = prefix("card_last");
      assertThat(redis.del(prefix + "c1")).isEqualTo(1);
      redis.copy(prefix + "c2", prefix + "nobody", false);
      assertThat(redis.exists(prefix + "c3")).isTrue();
      redis.hset(prefix + "c3", "_valid_from", "1577836800000");
      redis.hset(prefix + "c4", "_version", "not one");
      String shop = redis.keys(prefix("shop_risk") + "s3*").iterator().next();
      redis.hset(shop, "average", "-1.5");
    }
  }

  private String prefix(String view) {
    FeatureViewLayout layout =
        FeatureGraph.layouts(plan).stream()
            .filter(candidate -> candidate.view().equals(view))
            .findFirst()
            .orElseThrow();
    return view + "@" + layout.version() + ":";
  }

  private static void breakOfflineRows(LiveSystem system) throws IOException {
    try (TamperedTable table = new TamperedTable(system.lake(), "shop_risk")) {
      List<Record> rows = table.untouched("shop_id", "s5", "country");
      table.remove(rows.get(1));
      table.repeat(rows.get(3));
      table.change(rows.get(5), "average", -1.0);
      table.change(rows.get(7), "average", Math.nextUp((Double) rows.get(7).getField("average")));
      table.changeTo(rows.get(10), rows.get(9), List.of("average", "payments", "valid_until"));
      table.addAt(rows.get(12), "2019-06-01T00:00:00Z");
      table.change(table.repaired("shop_id", "country"), "average", -1.0);
    }
  }
}
