package dev.tailwater.jobs;

import dev.tailwater.expressions.Expressions;
import dev.tailwater.expressions.RowExpression;
import dev.tailwater.plan.ModelPlan.Source;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Values that are read from an answered question: the asking event's own columns, the features it
 * was answered with, and expressions over both. An expression that fails, as a division by zero
 * does, is NULL. Not thread-safe.
 */
final class SourceValues {

  private final List<Source> sources;
  private final @Nullable RowExpression[] expressions;

  /** Compiles the expressions among the sources. */
  SourceValues(List<Source> sources) {
    this.sources = sources;
    this.expressions = new RowExpression[sources.size()];
    for (int i = 0; i < expressions.length; i++) {
      if (sources.get(i) instanceof Source.Expression expression) {
        expressions[i] = Expressions.compile(expression.text(), expression.inputColumns());
      }
    }
  }

  int count() {
    return sources.size();
  }

  /** The value of one source; NULL if the question has no such answer. */
  @Nullable Object value(int source, Envelope question) {
    RowExpression compiled = expressions[source];
    if (compiled == null || !(sources.get(source) instanceof Source.Expression expression)) {
      return value(sources.get(source), question);
    }
    @Nullable Object[] inputs = new Object[expression.inputs().size()];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = value(expression.inputs().get(i), question);
    }
    try {
      return compiled.evaluate(inputs);
    } catch (ArithmeticException e) {
      return null;
    }
  }

  private static @Nullable Object value(Source source, Envelope question) {
    if (source instanceof Source.CarriedColumn column) {
      return question.values[column.position()];
    }
    if (source instanceof Source.Feature feature) {
      @Nullable Object[] answer = question.answers[feature.view()];
      return answer == null ? null : answer[feature.feature()];
    }
    if (source instanceof Source.ListElement element) {
      return value(element.list(), question) instanceof List<?> list
              && element.element() < list.size()
          ? list.get(element.element())
          : null;
    }
    throw new IllegalStateException("an expression reads columns and features only: " + source);
  }
}
