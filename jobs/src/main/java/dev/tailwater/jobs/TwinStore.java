package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.RedisOnlineStoreSink;
import dev.tailwater.connectors.redis.RedisWriteSettings;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.plan.Plan;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.streaming.api.datastream.DataStream;

/** Where the rows of a job that never ends go: both stores, at the same checkpoint. */
final class TwinStore {

  private final RedisAddress redis;
  private final Lake lake;
  private final long generation;
  private final boolean untilActivated;

  /**
   * The stores.
   *
   * @param generation of the rows; the lake remembers it as the live writer's
   * @param untilActivated whether readers are not to find the rows before their version is
   *     activated, also if there is no other
   */
  TwinStore(RedisAddress redis, Lake lake, long generation, boolean untilActivated) {
    this.redis = redis;
    this.lake = lake;
    this.generation = generation;
    this.untilActivated = untilActivated;
  }

  /**
   * Adds the sinks.
   *
   * @param rows by the position of their entity
   * @param views the names of the views that are stored
   */
  void store(Plan plan, Map<Integer, DataStream<FeatureRow>> rows, Set<String> views) {
    List<FeatureViewLayout> layouts = FeatureGraph.layouts(plan);
    rows.forEach((entity, ofEntity) -> store(plan, entity, ofEntity, layouts, views));
  }

  private void store(
      Plan plan,
      int entity,
      DataStream<FeatureRow> rows,
      List<FeatureViewLayout> layouts,
      Set<String> views) {
    String name = plan.entities().get(entity).name();
    boolean[] stored = new boolean[layouts.size()];
    boolean some = false;
    boolean all = true;
    for (int view = 0; view < stored.length; view++) {
      if (plan.views().get(view).entity() == entity) {
        stored[view] = views.contains(layouts.get(view).view());
        some |= stored[view];
        all &= stored[view];
      }
    }
    if (!some) {
      return;
    }
    DataStream<FeatureRow> kept =
        all
            ? rows
            : rows.filter(row -> stored[row.view()]).uid("stored:" + name).name("stored:" + name);
    RedisOnlineStoreSink online =
        new RedisOnlineStoreSink(redis, layouts, RedisWriteSettings.DEFAULT);
    // A thread of its own: a store that is slow for a moment does not delay an answer.
    kept.sinkTo(untilActivated ? online.untilActivated() : online)
        .disableChaining()
        .uid("sink:online:" + name)
        .name("sink:online:" + name);
    for (int view = 0; view < stored.length; view++) {
      if (stored[view]) {
        if (!untilActivated) {
          lake.ensureFeatureTable(layouts.get(view));
        }
        lake.appendFeatures(
            kept, view, layouts.get(view), "sink:offline:" + layouts.get(view).view());
        lake.recordLiveGeneration(layouts.get(view), generation);
      }
    }
  }
}
