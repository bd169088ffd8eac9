package dev.tailwater.cli;

import dev.tailwater.jobs.ScorePair;
import dev.tailwater.training.Evaluation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The scores of a bounded run against those that were served, and both against the truth. */
final class ScoreDifferences {

  /** More questions are not looked at: this many take some 100 MB. */
  static final int MAX_QUESTIONS = 5_000_000;

  private final double threshold;
  private double[] served = new double[1024];
  private double[] scored = new double[1024];
  private byte[] labels = new byte[1024];
  private int count;
  private long leftOut;

  /**
   * Nothing is compared yet.
   *
   * @param threshold scores at or above it are alarms
   */
  ScoreDifferences(double threshold) {
    this.threshold = threshold;
  }

  void add(ScorePair pair) {
    if (count == MAX_QUESTIONS) {
      leftOut++;
      return;
    }
    if (count == served.length) {
      int capacity = Math.min(MAX_QUESTIONS, 2 * count);
      served = Arrays.copyOf(served, capacity);
      scored = Arrays.copyOf(scored, capacity);
      labels = Arrays.copyOf(labels, capacity);
    }
    served[count] = pair.served();
    scored[count] = pair.scored();
    labels[count] = (byte) pair.label();
    count++;
  }

  /** How many questions there were beyond those that are looked at. */
  long leftOut() {
    return leftOut;
  }

  /**
   * How far the scores are apart.
   *
   * @param questions with both scores
   * @param mean of new minus served
   * @param meanAbsolute of their distance
   * @param quantiles of the distance: the nearest rank at 50 %, 90 %, 99 % and 100 %
   * @param crossedUp questions that are alarms only now
   * @param crossedDown questions that were alarms only when they were served
   */
  record Distances(
      int questions,
      double mean,
      double meanAbsolute,
      Map<String, Double> quantiles,
      int crossedUp,
      int crossedDown) {}

  /** The distances over all questions that have both scores. */
  Distances distances() {
    double[] distances = new double[count];
    int questions = 0;
    double sum = 0;
    double absolute = 0;
    int up = 0;
    int down = 0;
    for (int i = 0; i < count; i++) {
      if (Double.isNaN(served[i])) {
        continue;
      }
      double difference = scored[i] - served[i];
      sum += difference;
      absolute += Math.abs(difference);
      distances[questions++] = Math.abs(difference);
      boolean was = served[i] >= threshold;
      boolean is = scored[i] >= threshold;
      up += is && !was ? 1 : 0;
      down += was && !is ? 1 : 0;
    }
    Arrays.sort(distances, 0, questions);
    Map<String, Double> quantiles = new LinkedHashMap<>();
    for (int percent : new int[] {50, 90, 99, 100}) {
      int rank = (int) Math.ceil(percent / 100.0 * questions);
      quantiles.put("p" + percent, questions == 0 ? Double.NaN : distances[Math.max(rank, 1) - 1]);
    }
    return new Distances(
        questions,
        questions == 0 ? Double.NaN : sum / questions,
        questions == 0 ? Double.NaN : absolute / questions,
        quantiles,
        up,
        down);
  }

  /**
   * How well each agrees with the truth, over the questions whose truth is known; over those that
   * have both scores, if there are any.
   *
   * @return by name, {@code served} if there are such and {@code scored}; empty if no truth is
   *     known
   */
  Map<String, Evaluation> evaluations() {
    List<Integer> labelled = new ArrayList<>();
    List<Integer> both = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (labels[i] >= 0) {
        labelled.add(i);
        if (!Double.isNaN(served[i])) {
          both.add(i);
        }
      }
    }
    Map<String, Evaluation> evaluations = new LinkedHashMap<>();
    if (!both.isEmpty()) {
      evaluations.put("served", evaluation(served, both));
      evaluations.put("scored", evaluation(scored, both));
    } else if (!labelled.isEmpty()) {
      evaluations.put("scored", evaluation(scored, labelled));
    }
    return evaluations;
  }

  private Evaluation evaluation(double[] scores, List<Integer> rows) {
    double[] chosen = new double[rows.size()];
    boolean[] truth = new boolean[rows.size()];
    for (int i = 0; i < chosen.length; i++) {
      chosen[i] = scores[rows.get(i)];
      truth[i] = labels[rows.get(i)] == 1;
    }
    return Evaluation.of(chosen, truth);
  }
}
