package dev.tailwater.connectors.iceberg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.connectors.iceberg.RawEnd.PartitionEnd;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.connectors.log.RawRecord;
import dev.tailwater.schemas.AvroContracts;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Partition 0 holds events of every kind, partition 1 events before 1970, partition 2 none. */
class RawTableIT {

  private static final long NONE = Long.MIN_VALUE;
  private static final RawStream PAYMENTS =
      new RawStream(
          "payments",
          RecordFormat.JSON,
          AvroContracts.of("payment", List.of(new Column("paid_at", ColumnType.LONG, false))),
          0);

  private static Lake lake = Lake.local(Path.of("target", "unused-lake"));

  @BeforeAll
  static void records(@TempDir Path directory) throws Exception {
    lake = Lake.local(directory);
    StreamExecutionEnvironment env = Jobs.bounded(RuntimeExecutionMode.BATCH);
    env.setParallelism(1);
    lake.appendRaw(
        env.fromData(
            ArchivedRecord.typeInfo(),
            archived(0, 5, 1_000, false, NONE, "{\"paid_at\": 1000}"),
            archived(0, 6, 9_000, false, 1_000, "{\"paid_at\": 9000}"),
            archived(0, 7, 99_000, true, 9_000, "{\"paid_at\": 99000}"),
            archived(0, 8, NONE, false, 9_000, "?"),
            archived(0, 9, NONE, false, 9_000, null),
            archived(0, 10, 4_000, false, 9_000, "{\"paid_at\": 4000}"),
            archived(1, 0, NONE, false, NONE, "?"),
            archived(1, 1, -7_000, false, NONE, "{\"paid_at\": -7000}"),
            archived(1, 2, -8_000, false, -7_000, "{\"paid_at\": -8000}"),
            archived(2, 3, NONE, false, NONE, "?")),
        "payments",
        "raw");
    env.execute();
  }

  @Test
  void theTableSaysHowFarEachPartitionReaches() {
    assertThat(lake.rawEnd("payments").orElseThrow().partitions())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                0, new PartitionEnd(11, 9_000),
                1, new PartitionEnd(3, -7_000),
                2, new PartitionEnd(4, NONE)));
    assertThat(lake.rawEnd("refunds")).isEmpty();
    lake.ensureRawTable("refunds");
    assertThat(lake.rawEnd("refunds")).isEmpty();
  }

  @Test
  void recordsOfATopicAreFoundUnderTheOldNameOfItsStream() {
    assertThatThrownBy(() -> lake.requireRawName("purchases", "payments"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Stream purchases reads topic payments, whose history is in table raw.payments: that is"
                + " the stream's old name, and under the new one the history would be left out."
                + " Call the stream payments, or drop the table if nobody needs its history.");
    assertThatCode(() -> lake.requireRawName("payments", "payments")).doesNotThrowAnyException();
    assertThatCode(() -> lake.requireRawName("orders", "orders")).doesNotThrowAnyException();
  }

  @Test
  void readsEveryRecordBackWithTheNewestEventTimeBeforeIt() throws Exception {
    assertThat(read(Map.of(0, 100L, 1, 100L, 2, 100L), OptionalLong.empty()))
        .containsExactlyInAnyOrder(
            "0/5 1000 after none",
            "0/6 9000 after 1000",
            "0/7 99000 after 9000",
            "0/8 problem after 9000",
            "0/9 problem after 9000",
            "0/10 4000 after 9000",
            "1/0 problem after none",
            "1/1 -7000 after none",
            "1/2 -8000 after -7000",
            "2/3 problem after none");
  }

  @Test
  void readsExactlyTheRecordsBeforeTheEnds() throws Exception {
    assertThat(read(Map.of(0, 7L, 1, 1L), OptionalLong.empty()))
        .containsExactlyInAnyOrder(
            "0/5 1000 after none", "0/6 9000 after 1000", "1/0 problem after none");
    assertThat(read(Map.of(), OptionalLong.empty())).isEmpty();
  }

  @Test
  void leavesOutOlderEventsButNotRecordsWithoutEventTime() throws Exception {
    assertThat(read(Map.of(0, 11L), OptionalLong.of(4_000)))
        .containsExactlyInAnyOrder(
            "0/6 9000 after 1000",
            "0/7 99000 after 9000",
            "0/8 problem after 9000",
            "0/9 problem after 9000",
            "0/10 4000 after 9000");
  }

  private static List<String> read(Map<Integer, Long> before, OptionalLong from) throws Exception {
    long snapshot = lake.rawEnd("payments").orElseThrow().snapshotId();
    StreamExecutionEnvironment env = Jobs.bounded(RuntimeExecutionMode.BATCH);
    List<String> found = new ArrayList<>();
    try (CloseableIterator<LogRecord> records =
        env.fromSource(
                lake.rawSource(PAYMENTS, new RawRange(snapshot, before, from), false),
                WatermarkStrategy.noWatermarks(),
                "raw",
                LogRecordSerializer.typeInfo(PAYMENTS.schema()))
            .executeAndCollect()) {
      records.forEachRemaining(
          record -> {
            assertThat(record.newestIsExact).isTrue();
            found.add(
                "%d/%d %s after %s"
                    .formatted(
                        record.partition,
                        record.offset,
                        record.problem == null ? record.eventTime : "problem",
                        record.newestBefore == NONE ? "none" : record.newestBefore));
          });
    }
    return found;
  }

  @Test
  void recordsKeepEveryFieldBetweenOperators() throws Exception {
    for (byte[] bytes : new byte @Nullable [][] {null, {}, {1, 2}}) {
      ArchivedRecord written =
          new ArchivedRecord(
              new RawRecord(
                  "payments",
                  3,
                  1L << 40,
                  -1,
                  bytes,
                  bytes,
                  List.of(new RawRecord.Header("a", bytes), new RawRecord.Header("a", null))),
              5,
              true,
              NONE,
              bytes == null ? "why" : null);

      DataOutputSerializer out = new DataOutputSerializer(64);
      ArchivedRecordSerializer.INSTANCE.serialize(written, out);
      DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());

      assertThat(ArchivedRecordSerializer.INSTANCE.deserialize(in))
          .usingRecursiveComparison()
          .isEqualTo(written);
      assertThat(in.available()).isZero();
    }
  }

  private static ArchivedRecord archived(
      int partition,
      long offset,
      long eventTime,
      boolean isFuture,
      long newestBefore,
      @Nullable String value) {
    return new ArchivedRecord(
        new RawRecord(
            "payments",
            partition,
            offset,
            10_000 + offset,
            null,
            value == null ? null : value.getBytes(StandardCharsets.UTF_8),
            List.of()),
        eventTime,
        isFuture,
        newestBefore,
        eventTime == NONE ? "unreadable" : null);
  }
}
