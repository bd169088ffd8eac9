package dev.tailwater.serving;

import dev.tailwater.serving.ScoringException.Reason;
import java.nio.FloatBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Scores rows in small batches. Waiting rows are scored together as soon as
 *
 * <ul>
 *   <li>no inference runs: at low load a row costs one inference and waits for nothing,
 *   <li>a full batch waits, or
 *   <li>the oldest row has waited {@link MicroBatcherSettings#maxWait()}
 * </ul>
 *
 * and a worker is free.
 *
 * <p>Each submission is completed exactly once: scored, or failed with a reason, whatever the model
 * or {@link #close} does. If a batch fails, each of its rows is scored once more alone, so that one
 * bad row cannot fail the others.
 *
 * <p>Thread-safe. Submitting never blocks. Completions run on a worker's thread, or on the
 * submitter's if the row is refused: they must be quick and must not block.
 */
public final class MicroBatcher implements AutoCloseable {

  /** Receives the outcome of one submission: exactly one call of one of the two. */
  public interface Callback {
    /**
     * @param score probability of the positive class; finite
     */
    void scored(double score);

    void failed(ScoringException reason);
  }

  /**
   * What happened so far.
   *
   * @param batches inferences of waiting rows; retries of single rows are not counted
   * @param scored rows completed with a score
   * @param failed rows completed with a failure, refused ones included
   * @param queued rows that wait now
   */
  public record Counts(long batches, long scored, long failed, int queued) {}

  /** Time, as the workers see it. */
  interface Ticker {
    long nanoTime();

    /** Waits until the condition is signalled or the time has passed; may return early. */
    void await(Condition condition, long nanos) throws InterruptedException;
  }

  /** Makes the scorer of one worker. */
  public interface ScorerFactory {
    BatchScorer newScorer(int maxRows);
  }

  private static final Logger LOG = LoggerFactory.getLogger(MicroBatcher.class);

  private static final Ticker SYSTEM_TICKER =
      new Ticker() {
        @Override
        public long nanoTime() {
          return System.nanoTime();
        }

        @Override
        public void await(Condition condition, long nanos) throws InterruptedException {
          long unusedRemaining = condition.awaitNanos(nanos);
        }
      };

  private final MicroBatcherSettings settings;
  private final int inputLength;
  private final long maxWaitNanos;
  private final Ticker ticker;
  private final List<Worker> workers = new ArrayList<>();

  private final AtomicLong batches = new AtomicLong();
  private final AtomicLong scored = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();

  private final ReentrantLock lock = new ReentrantLock();

  /**
   * Signalled when a waiting worker may have something to do. Guarded by the lock, as all below.
   */
  private final Condition changed = lock.newCondition();

  private final ArrayDeque<Submission> queue;
  private int running;
  private boolean closed;

  /** Starts the workers. The batcher takes its own holds on the model; the caller keeps its own. */
  public MicroBatcher(OnnxModel model, MicroBatcherSettings settings) {
    this(model::newScorer, settings, SYSTEM_TICKER);
  }

  /** As above, for any kind of model. Each scorer is closed by its worker when that ends. */
  public MicroBatcher(ScorerFactory model, MicroBatcherSettings settings) {
    this(model, settings, SYSTEM_TICKER);
  }

  MicroBatcher(ScorerFactory model, MicroBatcherSettings settings, Ticker ticker) {
    this.settings = settings;
    this.maxWaitNanos = settings.maxWait().toNanos();
    this.ticker = ticker;
    this.queue = new ArrayDeque<>(Math.min(settings.maxQueued(), 1024));
    try {
      for (int number = 0; number < settings.workers(); number++) {
        workers.add(new Worker(number, model.newScorer(settings.maxRows())));
      }
    } catch (RuntimeException | Error e) {
      workers.forEach(worker -> worker.scorer.close());
      throw e;
    }
    this.inputLength = workers.get(0).scorer.inputLength();
    workers.forEach(worker -> worker.thread.start());
  }

  /**
   * Submits one row.
   *
   * @param vector the model's inputs, NaN where missing; must not change until the completion
   * @param callback completed exactly once, possibly before this method returns
   */
  public void submit(float[] vector, Callback callback) {
    Submission submission = new Submission(vector, callback, ticker.nanoTime());
    ScoringException refusal = enqueue(submission);
    if (refusal != null) {
      fail(submission, refusal);
    }
  }

  /**
   * As {@link #submit}, as a future.
   *
   * @return fails with a {@link ScoringException}; cancelling it does not take the row back
   */
  public CompletableFuture<Double> score(float[] vector) {
    CompletableFuture<Double> score = new CompletableFuture<>();
    submit(
        vector,
        new Callback() {
          @Override
          public void scored(double value) {
            score.complete(value);
          }

          @Override
          public void failed(ScoringException reason) {
            score.completeExceptionally(reason);
          }
        });
    return score;
  }

  public Counts counts() {
    lock.lock();
    try {
      return new Counts(batches.get(), scored.get(), failed.get(), queue.size());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Refuses new rows, fails the waiting ones, and lets the running inferences finish for at most
   * {@link MicroBatcherSettings#closeTimeout()}; rows still running then are failed. Idempotent;
   * may be called from a completion.
   */
  @Override
  public void close() {
    List<Submission> waiting;
    lock.lock();
    try {
      closed = true;
      waiting = new ArrayList<>(queue);
      queue.clear();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    waiting.forEach(submission -> fail(submission, closedBefore("it was scored")));
    if (!joinWorkers()) {
      List<Submission> stuck = new ArrayList<>();
      lock.lock();
      try {
        workers.forEach(worker -> worker.addInFlight(stuck));
      } finally {
        lock.unlock();
      }
      stuck.forEach(submission -> fail(submission, closedBefore("its inference ended")));
    }
  }

  /** Returns false if a worker still runs when the time is over. */
  private boolean joinWorkers() {
    if (workers.stream().anyMatch(worker -> worker.thread == Thread.currentThread())) {
      return true; // a completion closes the batcher: the workers end after it returns
    }
    long deadline = System.nanoTime() + settings.closeTimeout().toNanos();
    try {
      for (Worker worker : workers) {
        // At least 1 ms: a join of 0 would wait for ever.
        long leftMs = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        worker.thread.join(Math.max(1, leftMs));
        if (worker.thread.isAlive()) {
          LOG.warn(
              "{} still runs an inference {} after close; its rows are failed, its buffers are released when it ends",
              worker.thread.getName(),
              settings.closeTimeout());
          return false;
        }
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private @Nullable ScoringException enqueue(Submission submission) {
    if (submission.vector.length != inputLength) {
      return new ScoringException(
          Reason.WRONG_LENGTH,
          "the vector has %d values, the model needs %d"
              .formatted(submission.vector.length, inputLength));
    }
    lock.lock();
    try {
      if (closed) {
        return closedBefore("it was submitted");
      }
      if (queue.size() == settings.maxQueued()) {
        return new ScoringException(
            Reason.QUEUE_FULL,
            "%d rows wait already (max-queued): the model is slower than its questions; add workers or a faster model"
                .formatted(queue.size()));
      }
      queue.add(submission);
      // A worker is woken when a batch is due, or to watch over the wait of a first row.
      if (running == 0 || queue.size() == 1 || queue.size() >= settings.maxRows()) {
        changed.signal();
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  private static ScoringException closedBefore(String what) {
    return new ScoringException(Reason.CLOSED, "the batcher was closed before " + what);
  }

  private void complete(Submission submission, double score) {
    if (!Double.isFinite(score)) {
      fail(
          submission,
          new ScoringException(
              Reason.NOT_FINITE,
              "the model answered %s; it may need a value that is missing".formatted(score)));
    } else if (submission.completed.compareAndSet(false, true)) {
      scored.incrementAndGet();
      try {
        submission.callback.scored(score);
      } catch (RuntimeException | Error e) {
        LOG.error("the completion of a scored row failed; the row is lost to its caller", e);
      }
    }
  }

  private void fail(Submission submission, ScoringException reason) {
    if (submission.completed.compareAndSet(false, true)) {
      failed.incrementAndGet();
      try {
        submission.callback.failed(reason);
      } catch (RuntimeException | Error e) {
        LOG.error("the completion of a failed row failed; the row is lost to its caller", e);
      }
    }
  }

  /** One row on its way. */
  private static final class Submission {
    final AtomicBoolean completed = new AtomicBoolean();
    final float[] vector;
    final Callback callback;
    final long sinceNanos;

    Submission(float[] vector, Callback callback, long sinceNanos) {
      this.vector = vector;
      this.callback = callback;
      this.sinceNanos = sinceNanos;
    }
  }

  /** A thread with its scorer; it closes the scorer itself, so never under a running inference. */
  private final class Worker {
    final BatchScorer scorer;
    final Thread thread;

    private final double[] scores = new double[settings.maxRows()];

    /** The rows being scored; written under the lock. */
    private final List<Submission> batch = new ArrayList<>(settings.maxRows());

    Worker(int number, BatchScorer scorer) {
      this.scorer = scorer;
      this.thread = new Thread(this::work, "tailwater-score-" + number);
      thread.setDaemon(true);
    }

    void addInFlight(List<Submission> target) {
      target.addAll(batch);
    }

    private void work() {
      try (scorer) {
        while (take()) {
          batches.incrementAndGet();
          scoreBatch();
          finish();
        }
      } catch (InterruptedException e) {
        LOG.warn("{} was interrupted; the batcher closes", thread.getName(), e);
        close();
      }
    }

    /** Waits for a batch that is due; false when the batcher is closed. */
    private boolean take() throws InterruptedException {
      lock.lock();
      try {
        while (!closed) {
          Submission oldest = queue.peek();
          if (oldest == null) {
            changed.await();
            continue;
          }
          long left = maxWaitNanos - (ticker.nanoTime() - oldest.sinceNanos);
          if (running == 0 || queue.size() >= settings.maxRows() || left <= 0) {
            Submission next = oldest;
            while (next != null && batch.size() < settings.maxRows()) {
              batch.add(queue.remove());
              next = queue.peek();
            }
            running++;
            if (next != null) {
              changed.signal(); // the rows left behind need a worker that watches them
            }
            return true;
          }
          ticker.await(changed, left);
        }
        return false;
      } finally {
        lock.unlock();
      }
    }

    private void finish() {
      lock.lock();
      try {
        batch.clear();
        running--; // this worker looks at the queue next: no other needs waking
      } finally {
        lock.unlock();
      }
    }

    private void scoreBatch() {
      ScoringException failure = score(0, batch.size());
      if (failure == null) {
        for (int row = 0; row < batch.size(); row++) {
          complete(batch.get(row), scores[row]);
        }
      } else if (batch.size() == 1) {
        fail(batch.get(0), failure);
      } else {
        for (int row = 0; row < batch.size(); row++) {
          scoreAlone(row);
        }
      }
    }

    private void scoreAlone(int row) {
      ScoringException failure = score(row, row + 1);
      if (failure == null) {
        complete(batch.get(row), scores[0]);
      } else {
        fail(batch.get(row), failure);
      }
    }

    /** Scores rows of the batch into the first places of {@code scores}. */
    private @Nullable ScoringException score(int from, int to) {
      try {
        FloatBuffer input = scorer.input();
        for (int row = from; row < to; row++) {
          input.put((row - from) * inputLength, batch.get(row).vector);
        }
        scorer.score(to - from, scores);
        return null;
      } catch (ScoringException e) {
        return e;
      } catch (RuntimeException | Error e) {
        // Also an Error: a worker that dies would leave its rows without an outcome.
        return new ScoringException(Reason.MODEL_FAILED, "the model failed: " + e, e);
      }
    }
  }
}
