package dev.tailwater.training;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Map;
import org.tribuo.MutableDataset;
import org.tribuo.Prediction;
import org.tribuo.classification.Label;
import org.tribuo.classification.LabelFactory;
import org.tribuo.classification.sgd.linear.LinearSGDModel;
import org.tribuo.classification.sgd.linear.LinearSGDTrainer;
import org.tribuo.classification.sgd.objectives.LogMulticlass;
import org.tribuo.impl.ArrayExample;
import org.tribuo.math.la.DenseMatrix;
import org.tribuo.math.optimisers.AdaGrad;
import org.tribuo.provenance.SimpleDataSourceProvenance;

/**
 * Logistic regression by stochastic gradient descent (Tribuo). Inputs are standardised, and missing
 * values replaced by the training mean; both are part of the exported model. A feature that is
 * constant in the training data gets no weight.
 */
public final class LogisticRegressionTrainer implements Trainer {
  private static final String POSITIVE = "positive";
  private static final String NEGATIVE = "negative";

  /**
   * @param epochs passes over the data
   * @param learningRate of AdaGrad
   * @param batchRows rows per gradient step; 1 if rows or classes are weighted
   * @param seed of the order in which rows are visited
   * @param balanceClasses whether both classes count the same in total; the scores are then no
   *     longer the probabilities found in the data
   */
  public record Settings(
      int epochs, double learningRate, int batchRows, long seed, boolean balanceClasses) {
    public Settings {
      require(epochs >= 1 && epochs <= 10_000, "epochs", epochs, "from 1 to 10000");
      require(
          learningRate > 0 && learningRate <= 100, "learning-rate", learningRate, "in (0, 100]");
      require(batchRows >= 1, "batch-rows", batchRows, "at least 1");
    }

    /** 30 passes, rate 0.3, 256 rows per step, seed 1, classes as they are. */
    public static Settings defaults() {
      return new Settings(30, 0.3, 256, 1, false);
    }

    private static void require(boolean valid, String name, Object value, String needed) {
      if (!valid) {
        throw new IllegalArgumentException("%s (%s) must be %s".formatted(name, value, needed));
      }
    }
  }

  private final Settings settings;

  public LogisticRegressionTrainer(Settings settings) {
    this.settings = settings;
  }

  /** The metrics are {@code train_rows} and {@code train_positives}. */
  @Override
  public TrainedModel train(TrainingData data) throws TrainingException {
    Fitted fitted = fit(data);
    return new TrainedModel(
        fitted.onnx(),
        data.featureNames(),
        data.firstEventTime(),
        data.lastEventTime(),
        Map.of("train_rows", (double) data.rows(), "train_positives", (double) data.positives()));
  }

  /** The model as Tribuo knows it, before the export. */
  Fitted fit(TrainingData data) throws TrainingException {
    float[] weights = weights(data);
    Standardisation standardisation = Standardisation.of(data);
    LinearSGDTrainer trainer =
        new LinearSGDTrainer(
            new LogMulticlass(),
            new AdaGrad(settings.learningRate()),
            settings.epochs(),
            -1, // no log line per step
            // Tribuo weights a whole step, not the rows in it: weighted rows go one at a time.
            isUniform(weights) ? settings.batchRows() : 1,
            settings.seed());
    LinearSGDModel model = (LinearSGDModel) trainer.train(examples(data, weights, standardisation));
    return new Fitted(model, standardisation, featureIds(data.featureNames().size()));
  }

  /** What each row counts, with mean 1. */
  private float[] weights(TrainingData data) throws TrainingException {
    double positiveTotal = 0;
    double negativeTotal = 0;
    for (int row = 0; row < data.rows(); row++) {
      if (data.label(row)) {
        positiveTotal += data.weight(row);
      } else {
        negativeTotal += data.weight(row);
      }
    }
    if (positiveTotal == 0 || negativeTotal == 0) {
      throw new TrainingException(
          "%,d of %,d training rows are positive, with a total weight of %s against %s: both classes are needed. Check the labels, or train on a longer time range."
              .formatted(data.positives(), data.rows(), positiveTotal, negativeTotal));
    }
    double total = positiveTotal + negativeTotal;
    double positive = data.rows() / (settings.balanceClasses() ? 2 * positiveTotal : total);
    double negative = data.rows() / (settings.balanceClasses() ? 2 * negativeTotal : total);
    float[] weights = new float[data.rows()];
    for (int row = 0; row < weights.length; row++) {
      weights[row] = (float) (data.weight(row) * (data.label(row) ? positive : negative));
    }
    return weights;
  }

  private static boolean isUniform(float[] weights) {
    for (float weight : weights) {
      if (weight != weights[0]) {
        return false;
      }
    }
    return true;
  }

  private static MutableDataset<Label> examples(
      TrainingData data, float[] weights, Standardisation standardisation) {
    LabelFactory labels = new LabelFactory();
    // Tribuo records when and where the data came from; a fixed time keeps training repeatable.
    MutableDataset<Label> examples =
        new MutableDataset<>(
            new SimpleDataSourceProvenance(
                "training data", OffsetDateTime.ofInstant(Instant.EPOCH, ZoneOffset.UTC), labels),
            labels);
    Label positive = new Label(POSITIVE);
    Label negative = new Label(NEGATIVE);
    String[] ids = featureIds(data.featureNames().size());
    for (int row = 0; row < data.rows(); row++) {
      double[] values = new double[ids.length];
      for (int feature = 0; feature < ids.length; feature++) {
        values[feature] = standardisation.apply(feature, data.value(row, feature));
      }
      ArrayExample<Label> example =
          new ArrayExample<>(data.label(row) ? positive : negative, ids, values);
      example.setWeight(weights[row]);
      examples.add(example);
    }
    return examples;
  }

  /** Fixed width, so that Tribuo's order by name is the order of the vector. */
  private static String[] featureIds(int features) {
    String[] ids = new String[features];
    Arrays.setAll(ids, feature -> "f%08d".formatted(feature));
    return ids;
  }

  /** A trained model with what was done to its inputs. */
  record Fitted(LinearSGDModel model, Standardisation standardisation, String[] ids) {

    /** The probability as Tribuo computes it. */
    double probability(float[] vector) {
      double[] values = new double[vector.length];
      Arrays.setAll(values, feature -> standardisation.apply(feature, vector[feature]));
      Prediction<Label> prediction =
          model.predict(new ArrayExample<>(new Label(POSITIVE), ids, values));
      Label positive = prediction.getOutputScores().get(POSITIVE);
      if (positive == null) {
        throw new IllegalStateException("Tribuo knows no score of the positive class");
      }
      return positive.getScore();
    }

    byte[] onnx() throws TrainingException {
      DenseMatrix weights = model.getWeightsCopy();
      int positive = model.getOutputIDInfo().getID(new Label(POSITIVE));
      int negative = model.getOutputIDInfo().getID(new Label(NEGATIVE));
      double[] coefficients = new double[ids.length];
      for (int feature = 0; feature < ids.length; feature++) {
        int column = model.getFeatureIDMap().get(ids[feature]).getID();
        // The softmax of two margins is the logistic function of their difference.
        coefficients[feature] =
            (weights.get(positive, column) - weights.get(negative, column))
                * standardisation.scales()[feature];
      }
      double intercept = weights.get(positive, ids.length) - weights.get(negative, ids.length);
      if (!Double.isFinite(intercept) || !Arrays.stream(coefficients).allMatch(Double::isFinite)) {
        throw new TrainingException(
            "the training did not converge: a coefficient is not finite. Lower the learning rate, or look for extreme values in the features.");
      }
      return LogisticGraph.onnx(standardisation.means(), coefficients, intercept);
    }
  }
}
