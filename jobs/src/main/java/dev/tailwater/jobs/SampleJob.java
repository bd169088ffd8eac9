package dev.tailwater.jobs;

import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.kernel.Chunk;
import dev.tailwater.kernel.ChunkStore;
import dev.tailwater.kernel.EntityState;
import dev.tailwater.kernel.Fact;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.accumulators.LongMaximum;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * What a project costs, measured on a sample of its history: the sample is replayed through the one
 * graph, whose rows are counted and thrown away, and each entity's state is built by the kernel and
 * measured as it is stored.
 */
public final class SampleJob {

  private static final String NAME = "sample:";

  private SampleJob() {}

  /**
   * One entity's state after the sample.
   *
   * @param facts told to it
   * @param keys entities that were told something
   * @param bytes of all their states, serialized
   * @param largestBytes of the largest of them
   */
  public record EntityCost(String entity, long facts, long keys, long bytes, long largestBytes) {}

  /**
   * One view's rows.
   *
   * @param facts told to it
   * @param rows final rows for the offline store
   * @param refreshRows how many of them are written because time passed, not because a fact came
   */
  public record ViewCost(String view, long facts, long rows, long refreshRows) {}

  /** What was measured; entities and views in the order of the plan. */
  public record Costs(List<EntityCost> entities, List<ViewCost> views) {}

  /** Replays the sample. */
  public static Costs run(StreamExecutionEnvironment env, Plan plan, BoundedSources sources)
      throws Exception {
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.bounded(env),
            plan,
            stream -> sources.of(plan.streams().get(stream)),
            new FeatureGraph.Options(List.of(), true, 0, Set.of()));
    graph
        .featureRows()
        .forEach(
            (entity, rows) ->
                rows.process(new CountRows(plan))
                    .returns(Types.VOID)
                    .uid(NAME + "rows:" + entity)
                    .sinkTo(new DiscardingSink<>())
                    .uid(NAME + "no-rows:" + entity));
    for (int entity : graph.featureRows().keySet()) {
      EntityPlan measured = plan.entities().get(entity);
      graph
          .told(entity)
          .keyBy(new KeyOfEntity(measured.keyPositions()), Types.STRING)
          .process(new MeasureState(plan, entity))
          .returns(Types.VOID)
          .uid(NAME + "state:" + entity)
          .sinkTo(new DiscardingSink<>())
          .uid(NAME + "no-state:" + entity);
    }
    return costs(plan, graph.featureRows().keySet(), env.execute("sample of " + plan.project()));
  }

  private static Costs costs(Plan plan, Set<Integer> measured, JobExecutionResult result) {
    List<EntityCost> entities = new ArrayList<>();
    for (int entity : measured) {
      entities.add(
          new EntityCost(
              plan.entities().get(entity).name(),
              counted(result, "facts:" + entity),
              counted(result, "keys:" + entity),
              counted(result, "bytes:" + entity),
              counted(result, "largest:" + entity)));
    }
    List<ViewCost> views = new ArrayList<>();
    for (int v = 0; v < plan.views().size(); v++) {
      long rows = counted(result, "rows:" + v);
      ViewPlan view = plan.views().get(v);
      views.add(
          new ViewCost(
              view.name(),
              counted(result, "told:" + view.entity() + ":" + view.lastInput()),
              rows,
              Math.max(
                  0,
                  rows - counted(result, "instants:" + view.entity() + ":" + view.lastInput()))));
    }
    return new Costs(entities, views);
  }

  private static long counted(JobExecutionResult result, String name) {
    Object value = result.getAllAccumulatorResults().get(NAME + name);
    return value instanceof Long count && count > 0 ? count : 0;
  }

  /** The entity key of an envelope that has one. */
  private record KeyOfEntity(List<int @Nullable []> positions)
      implements org.apache.flink.api.java.functions.KeySelector<Envelope, String> {

    @Override
    public String getKey(Envelope event) {
      int[] columns = positions.get(event.stream);
      return columns == null
          ? ""
          : Objects.requireNonNullElse(EntityKeys.encode(event.values, columns), "");
    }
  }

  private static final class CountRows extends ProcessFunction<FeatureRow, Void> {

    private final int views;
    private transient LongCounter[] rows;

    CountRows(Plan plan) {
      this.views = plan.views().size();
    }

    @Override
    public void open(OpenContext context) {
      rows = new LongCounter[views];
      for (int view = 0; view < views; view++) {
        rows[view] = getRuntimeContext().getLongCounter(NAME + "rows:" + view);
      }
    }

    @Override
    public void processElement(FeatureRow row, Context context, Collector<Void> out) {
      if (row.offline()) {
        rows[row.view()].add(1);
      }
    }
  }

  /** Keys come one after the other: only the state of the present one is in memory. */
  private static final class MeasureState extends KeyedProcessFunction<String, Envelope, Void> {

    private final Plan plan;
    private final int position;
    private final EntityPlan entity;

    private transient Origins[] origins;
    private transient Fact[] facts;
    private transient LongCounter[] told;
    private transient LongCounter[] instants;
    private transient LongCounter allFacts;
    private transient LongCounter keys;
    private transient LongCounter bytes;
    private transient LongMaximum largest;

    private transient @Nullable String key;
    private transient EntityState[] states;
    private transient Chunks[] chunks;
    private transient long[] lastInstants;

    MeasureState(Plan plan, int entity) {
      this.plan = plan;
      this.position = entity;
      this.entity = plan.entities().get(entity);
    }

    @Override
    public void open(OpenContext context) {
      int inputs = entity.inputs().size();
      origins = new Origins[inputs];
      facts = new Fact[inputs];
      told = new LongCounter[inputs];
      instants = new LongCounter[inputs];
      for (int input = 0; input < inputs; input++) {
        origins[input] = new Origins(entity.inputs().get(input).origins());
        facts[input] = new Fact(entity.inputs().get(input).layout());
        told[input] = counter("told:" + position + ":" + input);
        instants[input] = counter("instants:" + position + ":" + input);
      }
      states = new EntityState[0];
      chunks = new Chunks[0];
      lastInstants = new long[0];
      allFacts = counter("facts:" + position);
      keys = counter("keys:" + position);
      bytes = counter("bytes:" + position);
      largest = new LongMaximum();
      getRuntimeContext().addAccumulator(NAME + "largest:" + position, largest);
    }

    private LongCounter counter(String name) {
      return getRuntimeContext().getLongCounter(NAME + name);
    }

    @Override
    public void processElement(Envelope event, Context context, Collector<Void> out)
        throws IOException {
      if (!event.isFact() || context.getCurrentKey().isEmpty()) {
        return;
      }
      if (!context.getCurrentKey().equals(key)) {
        measure();
        begin(context.getCurrentKey());
      }
      boolean isTold = false;
      for (int input = 0; input < states.length; input++) {
        List<EntityPlan.Origin> from = entity.inputs().get(input).origins();
        for (int origin = 0; origin < from.size(); origin++) {
          if (from.get(origin).stream() == event.stream) {
            isTold = true;
            tell(input, origin, event);
          }
        }
      }
      if (isTold) {
        allFacts.add(1);
      }
    }

    private void begin(String newKey) {
      key = newKey;
      int inputs = entity.inputs().size();
      states = new EntityState[inputs];
      chunks = new Chunks[inputs];
      lastInstants = new long[inputs];
      for (int input = 0; input < inputs; input++) {
        states[input] = EntityState.of(entity.inputs().get(input).layout());
        chunks[input] = new Chunks(new HashMap<>());
        lastInstants[input] = Long.MIN_VALUE;
      }
    }

    private void tell(int input, int origin, Envelope event) {
      told[input].add(1);
      if (event.eventTime != lastInstants[input]) {
        instants[input].add(1);
        lastInstants[input] = event.eventTime;
      }
      origins[input].fill(facts[input], origin, event);
      states[input].insert(facts[input], chunks[input]);
      states[input].seek(Math.max(event.eventTime, states[input].earliestSeek()), chunks[input]);
      states[input].prune(event.eventTime, chunks[input]);
    }

    /** As the state of the present key is stored after its last event. */
    private void measure() throws IOException {
      if (key == null) {
        return;
      }
      DataOutputSerializer out = new DataOutputSerializer(1 << 10);
      for (int input = 0; input < states.length; input++) {
        states[input].write(out);
        for (Chunk chunk : chunks[input].byId().values()) {
          out.writeInt(0);
          chunk.write(out);
        }
      }
      keys.add(1);
      bytes.add((long) out.length());
      largest.add((long) out.length());
    }

    @Override
    public void close() throws IOException {
      measure();
    }
  }

  /** The chunks of one key. */
  private record Chunks(Map<Integer, Chunk> byId) implements ChunkStore {

    @Override
    public @Nullable Chunk get(int id) {
      return byId.get(id);
    }

    @Override
    public void put(int id, Chunk chunk) {
      byId.put(id, chunk);
    }

    @Override
    public void remove(int id) {
      byId.remove(id);
    }
  }
}
