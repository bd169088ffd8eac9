package dev.tailwater.training;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;

/**
 * Splits rows by event time: a model is judged on what came after its training data, as it will be
 * in use. Rows of one instant stay together.
 *
 * @param holdOutShare share of the rows, the last ones, that are held out; above 0, below 1
 * @param gap rows this close before the hold-out are left out of both parts: their labels were not
 *     known yet when a model serving the hold-out was trained
 */
public record TimeSplit(double holdOutShare, Duration gap) {

  public TimeSplit {
    if (!(holdOutShare > 0 && holdOutShare < 1)) {
      throw new IllegalArgumentException(
          "hold-out-share (%s) must be above 0 and below 1".formatted(holdOutShare));
    }
    if (gap.isNegative()) {
      throw new IllegalArgumentException("gap (%s) must not be negative".formatted(gap));
    }
  }

  /** The last share of the rows is held out, without a gap. */
  public static TimeSplit lastShare(double holdOutShare) {
    return new TimeSplit(holdOutShare, Duration.ZERO);
  }

  /**
   * @param train rows before {@code boundary - gap}
   * @param holdOut rows from the boundary on
   * @param boundary event time of the first row that is held out
   */
  public record Parts(TrainingData train, TrainingData holdOut, Instant boundary) {}

  /**
   * @throws TrainingException if a part would be empty
   */
  public Parts split(TrainingData data) throws TrainingException {
    if (data.rows() == 0) {
      throw new TrainingException("there are no rows to split. Train on a longer time range.");
    }
    long[] times = new long[data.rows()];
    Arrays.setAll(times, data::eventTimeMs);
    Arrays.sort(times);
    // Ties move the boundary to the first row of its instant, so the hold-out is never empty.
    int trainRows = (int) Math.min(times.length - 1, Math.round(times.length * (1 - holdOutShare)));
    long boundaryMs = times[trainRows];
    long trainEndMs = boundaryMs - gap.toMillis();
    TrainingData train = data.where(row -> data.eventTimeMs(row) < trainEndMs);
    Instant boundary = Instant.ofEpochMilli(boundaryMs);
    if (train.rows() == 0) {
      throw new TrainingException(
          "none of the %,d rows is before %s, which is the hold-out's start less the gap of %s. Train on a longer time range, or make the hold-out or the gap smaller."
              .formatted(data.rows(), Instant.ofEpochMilli(trainEndMs), gap));
    }
    return new Parts(train, data.where(row -> data.eventTimeMs(row) >= boundaryMs), boundary);
  }
}
