package dev.tailwater.jobs;

import dev.tailwater.expressions.Expressions;
import dev.tailwater.expressions.RowExpression;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.ModelPlan.Source;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.jspecify.annotations.Nullable;

/**
 * Makes the vector of one model from an answered question: the asking event's own columns, the
 * features it was answered with, and expressions over both. A BOOLEAN enters as 0 or 1; NULL, and
 * an expression that has no value such as a division by zero, enters as NaN.
 */
final class VectorFunction extends RichMapFunction<Envelope, ScoringRequest> {

  private final ModelPlan model;
  private final StreamPlan stream;
  private final int eventId;

  private transient RowExpression[] expressions;

  VectorFunction(Plan plan, int model) {
    this.model = plan.models().get(model);
    this.stream = plan.streams().get(this.model.ask());
    int position = -1;
    for (int i = 0; i < stream.carriedFrom().length && stream.eventId() >= 0; i++) {
      if (stream.carriedFrom()[i] == stream.eventId()) {
        position = i;
      }
    }
    this.eventId = position;
  }

  @Override
  public void open(OpenContext context) {
    List<ModelPlan.Element> elements = model.vector();
    expressions = new RowExpression[elements.size()];
    for (int i = 0; i < expressions.length; i++) {
      if (elements.get(i).source() instanceof Source.Expression expression) {
        expressions[i] = Expressions.compile(expression.text(), expression.inputColumns());
      }
    }
  }

  @Override
  public ScoringRequest map(Envelope question) {
    double[] vector = new double[expressions.length];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = asDouble(value(model.vector().get(i).source(), i, question));
    }
    return new ScoringRequest(
        questionId(question),
        question.eventTime,
        question.appendTime,
        question.partition,
        question.offset,
        vector);
  }

  private @Nullable Object value(Source source, int position, Envelope question) {
    if (source instanceof Source.CarriedColumn column) {
      return question.values[column.position()];
    }
    if (source instanceof Source.Feature feature) {
      @Nullable Object[] answer = question.answers[feature.view()];
      return answer == null ? null : answer[feature.feature()];
    }
    if (source instanceof Source.ListElement element) {
      return value(element.list(), position, question) instanceof List<?> list
              && element.element() < list.size()
          ? list.get(element.element())
          : null;
    }
    Source.Expression expression = (Source.Expression) source;
    @Nullable Object[] inputs = new Object[expression.inputs().size()];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = value(expression.inputs().get(i), position, question);
    }
    try {
      return expressions[position].evaluate(inputs);
    } catch (ArithmeticException e) {
      return null;
    }
  }

  private static double asDouble(@Nullable Object value) {
    if (value == null) {
      return Double.NaN;
    }
    if (value instanceof Boolean truth) {
      return truth ? 1 : 0;
    }
    return ((Number) value).doubleValue();
  }

  /** The event's own id, or its place in the log if the stream has none. */
  private String questionId(Envelope question) {
    Object id = eventId < 0 ? null : question.values[eventId];
    return id == null
        ? stream.topic() + "/" + question.partition + "/" + question.offset
        : id.toString();
  }
}
