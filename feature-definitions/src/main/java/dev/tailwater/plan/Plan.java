package dev.tailwater.plan;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * One project, validated and compiled. Everything refers to everything else by position in these
 * lists; names are kept for operators, tables, topics and messages. Immutable and serializable: it
 * is the only thing about a project that a job is given.
 *
 * @param streams in definition order, then those that {@code chains} derive
 * @param entities the order in which an event visits them: that of the definitions, but views that
 *     are based on others come behind these
 * @param views in definition order
 * @param models in definition order
 * @param chains in an order in which each only needs those before it
 */
public record Plan(
    String project,
    List<StreamPlan> streams,
    List<EntityPlan> entities,
    List<ViewPlan> views,
    List<ModelPlan> models,
    List<ChainPlan> chains)
    implements Serializable {

  public Plan {
    streams = List.copyOf(streams);
    entities = List.copyOf(entities);
    views = List.copyOf(views);
    models = List.copyOf(models);
    chains = List.copyOf(chains);
  }

  /** The streams that have records of their own: all but those that chains derive. */
  public List<StreamPlan> recordedStreams() {
    List<StreamPlan> recorded = new ArrayList<>(streams);
    chains.forEach(chain -> recorded.remove(streams.get(chain.stream())));
    return recorded;
  }
}
