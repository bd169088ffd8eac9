package dev.tailwater.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.benchmarks.Contender.Result;
import dev.tailwater.benchmarks.ContenderProcess.Measured;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FraudBenchTest {

  private final Path directory;

  FraudBenchTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void aRatioIsJobTimeOverTheOthersJobTime() {
    Map<String, Measured> measured = new LinkedHashMap<>();
    measured.put("floor", new Measured(new Result(2, 1, 7), 3, 100L << 20));
    measured.put("engine", new Measured(new Result(5, Double.NaN, Double.NaN), 9, -1));

    List<String> lines = FraudBench.report(1000, "4g", measured).lines().toList();

    assertThat(lines.get(2)).containsSubsequence("÷ floor", "÷ engine");
    assertThat(lines.get(3)).matches("floor +3\\.00 +2\\.00 +1\\.00 +500 +100 +1\\.000 +0\\.400");
    assertThat(lines.get(4)).matches("engine +9\\.00 +5\\.00 +- +200 +- +2\\.500 +1\\.000");
  }

  @Test
  void aContenderThatComputesSomethingElseIsNamed() {
    Map<String, Measured> measured = new LinkedHashMap<>();
    measured.put("silent", new Measured(new Result(1, 1, Double.NaN), 1, 0));
    measured.put("floor", new Measured(new Result(1, 1, 1000), 1, 0));
    measured.put("rounding", new Measured(new Result(1, 1, 1000.0000001), 1, 0));
    measured.put("wrong", new Measured(new Result(1, 1, 1001), 1, 0));

    assertThat(FraudBench.disagreements(measured))
        .singleElement()
        .asString()
        .contains("wrong", "1001.0", "1000.0");
  }

  @Test
  void optionsSayWhatIsWrong() throws IOException {
    Path csv = Files.createFile(directory.resolve("transactions.csv"));
    assertThatThrownBy(() -> FraudBench.Options.parse(new String[] {csv.toString(), "--heap", "4"}))
        .hasMessageContaining("--heap: '4'");
    assertThatThrownBy(
            () -> FraudBench.Options.parse(new String[] {csv.toString(), "--contenders", "spark"}))
        .hasMessageContaining("no 'spark'")
        .hasMessageContaining("floor,duckdb,tailwater,flink-sql");
    assertThatThrownBy(() -> FraudBench.Options.parse(new String[] {"--repeat", "3"}))
        .hasMessageContaining("name the transactions file");
  }

  @Test
  void anUnreadableLineIsNamed() throws IOException {
    Path csv = RandomTransactions.write(directory, 1);
    Path unsorted = directory.resolve("unsorted.csv");
    Files.write(
        unsorted,
        List.of(
            "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,"
                + "TX_TIME_SECONDS,TX_TIME_DAYS,TX_FRAUD,TX_FRAUD_SCENARIO",
            "0,2018-04-01 00:00:31,596,3156,57.16,31,0,0,0",
            "1,2018-04-01 00:00:30,596,3156,57.16,30,0,0,0"));

    assertThat(Transactions.read(csv).rows).isEqualTo(600);
    assertThatThrownBy(() -> Transactions.read(unsorted))
        .hasMessageContaining("unsorted.csv:3")
        .hasMessageContaining("sort the file");
  }

  @Test
  void aContenderIsMeasuredInItsOwnProcess() throws Exception {
    Path csv = RandomTransactions.write(directory, 1);

    Measured measured =
        ContenderProcess.run(
            new PrimitiveLoop(), csv, "64m", Duration.ofMinutes(1), Optional.empty());

    assertThat(measured.wallSeconds()).isGreaterThan(measured.result().jobSeconds());
    assertThat(measured.result().checksum()).isPositive();
  }
}
