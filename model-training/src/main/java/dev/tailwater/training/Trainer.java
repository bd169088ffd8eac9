package dev.tailwater.training;

/**
 * Turns training data into a model. The same data and settings give the same bytes, on any machine
 * with the same library versions. Thread-safe.
 */
public interface Trainer {
  /**
   * @throws TrainingException if no model can be trained from this data
   */
  TrainedModel train(TrainingData data) throws TrainingException;
}
