package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.RawEnd;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.kernel.Window;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFilterFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The feature rows of a piece of history, computed again by the one graph and appended to the
 * offline tables as a new generation: readers that take the newest generation of a row see these.
 */
public final class ReplayJob {

  /** The accumulator that counts the records that were read. */
  public static final String RECORDS_READ = CheckOperator.RECORDS_READ;

  /** The accumulator that counts the rows that were written. */
  public static final String ROWS_WRITTEN = "rows-written";

  private ReplayJob() {}

  /**
   * What is replayed, and where to.
   *
   * @param views positions of the views whose rows are written
   * @param sources all of history; as much of it is read as the rows need
   * @param from the first instant of a row, in milliseconds since the epoch; {@link Long#MIN_VALUE}
   *     for the beginning of history
   * @param to the instant that is too late for a row; {@link Long#MAX_VALUE} for every row that the
   *     events of history lead to
   */
  public record Config(Lake lake, int[] views, BoundedSources sources, long from, long to) {}

  /**
   * Adds the job; the tables are created if they are missing.
   *
   * @return the generation of the rows: the greatest in the tables and one more
   */
  public static long build(StreamExecutionEnvironment env, Plan plan, Config config) {
    List<FeatureViewLayout> layouts = FeatureGraph.layouts(plan);
    long generation = 0;
    Set<Integer> views = new HashSet<>();
    for (int view : config.views()) {
      views.add(view);
      FeatureViewLayout layout = layouts.get(view);
      config.lake().ensureFeatureTable(layout);
      OptionalLong newest = config.lake().newestGeneration(layout.view(), layout.version());
      generation = Math.max(generation, newest.isPresent() ? newest.getAsLong() + 1 : 0);
    }
    BoundedSources sources = config.sources();
    OptionalLong start = start(plan, config);
    BoundedSources needed = start.isPresent() ? sources.from(start.getAsLong()) : sources;
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.bounded(env),
            plan,
            stream -> needed.of(plan.streams().get(stream)),
            new FeatureGraph.Options(
                List.of(),
                true,
                generation,
                Set.of(),
                config.to() == Long.MAX_VALUE ? Long.MAX_VALUE : config.to() - 1));
    RefusedRecords.report(graph, sources.files());
    graph
        .featureRows()
        .forEach(
            (entity, rows) -> {
              String name = plan.entities().get(entity).name();
              DataStream<FeatureRow> wanted =
                  rows.filter(new Wanted(Set.copyOf(views), config.from(), config.to()))
                      .returns(FeatureRowSerializer.typeInfo(layouts))
                      .uid("wanted:" + name)
                      .name("wanted:" + name);
              for (int view : config.views()) {
                if (plan.views().get(view).entity() == entity) {
                  config
                      .lake()
                      .appendFeatures(
                          wanted,
                          view,
                          layouts.get(view),
                          "sink:offline:" + layouts.get(view).view());
                }
              }
            });
    return generation;
  }

  /**
   * The event time from which on history is needed: what the views cover, and what is accepted
   * late, before the first row. Views over views reach further back, each behind the one before.
   */
  private static OptionalLong start(Plan plan, Config config) {
    long reach = 0;
    for (FeatureViewLayout layout : FeatureGraph.layouts(plan)) {
      reach = Math.max(reach, layout.timeToLiveMs());
    }
    boolean isUnlimited =
        Arrays.stream(config.views())
            .mapToObj(plan.views()::get)
            .anyMatch(view -> view.horizonMs() == Window.UNBOUNDED_MS);
    long depth = Chains.depth(plan);
    if (isUnlimited || config.from() < Long.MIN_VALUE / 2 || reach > Long.MAX_VALUE / 4 / depth) {
      return OptionalLong.empty();
    }
    return OptionalLong.of(config.from() - depth * reach);
  }

  /**
   * How far the clock of history has gone, as far as the lake knows: the newest event time of any
   * partition, less the disorder.
   *
   * @return the first instant that is not over; empty if the lake holds nothing of the streams
   */
  public static OptionalLong clock(Plan plan, Lake lake) {
    OptionalLong clock = OptionalLong.empty();
    for (StreamPlan stream : plan.recordedStreams()) {
      Map<Integer, RawEnd.PartitionEnd> partitions =
          lake.rawEnd(stream.name()).map(RawEnd::partitions).orElse(Map.of());
      for (RawEnd.PartitionEnd end : partitions.values()) {
        if (end.newestEventTime() != Long.MIN_VALUE) {
          long reached = end.newestEventTime() - stream.disorderMs();
          clock = OptionalLong.of(Math.max(clock.orElse(reached), reached));
        }
      }
    }
    return clock;
  }

  /** Lets the final rows of the views and instants pass, and counts them. */
  private static final class Wanted extends RichFilterFunction<FeatureRow> {

    private final Set<Integer> views;
    private final long from;
    private final long to;

    private transient LongCounter written;

    Wanted(Set<Integer> views, long from, long to) {
      this.views = views;
      this.from = from;
      this.to = to;
    }

    @Override
    public void open(OpenContext context) {
      written = getRuntimeContext().getLongCounter(ROWS_WRITTEN);
    }

    @Override
    public boolean filter(FeatureRow row) {
      boolean isWanted =
          row.offline()
              && views.contains(row.view())
              && row.validFrom() >= from
              && (row.validFrom() < to || to == Long.MAX_VALUE);
      if (isWanted) {
        written.add(1);
      }
      return isWanted;
    }
  }
}
