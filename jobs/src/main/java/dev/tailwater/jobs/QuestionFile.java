package dev.tailwater.jobs;

import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A plan in which a model is asked by the rows of a file instead of its stream's events. The rows
 * have the stream's columns and become what its events become, but they are questions only: facts
 * come from the history alone.
 *
 * @param plan the project's plan with the file as its last stream
 * @param stream the file's position among the streams
 */
record QuestionFile(Plan plan, int stream) {

  /** A row is a question of any age: none is too late. */
  private static final long ANY_LATENESS_MS = Long.MAX_VALUE / 4;

  /**
   * Adds the file to a plan.
   *
   * @param model position of the model whose stream's columns the rows have
   */
  static QuestionFile of(Plan project, int model) {
    ModelPlan asked = project.models().get(model);
    StreamPlan like = project.streams().get(asked.ask());
    StreamPlan rows =
        new StreamPlan(
            SpinePlan.STREAM,
            SpinePlan.STREAM,
            like.format(),
            like.schema(),
            like.eventTime(),
            like.eventId(),
            like.messageKey(),
            like.disorderMs(),
            ANY_LATENESS_MS,
            like.idleAfterMs(),
            like.aheadMs(),
            like.computed(),
            like.expectations(),
            like.carried(),
            like.carriedFrom());
    List<StreamPlan> streams = new ArrayList<>(project.streams());
    streams.add(rows);
    List<EntityPlan> entities = new ArrayList<>();
    for (EntityPlan entity : project.entities()) {
      List<int @Nullable []> positions = new ArrayList<>(entity.keyPositions());
      positions.add(positions.get(asked.ask()));
      entities.add(new EntityPlan(entity.name(), entity.key(), entity.inputs(), positions));
    }
    List<ModelPlan> models = new ArrayList<>(project.models());
    models.set(
        model,
        new ModelPlan(
            asked.name(),
            asked.version(),
            streams.size() - 1,
            asked.answer(),
            asked.about(),
            asked.views(),
            asked.vector(),
            asked.deadlineMs(),
            asked.fallback(),
            asked.to(),
            asked.format(),
            asked.labels()));
    return new QuestionFile(
        new Plan(project.project(), streams, entities, project.views(), models, project.chains()),
        streams.size() - 1);
  }
}
