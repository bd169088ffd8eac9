package dev.tailwater.jobs;

import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import java.util.Arrays;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.jspecify.annotations.Nullable;

/**
 * Makes the vector of one model from an answered question. A BOOLEAN enters as 0 or 1; NULL, and an
 * expression that has no value such as a division by zero, enters as NaN. A question that cannot be
 * answered has only NaN, and keeps its reason.
 */
final class VectorFunction extends RichMapFunction<Envelope, ScoringRequest> {

  private final ModelPlan model;
  private final EventId id;

  private transient SourceValues values;

  VectorFunction(Plan plan, int model) {
    this.model = plan.models().get(model);
    this.id = EventId.of(plan.streams().get(this.model.ask()));
  }

  @Override
  public void open(OpenContext context) {
    values = new SourceValues(model.vector().stream().map(ModelPlan.Element::source).toList());
  }

  @Override
  public ScoringRequest map(Envelope question) {
    double[] vector = new double[values.count()];
    if (question.rejection() != null) {
      Arrays.fill(vector, Double.NaN);
    } else {
      for (int i = 0; i < vector.length; i++) {
        vector[i] = asDouble(values.value(i, question));
      }
    }
    return new ScoringRequest(
        id.of(question),
        model.version(),
        question.eventTime,
        question.appendTime,
        question.partition,
        question.offset,
        vector,
        question.rejection());
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
}
