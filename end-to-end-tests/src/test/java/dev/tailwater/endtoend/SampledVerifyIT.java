package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.cli.LoadedProject;
import dev.tailwater.jobs.LiveSources;
import dev.tailwater.jobs.SampledVerifyJob;
import dev.tailwater.jobs.SampledVerifyJob.Found;
import dev.tailwater.jobs.VerifyReport.Cause;
import dev.tailwater.plan.Plan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who watches a sample of the keys is quiet while all is well, and sees that writes are lost. */
class SampledVerifyIT {

  private static final long SEED = 20_261_125;
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private final Plan plan = LoadedProject.load(Verification.PROJECT).plan();

  @Test
  void isQuietUntilWritesAreLost(@TempDir Path folder) throws Exception {
    System.out.println("seed " + SEED);
    try (LiveSystem system = LiveSystem.start(folder, plan, 1);
        Payments payments = new Payments(system.log(), 1, SEED)) {
      JobClient live = system.startLive(LiveSystem.anyModel(plan, SEED), "");
      payments.send(600);
      system.awaitPredictions(600);

      StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1);
      SampledVerifyJob.build(
          env,
          plan,
          new SampledVerifyJob.Config(
              new LiveSources(system.log(), Optional.of(system.lake())),
              system.online(),
              2,
              Duration.ofSeconds(3)));
      JobClient watch = env.executeAsync("watch");
      try {
        Found found = await(watch, so -> so.checked() >= 20);
        assertThat(found.different().values()).allMatch(count -> count == 0);

        system.stop(live, false);
        payments.send(600);
        found = await(watch, so -> so.different().getOrDefault(Cause.STALE, 0L) > 0);
        assertThat(found.different().getOrDefault(Cause.VALUE, 0L)).isZero();
      } finally {
        watch.cancel().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      }
    }
  }

  private static Found await(JobClient watch, Predicate<Found> condition) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      Found found = Found.of(watch.getAccumulators().get(30, TimeUnit.SECONDS));
      if (condition.test(found)) {
        return found;
      }
      assertThat(System.nanoTime()).as(found.toString()).isLessThan(deadline);
      Thread.onSpinWait();
    }
  }
}
