package dev.tailwater.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxModelTest {
  private static final int INPUTS = 3;

  static List<byte[]> servableModels() {
    return List.of(
        TestModels.sumLogistic(INPUTS),
        TestModels.flat(INPUTS),
        TestModels.labelAndProbabilities(INPUTS));
  }

  @ParameterizedTest
  @MethodSource("servableModels")
  void scoresRowsWithTheProbabilityOfThePositiveClassInEveryOutputShape(byte[] bytes)
      throws Exception {
    try (OnnxModel model = OnnxModel.load(bytes, INPUTS)) {
      double[] scores = new double[3];
      model.score(new float[][] {{0, 0, 0}, {1, 1, 1}, {-2, 0.5f, 0.5f}}, 3, scores);

      assertThat(scores[0]).isCloseTo(0.5, within(1e-6));
      assertThat(scores[1]).isCloseTo(sigmoid(3), within(1e-6));
      assertThat(scores[2]).isCloseTo(sigmoid(-1), within(1e-6));
    }
  }

  @Test
  void scoresNaNAsNaNWithoutDisturbingOtherRows() throws Exception {
    try (OnnxModel model = OnnxModel.load(TestModels.sumLogistic(INPUTS), INPUTS)) {
      double[] scores = new double[2];
      model.score(new float[][] {{Float.NaN, 0, 0}, {1, 1, 1}}, 2, scores);

      assertThat(scores[0]).isNaN();
      assertThat(scores[1]).isCloseTo(sigmoid(3), within(1e-6));
    }
  }

  @Test
  void readsTheCallersBufferFromItsPositionAndLeavesItAsItIs() throws Exception {
    try (OnnxModel model = OnnxModel.load(TestModels.sumLogistic(INPUTS), INPUTS)) {
      FloatBuffer buffer = OnnxSession.directBuffer(9);
      buffer.put(new float[] {9, 9, 9, 1, 1, 1, 9, 9, 9}).position(3);
      double[] scores = new double[1];
      model.score(buffer, 1, scores);

      assertThat(scores[0]).isCloseTo(sigmoid(3), within(1e-6));
      assertThat(buffer.position()).isEqualTo(3);
      assertThat(buffer.limit()).isEqualTo(9);
    }
  }

  @Test
  void refusesARowOfAnotherLength() throws Exception {
    try (OnnxModel model = OnnxModel.load(TestModels.sumLogistic(INPUTS), INPUTS)) {
      assertThatThrownBy(() -> model.score(new float[][] {{1, 2}}, 1, new double[1]))
          .isInstanceOf(ScoringException.class)
          .hasMessage("row 0 has 2 values, the model needs 3");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "hello", "{\"not\": \"onnx\"}", "PK\u0003\u0004 a zip file"})
  void refusesWhatIsNotAnOnnxFileWithAClearMessage(String content) {
    assertInvalid(content.getBytes(StandardCharsets.UTF_8), "not an ONNX file");
  }

  @Test
  void refusesTruncatedAndRandomlyDamagedFilesWithoutCrashing() {
    byte[] model = TestModels.labelAndProbabilities(INPUTS);
    Random random = new Random(7);
    for (int round = 0; round < 300; round++) {
      byte[] damaged =
          round % 2 == 0
              ? Arrays.copyOf(model, random.nextInt(model.length))
              : damaged(model, random);
      try (OnnxModel loaded = new OnnxModels(1 << 20).load(damaged, INPUTS)) {
        assertThat(loaded.inputLength()).isEqualTo(INPUTS); // the damage did not matter
      } catch (InvalidModelException e) {
        assertThat(e.getMessage()).as("seed 7, round %d", round).isNotBlank().doesNotContain("\n");
      }
    }
  }

  @Test
  void refusesModelsThatReadOtherFiles() {
    assertInvalid(
        TestModels.externalWeights(INPUTS, "/etc/hostname"),
        "tensor 'w' keeps its values outside the file");
    assertInvalid(
        TestModels.externalWeights(INPUTS, "*/_ORT_MEM_ADDR_/*"),
        "tensor 'w' keeps its values outside the file");
    assertInvalid(
        TestModels.externalWeightsInBranch(INPUTS),
        "tensor 'hidden' keeps its values outside the file");
  }

  @Test
  void refusesOperatorsThatAreNotPartOfOnnx() {
    assertInvalid(TestModels.customOperator(INPUTS), "com.example::Magic");
  }

  @Test
  void refusesInputsThatAreNotOneFloatMatrixOfTheVectorsLength() {
    assertInvalid(TestModels.sumLogistic(4), "'x' FLOAT [?, 4]");
    assertInvalid(TestModels.fixedRows(INPUTS), "with a free number of rows");
    assertInvalid(TestModels.doubleInput(INPUTS), "'x' DOUBLE [?, 3]");
    assertInvalid(TestModels.twoInputs(INPUTS), "the model has 2 inputs");
  }

  @Test
  void refusesOutputsThatAreNotAProbability() {
    assertInvalid(TestModels.onlyLabel(INPUTS), "none of them can be the probability");
    assertInvalid(TestModels.threeColumns(INPUTS), "'classes' FLOAT [?, 3]");
    assertInvalid(TestModels.margin(INPUTS), "is 2.0 for a row of zeros, which is no probability");
  }

  @Test
  void refusesAFileLargerThanTheLimit() {
    assertThatThrownBy(() -> new OnnxModels(10).load(new byte[11], 1))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining("11 bytes, the limit is 10");
  }

  @Test
  void keepsOneSessionPerFileUntilItsLastHoldIsClosed() throws Exception {
    OnnxModels models = new OnnxModels(1 << 20);
    byte[] bytes = TestModels.sumLogistic(INPUTS);
    OnnxModel first = models.load(bytes, INPUTS);
    OnnxModel second = models.load(bytes.clone(), INPUTS);
    OnnxModel other = models.load(TestModels.flat(INPUTS), INPUTS);
    assertThat(models.open()).isEqualTo(2);

    BatchScorer scorer = first.newScorer(1);
    first.close();
    first.close();
    second.close();
    assertThat(models.open()).isEqualTo(2);
    double[] scores = new double[1];
    scorer.score(1, scores); // the scorer's own hold keeps the session open
    assertThat(scores[0]).isCloseTo(0.5, within(1e-6));

    scorer.close();
    other.close();
    assertThat(models.open()).isZero();
    assertThatThrownBy(() -> first.newScorer(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("is closed");
  }

  @Test
  void scoresFromManyThreadsWhileHoldsComeAndGo() throws Exception {
    OnnxModels models = new OnnxModels(1 << 20);
    byte[] bytes = TestModels.sumLogistic(INPUTS);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<Boolean>> results = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        float input = thread;
        results.add(
            threads.submit(
                () -> {
                  double[] scores = new double[1];
                  boolean right = true;
                  for (int round = 0; round < 50; round++) {
                    try (OnnxModel model = models.load(bytes, INPUTS)) {
                      model.score(new float[][] {{input, 0, 0}}, 1, scores);
                      right &= Math.abs(scores[0] - sigmoid(input)) < 1e-6;
                    }
                  }
                  return right;
                }));
      }
      for (Future<Boolean> result : results) {
        assertThat(result.get(60, TimeUnit.SECONDS)).isTrue();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(models.open()).isZero();
  }

  private static void assertInvalid(byte[] model, String message) {
    assertThatThrownBy(() -> OnnxModel.load(model, INPUTS))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining(message);
  }

  private static byte[] damaged(byte[] model, Random random) {
    byte[] damaged = model.clone();
    damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
    return damaged;
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}
