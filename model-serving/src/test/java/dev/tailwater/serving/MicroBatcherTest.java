package dev.tailwater.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.serving.ScoringException.Reason;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class MicroBatcherTest {
  private static final Duration WAIT = Duration.ofMillis(1);
  private static final MicroBatcherSettings TWO_WORKERS =
      MicroBatcherSettings.defaults().withMaxRows(4).withWorkers(2).withMaxWait(WAIT);

  private final StoppedClock clock = new StoppedClock();
  private final GatedModel model = new GatedModel();

  @Test
  void scoresARowAtOnceWhenNothingRuns() throws Exception {
    model.open();
    try (MicroBatcher batcher = new MicroBatcher(model, TWO_WORKERS, clock)) {
      assertThat(batcher.score(new float[] {3}).get()).isEqualTo(3.0);
      assertThat(model.nextBatch()).containsExactly(3f);
    }
  }

  @Test
  void keepsRowsTogetherWhileAnInferenceRunsUntilTheOldestHasWaited() throws Exception {
    try (MicroBatcher batcher = new MicroBatcher(model, TWO_WORKERS, clock)) {
      CompletableFuture<Double> running = batcher.score(new float[] {1});
      assertThat(model.nextBatch()).containsExactly(1f);

      CompletableFuture<Double> second = batcher.score(new float[] {2});
      assertThat(clock.nextTimedWait()).isEqualTo(WAIT.toNanos());
      clock.advance(WAIT.dividedBy(4));
      assertThat(clock.nextTimedWait()).isEqualTo(WAIT.toNanos() * 3 / 4);
      CompletableFuture<Double> third = batcher.score(new float[] {3});
      clock.advance(WAIT.multipliedBy(3).dividedBy(4));

      assertThat(model.nextBatch()).containsExactly(2f, 3f);
      model.open();
      assertThat(List.of(running.get(), second.get(), third.get())).containsExactly(1.0, 2.0, 3.0);
    }
  }

  @Test
  void scoresAFullBatchWithoutWaitingForTheClock() throws Exception {
    try (MicroBatcher batcher = new MicroBatcher(model, TWO_WORKERS, clock)) {
      CompletableFuture<Double> running = batcher.score(new float[] {1});
      assertThat(model.nextBatch()).containsExactly(1f);
      List<CompletableFuture<Double>> others = new ArrayList<>();
      for (int value = 2; value <= 5; value++) {
        others.add(batcher.score(new float[] {value}));
      }

      assertThat(model.nextBatch()).containsExactly(2f, 3f, 4f, 5f);
      model.open();
      assertThat(running.get()).isEqualTo(1.0);
      assertThat(others).extracting(CompletableFuture::get).containsExactly(2.0, 3.0, 4.0, 5.0);
    }
  }

  @Test
  void takesWhatWaitsAsSoonAsItsOnlyWorkerIsFree() throws Exception {
    try (MicroBatcher batcher = new MicroBatcher(model, TWO_WORKERS.withWorkers(1), clock)) {
      CompletableFuture<Double> first = batcher.score(new float[] {1});
      assertThat(model.nextBatch()).containsExactly(1f);
      CompletableFuture<Double> second = batcher.score(new float[] {2});
      CompletableFuture<Double> third = batcher.score(new float[] {3});
      model.open();

      assertThat(model.nextBatch()).containsExactly(2f, 3f);
      assertThat(List.of(first.get(), second.get(), third.get())).containsExactly(1.0, 2.0, 3.0);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void completesEverySubmissionExactlyOnceUnderLoadWithFailures(long seed) throws Exception {
    int threads = 4;
    int perThread = 5_000;
    AtomicIntegerArray completions = new AtomicIntegerArray(threads * perThread);
    AtomicInteger wrong = new AtomicInteger();
    CountDownLatch all = new CountDownLatch(threads * perThread);
    MicroBatcherSettings settings =
        MicroBatcherSettings.defaults().withWorkers(2).withMaxRows(16).withMaxQueued(30_000);
    try (MicroBatcher batcher = new MicroBatcher(FragileModel::new, settings)) {
      List<Thread> submitters = new ArrayList<>();
      for (int thread = 0; thread < threads; thread++) {
        int from = thread * perThread;
        Random random = new Random(seed * 31 + thread);
        Thread submitter =
            new Thread(
                () -> {
                  for (int i = from; i < from + perThread; i++) {
                    int row = i;
                    boolean bad = random.nextInt(50) == 0;
                    float value = bad ? FragileModel.BAD : row;
                    batcher.submit(
                        new float[] {value},
                        new MicroBatcher.Callback() {
                          @Override
                          public void scored(double score) {
                            complete(bad || score != row);
                          }

                          @Override
                          public void failed(ScoringException reason) {
                            complete(!bad || reason.reason() != Reason.MODEL_FAILED);
                          }

                          private void complete(boolean isWrong) {
                            completions.incrementAndGet(row);
                            if (isWrong) {
                              wrong.incrementAndGet();
                            }
                            all.countDown();
                          }
                        });
                  }
                });
        submitters.add(submitter);
        submitter.start();
      }
      for (Thread submitter : submitters) {
        submitter.join();
      }
      assertThat(all.await(30, TimeUnit.SECONDS)).isTrue();
      MicroBatcher.Counts counts = batcher.counts();
      assertThat(counts.scored() + counts.failed()).isEqualTo(threads * perThread);
      assertThat(counts.queued()).isZero();
    }
    assertThat(wrong).hasValue(0);
    for (int row = 0; row < completions.length(); row++) {
      assertThat(completions.get(row)).as("completions of row %d", row).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void completesEverySubmissionExactlyOnceWhenClosedUnderLoad(long seed) throws Exception {
    int rows = 20_000;
    int closeAfter = new Random(seed).nextInt(rows);
    AtomicIntegerArray completions = new AtomicIntegerArray(rows);
    MicroBatcher batcher =
        new MicroBatcher(
            FragileModel::new, MicroBatcherSettings.defaults().withWorkers(2).withMaxQueued(rows));
    Thread closer = new Thread(batcher::close);
    for (int i = 0; i < rows; i++) {
      int row = i;
      if (row == closeAfter) {
        closer.start();
      }
      batcher.submit(new float[] {row}, counting(() -> completions.incrementAndGet(row)));
    }
    closer.join();
    for (int row = 0; row < rows; row++) {
      assertThat(completions.get(row)).as("completions of row %d", row).isEqualTo(1);
    }
  }

  @Test
  void failsOnlyTheBadRowOfABatch() throws Exception {
    CountDownLatch first = new CountDownLatch(1);
    try (MicroBatcher batcher =
        new MicroBatcher(FragileModel::new, MicroBatcherSettings.defaults())) {
      // The completion holds the only worker, so that the others form one batch.
      batcher.submit(new float[] {0}, counting(() -> awaitQuietly(first)));
      CompletableFuture<Double> good = batcher.score(new float[] {1});
      CompletableFuture<Double> bad = batcher.score(new float[] {FragileModel.BAD});
      CompletableFuture<Double> broken = batcher.score(new float[] {FragileModel.ERROR});
      CompletableFuture<Double> noNumber = batcher.score(new float[] {Float.NaN});
      CompletableFuture<Double> alsoGood = batcher.score(new float[] {2});
      first.countDown();

      assertThat(good.get()).isEqualTo(1.0);
      assertThat(alsoGood.get()).isEqualTo(2.0);
      assertFails(bad, Reason.MODEL_FAILED, "the model failed on a bad row");
      assertFails(broken, Reason.MODEL_FAILED, "StackOverflowError");
      assertFails(noNumber, Reason.NOT_FINITE, "the model answered NaN");
      assertThat(batcher.score(new float[] {5}).get()).isEqualTo(5.0);
    }
  }

  @Test
  void refusesRowsOfAnotherLengthAndRowsThatDoNotFitTheQueue() throws Exception {
    MicroBatcherSettings small = TWO_WORKERS.withWorkers(1).withMaxRows(2).withMaxQueued(2);
    try (MicroBatcher batcher = new MicroBatcher(model, small, clock)) {
      CompletableFuture<Double> running = batcher.score(new float[] {1});
      assertThat(model.nextBatch()).containsExactly(1f);
      CompletableFuture<Double> second = batcher.score(new float[] {2});
      CompletableFuture<Double> third = batcher.score(new float[] {3});

      assertFails(
          batcher.score(new float[] {4}), Reason.QUEUE_FULL, "2 rows wait already (max-queued)");
      assertFails(
          batcher.score(new float[] {4, 5}),
          Reason.WRONG_LENGTH,
          "the vector has 2 values, the model needs 1");
      model.open();
      assertThat(List.of(running.get(), second.get(), third.get())).containsExactly(1.0, 2.0, 3.0);
    }
  }

  @Test
  void failsWaitingRowsAndFinishesTheRunningOnesWhenClosed() throws Exception {
    MicroBatcher batcher = new MicroBatcher(model, TWO_WORKERS.withWorkers(1), clock);
    CompletableFuture<Double> running = batcher.score(new float[] {1});
    assertThat(model.nextBatch()).containsExactly(1f);
    CompletableFuture<Double> waiting = batcher.score(new float[] {2});
    Thread closer = new Thread(batcher::close);
    closer.start();
    assertFails(waiting, Reason.CLOSED, "closed before it was scored");
    model.open();
    closer.join();

    assertThat(running.get()).isEqualTo(1.0);
    assertFails(batcher.score(new float[] {3}), Reason.CLOSED, "closed before it was submitted");
    assertThat(model.openScorers).hasValue(0);
    batcher.close();
  }

  @Test
  void failsTheRowsOfAnInferenceThatDoesNotEndWhenClosed() throws Exception {
    MicroBatcher batcher =
        new MicroBatcher(model, TWO_WORKERS.withCloseTimeout(Duration.ZERO), clock);
    CompletableFuture<Double> stuck = batcher.score(new float[] {1});
    assertThat(model.nextBatch()).containsExactly(1f);
    batcher.close();

    assertFails(stuck, Reason.CLOSED, "closed before its inference ended");
    assertThat(model.openScorers).as("never released under a running inference").hasPositiveValue();
    model.open();
    model.allClosed.acquire();
  }

  @Test
  void goesOnWhenACompletionThrowsOrClosesIt() throws Exception {
    MicroBatcher batcher = new MicroBatcher(FragileModel::new, MicroBatcherSettings.defaults());
    batcher.submit(
        new float[] {1},
        counting(
            () -> {
              throw new IllegalStateException("a caller's mistake");
            }));
    batcher.submit(
        new float[] {1},
        counting(
            () -> {
              throw new StackOverflowError();
            }));
    assertThat(batcher.score(new float[] {2}).get()).isEqualTo(2.0);
    CountDownLatch closed = new CountDownLatch(1);
    batcher.submit(
        new float[] {3},
        counting(
            () -> {
              batcher.close();
              closed.countDown();
            }));
    closed.await();
    assertFails(batcher.score(new float[] {4}), Reason.CLOSED, "closed before it was submitted");
  }

  @Test
  void scoresThroughARealModel() throws Exception {
    OnnxModels models = new OnnxModels(1 << 20);
    List<CompletableFuture<Double>> scores = new ArrayList<>();
    try (OnnxModel onnx = models.load(TestModels.sumLogistic(2), 2);
        MicroBatcher batcher =
            new MicroBatcher(onnx, MicroBatcherSettings.defaults().withWorkers(2))) {
      for (int i = 0; i < 2_000; i++) {
        scores.add(batcher.score(new float[] {i / 1000f, -1}));
      }
      for (int i = 0; i < 2_000; i++) {
        double expected = 1 / (1 + Math.exp(1 - i / 1000f));
        assertThat(scores.get(i).get()).isBetween(expected - 1e-6, expected + 1e-6);
      }
    }
    assertThat(models.open()).isZero();
  }

  @Test
  void namesTheSettingThatCannotBe() {
    assertThatThrownBy(() -> MicroBatcherSettings.defaults().withMaxQueued(10))
        .hasMessage("max-queued (10) must be at least max-rows (64), or no batch is ever full");
  }

  private static void assertFails(CompletableFuture<Double> score, Reason reason, String message) {
    assertThatThrownBy(() -> score.get(30, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOfSatisfying(
            ScoringException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining(message);
  }

  private static MicroBatcher.Callback counting(Runnable completion) {
    return new MicroBatcher.Callback() {
      @Override
      public void scored(double score) {
        completion.run();
      }

      @Override
      public void failed(ScoringException reason) {
        completion.run();
      }
    };
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Time that passes only when the test says so. Tells the test about every timed wait. */
  private static final class StoppedClock implements MicroBatcher.Ticker {
    private final AtomicLong nanos = new AtomicLong();
    private final BlockingQueue<Long> timedWaits = new LinkedBlockingQueue<>();

    @Override
    public long nanoTime() {
      return nanos.get();
    }

    @Override
    public void await(Condition condition, long waitNanos) throws InterruptedException {
      long before = nanos.get(); // Before the test knows of the wait, and lets time pass.
      timedWaits.add(waitNanos);
      boolean signalled = false;
      while (!signalled && nanos.get() == before) {
        signalled = condition.await(1, TimeUnit.MILLISECONDS); // how the new time is noticed
      }
    }

    long nextTimedWait() throws InterruptedException {
      return timedWaits.take();
    }

    void advance(Duration duration) {
      nanos.addAndGet(duration.toNanos());
    }
  }

  /** The score is the row's only value. Inferences wait at a gate until it is opened. */
  private static final class GatedModel implements MicroBatcher.ScorerFactory {
    final AtomicInteger openScorers = new AtomicInteger();
    final Semaphore allClosed = new Semaphore(0);
    private final CountDownLatch gate = new CountDownLatch(1);
    private final BlockingQueue<List<Float>> batches = new LinkedBlockingQueue<>();

    void open() {
      gate.countDown();
    }

    /** The rows of the next inference that began. */
    List<Float> nextBatch() throws InterruptedException {
      return batches.take();
    }

    @Override
    public BatchScorer newScorer(int maxRows) {
      openScorers.incrementAndGet();
      FloatBuffer input = FloatBuffer.allocate(maxRows);
      return new BatchScorer() {
        @Override
        public int inputLength() {
          return 1;
        }

        @Override
        public FloatBuffer input() {
          return input;
        }

        @Override
        public void score(int rows, double[] scores) {
          List<Float> batch = new ArrayList<>();
          for (int row = 0; row < rows; row++) {
            batch.add(input.get(row));
            scores[row] = input.get(row);
          }
          batches.add(batch);
          awaitQuietly(gate);
        }

        @Override
        public void close() {
          if (openScorers.decrementAndGet() == 0) {
            allClosed.release();
          }
        }
      };
    }
  }

  /** The score is the row's only value; some values break the whole batch. */
  private static final class FragileModel implements BatchScorer {
    static final float BAD = -1;
    static final float ERROR = -2;

    private final FloatBuffer input;

    FragileModel(int maxRows) {
      this.input = FloatBuffer.allocate(maxRows);
    }

    @Override
    public int inputLength() {
      return 1;
    }

    @Override
    public FloatBuffer input() {
      return input;
    }

    @Override
    public void score(int rows, double[] scores) throws ScoringException {
      for (int row = 0; row < rows; row++) {
        if (input.get(row) == BAD) {
          throw new ScoringException(Reason.MODEL_FAILED, "the model failed on a bad row");
        }
        if (input.get(row) == ERROR) {
          throw new StackOverflowError();
        }
        scores[row] = input.get(row);
      }
    }

    @Override
    public void close() {}
  }
}
