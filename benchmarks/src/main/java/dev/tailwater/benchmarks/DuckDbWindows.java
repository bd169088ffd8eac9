package dev.tailwater.benchmarks;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * DuckDB in this process, with two threads: the file into a table, then one statement with one
 * window per entity and length. A batch engine: it sees all of history at once and keeps nothing
 * for the next event.
 */
final class DuckDbWindows implements Contender {

  private static final int THREADS = 2;

  @Override
  public String name() {
    return "duckdb";
  }

  @Override
  public Result run(Path csv) throws Exception {
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
        Statement statement = connection.createStatement()) {
      long start = System.nanoTime();
      load(statement, csv);
      long read = System.nanoTime();
      statement.execute("CREATE TABLE features AS " + featuresSql());
      long end = System.nanoTime();
      try (ResultSet sums = statement.executeQuery(checksumSql())) {
        sums.next();
        return new Result((end - start) / 1e9, (end - read) / 1e9, sums.getDouble(1));
      }
    }
  }

  static void load(Statement statement, Path csv) throws Exception {
    statement.execute("SET threads = " + THREADS);
    statement.execute(
        "CREATE TABLE transactions AS SELECT * FROM read_csv('"
            + csv.toString().replace("'", "''")
            + "')");
  }

  /** A row per transaction: its id, then the features in their order. */
  static String featuresSql() {
    List<String> columns = new ArrayList<>(List.of("TRANSACTION_ID"));
    List<String> windows = new ArrayList<>();
    for (int days : FraudFeatures.WINDOW_DAYS) {
      columns.add("count(*) OVER customer_" + days + " AS customer_count_" + days + "d");
      columns.add("avg(TX_AMOUNT) OVER customer_" + days + " AS customer_amount_avg_" + days + "d");
      windows.add(window("customer_" + days, "CUSTOMER_ID", days, 0));
    }
    for (int days : FraudFeatures.WINDOW_DAYS) {
      columns.add("count(*) OVER terminal_" + days + " AS terminal_count_" + days + "d");
      columns.add(
          "coalesce(avg(TX_FRAUD) OVER terminal_" + days + ", 0) AS terminal_risk_" + days + "d");
      windows.add(window("terminal_" + days, "TERMINAL_ID", days, FraudFeatures.DELAY_DAYS));
    }
    return "SELECT "
        + String.join(", ", columns)
        + " FROM transactions WINDOW "
        + String.join(", ", windows);
  }

  /** Both ends of a RANGE are inclusive, so the old end is one second younger than its age. */
  private static String window(String name, String key, int days, int delayDays) {
    int delay = delayDays * FraudFeatures.DAY_SECONDS;
    int oldest = delay + days * FraudFeatures.DAY_SECONDS - 1;
    return name
        + " AS (PARTITION BY "
        + key
        + " ORDER BY TX_TIME_SECONDS RANGE BETWEEN "
        + oldest
        + " PRECEDING AND "
        + (delay == 0 ? "CURRENT ROW" : delay + " PRECEDING")
        + ")";
  }

  private static String checksumSql() {
    return "SELECT coalesce(sum("
        + String.join(" + ", FraudFeatures.names())
        + "), 0) FROM features";
  }
}
