package dev.tailwater.serving;

import dev.tailwater.serving.ScoringException.Reason;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A loaded model: rows of float in, probability of the positive class out. All holders of the same
 * file share one native session, which uses no threads of its own.
 *
 * <p>Scoring is thread-safe. A hold must not be closed while one of its own {@code score} calls
 * runs; a {@link BatchScorer} has a hold of its own and may outlive the model it was made from.
 */
public final class OnnxModel implements AutoCloseable {
  private final OnnxModels models;
  private final OnnxModels.Entry entry;
  private final AtomicBoolean closed = new AtomicBoolean();

  OnnxModel(OnnxModels models, OnnxModels.Entry entry) {
    this.models = models;
    this.entry = entry;
  }

  /**
   * Loads a model through the shared cache.
   *
   * <p>The model must be one self-contained ONNX file of standard operators, with one float input
   * {@code [rows, inputLength]} and a float output {@code [rows]}, {@code [rows, 1]} or {@code
   * [rows, 2]} (positive class last) that is the probability, alone or beside a label output.
   *
   * @param model the file's bytes, at most {@link OnnxModels#DEFAULT_MAX_BYTES}
   * @param inputLength values per row, at least 1
   * @return a hold on the warmed-up model, to be closed
   * @throws InvalidModelException saying what was found and what is needed
   */
  public static OnnxModel load(byte[] model, int inputLength) throws InvalidModelException {
    return OnnxModels.shared().load(model, inputLength);
  }

  /** Values per row. */
  public int inputLength() {
    return entry.session.inputLength();
  }

  /** SHA-256 of the model file, as lower-case hexadecimal. */
  public String sha256() {
    return entry.key.sha256();
  }

  /**
   * Scores rows of a caller's buffer.
   *
   * @param batch a direct buffer in native byte order; row {@code r} starts {@code r *
   *     inputLength()} values after its position; NaN marks a missing value. Not modified
   * @param rows at least 1
   * @param scores receives the probability of row {@code r} at {@code r}; NaN where the model
   *     answered NaN
   * @throws ScoringException if the model failed
   * @throws IllegalArgumentException if a buffer is too small or not direct
   */
  public void score(FloatBuffer batch, int rows, double[] scores) throws ScoringException {
    requireOpen();
    long values = (long) rows * inputLength();
    if (rows < 1 || rows > scores.length || values > batch.remaining()) {
      throw new IllegalArgumentException(
          "%d rows of %d values do not fit: the batch has %d values left, scores has room for %d"
              .formatted(rows, inputLength(), batch.remaining(), scores.length));
    }
    if (!batch.isDirect() || batch.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException("the batch must be a direct buffer in native byte order");
    }
    entry.session.score(batch, rows, scores);
  }

  /**
   * Scores rows given as arrays. It allocates a buffer: workers use {@link #newScorer}.
   *
   * @throws ScoringException if a row has another length, or the model failed
   */
  public void score(float[][] batch, int rows, double[] scores) throws ScoringException {
    FloatBuffer buffer = OnnxSession.directBuffer(Math.multiplyExact(rows, inputLength()));
    for (int row = 0; row < rows; row++) {
      if (batch[row].length != inputLength()) {
        throw new ScoringException(
            Reason.WRONG_LENGTH,
            "row %d has %d values, the model needs %d"
                .formatted(row, batch[row].length, inputLength()));
      }
      buffer.put(row * inputLength(), batch[row]);
    }
    score(buffer, rows, scores);
  }

  /**
   * A scorer for one worker thread, with its own reused buffer of {@code maxRows * inputLength()}
   * floats outside the heap.
   */
  public BatchScorer newScorer(int maxRows) {
    if (maxRows < 1) {
      throw new IllegalArgumentException("a scorer needs room for at least 1 row: " + maxRows);
    }
    requireOpen();
    FloatBuffer input = OnnxSession.directBuffer(Math.multiplyExact(maxRows, inputLength()));
    models.hold(entry);
    return new Scorer(new OnnxModel(models, entry), input);
  }

  /** Gives the hold back; the last one closes the native session. Idempotent. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      models.release(entry);
    }
  }

  private void requireOpen() {
    if (closed.get()) {
      throw new IllegalStateException("the model %s is closed".formatted(sha256()));
    }
  }

  private record Scorer(OnnxModel model, FloatBuffer input) implements BatchScorer {
    @Override
    public int inputLength() {
      return model.inputLength();
    }

    @Override
    public void score(int rows, double[] scores) throws ScoringException {
      model.score(input, rows, scores);
    }

    @Override
    public void close() {
      model.close();
    }
  }
}
