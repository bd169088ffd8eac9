package dev.tailwater.benchmarks;

import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FlinkSqlOverIT {

  private final Path directory;

  FlinkSqlOverIT(@TempDir Path directory) {
    this.directory = directory;
  }

  @ParameterizedTest
  @ValueSource(longs = 1)
  void computesTheSameFeatures(long seed) throws Exception {
    Path csv = RandomTransactions.write(directory, seed);
    StreamTableEnvironment tables = FlinkSqlOver.environment();
    tables.executeSql(FlinkSqlOver.transactionsDdl(csv));

    Map<Long, double[]> features = new TreeMap<>();
    try (CloseableIterator<Row> rows = tables.executeSql(FlinkSqlOver.featuresSql()).collect()) {
      while (rows.hasNext()) {
        Row row = rows.next();
        double[] values = new double[FraudFeatures.COUNT];
        for (int i = 0; i < values.length; i++) {
          values[i] = row.<Number>getFieldAs(1 + i).doubleValue();
        }
        features.put(row.<Long>getFieldAs(0), values);
      }
    }

    RandomTransactions.assertSame(features, RandomTransactions.byDefinition(csv));
  }
}
