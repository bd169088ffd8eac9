package dev.tailwater.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelRepositoryTest {
  private static final ModelMetadata METADATA =
      new ModelMetadata(
          List.of("tx_amount", "customer_spend.tx_count_1d"),
          "v-3f2a",
          Instant.parse("2018-07-25T00:00:00Z"),
          Instant.parse("2018-07-31T23:59:59.123Z"),
          Map.of("holdout_roc_auc", 0.871, "holdout_log_loss", 1.25e-3));

  private static final byte[] MODEL = TestModels.sumLogistic(2);

  private Path directory;
  private ModelRepository repository;

  @BeforeEach
  void open(@TempDir Path temporary) throws Exception {
    directory = temporary;
    repository = ModelRepository.open(directory.resolve("models"));
  }

  @Test
  void numbersVersionsFromOneAndReadsBackWhatWasRegistered() throws Exception {
    ModelVersion first = repository.register("fraud", MODEL, METADATA);
    ModelVersion second = repository.register("fraud", TestModels.flat(2), METADATA);

    assertThat(first.reference()).isEqualTo("fraud@1");
    assertThat(second.reference()).isEqualTo("fraud@2");
    assertThat(first.metadata()).isEqualTo(METADATA);
    assertThat(ModelRepository.open(directory.resolve("models")).versions("fraud"))
        .containsExactly(first, second);
    assertThat(repository.onnx(first)).isEqualTo(MODEL);
    try (OnnxModel model = repository.load(second)) {
      assertThat(model.sha256()).isEqualTo(second.sha256());
    }
  }

  @Test
  void servesAVersionOnlyOnceItIsPromoted() throws Exception {
    repository.register("fraud", MODEL, METADATA);
    ModelVersion second = repository.register("fraud", TestModels.flat(2), METADATA);
    assertThat(repository.champion("fraud")).isEmpty();

    repository.promote("fraud", 1);
    repository.promote("fraud", 2);
    assertThat(repository.champion("fraud")).contains(second);

    assertThatThrownBy(() -> repository.promote("fraud", 7))
        .isInstanceOf(ModelRepositoryException.class)
        .hasMessageContaining("model 'fraud' has no version 7; it has [1, 2]");
    assertThat(repository.champion("fraud")).contains(second);
  }

  @Test
  void knowsNothingAboutAModelThatWasNeverRegistered() throws Exception {
    assertThat(repository.versions("other")).isEmpty();
    assertThat(repository.champion("other")).isEmpty();
  }

  @Test
  void storesNothingOfAModelThatCannotBeServed() throws Exception {
    assertThatThrownBy(() -> repository.register("fraud", TestModels.sumLogistic(3), METADATA))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageStartingWith("model 'fraud': the model's input is 'x' FLOAT [?, 3]");
    assertThat(repository.versions("fraud")).isEmpty();
    try (Stream<Path> files = Files.list(directory.resolve("models"))) {
      assertThat(files).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "../fraud", "a/b", "a\\b", "-x", "fraud.v1", "na me"})
  void refusesNamesThatAreNotPlainFileNames(String name) {
    assertThatThrownBy(() -> repository.register(name, MODEL, METADATA))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("model name '" + name + "' cannot be used");
    assertThatThrownBy(() -> repository.versions(name))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void givesEachConcurrentRegistrationItsOwnVersion() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<ModelVersion>> registrations = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        ModelRepository other = ModelRepository.open(directory.resolve("models"));
        registrations.add(threads.submit(() -> other.register("fraud", MODEL, METADATA)));
      }
      List<ModelVersion> given = new ArrayList<>();
      for (Future<ModelVersion> registration : registrations) {
        given.add(registration.get(60, TimeUnit.SECONDS));
      }
      assertThat(given)
          .extracting(ModelVersion::version)
          .containsExactlyInAnyOrder(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
      assertThat(repository.versions("fraud")).containsExactlyInAnyOrderElementsOf(given);
    } finally {
      threads.shutdownNow();
    }
    try (Stream<Path> files = Files.list(directory.resolve("models/fraud"))) {
      assertThat(files).hasSize(12); // nothing incomplete is left behind
    }
  }

  @Test
  void refusesAModelFileThatWasChangedAfterItsRegistration() throws Exception {
    ModelVersion version = repository.register("fraud", MODEL, METADATA);
    byte[] changed = MODEL.clone();
    changed[changed.length - 1]++;
    Files.write(directory.resolve("models/fraud/1/model.onnx"), changed);

    assertThatThrownBy(() -> repository.load(version))
        .isInstanceOf(ModelRepositoryException.class)
        .hasMessageContaining("models/fraud/1/model.onnx")
        .hasMessageContaining("its SHA-256 is not the registered one")
        .hasMessageContaining("Promote another version");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{",
        "{\"model\": \"fraud\"",
        "{\"model\": 3}",
        "{\"model\": \"fraud\", \"version\": 0}",
        "{\"model\": \"fraud\", \"version\": 1.5}",
        "{\"metrics\": {\"a\": \"b\"}}",
        "{\"metrics\": {\"a\":",
        "{\"inputs\": [1]}"
      })
  void namesTheFileOfDamagedMetadata(String content) throws Exception {
    repository.register("fraud", MODEL, METADATA);
    Path file = directory.resolve("models/fraud/1/metadata.json");
    Files.writeString(file, content);

    assertThatThrownBy(() -> repository.versions("fraud"))
        .isInstanceOf(ModelRepositoryException.class)
        .hasMessageStartingWith(file + ": cannot be read: ")
        .hasMessageContaining("register the model again");
  }

  @Test
  void namesTheFileOfADamagedChampion() throws Exception {
    repository.register("fraud", MODEL, METADATA);
    Path file = directory.resolve("models/fraud/champion.json");
    Files.writeString(file, "{\"version\": \"one\"}");

    assertThatThrownBy(() -> repository.champion("fraud"))
        .isInstanceOf(ModelRepositoryException.class)
        .hasMessageStartingWith(file + ": cannot be read: 'version' must be a whole number")
        .hasMessageContaining("Promote a version of 'fraud' again");
  }

  @Test
  void refusesAMetricWithoutAValue() {
    assertThatThrownBy(
            () ->
                new ModelMetadata(
                    List.of("a"), "v1", Instant.EPOCH, Instant.EPOCH, Map.of("auc", Double.NaN)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("metric 'auc' is NaN");
  }
}
