package dev.tailwater.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * Flink SQL's own answer: a streaming query with its state on the heap, parallelism 2, no
 * checkpoints, into the blackhole connector.
 *
 * <p>A SELECT can hold one OVER window, and the window ends at the current row. So the customer's
 * three windows and four of the terminal (the delay, and the delay plus each length) are seven
 * nested SELECTs, and a delayed window is the difference of two.
 */
final class FlinkSqlOver implements Contender {

  private static final int PARALLELISM = 2;

  @Override
  public String name() {
    return "flink-sql";
  }

  @Override
  public Result run(Path csv) throws Exception {
    StreamTableEnvironment tables = environment();
    long start = System.nanoTime();
    tables.executeSql(transactionsDdl(csv));
    tables.executeSql(
        "CREATE TABLE features (" + sinkColumns() + ") WITH ('connector' = 'blackhole')");
    tables.executeSql("INSERT INTO features " + featuresSql()).await();
    return new Result((System.nanoTime() - start) / 1e9, Double.NaN, Double.NaN);
  }

  /** A local cluster in this JVM. */
  static StreamTableEnvironment environment() {
    Configuration configuration = new Configuration();
    configuration.set(CoreOptions.DEFAULT_PARALLELISM, PARALLELISM);
    configuration.set(ExecutionOptions.RUNTIME_MODE, RuntimeExecutionMode.STREAMING);
    configuration.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    configuration.set(PipelineOptions.OBJECT_REUSE, true);
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(256));
    StreamTableEnvironment tables =
        StreamTableEnvironment.create(
            StreamExecutionEnvironment.getExecutionEnvironment(configuration));
    tables.getConfig().set("table.local-time-zone", "UTC");
    return tables;
  }

  /**
   * The file as a table. Flink's CSV format cannot skip a header, only turn what it cannot read
   * into NULLs: so the header becomes a row of NULLs with an old event time, which the query leaves
   * out.
   */
  static String transactionsDdl(Path csv) {
    return "CREATE TABLE transactions (transaction_id BIGINT, date_time STRING, customer INT,"
        + " terminal INT, amount DOUBLE, seconds BIGINT, days INT, fraud INT, scenario INT,"
        + " event_time AS COALESCE(CAST(TO_TIMESTAMP_LTZ(seconds * 1000, 3) AS TIMESTAMP(3)),"
        + " TIMESTAMP '1970-01-01 00:00:00.000'),"
        + " WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND)"
        + " WITH ('connector' = 'filesystem', 'format' = 'csv',"
        + " 'csv.ignore-parse-errors' = 'true', 'path' = '"
        + csv.toUri().toString().replace("'", "''")
        + "')";
  }

  /** A row per transaction: its id, then the features in their order. */
  static String featuresSql() {
    String from =
        "SELECT transaction_id, customer, terminal, amount, fraud, event_time"
            + " FROM transactions WHERE transaction_id IS NOT NULL";
    for (int days : FraudFeatures.WINDOW_DAYS) {
      from =
          over(
              from,
              "customer",
              days,
              "COUNT(*) OVER w AS customer_count_"
                  + days
                  + ", AVG(amount) OVER w AS customer_avg_"
                  + days);
    }
    List<Integer> ages = new ArrayList<>(List.of(FraudFeatures.DELAY_DAYS));
    FraudFeatures.WINDOW_DAYS.forEach(days -> ages.add(FraudFeatures.DELAY_DAYS + days));
    for (int days : ages) {
      from =
          over(
              from,
              "terminal",
              days,
              "COUNT(*) OVER w AS terminal_count_"
                  + days
                  + ", SUM(fraud) OVER w AS terminal_frauds_"
                  + days);
    }
    List<String> columns = new ArrayList<>(List.of("transaction_id"));
    for (int days : FraudFeatures.WINDOW_DAYS) {
      columns.add("customer_count_" + days);
      columns.add("customer_avg_" + days);
    }
    for (int days : FraudFeatures.WINDOW_DAYS) {
      String count = difference("terminal_count_", days);
      columns.add(count);
      columns.add(
          "CASE WHEN "
              + count
              + " = 0 THEN 0e0 ELSE CAST("
              + difference("terminal_frauds_", days)
              + " AS DOUBLE) / "
              + count
              + " END");
    }
    return "SELECT " + String.join(", ", columns) + " FROM (" + from + ")";
  }

  /** Both ends of a RANGE are inclusive, so the old end is one millisecond younger than its age. */
  private static String over(String from, String key, int days, String aggregates) {
    return "SELECT *, "
        + aggregates
        + " FROM ("
        + from
        + ") WINDOW w AS (PARTITION BY "
        + key
        + " ORDER BY event_time RANGE BETWEEN INTERVAL '"
        + (days - 1)
        + " 23:59:59.999' DAY(3) TO SECOND(3) PRECEDING AND CURRENT ROW)";
  }

  private static String difference(String column, int days) {
    int delay = FraudFeatures.DELAY_DAYS;
    return "(" + column + (delay + days) + " - " + column + delay + ")";
  }

  private static String sinkColumns() {
    List<String> columns = new ArrayList<>(List.of("transaction_id BIGINT"));
    for (String feature : FraudFeatures.names()) {
      columns.add(feature + (feature.contains("count") ? " BIGINT" : " DOUBLE"));
    }
    return String.join(", ", columns);
  }
}
