package dev.tailwater.connectors.iceberg;

import static dev.tailwater.connectors.iceberg.Rows.DAY_MS;
import static dev.tailwater.connectors.iceberg.Rows.START;
import static dev.tailwater.connectors.iceberg.Rows.prediction;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PredictionTablesIT {

  @Test
  void aPredictionIsKeptWithItsVectorAndItsPlaceInTheLog(@TempDir Path directory) throws Exception {
    Lake lake = Lake.local(directory);
    StreamExecutionEnvironment env = Jobs.bounded(RuntimeExecutionMode.STREAMING);
    lake.appendPredictions(
        env.fromData(
            List.of(
                new ArchivedPrediction(prediction("q1", 0.75, null), 2, 17, START + 5),
                new ArchivedPrediction(prediction("q2", Double.NaN, "too old"), 0, 1, START)),
            ArchivedPrediction.typeInfo()),
        "fraud",
        "archive-fraud");
    env.execute();

    List<Record> rows = new ArrayList<>();
    try (CloseableIterable<Record> read = lake.readPredictions("fraud")) {
      read.forEach(rows::add);
    }
    rows.sort(Comparator.comparing(row -> row.getField("question_id").toString()));

    assertThat(rows).hasSize(2);
    Record scored = rows.get(0);
    assertThat(scored.getField("score")).isEqualTo(0.75);
    assertThat(scored.getField("model_version")).isEqualTo("3");
    assertThat(scored.getField("outcome")).isEqualTo("SCORED");
    assertThat(scored.getField("reason")).isNull();
    assertThat(scored.getField("latency_ms")).isEqualTo(1.25);
    assertThat(scored.getField("event_time"))
        .isEqualTo(Instant.ofEpochMilli(START).atOffset(ZoneOffset.UTC));
    assertThat(scored.getField("vector")).isInstanceOf(Map.class);
    Map<?, ?> vector = (Map<?, ?>) scored.getField("vector");
    assertThat(vector.get("tx_amount")).isEqualTo(12.5);
    assertThat(vector.containsKey("customer_spend.tx_count_1d")).isTrue();
    assertThat(vector.get("customer_spend.tx_count_1d")).isNull();
    assertThat(scored.getField("cause_topic")).isEqualTo("transactions");
    assertThat(scored.getField("cause_partition")).isEqualTo(1);
    assertThat(scored.getField("cause_offset")).isEqualTo(99L);
    assertThat(scored.getField("log_partition")).isEqualTo(2);
    assertThat(scored.getField("log_offset")).isEqualTo(17L);
    assertThat(scored.getField("append_time"))
        .isEqualTo(Instant.ofEpochMilli(START + 5).atOffset(ZoneOffset.UTC));
    assertThat(scored.getField("definition_version")).isEqualTo("0123456789ab");
    assertThat(scored.getField("run")).isEqualTo("live");
    Record rejected = rows.get(1);
    assertThat(rejected.getField("score")).isNull();
    assertThat(rejected.getField("reason")).isEqualTo("too old");
    assertThat(lake.count("predictions.fraud")).isEqualTo(2);
  }

  @Test
  void aRunIsReadAsItWasWrittenAndApartFromTheOthers(@TempDir Path directory) throws Exception {
    Lake lake = Lake.local(directory);
    ArchivedPrediction live =
        new ArchivedPrediction(prediction("q1", 0.75, null), 2, 17, START + 5);
    ArchivedPrediction rejected =
        new ArchivedPrediction(prediction("q2", Double.NaN, "too old"), 0, 1, START);
    ArchivedPrediction batch =
        ArchivedPrediction.ofRun(prediction("q1", 0.5, null), "batch-1", START + DAY_MS);
    StreamExecutionEnvironment writing = Jobs.bounded(RuntimeExecutionMode.BATCH);
    lake.appendPredictions(
        writing.fromData(List.of(live, rejected, batch), ArchivedPrediction.typeInfo()),
        "fraud",
        "predictions");
    writing.execute();

    assertThat(read(lake, "live", Long.MIN_VALUE, Long.MAX_VALUE))
        .containsExactlyInAnyOrder(live, rejected);
    assertThat(read(lake, "batch-1", START, START + 1)).containsExactly(batch);
    assertThat(read(lake, "live", START + 1, Long.MAX_VALUE)).isEmpty();
    try (CloseableIterable<Record> rows = lake.readPredictions("fraud")) {
      assertThat(rows).hasSize(2);
    }
  }

  private static List<ArchivedPrediction> read(Lake lake, String run, long from, long until)
      throws Exception {
    return lake.predictions(
            Jobs.bounded(RuntimeExecutionMode.BATCH), "fraud", run, from, until, "read")
        .executeAndCollect(10);
  }
}
