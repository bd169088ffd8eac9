package dev.tailwater.training;

import dev.tailwater.serving.BatchScorer;
import dev.tailwater.serving.OnnxModel;
import dev.tailwater.serving.ScoringException;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * How well scores agree with labels. Exact, ties included: rows with equal scores count as if their
 * order were drawn at random, so no figure depends on the order of the rows. Immutable.
 */
public final class Evaluation {
  private static final int BATCH_ROWS = 1024;

  /** Keeps the log loss of a certain but wrong prediction finite. */
  private static final double SMALLEST_PROBABILITY = 1e-15;

  /** Ascending. */
  private final double[] positiveScores;

  /** Ascending. */
  private final double[] negativeScores;

  private Evaluation(double[] positiveScores, double[] negativeScores) {
    this.positiveScores = positiveScores;
    this.negativeScores = negativeScores;
  }

  /**
   * @param scores probabilities of the positive class, in [0, 1]
   * @throws IllegalArgumentException if the lengths differ, there are no rows, or a score is no
   *     probability
   */
  public static Evaluation of(double[] scores, boolean[] labels) {
    if (scores.length != labels.length || scores.length == 0) {
      throw new IllegalArgumentException(
          "an evaluation needs as many scores as labels, and at least one: %d scores, %d labels"
              .formatted(scores.length, labels.length));
    }
    double[] positives = new double[scores.length];
    double[] negatives = new double[scores.length];
    int positiveCount = 0;
    int negativeCount = 0;
    for (int row = 0; row < scores.length; row++) {
      if (!(scores[row] >= 0 && scores[row] <= 1)) {
        throw new IllegalArgumentException(
            "the score of row %d is %s, which is no probability".formatted(row, scores[row]));
      }
      double score = scores[row] + 0.0; // -0.0 equals 0.0 but would be sorted apart
      if (labels[row]) {
        positives[positiveCount++] = score;
      } else {
        negatives[negativeCount++] = score;
      }
    }
    positives = Arrays.copyOf(positives, positiveCount);
    negatives = Arrays.copyOf(negatives, negativeCount);
    Arrays.sort(positives);
    Arrays.sort(negatives);
    return new Evaluation(positives, negatives);
  }

  /**
   * Scores the data as it would be served, and compares.
   *
   * @throws ScoringException if the model fails
   * @throws IllegalArgumentException if there are no rows or a score is no probability
   */
  public static Evaluation of(OnnxModel model, TrainingData data) throws ScoringException {
    int features = data.featureNames().size();
    double[] scores = new double[data.rows()];
    boolean[] labels = new boolean[data.rows()];
    double[] batch = new double[BATCH_ROWS];
    try (BatchScorer scorer = model.newScorer(BATCH_ROWS)) {
      for (int from = 0; from < data.rows(); from += BATCH_ROWS) {
        int rows = Math.min(BATCH_ROWS, data.rows() - from);
        for (int row = 0; row < rows; row++) {
          labels[from + row] = data.label(from + row);
          for (int feature = 0; feature < features; feature++) {
            scorer.input().put(row * features + feature, data.value(from + row, feature));
          }
        }
        scorer.score(rows, batch);
        System.arraycopy(batch, 0, scores, from, rows);
      }
    }
    return of(scores, labels);
  }

  public int rows() {
    return positiveScores.length + negativeScores.length;
  }

  public int positives() {
    return positiveScores.length;
  }

  /**
   * The probability that a random positive row is scored above a random negative one, ties counting
   * one half; empty if there are only rows of one class.
   */
  public OptionalDouble rocAuc() {
    int positives = positiveScores.length;
    int negatives = negativeScores.length;
    if (positives == 0 || negatives == 0) {
      return OptionalDouble.empty();
    }
    long halfPairs = 0;
    int below = 0;
    int notAbove = 0;
    for (double score : positiveScores) {
      while (below < negatives && negativeScores[below] < score) {
        below++;
      }
      while (notAbove < negatives && negativeScores[notAbove] <= score) {
        notAbove++;
      }
      halfPairs += (long) below + notAbove;
    }
    return OptionalDouble.of(halfPairs / (2.0 * positives * negatives));
  }

  /**
   * The precision at each distinct score, weighted by the recall gained there (not interpolated);
   * empty if there is no positive row.
   */
  public OptionalDouble averagePrecision() {
    if (positiveScores.length == 0) {
      return OptionalDouble.empty();
    }
    double sum = 0;
    int negative = negativeScores.length - 1;
    int positive = positiveScores.length - 1;
    while (positive >= 0) {
      double score = positiveScores[positive];
      int tied = 0;
      while (positive >= 0 && positiveScores[positive] == score) {
        positive--;
        tied++;
      }
      while (negative >= 0 && negativeScores[negative] >= score) {
        negative--;
      }
      double truePositives = positiveScores.length - 1 - positive;
      double falsePositives = negativeScores.length - 1 - negative;
      sum += tied * truePositives / (truePositives + falsePositives);
    }
    return OptionalDouble.of(sum / positiveScores.length);
  }

  /** The mean of -ln(probability given to what happened); a probability counts at least 1e-15. */
  public double logLoss() {
    double sum = 0;
    for (double score : positiveScores) {
      sum -= Math.log(Math.max(score, SMALLEST_PROBABILITY));
    }
    for (double score : negativeScores) {
      sum -= Math.log(Math.max(1 - score, SMALLEST_PROBABILITY));
    }
    return sum / rows();
  }

  /**
   * The share of positive rows among the k highest scores; if k cuts through equal scores, the mean
   * over all ways to choose among them.
   *
   * @param k at least 1; more than there are rows means all rows
   */
  public double precisionAt(int k) {
    if (k < 1) {
      throw new IllegalArgumentException("k (%d) must be at least 1".formatted(k));
    }
    int chosen = Math.min(k, rows());
    int positive = positiveScores.length - 1;
    int negative = negativeScores.length - 1;
    double hits = 0;
    int left = chosen;
    while (left > 0) {
      double score =
          Math.max(
              positive < 0 ? -1 : positiveScores[positive],
              negative < 0 ? -1 : negativeScores[negative]);
      int tiedPositives = 0;
      while (positive >= 0 && positiveScores[positive] == score) {
        positive--;
        tiedPositives++;
      }
      int tied = tiedPositives;
      while (negative >= 0 && negativeScores[negative] == score) {
        negative--;
        tied++;
      }
      int taken = Math.min(left, tied);
      hits += (double) tiedPositives * taken / tied;
      left -= taken;
    }
    return hits / chosen;
  }

  /**
   * All figures by name, those without a value left out: {@code rows, positives, roc_auc,
   * average_precision, log_loss, precision_at_100}.
   *
   * @param prefix put before each name, for example {@code holdout_}
   */
  public Map<String, Double> metrics(String prefix) {
    Map<String, Double> metrics = new TreeMap<>();
    metrics.put(prefix + "rows", (double) rows());
    metrics.put(prefix + "positives", (double) positives());
    rocAuc().ifPresent(value -> metrics.put(prefix + "roc_auc", value));
    averagePrecision().ifPresent(value -> metrics.put(prefix + "average_precision", value));
    metrics.put(prefix + "log_loss", logLoss());
    metrics.put(prefix + "precision_at_100", precisionAt(100));
    return metrics;
  }
}
