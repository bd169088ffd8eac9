package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.definitions.Knowledge;
import dev.tailwater.kernel.Identity;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.RecordFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StateEndTest {

  @ParameterizedTest
  @CsvSource({"0, 0", "0, 5000", "3000, 0", "3000, 5000"})
  void isWhenTheFeatureOperatorDropsTheStateOfAQuietKey(long refreshMs, long latenessMs)
      throws Exception {
    Plan plan =
        TestPlans.cards(
            TestPlans.view("spend", 0, refreshMs, Knowledge.AS_HAPPENED),
            TestPlans.layout(Identity.EVENT, latenessMs, false),
            TestPlans.stream("payments", RecordFormat.JSON, latenessMs));
    long end = StateEnd.of(plan, 0).after(2_500);

    try (EntityHarness operator = EntityHarness.live(plan)) {
      operator.tell(EntityHarness.fact("1", 1_000, 4, 0));
      operator.tell(EntityHarness.fact("2", 2_500, 5, 1));
      operator.watermark(end - 1);
      assertThat(operator.stateEntries()).isPositive();

      operator.watermark(end);
      assertThat(operator.stateEntries()).isZero();
    }
  }
}
