package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.LakeTables;
import dev.tailwater.connectors.iceberg.TableCare;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.TopicSpec;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.jobs.ArchiveJob;
import dev.tailwater.jobs.LiveJob;
import dev.tailwater.jobs.MaintenanceJob;
import dev.tailwater.jobs.ServedModel;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.serving.InvalidModelException;
import dev.tailwater.serving.MicroBatcherSettings;
import dev.tailwater.serving.ModelRepository;
import dev.tailwater.serving.ModelRepositoryException;
import dev.tailwater.serving.ModelVersion;
import dev.tailwater.serving.OnnxModel;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The jobs that keep a project running, on the stores given.
 *
 * @param models where the versions to serve are registered
 */
public record ProjectJobs(
    LoadedProject project, KafkaLog log, RedisAddress redis, Lake lake, ModelRepository models) {

  /** Far longer than a live job is down before it repeats what it had published. */
  private static final Duration REMEMBER_QUESTIONS_FOR = Duration.ofDays(1);

  /**
   * Creates the topics that do not exist yet: of the streams, their dead letters and the
   * predictions.
   *
   * @return how existing topics differ from what is wanted, one sentence each; they are left alone
   */
  public List<String> ensureTopics(int partitions) throws IOException {
    Map<String, TopicSpec> topics = new LinkedHashMap<>();
    for (StreamPlan stream : project.plan().recordedStreams()) {
      topics.put(stream.topic(), TopicSpec.of(stream.topic(), partitions));
      TopicSpec letters = TopicSpec.deadLettersOf(stream.topic());
      topics.put(letters.name(), letters);
    }
    for (ModelPlan model : project.plan().models()) {
      topics.putIfAbsent(model.to(), TopicSpec.of(model.to(), partitions));
      TopicSpec letters = TopicSpec.deadLettersOf(model.to());
      topics.putIfAbsent(letters.name(), letters);
    }
    return Topics.ensure(log, List.copyOf(topics.values())).stream()
        .map(Topics.Difference::toString)
        .toList();
  }

  /**
   * Adds the live job: features to both stores, and a prediction for every question.
   *
   * @param askFrom by stream name and partition the first offset that asks; earlier events are
   *     history
   * @param generation of the rows; grows with every replay into stores that are kept
   */
  public void buildLive(
      StreamExecutionEnvironment environment,
      Map<String, Map<Integer, Long>> askFrom,
      long generation)
      throws ModelRepositoryException {
    LiveJob.build(
        environment,
        project.plan(),
        new LiveJob.Config(
            log, redis, lake, served(), askFrom, generation, MicroBatcherSettings.defaults()));
    Map<String, Map<String, String>> hashes = project.featureHashes();
    for (ViewPlan view : project.plan().views()) {
      lake.recordFeatures(view.name(), view.version(), hashes.getOrDefault(view.name(), Map.of()));
    }
  }

  /** Adds the archive job, which copies every stream and the predictions to the lake. */
  public void buildArchive(StreamExecutionEnvironment environment) {
    ArchiveJob.build(
        environment, project.plan(), new ArchiveJob.Config(log, lake, REMEMBER_QUESTIONS_FOR));
  }

  /**
   * Adds the job that looks after the tables that there are.
   *
   * @throws CommandFailedException if there is none yet
   */
  public void buildMaintenance(StreamExecutionEnvironment environment, TableCare care) {
    List<String> tables = new LakeTables(lake).names();
    if (tables.isEmpty()) {
      throw new CommandFailedException(
          lake + " has no tables yet: start the live or the archive job first");
    }
    MaintenanceJob.build(environment, lake, tables, care);
  }

  /** The version of each model that is served now, or that none is registered yet. */
  List<ServedModel> served() throws ModelRepositoryException {
    List<ServedModel> served = new ArrayList<>();
    for (int position = 0; position < project.plan().models().size(); position++) {
      ModelPlan model = project.plan().models().get(position);
      Optional<ModelVersion> champion = models.champion(model.name());
      if (champion.isEmpty()) {
        served.add(ServedModel.none(position));
        continue;
      }
      List<String> inputs = model.vector().stream().map(ModelPlan.Element::name).toList();
      if (!champion.get().metadata().inputNames().equals(inputs)) {
        throw new CommandFailedException(
            "%s was trained on other inputs than model %s has now (%s, now %s); run tailwater train again, or promote another version"
                .formatted(
                    champion.get().reference(),
                    model.name(),
                    champion.get().metadata().inputNames(),
                    inputs));
      }
      requireServable(champion.get());
      served.add(
          new ServedModel(
              position, Integer.toString(champion.get().version()), models.onnx(champion.get())));
    }
    return served;
  }

  /** A job that cannot load its model would restart again and again: here it is one message. */
  private void requireServable(ModelVersion version) throws ModelRepositoryException {
    try (OnnxModel unused = models.load(version)) {
      return;
    } catch (InvalidModelException e) {
      throw new CommandFailedException(
          "%s cannot be served: %s Or promote another version."
              .formatted(version.reference(), e.getMessage()),
          e);
    }
  }
}
