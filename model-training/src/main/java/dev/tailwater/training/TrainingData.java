package dev.tailwater.training;

import java.time.Instant;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * Feature vectors with their labels, in memory. Values are floats, as the model is served floats;
 * NaN marks a missing value. Immutable and thread-safe.
 *
 * <p>A row takes about {@code 4 * features + 40} bytes; training needs about {@code 30 * features +
 * 100} bytes more per row while it runs. The builder's row limit bounds both.
 */
public final class TrainingData {
  private final List<String> featureNames;
  private final float[][] vectors;
  private final BitSet labels;
  private final long[] eventTimesMs;
  private final float[] weights;

  private TrainingData(
      List<String> featureNames,
      float[][] vectors,
      BitSet labels,
      long[] eventTimesMs,
      float[] weights) {
    this.featureNames = featureNames;
    this.vectors = vectors;
    this.labels = labels;
    this.eventTimesMs = eventTimesMs;
    this.weights = weights;
  }

  /**
   * @param featureNames names of the vector's elements, in order, each once
   * @param maxRows bound of the memory that is used
   */
  public static Builder builder(List<String> featureNames, int maxRows) {
    return new Builder(featureNames, maxRows);
  }

  public List<String> featureNames() {
    return featureNames;
  }

  public int rows() {
    return vectors.length;
  }

  /** Rows whose label is positive. */
  public int positives() {
    return labels.cardinality();
  }

  public float value(int row, int feature) {
    return vectors[row][feature];
  }

  public boolean label(int row) {
    return labels.get(row);
  }

  /** Event time, in milliseconds since the epoch. */
  public long eventTimeMs(int row) {
    return eventTimesMs[row];
  }

  /** How much the row counts in training; 1 unless it was given. */
  public float weight(int row) {
    return weights[row];
  }

  /** The earliest event time. There must be rows. */
  public Instant firstEventTime() {
    return Instant.ofEpochMilli(Arrays.stream(eventTimesMs).min().orElseThrow());
  }

  /** The latest event time. There must be rows. */
  public Instant lastEventTime() {
    return Instant.ofEpochMilli(Arrays.stream(eventTimesMs).max().orElseThrow());
  }

  /** The rows that pass, in their order. Shares the vectors with this data. */
  public TrainingData where(IntPredicate row) {
    BitSet kept = new BitSet(rows());
    for (int i = 0; i < rows(); i++) {
      kept.set(i, row.test(i));
    }
    int[] from = kept.stream().toArray();
    float[][] keptVectors = new float[from.length][];
    BitSet keptLabels = new BitSet(from.length);
    long[] keptTimes = new long[from.length];
    float[] keptWeights = new float[from.length];
    for (int i = 0; i < from.length; i++) {
      keptVectors[i] = vectors[from[i]];
      keptLabels.set(i, labels.get(from[i]));
      keptTimes[i] = eventTimesMs[from[i]];
      keptWeights[i] = weights[from[i]];
    }
    return new TrainingData(featureNames, keptVectors, keptLabels, keptTimes, keptWeights);
  }

  /** Collects rows. Not thread-safe. */
  public static final class Builder {
    private final List<String> featureNames;
    private final int maxRows;
    private final BitSet labels = new BitSet();
    private float[][] vectors = new float[1024][];
    private long[] eventTimesMs = new long[1024];
    private float[] weights = new float[1024];
    private int rows;

    private Builder(List<String> featureNames, int maxRows) {
      if (featureNames.isEmpty()) {
        throw new IllegalArgumentException("training data needs at least one feature");
      }
      Set<String> unique = new HashSet<>();
      for (String name : featureNames) {
        if (!unique.add(name)) {
          throw new IllegalArgumentException(
              "feature '%s' is there twice: name each element of the vector once".formatted(name));
        }
      }
      if (maxRows < 1) {
        throw new IllegalArgumentException("max-rows (%d) must be at least 1".formatted(maxRows));
      }
      this.featureNames = List.copyOf(featureNames);
      this.maxRows = maxRows;
    }

    /** Adds a row of weight 1. See {@link #add(long, double[], boolean, double)}. */
    public Builder add(long eventTimeMs, double[] vector, boolean label) throws TrainingException {
      return add(eventTimeMs, vector, label, 1);
    }

    /**
     * Adds a row; the vector is copied.
     *
     * @param vector one value per feature, NaN where missing, rounded to float
     * @param weight finite and not negative
     * @throws TrainingException if the row limit is reached, or a value is no finite float
     */
    public Builder add(long eventTimeMs, double[] vector, boolean label, double weight)
        throws TrainingException {
      if (vector.length != featureNames.size()) {
        throw new IllegalArgumentException(
            "row %d has %d values for %d features"
                .formatted(rows, vector.length, featureNames.size()));
      }
      if (rows == maxRows) {
        throw new TrainingException(
            "there are more than %,d training rows (max-rows). Train on a shorter time range, sample the rows, or raise the limit and the heap."
                .formatted(maxRows));
      }
      if (!(weight >= 0 && weight <= Float.MAX_VALUE)) {
        throw new TrainingException(
            "row %d at %s has weight %s: a weight is a finite number from 0 on"
                .formatted(rows, Instant.ofEpochMilli(eventTimeMs), weight));
      }
      float[] values = new float[vector.length];
      for (int feature = 0; feature < vector.length; feature++) {
        values[feature] = (float) vector[feature];
        if (Float.isInfinite(values[feature])) {
          throw new TrainingException(
              "feature '%s' of row %d at %s is %s: it must be a finite float, or NaN where it is missing. Correct the feature's expression."
                  .formatted(
                      featureNames.get(feature),
                      rows,
                      Instant.ofEpochMilli(eventTimeMs),
                      vector[feature]));
        }
      }
      if (rows == vectors.length) {
        int capacity = (int) Math.min(maxRows, rows * 2L);
        vectors = Arrays.copyOf(vectors, capacity);
        eventTimesMs = Arrays.copyOf(eventTimesMs, capacity);
        weights = Arrays.copyOf(weights, capacity);
      }
      vectors[rows] = values;
      eventTimesMs[rows] = eventTimeMs;
      weights[rows] = (float) weight;
      labels.set(rows, label);
      rows++;
      return this;
    }

    public TrainingData build() {
      return new TrainingData(
          featureNames,
          Arrays.copyOf(vectors, rows),
          (BitSet) labels.clone(),
          Arrays.copyOf(eventTimesMs, rows),
          Arrays.copyOf(weights, rows));
    }
  }
}
