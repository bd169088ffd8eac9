package dev.tailwater.connectors.iceberg;

import static dev.tailwater.connectors.iceberg.Rows.SPEND;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.LakeMaintenance.Step;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LakeMaintenanceIT {

  private static final String TABLE = "features.spend";
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** Everything is due at once, but for what the record does not allow. */
  private static final TableCare EAGER =
      new TableCare(
          Duration.ofSeconds(1), 128L << 20, 2, Duration.ofSeconds(1), 10, Duration.ofDays(3));

  private Lake lake = Lake.local(Path.of("target", "unused-lake"));
  private LakeTables tables = new LakeTables(lake);

  @BeforeEach
  void newLake(@TempDir Path directory) {
    // Users have folders with spaces in their names.
    lake = Lake.local(directory.resolve("the lake"));
    tables = new LakeTables(lake);
  }

  @Test
  void aRoundLeavesLargeFilesFewSnapshotsAndEveryRow(@TempDir Path checkpoints) throws Exception {
    writeInManyCommits(checkpoints);
    TableReport before = report();
    LakeTables.DueCare due = tables.due(TABLE, EAGER, Instant.now());
    long tagged = firstSnapshot();
    table().manageSnapshots().createTag("keep-me", tagged).commit();

    once(Step.COMPACT);
    // What is old enough now is so as well when it is looked for.
    LakeTables.DueCare dueThen = tables.due(TABLE, EAGER, Instant.now());
    once(Step.EXPIRE);

    TableReport after = report();
    assertThat(before.rows()).isEqualTo(ROWS);
    assertThat(before.smallFiles()).isEqualTo(before.dataFiles()).isGreaterThan(10);
    assertThat(due.files()).hasSize(before.dataFiles());
    assertThat(due.filesAfter()).isEqualTo(DAYS);
    assertThat(after.dataFiles()).isEqualTo(DAYS);
    assertThat(after.rows()).isEqualTo(ROWS);
    assertThat(after.snapshots()).isLessThan(before.snapshots());
    assertThat(after.tags()).containsExactly("keep-me");
    assertThat(after.definitionVersions()).containsExactly("v1");
    assertThat(table().snapshot(tagged)).isNotNull();
    assertThat(customers()).hasSize(ROWS);
    assertThat(tables.due(TABLE, EAGER, Instant.now()).files()).isEmpty();
    assertThat(tables.stillDue(TABLE, due).files()).isEmpty();
    assertThat(dueThen.snapshots()).isNotEmpty();
    assertThat(tables.stillDue(TABLE, dueThen).snapshots()).isEmpty();
  }

  @Test
  void onlyFilesThatNobodyNamesAndThatAreOldEnoughAreDeleted(
      @TempDir Path checkpoints, @TempDir Path plain) throws Exception {
    // Not where a folder's name has a space: Iceberg asks for the path with %20 to be deleted.
    lake = Lake.local(plain);
    tables = new LakeTables(lake);
    writeInManyCommits(checkpoints);
    Path folder = Path.of(table().location().substring("file://".length())).resolve("data");
    Path old = Files.writeString(folder.resolve("old-orphan.parquet"), "no Parquet");
    Path young = Files.writeString(folder.resolve("young-orphan.parquet"), "no Parquet");
    try (var files = Files.walk(folder)) {
      for (Path file : files.filter(file -> !file.equals(young)).toList()) {
        Files.setLastModifiedTime(
            file, FileTime.from(Instant.now().minus(EAGER.deleteOrphansAfter().plusHours(1))));
      }
    }

    once(Step.DELETE_ORPHANS);

    assertThat(old).doesNotExist();
    assertThat(young).exists();
    assertThat(customers()).hasSize(ROWS);
  }

  @Test
  void writersAndReadersDoNotNoticeMaintenanceBesideThem(@TempDir Path checkpoints)
      throws Exception {
    lake.ensureFeatureTable(SPEND);
    StreamExecutionEnvironment care = Jobs.narrow();
    LakeMaintenance.keep(care, lake, TABLE, EAGER);
    StreamExecutionEnvironment writing = Jobs.checkpointed(checkpoints, new Configuration());
    // A restart would be a conflict that hurt.
    writing.configure(Configuration.fromMap(Map.of("restart-strategy.type", "none")));
    append(writing, 100);

    JobClient keeper = care.executeAsync("keep");
    JobClient writer = writing.executeAsync("write");
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    int readBefore = 0;
    while (!writer.getJobExecutionResult().isDone()) {
      int read = customers().size();
      assertThat(read).as("rows never go away").isGreaterThanOrEqualTo(readBefore);
      readBefore = read;
      assertThat(System.nanoTime()).isLessThan(deadline);
    }
    writer.getJobExecutionResult().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    while (report().dataFiles() > DAYS || report().snapshots() > EAGER.keepSnapshots()) {
      assertThat(System.nanoTime())
          .as(() -> report() + ", job " + keeper.getJobStatus().join())
          .isLessThan(deadline);
      assertThat(customers()).hasSize(ROWS);
    }
    keeper.cancel().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);

    assertThat(customers()).hasSize(ROWS);
  }

  private static final int ROWS = 3_000;

  /** {@link Rows#numbered} spreads its rows over so many. */
  private static final int DAYS = 3;

  private void writeInManyCommits(Path checkpoints) throws Exception {
    StreamExecutionEnvironment env = Jobs.checkpointed(checkpoints, new Configuration());
    append(env, ROWS / 15);
    env.execute();
  }

  private void append(StreamExecutionEnvironment env, int rowsPerCheckpoint) {
    lake.appendFeatures(
        env.fromSource(
                new DataGeneratorSource<>(
                    number -> Rows.numbered(0, number),
                    ROWS,
                    RateLimiterStrategy.perCheckpoint(rowsPerCheckpoint),
                    FeatureRowSerializer.typeInfo(List.of(SPEND))),
                WatermarkStrategy.noWatermarks(),
                "rows")
            .uid("rows"),
        0,
        SPEND,
        "offline-spend");
  }

  private void once(Step step) throws Exception {
    StreamExecutionEnvironment env = Jobs.narrow();
    LakeMaintenance.once(env, lake, TABLE, step, EAGER);
    env.execute();
  }

  /** Who has a row; each must have one only. */
  private Set<Object> customers() throws Exception {
    Set<Object> customers = new HashSet<>();
    try (CloseableIterable<Record> rows = lake.readFeatures("spend")) {
      for (Record row : rows) {
        assertThat(customers.add(row.getField("customer_id"))).as("once: %s", row).isTrue();
      }
    }
    return customers;
  }

  private TableReport report() {
    return tables.report(EAGER.smallFileBytes()).stream()
        .filter(table -> table.name().equals(TABLE))
        .findFirst()
        .orElseThrow();
  }

  private Table table() {
    return lake.openCatalog().loadTable(Lake.featureTable("spend"));
  }

  private long firstSnapshot() {
    return table().snapshots().iterator().next().snapshotId();
  }
}
