package dev.tailwater.jobs;

import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Joins the questions of a bounded run with their labels by event id: the earliest label that
 * arrived within the declared time of the question. Questions without one are left out: nobody
 * knows yet what was true.
 */
final class LabelJoin
    extends KeyedCoProcessFunction<String, ScoringRequest, Envelope, LabeledVector> {

  /** The last timer there is: it fires when both inputs of the key have ended. */
  private static final long END = Long.MAX_VALUE - 1;

  private final Plan plan;
  private final ModelPlan.Labels labels;

  private transient ListState<ScoringRequest> questions;
  private transient ListState<Envelope> answers;

  LabelJoin(Plan plan, ModelPlan.Labels labels) {
    this.plan = plan;
    this.labels = labels;
  }

  @Override
  public void open(OpenContext context) {
    questions =
        getRuntimeContext()
            .getListState(
                new ListStateDescriptor<>("questions", ScoringRequest.Serializer.INSTANCE));
    answers =
        getRuntimeContext()
            .getListState(new ListStateDescriptor<>("labels", EnvelopeSerializer.of(plan)));
  }

  @Override
  public void processElement1(
      ScoringRequest question, Context context, Collector<LabeledVector> out) throws Exception {
    questions.add(question);
    context.timerService().registerEventTimeTimer(END);
  }

  @Override
  public void processElement2(Envelope label, Context context, Collector<LabeledVector> out)
      throws Exception {
    answers.add(label);
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<LabeledVector> out)
      throws Exception {
    for (ScoringRequest question : questions.get()) {
      Envelope earliest = null;
      for (Envelope label : answers.get()) {
        boolean inTime = label.eventTime - question.eventTime() <= labels.withinMs();
        if (inTime && (earliest == null || label.compareTo(earliest) < 0)) {
          earliest = label;
        }
      }
      Object value = earliest == null ? null : earliest.values[labels.value()];
      if (value != null) {
        out.collect(
            new LabeledVector(
                question.questionId(), question.eventTime(), question.vector(), isTrue(value)));
      }
    }
    questions.clear();
    answers.clear();
  }

  private static boolean isTrue(@Nullable Object value) {
    return value instanceof Boolean truth
        ? truth
        : value instanceof Number number && number.doubleValue() != 0;
  }
}
