package dev.tailwater.connectors.iceberg;

import static dev.tailwater.connectors.iceberg.Rows.SPEND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.sink.IcebergSink;
import org.apache.iceberg.io.CloseableIterable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A job that goes on from an older savepoint computes rows again that the tables hold. Each rule
 * has a run without the guard beside it, which shows what the guard is for.
 */
class OlderSavepointIT {

  private static final String TABLE = "features.spend";
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final String OLD_ID = "00000000000000000000000000000007";

  private final Path directory;
  private Lake lake = Lake.local(Path.of("target", "unused-lake"));
  private LakeTables tables = new LakeTables(lake);

  OlderSavepointIT(@TempDir Path directory) {
    this.directory = directory;
  }

  @BeforeEach
  void newLake() {
    lake = Lake.local(directory.resolve("lake"));
    tables = new LakeTables(lake);
    lake.ensureFeatureTable(SPEND);
  }

  @Test
  void aNewJobFromAnOlderSavepointIsRefusedUntilTheTableIsRolledBack() throws Exception {
    String older = runUntil(60, "", "", true);
    runUntil(120, older, "", true);
    long written = count();

    // Refused though neither of the two jobs that wrote before it has this job's id.
    Matcher instruction = refusal(older);
    assertThat(count()).isEqualTo(written);

    TableRollback rollback =
        tables
            .planRollback(TABLE, instruction.group(1), Long.parseLong(instruction.group(2)))
            .orElseThrow();
    assertThat(rollback.to()).isEqualTo(Long.parseLong(instruction.group(3)));
    assertThat(rollback.writers()).hasSize(1);
    assertThat(count() - rollback.rows()).isPositive();
    tables.rollBack(rollback);
    assertThat(count()).isEqualTo(written - rollback.rows());

    runUntil(120, older, "", true);
    assertThat(repeated()).isEmpty();
  }

  @Test
  void withoutTheGuardItsRowsWouldBeThereTwice() throws Exception {
    String older = runUntil(60, "", "", false);
    runUntil(120, older, "", false);
    runUntil(120, older, "", false);

    assertThat(repeated()).isNotEmpty();
  }

  @Test
  void theSameJobFromAnOlderSavepointIsRefused() throws Exception {
    String older = runUntil(60, "", OLD_ID, true);
    runUntil(180, older, OLD_ID, true);

    assertThatThrownBy(() -> runUntil(240, older, OLD_ID, true))
        .hasStackTraceContaining("already holds checkpoint")
        .hasStackTraceContaining("would be dropped");
  }

  @Test
  void withoutTheGuardTheSameJobsRowsWouldBeDropped() throws Exception {
    runUntil(300, "", OLD_ID, false);
    long written = count();
    StreamExecutionEnvironment env = environment("", OLD_ID);
    append(env, 60, 500_000, false);

    env.execute();

    // It ended well, yet its rows are nowhere.
    assertThat(count()).isEqualTo(written);
    assertThat(rowsByCustomer()).doesNotContainKey("c500000");
  }

  /** Starts from a savepoint if given, waits for that many rows more, and stops with another. */
  private String runUntil(long rows, String savepoint, String jobId, boolean guarded)
      throws Exception {
    StreamExecutionEnvironment env = environment(savepoint, jobId);
    append(env, Long.MAX_VALUE, 0, guarded);
    long goal = count() + rows - (savepoint.isEmpty() ? 0 : 1);
    JobClient job = env.executeAsync("write");
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (count() < goal) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      try {
        // It never ends by itself: this throws what failed it.
        job.getJobExecutionResult().get(50, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        continue; // It runs.
      }
    }
    return job.stopWithSavepoint(
            false,
            directory.resolve("savepoints").toUri().toString(),
            SavepointFormatType.CANONICAL)
        .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  private StreamExecutionEnvironment environment(String savepoint, String jobId) {
    Configuration configuration = new Configuration();
    if (!jobId.isEmpty()) {
      configuration.setString("$internal.pipeline.job-id", jobId);
    }
    if (!savepoint.isEmpty()) {
      configuration.setString("execution.state-recovery.path", savepoint);
    }
    StreamExecutionEnvironment env =
        Jobs.checkpointed(directory.resolve("checkpoints"), configuration);
    env.configure(Configuration.fromMap(Map.of("restart-strategy.type", "none")));
    return env;
  }

  private void append(StreamExecutionEnvironment env, long count, long first, boolean guarded) {
    DataStream<FeatureRow> rows =
        env.fromSource(
                new DataGeneratorSource<>(
                    number -> Rows.numbered(0, first + number),
                    count,
                    RateLimiterStrategy.perCheckpoint(30),
                    FeatureRowSerializer.typeInfo(List.of(SPEND))),
                WatermarkStrategy.noWatermarks(),
                "rows")
            .uid("rows");
    if (guarded) {
      lake.appendFeatures(rows, 0, SPEND, "offline-spend");
      return;
    }
    TableIdentifier name = Lake.featureTable("spend");
    Table table = lake.openCatalog().loadTable(name);
    List<String> columns = FlinkSchemaUtil.convert(table.schema()).getFieldNames();
    // Its guard looks when the mapper is opened as an operator, which this one is not.
    FeatureRowMapper mapper =
        new FeatureRowMapper(0, SPEND, columns, new LineageGuard(lake.tableLoader(name)));
    IcebergSink.forRowData(
            rows.map(mapper::map)
                .returns(InternalTypeInfo.of(FlinkSchemaUtil.convert(table.schema())))
                .uid("rows-unguarded"))
        .table(table)
        .tableLoader(lake.tableLoader(name))
        .uidSuffix("offline-spend")
        .append();
  }

  private Matcher refusal(String savepoint) {
    try {
      runUntil(1_000, savepoint, "", true);
      throw new AssertionError("the job was not refused");
    } catch (Exception e) {
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        Matcher matcher =
            Pattern.compile(
                    "went on from the same state, .* written twice.*"
                        + "tables rollback --to-checkpoint (\\w+)@(\\d+) \\(this table to snapshot (\\d+)\\)")
                .matcher(String.valueOf(cause.getMessage()));
        if (matcher.find()) {
          return matcher;
        }
      }
      throw new AssertionError("the refusal has no instruction", e);
    }
  }

  private long count() {
    return lake.count(TABLE);
  }

  private Map<Object, Integer> rowsByCustomer() throws Exception {
    Map<Object, Integer> rows = new HashMap<>();
    try (CloseableIterable<Record> records = lake.readFeatures("spend")) {
      records.forEach(row -> rows.merge(row.getField("customer_id"), 1, Integer::sum));
    }
    return rows;
  }

  private List<Object> repeated() throws Exception {
    return rowsByCustomer().entrySet().stream()
        .filter(entry -> entry.getValue() > 1)
        .map(Map.Entry::getKey)
        .toList();
  }
}
