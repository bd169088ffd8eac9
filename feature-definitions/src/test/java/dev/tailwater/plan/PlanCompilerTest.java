package dev.tailwater.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.definitions.ProjectLoader;
import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanCompilerTest {

  private static final String CONTRACT =
      """
      {"type": "record", "name": "Transfer", "fields": [
        {"name": "unused", "type": "string"},
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "sender", "type": "string"},
        {"name": "receiver", "type": "string"},
        {"name": "cents", "type": "long"},
        {"name": "urgent", "type": ["null", "boolean"]}]}
      """;

  private static final String PROJECT =
      """
      kind: stream
      name: transfers
      schema: transfer.avsc
      event_time: at
      event_id: id
      disorder: 10s
      lateness: 1m
      derive:
        euros: cents / 100.0
        never_read: euros * 2
        large: euros > 1000
      expect:
        positive: {that: cents >= 0, else: fail}
      ---
      {kind: entity, name: payer, key: {account: string}}
      ---
      {kind: entity, name: payee, key: {account: string}}
      ---
      {kind: entity, name: unseen, key: {account: string}}
      ---
      kind: feature-view
      name: paid
      entity: payer
      from: transfers
      key: {account: sender}
      features:
        total: {sum: cents, over: 1d, where: large}
        urgent: {count: urgent, over: 2d, delay: 1h, where: "cents  > 5"}
      ---
      kind: feature-view
      name: paid_more
      entity: payer
      from: transfers
      key: {account: sender}
      features:
        most: {max: cents, over: 1h, where: cents > 5, empty: -1}
      ---
      kind: feature-view
      name: received
      entity: payee
      from: transfers
      key: {account: receiver}
      features: {count: {count: "*", over: 1d}}
      ---
      kind: model
      name: fraud
      ask: transfers
      vector: [euros, paid.total, "share: euros / NULLIF(paid.total, 0)", received.count]
      fallback: 0.1
      deadline: 20ms
      labels: {stream: transfers, on: id, value: urgent, within: 1d}
      """;

  private final Plan plan;

  PlanCompilerTest(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("transfer.avsc"), CONTRACT);
    Files.writeString(folder.resolve("project.yaml"), PROJECT);
    plan = PlanCompiler.compile(ProjectLoader.load(folder));
  }

  @Test
  void keepsEveryPromiseOfAPlan() {
    PlanInvariants.check(plan);
  }

  @Test
  void computesWhatIsReadAndNothingElse() {
    StreamPlan stream = plan.streams().get(0);

    assertThat(stream.computed())
        .extracting(computed -> computed.column().name())
        .containsExactly("euros", "large", "expect.positive", "value.0");
    assertThat(stream.carried())
        .extracting(Column::name)
        .containsExactly(
            "id", "sender", "cents", "large", "urgent", "value.0", "receiver", "euros");
    assertThat(stream.expectations().get(0).otherwise()).isEqualTo(StreamPlan.Otherwise.FAIL);
  }

  @Test
  void leavesOutEntitiesThatNothingDescribes() {
    assertThat(plan.entities()).extracting(EntityPlan::name).containsExactly("payer", "payee");
  }

  @Test
  void viewsOfOneEntityFromOneStreamShareAState() {
    EntityPlan payer = plan.entities().get(0);

    assertThat(payer.inputs()).hasSize(1);
    EntityPlan.Input input = payer.inputs().get(0);
    assertThat(input.views()).containsExactly(0, 1);
    assertThat(input.layout().columns())
        .as("cents is stored once")
        .containsExactly(ColumnType.LONG, ColumnType.BOOLEAN);
    assertThat(input.layout().filters())
        .as("large, and the condition that two features write differently")
        .isEqualTo(2);
    assertThat(input.layout().latenessMs()).isEqualTo(70_000);
    assertThat(input.layout().features())
        .containsExactly(
            FeatureSpec.sliding(Aggregate.SUM, 0, 0, day(), 0, null),
            FeatureSpec.sliding(Aggregate.COUNT, 1, 1, 2 * day(), day() / 24, 0L),
            FeatureSpec.sliding(Aggregate.MAX, 0, 1, day() / 24, 0, -1L));
    assertThat(plan.views().get(1).parts().get(0).firstFeature()).isEqualTo(2);
    assertThat(plan.views().get(0).horizonMs()).isEqualTo(2 * day() + day() / 24);
  }

  @Test
  void oneStreamCanHoldTheKeysOfTwoRoles() {
    assertThat(plan.entities().get(0).keyPositions().get(0)).containsExactly(1);
    assertThat(plan.entities().get(1).keyPositions().get(0)).containsExactly(6);
  }

  @Test
  void aVectorReadsColumnsFeaturesAndExpressionsOverBoth() {
    ModelPlan model = plan.models().get(0);

    assertThat(model.views()).containsExactly(0, 2);
    assertThat(model.vector())
        .extracting(ModelPlan.Element::source)
        .containsExactly(
            new ModelPlan.Source.CarriedColumn(7),
            new ModelPlan.Source.Feature(0, 0),
            new ModelPlan.Source.Expression(
                "euros / NULLIF(paid.total, 0)",
                List.of(
                    new Column("euros", ColumnType.DOUBLE, true),
                    new Column("paid.total", ColumnType.DOUBLE, true)),
                List.of(new ModelPlan.Source.CarriedColumn(7), new ModelPlan.Source.Feature(0, 0))),
            new ModelPlan.Source.Feature(2, 0));
    assertThat(model.deadlineMs()).isEqualTo(20);
    assertThat(model.to()).isEqualTo("predictions.fraud");
    assertThat(model.labels()).contains(new ModelPlan.Labels(0, 0, 4, day()));
  }

  private static long day() {
    return Duration.ofDays(1).toMillis();
  }
}
