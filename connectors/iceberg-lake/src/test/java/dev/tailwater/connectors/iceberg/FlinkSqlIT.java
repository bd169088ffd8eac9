package dev.tailwater.connectors.iceberg;

import static dev.tailwater.connectors.iceberg.Rows.SPEND;
import static dev.tailwater.connectors.iceberg.Rows.START;
import static dev.tailwater.connectors.iceberg.Rows.row;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.store.FeatureRowSerializer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tables are open to Flink SQL, and the query that docs/tables.md shows is right. */
class FlinkSqlIT {

  private static final Path DOCUMENT = Path.of("..", "..", "docs", "tables.md");

  @Test
  void theDocumentedQueryReadsAsOfATime(@TempDir Path directory) throws Exception {
    Lake lake = Lake.local(directory);
    StreamExecutionEnvironment env = Jobs.bounded(RuntimeExecutionMode.BATCH);
    // Each row is valid for one minute.
    lake.appendFeatures(
        env.fromData(
            List.of(
                row(0, "a", START, 0, 0, 1L, 1.0),
                row(0, "a", START + 30_000, 0, 0, 2L, 2.0),
                row(0, "a", START + 30_000, 1, 0, 3L, 3.0),
                row(0, "b", START, 0, 0, 4L, 4.0),
                row(0, "b", START, 0, 1, 5L, 5.0)),
            FeatureRowSerializer.typeInfo(List.of(SPEND))),
        0,
        SPEND,
        "offline-spend");
    env.execute();
    TableEnvironment sql =
        TableEnvironment.create(EnvironmentSettings.newInstance().inBatchMode().build());
    sql.executeSql(
        "CREATE CATALOG tailwater WITH ("
            + lake.sqlCatalogProperties().entrySet().stream()
                .map(property -> "'" + property.getKey() + "' = '" + property.getValue() + "'")
                .collect(Collectors.joining(", "))
            + ")");
    sql.executeSql(
        "CREATE TEMPORARY VIEW questions AS SELECT question_id, customer_id,"
            + " TO_TIMESTAMP_LTZ(at_ms, 3) AS asked_at FROM (VALUES"
            + question("before", "a", START - 1)
            + ","
            + question("first", "a", START)
            + ","
            + question("repaired", "a", START + 30_000)
            + ","
            + question("not covered any more", "a", START + 90_000)
            + ","
            + question("newest generation", "b", START + 1)
            + ","
            + question("unknown", "c", START)
            + ") AS q (question_id, customer_id, at_ms)");

    List<String> answers = new ArrayList<>();
    try (CloseableIterator<Row> rows = sql.executeSql(documentedQuery()).collect()) {
      rows.forEachRemaining(row -> answers.add(row.getField(0) + ": " + row.getField(2)));
    }

    assertThat(answers)
        .containsExactlyInAnyOrder(
            "before: null",
            "first: 1",
            "repaired: 3",
            "not covered any more: null",
            "newest generation: 5",
            "unknown: null");
  }

  private static String question(String id, String customer, long askedAtMs) {
    // A literal's type is as long as its text, and VALUES would pad the shorter ones.
    return " (CAST('" + id + "' AS STRING), CAST('" + customer + "' AS STRING), " + askedAtMs + ")";
  }

  private static String documentedQuery() throws Exception {
    String document = Files.readString(DOCUMENT);
    int start = document.indexOf("SELECT question_id");
    return document.substring(start, document.indexOf("```", start));
  }
}
