package dev.tailwater.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContendersAgreeTest {

  private final Path directory;

  ContendersAgreeTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void theFloorIsTheDefinition(long seed) throws Exception {
    Path csv = RandomTransactions.write(directory, seed);

    RandomTransactions.assertSame(floor(csv), RandomTransactions.byDefinition(csv));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void duckDbComputesTheSameFeatures(long seed) throws Exception {
    Path csv = RandomTransactions.write(directory, seed);

    RandomTransactions.assertSame(duckDb(csv), RandomTransactions.byDefinition(csv));
  }

  @ParameterizedTest
  @ValueSource(longs = 4)
  void theChecksumIsTheSumOfAllFeatures(long seed) throws Exception {
    Path csv = RandomTransactions.write(directory, seed);
    double sum = 0;
    for (double[] features : RandomTransactions.byDefinition(csv).values()) {
      for (double feature : features) {
        sum += feature;
      }
    }

    assertThat(new PrimitiveLoop().run(csv).checksum()).isCloseTo(sum, within(1e-6));
    assertThat(new DuckDbWindows().run(csv).checksum()).isCloseTo(sum, within(1e-6));
  }

  private static Map<Long, double[]> floor(Path csv) throws Exception {
    Transactions transactions = Transactions.read(csv);
    Map<Long, double[]> features = new TreeMap<>();
    PrimitiveLoop.compute(
        transactions, (values, row) -> features.put(transactions.id[row], values.clone()));
    return features;
  }

  private static Map<Long, double[]> duckDb(Path csv) throws Exception {
    Map<Long, double[]> features = new TreeMap<>();
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
        Statement statement = connection.createStatement()) {
      DuckDbWindows.load(statement, csv);
      try (ResultSet rows = statement.executeQuery(DuckDbWindows.featuresSql())) {
        while (rows.next()) {
          double[] values = new double[FraudFeatures.COUNT];
          for (int i = 0; i < values.length; i++) {
            values[i] = rows.getDouble(2 + i);
          }
          features.put(rows.getLong(1), values);
        }
      }
    }
    return features;
  }
}
