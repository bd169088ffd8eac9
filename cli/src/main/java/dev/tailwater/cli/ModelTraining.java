package dev.tailwater.cli;

import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.LabeledVector;
import dev.tailwater.jobs.RefusedRecords;
import dev.tailwater.jobs.TrainingVectorsJob;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.serving.ModelRepository;
import dev.tailwater.serving.ModelVersion;
import dev.tailwater.training.HoldOutTraining;
import dev.tailwater.training.LogisticRegressionTrainer;
import dev.tailwater.training.TimeSplit;
import dev.tailwater.training.TrainedModel;
import dev.tailwater.training.TrainingData;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;

/**
 * From history to a registered model: the vectors of all past questions by a bounded replay, their
 * labels, a logistic regression, and its evaluation on the newest questions.
 */
public final class ModelTraining {

  private final StreamExecutionEnvironment environment;
  private final LoadedProject project;
  private final int model;
  private final Settings settings;
  private RefusedRecords refused = new RefusedRecords(Map.of(), List.of());

  /**
   * How to train.
   *
   * @param holdOutShare share of the questions, the newest, that the model is judged on
   * @param seed of the order in which rows are visited
   * @param maxRows more questions than this are refused, because they are trained on in memory
   */
  public record Settings(double holdOutShare, long seed, int maxRows) {

    public Settings {
      if (!(holdOutShare > 0 && holdOutShare < 1)) {
        throw new WrongUsageException(
            "--hold-out is %s; give a share between 0 and 1, as in 0.2".formatted(holdOutShare));
      }
      if (maxRows < 1) {
        throw new WrongUsageException(
            "--max-rows is %d; give a number from 1 on".formatted(maxRows));
      }
    }

    /** The newest fifth is held out; at most half a million questions. */
    public static Settings defaults() {
      return new Settings(0.2, 1, 500_000);
    }
  }

  /**
   * A training of one model.
   *
   * @param environment a fresh one, used for one job
   * @param model position in the plan
   */
  public ModelTraining(
      StreamExecutionEnvironment environment, LoadedProject project, int model, Settings settings) {
    this.environment = environment;
    this.project = project;
    this.model = model;
    this.settings = settings;
  }

  /**
   * The labelled vectors of the history, by event time: the replay gives them in any order, and the
   * same history must give the same model.
   */
  public TrainingData vectors(BoundedSources history) throws Exception {
    ModelPlan plan = plan();
    List<LabeledVector> vectors = new ArrayList<>();
    try (CloseableIterator<LabeledVector> rows =
        TrainingVectorsJob.build(environment, project.plan(), model, history).collectAsync()) {
      JobClient job = environment.executeAsync("training vectors of " + plan.name());
      while (rows.hasNext()) {
        vectors.add(rows.next());
        if (vectors.size() > settings.maxRows()) {
          throw new CommandFailedException(
              "model %s has more than %,d labelled questions in its history, which are trained on in memory; train on a shorter history, or raise --max-rows and TAILWATER_HEAP"
                  .formatted(plan.name(), settings.maxRows()));
        }
      }
      refused = RefusedRecords.of(job.getJobExecutionResult().get());
    }
    vectors.sort(
        Comparator.comparingLong(LabeledVector::eventTime)
            .thenComparing(LabeledVector::questionId));
    TrainingData.Builder data =
        TrainingData.builder(
            plan.vector().stream().map(ModelPlan.Element::name).toList(), settings.maxRows());
    for (LabeledVector vector : vectors) {
      data.add(vector.eventTime(), vector.vector(), vector.positive());
    }
    return data.build();
  }

  /** The records of the history that {@link #vectors} left out. */
  RefusedRecords refused() {
    return refused;
  }

  /** Trains, registers the model as the next version and makes it the one that is served. */
  public ModelVersion train(TrainingData data, ModelRepository repository) throws Exception {
    if (data.rows() == 0) {
      throw new CommandFailedException(
          "model %s cannot be trained: the history has no question with a label; check that the streams have events and that labels arrive within the declared time"
              .formatted(plan().name()));
    }
    LogisticRegressionTrainer.Settings defaults = LogisticRegressionTrainer.Settings.defaults();
    TrainedModel trained =
        new HoldOutTraining(
                new LogisticRegressionTrainer(
                    new LogisticRegressionTrainer.Settings(
                        defaults.epochs(),
                        defaults.learningRate(),
                        defaults.batchRows(),
                        settings.seed(),
                        defaults.balanceClasses())),
                TimeSplit.lastShare(settings.holdOutShare()))
            .train(data);
    ModelVersion version =
        repository.register(plan().name(), trained.onnx(), trained.metadata(plan().version()));
    repository.promote(version.model(), version.version());
    return version;
  }

  private ModelPlan plan() {
    return project.plan().models().get(model);
  }
}
