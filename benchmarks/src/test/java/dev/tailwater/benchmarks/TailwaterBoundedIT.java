package dev.tailwater.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tailwater.jobs.ScoringRequest;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TailwaterBoundedIT {

  private final Path directory;

  TailwaterBoundedIT(@TempDir Path directory) {
    this.directory = directory;
  }

  @ParameterizedTest
  @ValueSource(longs = 1)
  void computesTheSameFeatures(long seed) throws Exception {
    Path csv = RandomTransactions.write(directory, seed);

    Map<Long, double[]> features = new TreeMap<>();
    try (CloseableIterator<ScoringRequest> answers =
        TailwaterBounded.features(TailwaterBounded.environment(), csv).executeAndCollect()) {
      answers.forEachRemaining(
          answer -> features.put(Long.valueOf(answer.questionId()), answer.vector()));
    }

    RandomTransactions.assertSame(features, RandomTransactions.byDefinition(csv));
  }

  @ParameterizedTest
  @ValueSource(longs = 2)
  void theChecksumIsTheSumOfAllFeatures(long seed) throws Exception {
    Path csv = RandomTransactions.write(directory, seed);

    assertThat(new TailwaterBounded().run(csv).checksum())
        .isCloseTo(new PrimitiveLoop().run(csv).checksum(), within(1e-6));
  }
}
