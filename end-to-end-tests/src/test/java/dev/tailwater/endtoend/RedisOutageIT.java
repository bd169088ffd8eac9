package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.cli.LoadedProject;
import dev.tailwater.cli.demo.EventProducer;
import dev.tailwater.cli.demo.FraudSimulator;
import dev.tailwater.plan.Plan;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.apache.flink.core.execution.JobClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Redis dies under the live job and comes back on the same port with its data: the job waits
 * without failing, answers go on meanwhile, and in the end nothing is missing.
 */
class RedisOutageIT {

  private static final long SEED = 7;
  private static final int TRANSACTIONS = 6_000;

  private final Plan plan = LoadedProject.load(TypedCommand.FRAUD_EXAMPLE).plan();
  private final FraudSimulator world =
      new FraudSimulator(
          new FraudSimulator.Settings(
              SEED, Instant.parse("2020-01-01T00:00:00Z"), 300, 100, 1_000, Duration.ofSeconds(2)));

  @Test
  void isWaitedOutAndNothingIsLost(@TempDir Path folder) throws Exception {
    System.out.println("seed " + SEED);
    try (LiveSystem system = LiveSystem.start(folder, plan, 2);
        EventProducer producer = new EventProducer(system.log(), plan, Duration.ZERO, false)) {
      JobClient archive = system.startArchive();
      JobClient live = system.startLive(LiveSystem.anyModel(plan, SEED), "");
      sendUntil(producer, 2_000);
      system.awaitPredictions(1_500);

      system.redis().kill();
      sendUntil(producer, 4_000);
      // Answers wait for no store: these questions were asked after it died.
      system.awaitPredictions(2_200);
      assertThat(system.redis().isAlive()).isFalse();
      system.assertNeverFailed(live);

      system.redis().restart();
      sendUntil(producer, TRANSACTIONS);
      system.awaitPredictions(TRANSACTIONS);
      system.assertNeverFailed(live);
      system.stop(live, true);
      system.awaitArchive(TRANSACTIONS);
      system.stop(archive, true);

      assertThat(system.awaitDeadLetters(0)).isEmpty();
      assertThat(system.archivedQuestions()).isEqualTo(system.predictions().keySet());
      system.assertOnlineEqualsOffline();
    }
  }

  private void sendUntil(EventProducer producer, int transactions) throws IOException {
    while (producer.transactions() < transactions) {
      producer.send(world.next());
    }
    producer.flush();
  }
}
