package dev.tailwater.cli;

import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.serving.ModelRepository;
import dev.tailwater.serving.ModelVersion;
import dev.tailwater.training.TrainingData;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** {@code tailwater train}: a model from history, registered and promoted. */
final class TrainCommand {

  private final Console console;

  TrainCommand(Console console) {
    this.console = console;
  }

  /** Trains one model and prints what came of it. */
  int run(
      StreamExecutionEnvironment environment,
      LoadedProject project,
      String model,
      BoundedSources history,
      Path models,
      ModelTraining.Settings settings,
      boolean json)
      throws Exception {
    ModelTraining training =
        new ModelTraining(environment, project, project.model(model), settings);
    console.live("replaying history …");
    TrainingData data = training.vectors(history);
    training.refused().lines().forEach(console::say);
    console.live("training on " + data.rows() + " questions …");
    ModelVersion version = training.train(data, ModelRepository.open(models));
    if (json) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("model", version.model());
      fields.put("version", version.version());
      fields.put("sha256", version.sha256());
      fields.put("rows", data.rows());
      fields.put("positives", data.positives());
      fields.put("trained_from", version.metadata().trainedFrom().toString());
      fields.put("trained_until", version.metadata().trainedUntil().toString());
      fields.put("metrics", version.metadata().metrics());
      console.print(Json.write(fields));
      return Main.OK;
    }
    console.print(
        "%s is registered in %s and is the version to serve"
            .formatted(version.reference(), models));
    console.print(
        "  %,d labelled questions, %,d of them positive, %d inputs"
            .formatted(data.rows(), data.positives(), data.featureNames().size()));
    version
        .metadata()
        .metrics()
        .forEach((name, value) -> console.print("  %-28s %s".formatted(name, shown(value))));
    return Main.OK;
  }

  private static String shown(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? String.format(Locale.ROOT, "%,d", (long) value)
        : String.format(Locale.ROOT, "%.4f", value);
  }
}
