package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.RedisOnlineStoreSink;
import dev.tailwater.connectors.redis.RedisWriteSettings;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.plan.Plan;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;

/**
 * Fills an online store that lost its rows, by a replay of history, while live jobs go on writing
 * it. The newest row of every entity is written unless the store has a newer one.
 *
 * <p>The rows have the generation of the live job, and count no facts: of two rows as of the same
 * instant that of the live job wins. Time stops where the live job's clock is known to have come: a
 * refresh that it has not reached yet would hide what it writes before.
 */
public final class RehydrateJob {

  private static final String ROWS = "rehydrated:";

  private RehydrateJob() {}

  /**
   * What is filled.
   *
   * @param history whose ends are known, see {@link BoundedSources#pinned}, and were read after the
   *     rows were lost
   * @param views the positions of the views
   */
  public record Config(BoundedSources history, RedisAddress redis, Lake lake, Set<Integer> views) {
    public Config {
      views = Set.copyOf(views);
    }
  }

  /**
   * Fills the store; runs two jobs, one after the other.
   *
   * @return how many entities there are, by view
   */
  public static Map<String, Long> run(
      StreamExecutionEnvironment env, Plan plan, Config config, Consumer<String> progress)
      throws Exception {
    progress.accept("reading how far history goes …");
    LiveClock.measure(JobSettings.bounded(env), plan, config.history());
    LiveClock clock = LiveClock.of(plan, env.execute("rehydrate " + plan.project() + ": how far"));

    progress.accept("replaying history into the online store …");
    List<FeatureViewLayout> layouts = FeatureGraph.layouts(plan);
    long until = clock.atLeast();
    Map<Integer, Long> generations = new HashMap<>();
    for (int view : config.views()) {
      FeatureViewLayout layout = layouts.get(view);
      until = Math.max(until, clock.proven(config.lake(), layout));
      generations.put(view, config.lake().liveGeneration(layout).orElse(0));
    }
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.bounded(env),
            plan,
            stream -> config.history().of(plan.streams().get(stream)),
            new FeatureGraph.Options(List.of(), true, 0, Set.of(), until));
    for (Map.Entry<Integer, DataStream<FeatureRow>> rows : graph.featureRows().entrySet()) {
      String entity = plan.entities().get(rows.getKey()).name();
      rows.getValue()
          .flatMap(new Newest(generations))
          .returns(FeatureRowSerializer.typeInfo(layouts))
          .uid("newest:" + entity)
          .name("newest:" + entity)
          .sinkTo(
              new RedisOnlineStoreSink(config.redis(), layouts, RedisWriteSettings.DEFAULT)
                  .untilActivated())
          .uid("sink:online:" + entity)
          .name("sink:online:" + entity);
    }
    JobExecutionResult result = env.execute("rehydrate " + plan.project());
    Map<String, Long> written = new TreeMap<>();
    for (int view : config.views()) {
      written.put(
          layouts.get(view).view(),
          result.getAllAccumulatorResults().get(ROWS + view) instanceof Long count ? count : 0L);
    }
    return written;
  }

  /** The newest row of each entity as a row that any row of a live job wins against. */
  private static final class Newest extends RichFlatMapFunction<FeatureRow, FeatureRow> {

    private final Map<Integer, Long> generations;

    private transient Map<Integer, LongCounter> counters;

    Newest(Map<Integer, Long> generations) {
      this.generations = new HashMap<>(generations);
    }

    @Override
    public void open(OpenContext context) {
      counters = new HashMap<>();
    }

    @Override
    public void flatMap(FeatureRow row, Collector<FeatureRow> out) {
      Long generation = generations.get(row.view());
      if (!row.online() || generation == null) {
        return;
      }
      counters
          .computeIfAbsent(
              row.view(),
              view -> {
                LongCounter counter = new LongCounter();
                getRuntimeContext().addAccumulator(ROWS + view, counter);
                return counter;
              })
          .add(1);
      out.collect(
          new FeatureRow(
              row.view(),
              row.key(),
              row.validFrom(),
              row.validUntil(),
              row.revision(),
              generation,
              0,
              row.values(),
              row.topic(),
              row.partition(),
              row.offset(),
              true,
              false));
    }
  }
}
