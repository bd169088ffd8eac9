package dev.tailwater.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tailwater.serving.ModelRepository;
import dev.tailwater.serving.ModelVersion;
import dev.tailwater.serving.OnnxModel;
import dev.tailwater.training.LogisticRegressionTrainer.Settings;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LogisticRegressionTrainerTest {
  private static final List<String> NAMES =
      List.of("signal", "noise", "large_mean", "constant", "always_missing", "often_missing");
  private static final LogisticRegressionTrainer TRAINER =
      new LogisticRegressionTrainer(Settings.defaults());

  static LongStream seeds() {
    return LongStream.rangeClosed(1, 5);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void exportsTheProbabilityThatTribuoComputes(long seed) throws Exception {
    TrainingData data = random(seed, 1_000);
    LogisticRegressionTrainer.Fitted fitted = TRAINER.fit(data);
    float[][] vectors = vectors(data);
    vectors[0] = new float[] {0, 0, 0, 0, 0, 0};
    vectors[1] = filled(Float.NaN);
    vectors[2] = filled(1e30f);
    vectors[3] = filled(-1e30f);
    double[] scores = new double[vectors.length];
    try (OnnxModel model = OnnxModel.load(fitted.onnx(), NAMES.size())) {
      model.score(vectors, vectors.length, scores);
    }
    for (int row = 0; row < vectors.length; row++) {
      assertThat(scores[row])
          .as("row %d", row)
          .isCloseTo(fitted.probability(vectors[row]), within(1e-6));
    }
  }

  @Test
  void scoresARowTheSameWhateverBatchItIsIn() throws Exception {
    TrainingData data = random(11, 1_000);
    float[][] vectors = vectors(data);
    double[] together = new double[vectors.length];
    double[] alone = new double[1];
    try (OnnxModel model = OnnxModel.load(TRAINER.train(data).onnx(), NAMES.size())) {
      model.score(vectors, vectors.length, together);
      for (int row = 0; row < vectors.length; row++) {
        model.score(new float[][] {vectors[row]}, 1, alone);
        assertThat(alone[0]).as("row %d", row).isEqualTo(together[row]);
      }
    }
  }

  @Test
  void trainsTheSameBytesFromTheSameDataAndSeed() throws Exception {
    assertThat(TRAINER.train(random(3, 500)).onnx())
        .isEqualTo(TRAINER.train(random(3, 500)).onnx());
  }

  @Test
  void learnsTheSignalAndNothingFromConstantOrMissingFeatures() throws Exception {
    TrainedModel trained =
        new HoldOutTraining(TRAINER, TimeSplit.lastShare(0.3)).train(random(5, 4_000));
    assertThat(trained.metrics())
        .containsEntry("train_rows", 2_800.0)
        .containsEntry("holdout_rows", 1_200.0)
        .hasEntrySatisfying("holdout_roc_auc", auc -> assertThat(auc).isBetween(0.85, 0.99));
    try (OnnxModel model = OnnxModel.load(trained.onnx(), NAMES.size())) {
      double[] scores = new double[3];
      float[] usual = {1, 0, 1e6f, 7, Float.NaN, 0};
      float[] otherwise = {1, 0, 1e6f, -5_000, 12, 0};
      float[] stronger = {2, 0, 1e6f, 7, Float.NaN, 0};
      model.score(new float[][] {usual, otherwise, stronger}, 3, scores);
      assertThat(scores[1]).isEqualTo(scores[0]);
      assertThat(scores[2]).isGreaterThan(scores[0]);
    }
  }

  @Test
  void countsBothClassesTheSameWhenBalanced() throws Exception {
    Settings balanced = new Settings(30, 0.3, 256, 1, true);
    TrainingData.Builder builder = TrainingData.builder(List.of("nothing"), 1_000);
    for (int row = 0; row < 1_000; row++) {
      builder.add(row, new double[] {1}, row % 10 == 0);
    }
    TrainingData data = builder.build();
    assertThat(TRAINER.fit(data).probability(new float[] {1})).isCloseTo(0.1, within(0.02));
    assertThat(new LogisticRegressionTrainer(balanced).fit(data).probability(new float[] {1}))
        .isCloseTo(0.5, within(0.05));
  }

  @Test
  void countsARowByItsWeight() throws Exception {
    TrainingData.Builder builder = TrainingData.builder(List.of("nothing"), 1_000);
    for (int row = 0; row < 1_000; row++) {
      boolean positive = row % 2 == 0;
      builder.add(row, new double[] {1}, positive, positive ? 1 : 3);
    }
    assertThat(TRAINER.fit(builder.build()).probability(new float[] {1}))
        .isCloseTo(0.25, within(0.03));
  }

  @Test
  void needsBothClasses() throws Exception {
    TrainingData data =
        TrainingData.builder(List.of("a"), 10)
            .add(0, new double[] {1}, false)
            .add(1, new double[] {2}, false)
            .build();
    assertThatThrownBy(() -> TRAINER.train(data))
        .isInstanceOf(TrainingException.class)
        .hasMessageStartingWith(
            "0 of 2 training rows are positive, with a total weight of 0.0 against 2.0");
  }

  @Test
  void namesTheSettingThatCannotBe() {
    assertThatThrownBy(() -> new Settings(0, 0.1, 1, 1, false))
        .hasMessage("epochs (0) must be from 1 to 10000");
    assertThatThrownBy(() -> new Settings(1, Double.NaN, 1, 1, false))
        .hasMessage("learning-rate (NaN) must be in (0, 100]");
  }

  @Test
  void registersWhatItTrained(@TempDir Path directory) throws Exception {
    TrainedModel trained =
        new HoldOutTraining(TRAINER, TimeSplit.lastShare(0.3)).train(random(5, 1_000));
    ModelRepository repository = ModelRepository.open(directory);
    ModelVersion version = repository.register("fraud", trained.onnx(), trained.metadata("v1"));
    assertThat(repository.version("fraud", 1)).isEqualTo(version);
    assertThat(version.metadata().inputNames()).isEqualTo(NAMES);
    assertThat(version.metadata().metrics()).isEqualTo(trained.metrics());
  }

  private static TrainingData random(long seed, int rows) throws TrainingException {
    Random random = new Random(seed);
    TrainingData.Builder builder = TrainingData.builder(NAMES, rows);
    for (int row = 0; row < rows; row++) {
      double signal = random.nextGaussian();
      double shift = random.nextGaussian();
      double[] vector = {
        signal,
        random.nextGaussian(),
        1e6 + shift,
        7,
        Double.NaN,
        random.nextInt(3) == 0 ? random.nextGaussian() : Double.NaN
      };
      boolean label = random.nextDouble() < 1 / (1 + Math.exp(2 - 3 * signal - shift));
      builder.add(row * 1_000L, vector, label);
    }
    return builder.build();
  }

  private static float[][] vectors(TrainingData data) {
    float[][] vectors = new float[data.rows()][NAMES.size()];
    for (int row = 0; row < data.rows(); row++) {
      for (int feature = 0; feature < NAMES.size(); feature++) {
        vectors[row][feature] = data.value(row, feature);
      }
    }
    return vectors;
  }

  private static float[] filled(float value) {
    float[] vector = new float[NAMES.size()];
    Arrays.fill(vector, value);
    return vector;
  }
}
