package dev.tailwater.training;

/**
 * Brings each feature to mean 0 and variance 1; a missing value becomes the mean, which is 0.
 *
 * @param means of the values that are not missing; 0 if all are
 * @param scales 1 / standard deviation; 0 for a feature that is constant or always missing, which
 *     can tell nothing
 */
record Standardisation(double[] means, double[] scales) {

  /** Two passes in double precision: one pass would cancel on large means with small deviations. */
  static Standardisation of(TrainingData data) {
    int features = data.featureNames().size();
    double[] means = new double[features];
    double[] scales = new double[features];
    for (int feature = 0; feature < features; feature++) {
      int present = 0;
      double sum = 0;
      for (int row = 0; row < data.rows(); row++) {
        float value = data.value(row, feature);
        if (!Float.isNaN(value)) {
          present++;
          sum += value;
        }
      }
      if (present == 0) {
        continue;
      }
      double mean = sum / present;
      double squares = 0;
      boolean constant = true;
      float first = Float.NaN;
      for (int row = 0; row < data.rows(); row++) {
        float value = data.value(row, feature);
        if (!Float.isNaN(value)) {
          squares += (value - mean) * (value - mean);
          constant &= Float.isNaN(first) || value == first;
          first = value;
        }
      }
      means[feature] = mean;
      // The rounded mean of equal values may differ from them, so equality is what decides.
      scales[feature] = constant ? 0 : 1 / Math.sqrt(squares / present);
    }
    return new Standardisation(means, scales);
  }

  double apply(int feature, float value) {
    return Float.isNaN(value) ? 0 : (value - means[feature]) * scales[feature];
  }
}
