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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.accumulators.LongMaximum;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
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
 * measured as it is stored. A key whose state has ended by the newest event of the sample takes no
 * space: a job that runs has dropped it.
 */
public final class SampleJob {

  private static final String NAME = "sample:";

  /** When the state of a key ends, and its bytes; or {@link #NEWEST} and an event time. */
  private static final TypeInformation<Tuple2<Long, Long>> MEASURED =
      Types.TUPLE(Types.LONG, Types.LONG);

  /** Sorts before the end of every state. */
  private static final long NEWEST = Long.MIN_VALUE;

  private SampleJob() {}

  /**
   * One entity's state at the end of the sample.
   *
   * @param facts told to it; an event that comes with what views say of it, too, counts once
   * @param keys entities that were told something
   * @param keysAtEnd those of them that have a state at the end
   * @param bytes of all these states, serialized
   * @param largestBytes of the largest of them
   */
  public record EntityCost(
      String entity, long facts, long keys, long keysAtEnd, long bytes, long largestBytes) {}

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
          .returns(MEASURED)
          .uid(NAME + "state:" + entity)
          .assignTimestampsAndWatermarks(
              WatermarkStrategy.<Tuple2<Long, Long>>noWatermarks()
                  .withTimestampAssigner((state, unused) -> state.f0))
          .uid(NAME + "end:" + entity)
          .keyBy(state -> 0, Types.INT)
          .process(new CountStates(entity))
          .returns(Types.VOID)
          .uid(NAME + "states:" + entity)
          .setParallelism(1)
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
              counted(result, "keys-at-end:" + entity),
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
  private static final class MeasureState
      extends KeyedProcessFunction<String, Envelope, Tuple2<Long, Long>> {

    private final Plan plan;
    private final int position;
    private final EntityPlan entity;
    private final StateEnd end;
    private final int[] baseStreams;

    private transient Origins[] origins;
    private transient Fact[] facts;
    private transient LongCounter[] told;
    private transient LongCounter[] instants;
    private transient LongCounter allFacts;
    private transient LongCounter keys;

    private transient long newest;
    private transient @Nullable String key;
    private transient long lastFact;
    private transient Set<Place> atLastFact;
    private transient EntityState[] states;
    private transient Chunks[] chunks;
    private transient long[] lastInstants;

    MeasureState(Plan plan, int entity) {
      this.plan = plan;
      this.position = entity;
      this.entity = plan.entities().get(entity);
      this.end = StateEnd.of(plan, entity);
      this.baseStreams = Chains.baseStreams(plan);
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
      newest = NEWEST;
      atLastFact = new HashSet<>();
    }

    private LongCounter counter(String name) {
      return getRuntimeContext().getLongCounter(NAME + name);
    }

    @Override
    public void processElement(Envelope event, Context context, Collector<Tuple2<Long, Long>> out) {
      if (event.eventTime > newest) {
        newest = event.eventTime;
        out.collect(Tuple2.of(NEWEST, newest));
      }
      if (!event.isFact() || context.getCurrentKey().isEmpty()) {
        return;
      }
      if (!context.getCurrentKey().equals(key)) {
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
        count(event);
        // Time passes when the key's last event has been: then its state is measured.
        context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
      }
    }

    /** Once, though the entity may be told the event of several streams of a chain. */
    private void count(Envelope event) {
      if (event.eventTime != lastFact) {
        lastFact = event.eventTime;
        atLastFact.clear();
      }
      if (atLastFact.add(new Place(baseStreams[event.stream], event.partition, event.offset))) {
        allFacts.add(1);
      }
    }

    private void begin(String newKey) {
      key = newKey;
      lastFact = Long.MIN_VALUE;
      atLastFact.clear();
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
    @Override
    public void onTimer(long instant, OnTimerContext context, Collector<Tuple2<Long, Long>> out)
        throws IOException {
      DataOutputSerializer written = new DataOutputSerializer(1 << 10);
      for (int input = 0; input < states.length; input++) {
        states[input].write(written);
        for (Chunk chunk : chunks[input].byId().values()) {
          written.writeInt(0);
          chunk.write(written);
        }
      }
      keys.add(1);
      out.collect(Tuple2.of(end.after(lastFact), (long) written.length()));
    }
  }

  /** Where an event is. */
  private record Place(int stream, int partition, long offset) {}

  /** The states that are there at the end of the sample, which is told before them. */
  private static final class CountStates
      extends KeyedProcessFunction<Integer, Tuple2<Long, Long>, Void> {

    private final int entity;

    private transient long newest;
    private transient LongCounter keys;
    private transient LongCounter bytes;
    private transient LongMaximum largest;

    CountStates(int entity) {
      this.entity = entity;
    }

    @Override
    public void open(OpenContext context) {
      newest = NEWEST;
      keys = getRuntimeContext().getLongCounter(NAME + "keys-at-end:" + entity);
      bytes = getRuntimeContext().getLongCounter(NAME + "bytes:" + entity);
      largest = new LongMaximum();
      getRuntimeContext().addAccumulator(NAME + "largest:" + entity, largest);
    }

    @Override
    public void processElement(Tuple2<Long, Long> measured, Context context, Collector<Void> out) {
      if (measured.f0 == NEWEST) {
        newest = Math.max(newest, measured.f1);
      } else if (measured.f0 > newest) {
        keys.add(1);
        bytes.add(measured.f1);
        largest.add(measured.f1);
      }
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
