package dev.tailwater.jobs;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;

/**
 * Two scores of one question.
 *
 * @param served NaN if no model served it
 * @param scored the bounded run's
 * @param label 1 for positive, 0 for negative, -1 if nobody knows yet
 */
public record ScorePair(double served, double scored, int label) {

  static final TypeInformation<ScorePair> TYPE_INFO = Types.POJO(ScorePair.class);

  /** Whether the truth about the question is known. */
  public boolean isLabelled() {
    return label >= 0;
  }

  /** Whether there are two scores. */
  public boolean wasServed() {
    return !Double.isNaN(served);
  }
}
