package dev.tailwater.connectors.iceberg;

import static dev.tailwater.connectors.iceberg.Rows.SPEND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.flink.sink.SinkUtil;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExactlyOnceIT {

  private static final long ROWS = 3_000;
  private static final int ROWS_PER_CHECKPOINT = 500;

  /** The job runs in this JVM. */
  private static final AtomicInteger FAILURES = new AtomicInteger();

  private static volatile CountDownLatch columnAdded = new CountDownLatch(0);

  private Lake lake = Lake.local(Path.of("target", "unused-lake"));

  @BeforeEach
  void newLake(@TempDir Path directory) {
    lake = Lake.local(directory);
  }

  @Test
  void everyRowIsThereOnceAfterFailures(@TempDir Path checkpoints) throws Exception {
    FAILURES.set(0);
    StreamExecutionEnvironment env = Jobs.checkpointed(checkpoints, new Configuration());
    DataStream<FeatureRow> rows =
        numbers(env)
            .map(ExactlyOnceIT::rowOrFailure)
            .returns(FeatureRowSerializer.typeInfo(List.of(SPEND)));

    lake.appendFeatures(rows, 0, SPEND, "offline-spend");
    env.execute();

    assertThat(FAILURES).hasValue(2);
    assertThat(snapshots("spend")).isGreaterThan(2);
    assertEveryRowOnce(SPEND);
  }

  @Test
  void jobsAndSinksOnOneCatalogDoNotDisturbEachOther(
      @TempDir Path checkpoints, @TempDir Path otherCheckpoints) {
    FeatureViewLayout[] views = {view("one"), view("two"), view("three"), view("four")};

    CompletableFuture<Void> first = runAsync(checkpoints, views[0], views[1]);
    CompletableFuture<Void> second = runAsync(otherCheckpoints, views[2], views[3]);
    CompletableFuture.allOf(first, second).join();

    for (FeatureViewLayout view : views) {
      assertEveryRowOnce(view);
    }
  }

  @Test
  void aSecondVersionWithANewColumnIsWrittenBesideTheFirstWhichFailsMeanwhile(
      @TempDir Path checkpoints, @TempDir Path otherCheckpoints) throws Exception {
    FeatureViewLayout second =
        Rows.layout(
            "spend",
            "v2",
            new Column("amount_max_1d", ColumnType.DOUBLE, true),
            new Column("tx_count_1d", ColumnType.LONG, true),
            new Column("amount_avg_1d", ColumnType.DOUBLE, true));
    FAILURES.set(0);
    columnAdded = new CountDownLatch(1);
    StreamExecutionEnvironment first = Jobs.checkpointed(checkpoints, new Configuration());
    lake.appendFeatures(
        numbers(first)
            .map(ExactlyOnceIT::rowOrFailureOnceTheColumnIsThere)
            .returns(FeatureRowSerializer.typeInfo(List.of(SPEND))),
        0,
        SPEND,
        "offline-spend");
    JobClient firstJob = first.executeAsync();

    StreamExecutionEnvironment other = Jobs.checkpointed(otherCheckpoints, new Configuration());
    lake.appendFeatures(
        numbers(other)
            .map(number -> Rows.row("c" + number, Rows.START, number / 4.0, number, number / 8.0))
            .returns(FeatureRowSerializer.typeInfo(List.of(second))),
        0,
        second,
        "offline-spend");
    columnAdded.countDown();
    other.execute();
    firstJob.getJobExecutionResult().get(60, TimeUnit.SECONDS);

    assertThat(FAILURES).hasValue(2);
    assertThat(lake.count("features.spend")).isEqualTo(2 * ROWS);
    Map<String, Record> old = lake.newestFeatures(SPEND);
    Map<String, Record> added = lake.newestFeatures(second);
    assertThat(old).hasSize((int) ROWS);
    assertThat(added).hasSize((int) ROWS).containsOnlyKeys(old.keySet());
    assertThat(old.values())
        .allSatisfy(row -> assertThat(row.getField("amount_max_1d")).isNull())
        .allSatisfy(row -> assertThat(row.getField("amount_avg_1d")).isNotNull());
    assertThat(added.values())
        .allSatisfy(row -> assertThat(row.getField("amount_max_1d")).isNotNull());
  }

  private static FeatureRow rowOrFailureOnceTheColumnIsThere(long number)
      throws InterruptedException {
    if (number % (ROWS / 2) == ROWS_PER_CHECKPOINT / 2
        && !columnAdded.await(60, TimeUnit.SECONDS)) {
      throw new IllegalStateException("the column was not added");
    }
    return rowOrFailure(number);
  }

  @Test
  void aJobStartedAgainUnderItsOldIdWithoutItsCheckpointsIsRefused(@TempDir Path checkpoints)
      throws Exception {
    String jobId = "00000000000000000000000000000007";
    run(checkpoints, jobId, SPEND);

    assertThatThrownBy(() -> run(checkpoints, jobId, SPEND))
        .hasStackTraceContaining("was started from no checkpoint")
        .hasStackTraceContaining("features.spend")
        .hasStackTraceContaining("under a new job id");
    assertEveryRowOnce(SPEND);
  }

  @Test
  void aCommitOfADeadAttemptThatLandsLateIsNotRepeated() {
    lake.ensureFeatureTable(SPEND);

    AppendFiles dead = append("job", "operator", 5);
    AppendFiles recovered = append("job", "operator", 5);
    dead.commit();

    assertThatThrownBy(recovered::commit)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("already holds checkpoint 5");
    // Without the guard the same files would be there twice.
    AppendFiles unguarded = checkpoint(table().newAppend(), "job", "operator", 5);
    assertThatCode(unguarded::commit).doesNotThrowAnyException();
    append("job", "operator", 6).commit();
    append("job", "other-operator", 5).commit();
    append("other-job", "operator", 1).commit();
    assertThat(snapshots("spend")).isEqualTo(5);
  }

  private Table table() {
    return lake.openCatalog().loadTable(Lake.featureTable("spend"));
  }

  private AppendFiles append(String job, String operator, long checkpoint) {
    Table table = table();
    return checkpoint(
        new GuardedTable(((HasTableOperations) table).operations(), table.name()).newAppend(),
        job,
        operator,
        checkpoint);
  }

  private static AppendFiles checkpoint(
      AppendFiles append, String job, String operator, long checkpoint) {
    return append
        .set(SinkUtil.MAX_COMMITTED_CHECKPOINT_ID, Long.toString(checkpoint))
        .set(SinkUtil.FLINK_JOB_ID, job)
        .set(SinkUtil.OPERATOR_ID, operator);
  }

  private CompletableFuture<Void> runAsync(Path checkpoints, FeatureViewLayout... views) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            run(checkpoints, "", views);
          } catch (Exception e) {
            throw new CompletionException(e);
          }
        });
  }

  private void run(Path checkpoints, String jobId, FeatureViewLayout... views) throws Exception {
    Configuration configuration = new Configuration();
    if (!jobId.isEmpty()) {
      configuration.setString("$internal.pipeline.job-id", jobId);
    }
    StreamExecutionEnvironment env = Jobs.checkpointed(checkpoints, configuration);
    for (int view = 0; view < views.length; view++) {
      int position = view;
      DataStream<FeatureRow> rows =
          numbers(env)
              .map(number -> Rows.numbered(position, number))
              .returns(FeatureRowSerializer.typeInfo(List.of(views)));
      lake.appendFeatures(rows, view, views[view], "offline-" + views[view].view());
    }
    env.execute();
  }

  private static DataStream<Long> numbers(StreamExecutionEnvironment env) {
    return env.fromSource(
        new DataGeneratorSource<>(
            number -> number,
            ROWS,
            RateLimiterStrategy.perCheckpoint(ROWS_PER_CHECKPOINT),
            Types.LONG),
        WatermarkStrategy.noWatermarks(),
        "numbers");
  }

  private static FeatureRow rowOrFailure(long number) {
    int failures = FAILURES.get();
    if (failures < 2
        && number % (ROWS / 2) > (failures + 2) * ROWS_PER_CHECKPOINT / 2
        && FAILURES.compareAndSet(failures, failures + 1)) {
      throw new IllegalStateException("injected");
    }
    return Rows.numbered(0, number);
  }

  private static FeatureViewLayout view(String name) {
    return new FeatureViewLayout(
        name, "v1", "customer", SPEND.key(), SPEND.features(), SPEND.timeToLiveMs());
  }

  private void assertEveryRowOnce(FeatureViewLayout view) {
    assertThat(lake.count("features." + view.view())).as("rows of %s", view.view()).isEqualTo(ROWS);
    assertThat(lake.newestFeatures(view)).as("entities of %s", view.view()).hasSize((int) ROWS);
  }

  private int snapshots(String view) {
    int snapshots = 0;
    for (Snapshot unused : lake.openCatalog().loadTable(Lake.featureTable(view)).snapshots()) {
      snapshots++;
    }
    return snapshots;
  }
}
