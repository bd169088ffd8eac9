package dev.tailwater.training;

import dev.tailwater.serving.InvalidModelException;
import dev.tailwater.serving.OnnxModel;
import dev.tailwater.serving.ScoringException;

/** Trains on the past and evaluates on what came after. */
public final class HoldOutTraining {
  private final Trainer trainer;
  private final TimeSplit split;

  public HoldOutTraining(Trainer trainer, TimeSplit split) {
    this.trainer = trainer;
    this.split = split;
  }

  /**
   * The metrics are those of {@link Evaluation#metrics}, with the prefixes {@code train_} and
   * {@code holdout_}, of the model file as it is served.
   *
   * @throws TrainingException if no model can be trained from this data
   */
  public TrainedModel train(TrainingData data) throws TrainingException {
    TimeSplit.Parts parts = split.split(data);
    TrainedModel trained = trainer.train(parts.train());
    try (OnnxModel model = OnnxModel.load(trained.onnx(), trained.inputNames().size())) {
      return trained
          .with(Evaluation.of(model, parts.train()).metrics("train_"))
          .with(Evaluation.of(model, parts.holdOut()).metrics("holdout_"));
    } catch (InvalidModelException | ScoringException | IllegalArgumentException e) {
      throw new TrainingException(
          "the trained model cannot be evaluated: %s. Look for extreme values in the features."
              .formatted(e.getMessage()),
          e);
    }
  }
}
