package dev.tailwater.jobs;

import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.Prediction.Outcome;
import dev.tailwater.serving.MicroBatcher;
import dev.tailwater.serving.MicroBatcherSettings;
import dev.tailwater.serving.OnnxModel;
import dev.tailwater.serving.OnnxModels;
import dev.tailwater.serving.ScoringException;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.async.ResultFuture;
import org.apache.flink.streaming.api.functions.async.RichAsyncFunction;
import org.jspecify.annotations.Nullable;

/**
 * Asks one model version for a score per question, in micro-batches. Every question has exactly one
 * outcome: SCORED, FALLBACK when the deadline passed or the model failed, or REJECTED when the
 * question could not be answered. The deadline counts from the question's append time, so time lost
 * before this operator counts too.
 */
final class ScoreFunction extends RichAsyncFunction<ScoringRequest, Prediction> {

  /** A backstop far beyond every deadline: the operator never waits for an outcome for ever. */
  static final long OPERATOR_TIMEOUT_MS = 60_000;

  private final ModelPlan model;
  private final String topic;
  private final List<String> vectorNames;
  private final ServedModel served;
  private final MicroBatcherSettings batching;
  private final boolean withDeadline;

  private transient @Nullable OnnxModel onnx;
  private transient @Nullable MicroBatcher batcher;
  private transient @Nullable ScheduledThreadPoolExecutor deadlines;
  private transient Counter scored;
  private transient Counter fallbacks;
  private transient Counter rejected;

  /**
   * Creates the scoring of one model.
   *
   * @param withDeadline false in bounded runs, where the append time is long past
   */
  ScoreFunction(
      Plan plan, ServedModel served, MicroBatcherSettings batching, boolean withDeadline) {
    this.model = plan.models().get(served.model());
    this.topic = plan.streams().get(model.ask()).topic();
    this.vectorNames = model.vector().stream().map(ModelPlan.Element::name).toList();
    this.served = served;
    this.batching = batching;
    this.withDeadline = withDeadline;
  }

  @Override
  public void open(OpenContext context) throws Exception {
    scored = Metric.SCORED.counter(getRuntimeContext());
    fallbacks = Metric.FALLBACKS.counter(getRuntimeContext());
    rejected = Metric.REJECTED.counter(getRuntimeContext());
    if (served.isPresent()) {
      onnx = OnnxModels.shared().load(served.onnx(), vectorNames.size());
      batcher = new MicroBatcher(onnx, batching);
    }
    ScheduledThreadPoolExecutor executor =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "deadlines-" + model.name());
              thread.setDaemon(true);
              return thread;
            });
    executor.setRemoveOnCancelPolicy(true);
    deadlines = executor;
  }

  @Override
  public void close() {
    if (deadlines != null) {
      deadlines.shutdownNow();
    }
    if (batcher != null) {
      batcher.close();
    }
    if (onnx != null) {
      onnx.close();
    }
  }

  @Override
  public void asyncInvoke(ScoringRequest request, ResultFuture<Prediction> result) {
    Answer answer = new Answer(request, result);
    if (request.rejection() != null) {
      answer.decide(Double.NaN, Outcome.REJECTED, request.rejection());
      return;
    }
    MicroBatcher running = batcher;
    if (running == null) {
      answer.fallback("no version of model " + model.name() + " is registered");
      return;
    }
    if (withDeadline && request.appendTime() != Long.MAX_VALUE) {
      long leftMs = request.appendTime() + model.deadlineMs() - System.currentTimeMillis();
      if (leftMs <= 0) {
        answer.deadlinePassed();
        return;
      }
      answer.failAfter(leftMs);
    }
    float[] vector = new float[request.vector().length];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = (float) request.vector()[i];
    }
    running.submit(vector, answer);
  }

  @Override
  public void timeout(ScoringRequest request, ResultFuture<Prediction> result) {
    new Answer(request, result).fallback("no outcome within " + OPERATOR_TIMEOUT_MS + " ms");
  }

  /** The one outcome of one question; whoever is first decides it. */
  private final class Answer implements MicroBatcher.Callback {

    private final ScoringRequest request;
    private final ResultFuture<Prediction> result;
    private final AtomicBoolean decided = new AtomicBoolean();
    private volatile @Nullable Future<?> deadline;

    Answer(ScoringRequest request, ResultFuture<Prediction> result) {
      this.request = request;
      this.result = result;
    }

    void failAfter(long leftMs) {
      ScheduledThreadPoolExecutor executor = deadlines;
      if (executor != null) {
        deadline = executor.schedule(this::deadlinePassed, leftMs, TimeUnit.MILLISECONDS);
      }
    }

    void deadlinePassed() {
      fallback("the deadline of " + model.deadlineMs() + " ms passed");
    }

    @Override
    public void scored(double score) {
      decide(score, Outcome.SCORED, null);
    }

    @Override
    public void failed(ScoringException failure) {
      fallback("the model failed: " + failure.getMessage());
    }

    void fallback(String reason) {
      decide(model.fallback(), Outcome.FALLBACK, reason);
    }

    private void decide(double score, Outcome outcome, @Nullable String reason) {
      if (!decided.compareAndSet(false, true)) {
        return;
      }
      Future<?> pending = deadline;
      if (pending != null) {
        pending.cancel(false);
      }
      switch (outcome) {
        case SCORED -> scored.inc();
        case FALLBACK -> fallbacks.inc();
        case REJECTED -> rejected.inc();
      }
      double latencyMs =
          request.appendTime() == Long.MAX_VALUE
              ? Double.NaN
              : System.currentTimeMillis() - request.appendTime();
      result.complete(
          List.of(
              new Prediction(
                  request.questionId(),
                  model.name(),
                  served.version(),
                  request.definitionVersion(),
                  request.eventTime(),
                  score,
                  outcome,
                  reason,
                  latencyMs,
                  vectorNames,
                  request.vector(),
                  topic,
                  request.partition(),
                  request.offset())));
    }
  }
}
