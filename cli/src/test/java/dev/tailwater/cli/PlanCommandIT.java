package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.FeatureGraph;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code plan} says of a project, against a lake and on a sample. */
class PlanCommandIT {

  private static final String STREAM =
      """
      kind: stream
      name: payments
      schema: payment.avsc
      event_time: paid_at
      event_id: payment_id
      disorder: 0s
      lateness: 0s
      ---
      kind: entity
      name: customer
      key: {customer_id: string}
      ---
      kind: entity
      name: shop
      key: {shop_id: string}
      ---
      """;

  private static final String SPEND =
      """
      kind: feature-view
      name: spend
      entity: customer
      from: payments
      refresh: never
      features:
      """;

  private final Path home;
  private final Path project;

  PlanCommandIT(@TempDir Path directory) throws IOException {
    home = directory.resolve("home");
    project = Files.createDirectory(directory.resolve("project"));
    Files.writeString(
        project.resolve("payment.avsc"),
        """
        {"type": "record", "name": "Payment", "fields": [
          {"name": "payment_id", "type": "string"},
          {"name": "paid_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "customer_id", "type": "string"},
          {"name": "shop_id", "type": "string"},
          {"name": "amount", "type": "double"}]}
        """);
  }

  @Test
  void aViewThatOnlyLostAFeatureIsReplayedAsBootstrapDoes() throws Exception {
    define(SPEND + "  paid: {sum: amount, over: 1h}\n  most: {max: amount, over: 1h}\n");
    deploy();
    assertThat(plan().out()).contains("spend: unchanged").doesNotContain("replay");
    assertThat(plan("--json").out()).contains("\"replay\":null");

    define(SPEND + "  paid: {sum: amount, over: 1h}\n");

    Outcome plan = plan();
    assertThat(plan.code()).as(plan.err()).isEqualTo(Main.OK);
    assertThat(plan.out())
        .contains("  unchanged paid", "  removed   most")
        .contains("  replay    payments: the whole history");
    assertThat(plan("--json").out()).contains("\"replay\":\"payments: the whole history");
  }

  @Test
  void aFeatureWhoseTypeTheTableCannotTakeIsRefusedWithTheNextStep() throws Exception {
    define(SPEND + "  most: {max: amount, over: 1h}\n");
    deploy();
    define(SPEND + "  most: {count: \"*\", over: 1h}\n");

    Outcome plan = plan();

    assertThat(plan.code()).isEqualTo(Main.FAILED);
    assertThat(plan.out())
        .contains("  changed   most", "  refused   Column most of table ")
        .contains(" is double, but view spend now computes long")
        .contains("Give the feature a new name");
    assertThat(plan.err()).contains("bootstrap would refuse spend").doesNotContain("\tat ");
    assertThat(plan("--json").out()).contains("\"refused\":\"Column most of table ");
  }

  @Test
  void ofKeysThatNeverComeBackOnlyThoseStillInAWindowTakeSpace() throws Exception {
    define(SPEND + "  paid: {sum: amount, over: 1m}\n  most: {max: amount, over: 1m}\n");
    StringBuilder history = new StringBuilder();
    for (int second = 0; second < 600; second++) {
      history.append(payment(second, "c" + second, "s"));
    }

    Outcome plan = plan("--history", "payments=" + write(history));

    assertThat(plan.code()).as(plan.err()).isEqualTo(Main.OK);
    // At second 599 that of 540 is still in the window, and that of 539 has just left it.
    assertThat(plan.out())
        .containsPattern("state of customer: .*: 61 of 600 keys have state at the end of 600 ");
  }

  @Test
  void aViewOfAViewIsReplayedFromTheRecordedStreamAsFarAsBothReach() throws Exception {
    define(
        SPEND
            + """
                mean: {avg: amount, over: 2d}
              ---
              kind: feature-view
              name: surprises
              entity: shop
              from: spend
              features:
                above: {count: "*", where: amount > mean, over: 1d}
              ---
              kind: feature-view
              name: traffic
              entity: shop
              from: payments
              features:
                visits: {count: "*", over: 1h}
              """);
    StringBuilder history = new StringBuilder();
    for (int second = 0; second < 30; second++) {
      history.append(payment(second, "c" + second % 3, "s" + second % 2));
    }

    Outcome plan = plan("--history", "payments=" + write(history));

    assertThat(plan.code()).as(plan.err()).isEqualTo(Main.OK);
    assertThat(plan.out())
        .containsPattern("surprises: new.*\\R.*\\R  replay    payments: .* reach back 3 d 0 h")
        .containsPattern("traffic: new.*\\R.*\\R  replay    payments: .* reach back 1 h 0 min")
        .contains("2 of 2 keys have state at the end of 30 events");
  }

  @Test
  void aStreamThatWasRenamedIsRefusedWithItsOldName() throws Exception {
    define(SPEND + "  paid: {sum: amount, over: 1h}\n");
    Lake.local(new TailwaterHome(home).stack().resolve("lake")).ensureRawTable("purchases");
    Outcome archived =
        Outcome.of(
            home,
            "sql",
            "--write",
            """
            INSERT INTO `raw`.purchases
              (topic, `partition`, `offset`, append_time, replay_time, headers)
            SELECT 'payments', 0, CAST(0 AS BIGINT), TO_TIMESTAMP_LTZ(0, 3), TO_TIMESTAMP_LTZ(0, 3),
              CAST(ARRAY[ROW('h', x'00')] AS ARRAY<ROW<name STRING, `value` BYTES>>)
            """);
    assertThat(archived.code()).as(archived.err()).isEqualTo(Main.OK);

    Outcome plan = plan();

    assertThat(plan.code()).isEqualTo(Main.FAILED);
    assertThat(plan.err())
        .contains("Stream payments reads topic payments, whose history is in table raw.purchases")
        .contains("Call the stream purchases")
        .doesNotContain("\tat ");
  }

  @Test
  void serversThatAreDownAreNamedWithTheirSetting() throws Exception {
    define(SPEND + "  paid: {sum: amount, over: 1h}\n");
    String history = "payments=" + write(payment(0, "c", "s"));
    Path environment = project.resolve(EnvironmentConfig.FILE_NAME);

    Files.writeString(environment, "lake: {catalog: {type: rest, uri: \"http://127.0.0.1:1/\"}}\n");
    Outcome noLake = plan();
    assertThat(noLake.code()).isEqualTo(Main.FAILED);
    assertThat(noLake.err()).contains("The lake's catalog at http://127.0.0.1:1/", "lake.catalog");

    Files.writeString(
        environment,
        """
        kafka:
          bootstrap: "127.0.0.1:1"
          properties: {request.timeout.ms: "200", default.api.timeout.ms: "300"}
        """);
    Outcome noLog = plan("--sample");
    assertThat(noLog.code()).isEqualTo(Main.FAILED);
    assertThat(noLog.err()).contains("the log at 127.0.0.1:1 did not answer", "kafka.bootstrap");
    assertThat(plan("--history", history).code()).isEqualTo(Main.OK);
  }

  private void define(String views) throws IOException {
    Files.writeString(project.resolve("shop.yaml"), STREAM + views);
  }

  private void deploy() {
    LoadedProject loaded = LoadedProject.load(project);
    Lake lake = Lake.local(new TailwaterHome(home).stack().resolve("lake"));
    for (FeatureViewLayout layout : FeatureGraph.layouts(loaded.plan())) {
      lake.ensureFeatureTable(layout);
      lake.recordFeatures(
          layout.view(),
          layout.version(),
          loaded.featureHashes().getOrDefault(layout.view(), Map.of()));
    }
  }

  private static String payment(int second, String customer, String shop) {
    return "{\"payment_id\":\"%d\",\"paid_at\":%d,\"customer_id\":\"%s\",\"shop_id\":\"%s\",\"amount\":%d}\n"
        .formatted(second, 1_767_225_600_000L + second * 1_000L, customer, shop, second);
  }

  private Path write(CharSequence history) throws IOException {
    return Files.writeString(project.resolve("payments.jsonl"), history);
  }

  private Outcome plan(String... options) {
    Object[] words = new Object[2 + options.length];
    words[0] = "plan";
    words[1] = project;
    System.arraycopy(options, 0, words, 2, options.length);
    return Outcome.of(home, words);
  }
}
