package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.LakeTables;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.JobSettings;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tables} and {@code maintain} as they are typed, on a lake of a few commits. */
class TablesCommandIT {

  private static final String PROJECT = "../feature-definitions/examples/fraud";
  private static final int COMMITS = 6;

  private final Path home;
  private final Lake lake;

  TablesCommandIT(@TempDir Path home) {
    this.home = home;
    this.lake = Lake.local(new TailwaterHome(home).stack().resolve("lake"));
  }

  @Test
  void aRoundCompactsAndATableGoesBackToASnapshotAndForwardAgain() throws Exception {
    LoadedProject project = LoadedProject.load(Path.of(PROJECT));
    FeatureViewLayout layout =
        FeatureGraph.layouts(project.plan()).get(project.view("customer_spend"));
    for (int commit = 0; commit < COMMITS; commit++) {
      appendOneRow(layout, commit);
    }
    long first = newestSnapshot();

    assertThat(run("tables").out()).containsPattern("features.customer_spend +6 +6 +6 ");
    assertThat(run("maintain", PROJECT, "--dry-run", "--json").out())
        .contains("\"files_to_compact\":6", "\"files_after\":1", "\"snapshots_to_expire\":0");

    Outcome round = run("maintain", PROJECT);

    assertThat(round.code()).as(round.err()).isEqualTo(Main.OK);
    assertThat(round.out()).containsPattern("features.customer_spend +6 +6 → 1 +6 → 1 ");
    assertThat(run("tables", PROJECT, "--json").out())
        .contains(
            "\"table\":\"features.customer_spend\",\"rows\":6,\"data_files\":1,\"small_files\":1");
    assertThat(run("maintain", PROJECT).out()).contains(" 1  ").doesNotContain("→");

    appendOneRow(layout, COMMITS);
    long second = newestSnapshot();
    Outcome back = run("tables", "rollback", "features.customer_spend", Long.toString(first));
    assertThat(back.code()).as(back.err()).isEqualTo(Main.OK);
    assertThat(back.out()).contains("2 commits and 1 rows undone");
    assertThat(lake.count("features.customer_spend")).isEqualTo(COMMITS);
    assertThat(run("tables", "rollback", "features.customer_spend", Long.toString(second)).code())
        .isEqualTo(Main.OK);
    assertThat(lake.count("features.customer_spend")).isEqualTo(COMMITS + 1);
  }

  @Test
  void whatDoesNotExistIsNamed() {
    assertThat(run("tables").err()).contains("has no tables yet");
    lake.ensurePredictionTable("fraud");

    assertThat(run("tables").out()).contains("predictions.fraud");
    assertThat(run("maintain", PROJECT, "--table", "features.spend").err())
        .contains("no table features.spend", "predictions.fraud");
    assertThat(run("tables", "rollback", "predictions.fraud", "7").err())
        .contains("no snapshot 7", "$snapshots");
    assertThat(run("tables", "rollback", "--to-checkpoint", "7").code())
        .isEqualTo(Main.WRONG_USAGE);
    assertThat(run("tables", "rollback").err()).contains("name a table and a snapshot");
  }

  private void appendOneRow(FeatureViewLayout layout, int number) throws Exception {
    FeatureRow row =
        new FeatureRow(
            0,
            "c" + number,
            1_767_225_600_000L,
            Long.MAX_VALUE,
            0,
            0,
            1,
            new Object[layout.features().size()],
            "transactions",
            0,
            number,
            true,
            true);
    StreamExecutionEnvironment env =
        JobSettings.bounded(
            StreamExecutionEnvironment.createLocalEnvironment(1, JobSettings.oneShotCluster(1)));
    lake.appendFeatures(
        env.fromData(List.of(row), FeatureRowSerializer.typeInfo(List.of(layout))).uid("row"),
        0,
        layout,
        "offline");
    env.execute();
  }

  private long newestSnapshot() {
    return new LakeTables(lake)
        .report(1).stream()
            .filter(table -> table.name().equals("features.customer_spend"))
            .flatMap(table -> table.newest().stream())
            .findFirst()
            .orElseThrow()
            .snapshotId();
  }

  private Outcome run(String... arguments) {
    return Outcome.of(home, (Object[]) arguments);
  }
}
