package dev.tailwater.connectors.files;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.schemas.AvroContracts;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordSchema;
import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.util.ratelimit.GatedRateLimiter;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimitedSourceReader;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The source in a real cluster. */
class EventFilesIT {

  private static final RecordSchema SCHEMA =
      AvroContracts.of(
          "Payment",
          List.of(
              new Column("id", ColumnType.STRING, false),
              new Column("at", ColumnType.TIMESTAMP, false)));

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(2)
              .build());

  private static final AtomicInteger FAILURES = new AtomicInteger();

  private final Path folder;

  EventFilesIT(@TempDir Path folder) {
    this.folder = folder;
  }

  private Path file(int records) throws Exception {
    Path file = folder.resolve("events.csv");
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write("at,id\n");
      for (int i = 0; i < records; i++) {
        out.write(i % 1000 == 7 ? "broken\n" : i + ",e" + i + "\n");
      }
    }
    return file;
  }

  private static Source<LogRecord, ?, ?> source(Path file) {
    return EventFiles.source(file, SCHEMA, 1);
  }

  private static DataStream<LogRecord> read(
      StreamExecutionEnvironment env, Source<LogRecord, ?, ?> source) {
    return env.fromSource(
            source,
            WatermarkStrategy.noWatermarks(),
            "events",
            LogRecordSerializer.typeInfo(SCHEMA))
        .setParallelism(1);
  }

  @Test
  void emitsEveryRecordOnceOverAFailure() throws Exception {
    int records = 10 * FewPerCheckpoint.RECORDS;
    Configuration configuration = new Configuration();
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 1);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(1));
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.enableCheckpointing(20);
    Source<LogRecord, ?, ?> source = new FewPerCheckpoint<>(source(file(records)));
    FAILURES.set(0);

    long expected = 0;
    try (CloseableIterator<Long> offsets =
        read(env, source).map(new FailsAfterACheckpoint()).setParallelism(1).executeAndCollect()) {
      while (offsets.hasNext()) {
        assertThat(offsets.next()).isEqualTo(expected++);
      }
    }
    assertThat(expected).isEqualTo(records);
    assertThat(FAILURES).hasValue(1);
  }

  /** Passes offsets on, and fails once: on the first record after a checkpoint that holds some. */
  private static final class FailsAfterACheckpoint
      implements MapFunction<LogRecord, Long>, CheckpointedFunction, CheckpointListener {

    private long last = -1;
    private long firstWithRecords = Long.MAX_VALUE;
    private boolean completed;

    @Override
    public Long map(LogRecord record) {
      if (completed && FAILURES.getAndIncrement() == 0) {
        throw new IllegalStateException("the failure this test is about");
      }
      last = record.offset;
      return record.offset;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {
      assertThat(context.isRestored()).isEqualTo(FAILURES.get() > 0);
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {
      if (last >= 0) {
        firstWithRecords = Math.min(firstWithRecords, context.getCheckpointId());
      }
    }

    @Override
    public void notifyCheckpointComplete(long checkpointId) {
      completed = FAILURES.get() == 0 && checkpointId >= firstWithRecords;
    }
  }

  /**
   * Another source, read so slowly that checkpoints complete before its end, however fast or slow
   * the machine is.
   */
  private record FewPerCheckpoint<SplitT extends SourceSplit, StateT>(
      Source<LogRecord, SplitT, StateT> source) implements Source<LogRecord, SplitT, StateT> {

    private static final long serialVersionUID = 1;

    /** A tenth of what the test reads: its failure comes after two or three checkpoints. */
    static final int RECORDS = 1_000;

    @Override
    public Boundedness getBoundedness() {
      return source.getBoundedness();
    }

    @Override
    public SourceReader<LogRecord, SplitT> createReader(SourceReaderContext context)
        throws Exception {
      return new RateLimitedSourceReader<>(
          source.createReader(context), new GatedRateLimiter<>(RECORDS));
    }

    @Override
    public SplitEnumerator<SplitT, StateT> createEnumerator(SplitEnumeratorContext<SplitT> context)
        throws Exception {
      return source.createEnumerator(context);
    }

    @Override
    public SplitEnumerator<SplitT, StateT> restoreEnumerator(
        SplitEnumeratorContext<SplitT> context, StateT state) throws Exception {
      return source.restoreEnumerator(context, state);
    }

    @Override
    public SimpleVersionedSerializer<SplitT> getSplitSerializer() {
      return source.getSplitSerializer();
    }

    @Override
    public SimpleVersionedSerializer<StateT> getEnumeratorCheckpointSerializer() {
      return source.getEnumeratorCheckpointSerializer();
    }
  }

  @Test
  void readsInBatchModeToo() throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.setRuntimeMode(RuntimeExecutionMode.BATCH);
    List<String> broken =
        read(env, source(file(2_000)))
            .filter(record -> record.problem != null)
            .map(record -> record.offset + " " + record.problem)
            .executeAndCollect(10);

    assertThat(broken)
        .containsExactly(
            "7 the record has 1 fields, but the header has 2",
            "1007 the record has 1 fields, but the header has 2");
  }
}
