package dev.tailwater.serving;

import java.nio.FloatBuffer;

/**
 * One worker's way into a model: rows are written into {@link #input()}, then scored together. Not
 * thread-safe: it owns the buffers it reuses. Several scorers of one model may run at the same
 * time.
 */
public interface BatchScorer extends AutoCloseable {

  /** Values per row. */
  int inputLength();

  /**
   * The buffer to fill by absolute position: row {@code r}, value {@code i} is at {@code r *
   * inputLength() + i}. NaN marks a missing value. It has room for the rows this scorer was made
   * for; its position and limit are not used.
   */
  FloatBuffer input();

  /**
   * Scores the first rows of {@link #input()}.
   *
   * @param rows from 1 to the number of rows this scorer was made for
   * @param scores receives the probability of the positive class of row {@code r} at {@code r}; NaN
   *     where the model answered NaN
   * @throws ScoringException if the model failed; {@code scores} is then unspecified
   */
  void score(int rows, double[] scores) throws ScoringException;

  /** Releases the buffers and this scorer's hold on the model. Idempotent. */
  @Override
  void close();
}
