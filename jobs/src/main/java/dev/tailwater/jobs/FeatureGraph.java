package dev.tailwater.jobs;

import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.log.EventTimeWatermarks;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.connectors.log.PredictionSerializer;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.definitions.AnswerMode;
import dev.tailwater.plan.ChainPlan;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.serving.MicroBatcherSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * The one graph. Live, bounded, training and test runs differ in the sources they pass in and in
 * what they do with the streams that come out; nothing else computes a feature.
 *
 * <pre>
 * source:&lt;stream&gt; ─▶ check:&lt;stream&gt; ─▶ features:&lt;entity&gt; ─▶ features:&lt;entity&gt; ─▶ answers ─▶ vector, score
 *                        │                     │                     │
 *                        ▼                     ▼                     ▼
 *                   dead letters     feature rows,         feature rows,
 *                                    dead letters          dead letters
 * </pre>
 *
 * <p>Views over views add a step {@code chain:<derived stream>} behind the last entity that they
 * ask: there the event becomes a fact of the derived stream for the entities that follow.
 *
 * <p>Operator uids derive from definition names, never from positions.
 */
public final class FeatureGraph {

  private final Plan plan;
  private final Options options;
  private final TypeInformation<Envelope> envelopes;
  private final boolean sortedInput;
  private final int[] baseStreams;
  private final boolean[] needed;
  private final boolean[] activeChains;
  private final List<DataStream<OutgoingRecord>> deadLetters = new ArrayList<>();
  private final Map<Integer, DataStream<FeatureRow>> rowsByEntity = new TreeMap<>();
  private final Map<Integer, List<DataStream<Envelope>>> toldByEntity = new TreeMap<>();
  private final Map<Integer, DataStream<Envelope>> checkedByStream = new TreeMap<>();
  private final List<DataStream<Envelope>> answers;

  /**
   * What a run wants of the graph.
   *
   * @param asks the streams that ask; the others only tell
   * @param featureRows whether rows for the stores are computed
   * @param generation the generation of the rows
   * @param labelStreams streams whose accepted events are wanted as they are, by {@link #labels}
   * @param until in a bounded run the instant at which time stops, in milliseconds since the epoch;
   *     {@link Long#MAX_VALUE} for after the last change of the last value. Every fact is told.
   *     Rows up to this instant are final; the online row of a key is the newest as of its facts,
   *     and of its refreshes up to this instant. So the rows are those of a live run whose
   *     watermark came to this instant
   */
  public record Options(
      List<Ask> asks,
      boolean featureRows,
      long generation,
      Set<Integer> labelStreams,
      long until,
      int oneKeyIn) {
    public Options {
      asks = List.copyOf(asks);
      labelStreams = Set.copyOf(labelStreams);
    }

    /** Time goes on until nothing changes any more, and rows are computed of all keys. */
    public Options(
        List<Ask> asks, boolean featureRows, long generation, Set<Integer> labelStreams) {
      this(asks, featureRows, generation, labelStreams, Long.MAX_VALUE);
    }

    /** Rows are computed of all keys. */
    public Options(
        List<Ask> asks,
        boolean featureRows,
        long generation,
        Set<Integer> labelStreams,
        long until) {
      this(asks, featureRows, generation, labelStreams, until, 1);
    }
  }

  /**
   * Adds the graph of a plan to a job.
   *
   * @param env configured by {@link JobSettings}
   * @param sources the source of each stream, by its position in the plan; asked only for streams
   *     that the run needs
   * @throws IllegalArgumentException if time is to stop in a run that is not bounded
   */
  public static FeatureGraph build(
      StreamExecutionEnvironment env,
      Plan plan,
      IntFunction<Source<LogRecord, ?, ?>> sources,
      Options options) {
    return new FeatureGraph(env, plan, sources, options);
  }

  private FeatureGraph(
      StreamExecutionEnvironment env,
      Plan plan,
      IntFunction<Source<LogRecord, ?, ?>> sources,
      Options options) {
    this.plan = plan;
    this.options = options;
    this.envelopes = EnvelopeSerializer.typeInfo(plan);
    this.needed = new boolean[plan.entities().size()];
    this.activeChains = new boolean[plan.chains().size()];
    this.sortedInput = JobSettings.executionMode(env) == RuntimeExecutionMode.BATCH;
    this.baseStreams = Chains.baseStreams(plan);
    if (!sortedInput && options.until() != Long.MAX_VALUE) {
      throw new IllegalArgumentException(
          "time can stop (until %d) only in a bounded run: configure it with JobSettings.bounded"
              .formatted(options.until()));
    }
    findNeeded();
    // A stream joins the flow where the first entity needs it or what is derived from it, and stays
    // in it to the end.
    List<DataStream<Envelope>> flow = new ArrayList<>();
    boolean[] joined = new boolean[plan.streams().size()];
    for (int entity = 0; entity < plan.entities().size(); entity++) {
      if (!needed[entity]) {
        continue;
      }
      for (int stream = 0; stream < joined.length; stream++) {
        int base = baseStreams[stream];
        if (!joined[base] && needs(entity, stream)) {
          flow.add(check(env, base, sources));
          joined[base] = true;
        }
      }
      if (!flow.isEmpty()) {
        flow = chained(features(flow, entity, joined), entity);
      }
    }
    for (int stream : options.labelStreams()) {
      check(env, stream, sources);
    }
    for (Ask ask : options.asks()) {
      if (!joined[ask.stream()]) {
        flow.add(check(env, ask.stream(), sources));
        joined[ask.stream()] = true;
      }
    }
    if (flow.isEmpty() && options.labelStreams().isEmpty()) {
      throw new IllegalArgumentException(
          "project "
              + plan.project()
              + " has nothing to run: no feature view is stored or asked for; define a"
              + " feature-view or a model");
    }
    this.answers = flow;
  }

  /**
   * Finds the entities that the run needs, because their views are stored or asked for, or because
   * a chain leads from them to one that is needed; and these chains.
   */
  private void findNeeded() {
    for (int entity = 0; entity < needed.length; entity++) {
      needed[entity] =
          options.featureRows() && !plan.entities().get(entity).inputs().isEmpty()
              || askedByRun(entity);
    }
    // Backwards: a chain only needs those before it.
    for (int i = activeChains.length - 1; i >= 0; i--) {
      ChainPlan chain = plan.chains().get(i);
      boolean leadsOn = false;
      for (int later = i + 1; later < activeChains.length; later++) {
        leadsOn |= activeChains[later] && plan.chains().get(later).from() == chain.stream();
      }
      activeChains[i] = leadsOn || isTold(chain.stream());
      for (int view : chain.views()) {
        needed[plan.views().get(view).entity()] |= activeChains[i];
      }
    }
  }

  private boolean askedByRun(int entity) {
    return options.asks().stream()
        .flatMapToInt(ask -> Arrays.stream(ask.views()))
        .anyMatch(view -> plan.views().get(view).entity() == entity);
  }

  /** Whether an entity that the run needs is told the stream's events. */
  private boolean isTold(int stream) {
    return IntStream.range(0, needed.length)
        .anyMatch(entity -> needed[entity] && tells(entity, stream));
  }

  /** The layouts of the views, by their position in the plan, as the stores see them. */
  public static List<FeatureViewLayout> layouts(Plan plan) {
    return plan.views().stream()
        .map(
            view -> {
              EntityPlan entity = plan.entities().get(view.entity());
              long latenessMs = entity.inputs().get(view.lastInput()).layout().latenessMs();
              return new FeatureViewLayout(
                  view.name(),
                  view.version(),
                  entity.entity(),
                  entity.key(),
                  view.features(),
                  view.horizonMs() + latenessMs);
            })
        .toList();
  }

  /** The dead letters of all streams, as records for the dead-letter topics. */
  public List<DataStream<OutgoingRecord>> deadLetters() {
    return deadLetters;
  }

  /** Feature rows by the position of their entity; empty unless the options ask for them. */
  public Map<Integer, DataStream<FeatureRow>> featureRows() {
    return rowsByEntity;
  }

  /** Answered questions. */
  DataStream<Envelope> answers() {
    return union(answers);
  }

  /** What an entity that the run needs is told and asked. */
  DataStream<Envelope> told(int entity) {
    return union(Objects.requireNonNull(toldByEntity.get(entity)));
  }

  /** Where the key of an entity is in what it is told and asked. */
  EntityKey key(int entity) {
    return new EntityKey(keyPositions(entity));
  }

  /** The accepted events of a stream that the options name as a label stream. */
  DataStream<Envelope> labels(int stream) {
    return Objects.requireNonNull(checkedByStream.get(stream));
  }

  /** The vectors of one model, one per question its stream asked. */
  public DataStream<ScoringRequest> vectors(int model) {
    ModelPlan asked = plan.models().get(model);
    return answers()
        .filter(envelope -> envelope.stream == asked.ask() && envelope.isQuestion())
        .uid("asked:" + asked.name())
        .name("asked:" + asked.name())
        .map(new VectorFunction(plan, model))
        .returns(ScoringRequest.TYPE_INFO)
        .uid("vector:" + asked.name())
        .name("vector:" + asked.name());
  }

  /**
   * The predictions of one model: exactly one per question.
   *
   * @param withDeadline false in bounded runs, where the append time is long past
   */
  public DataStream<Prediction> predictions(
      ServedModel served, MicroBatcherSettings batching, boolean withDeadline) {
    return score(plan, vectors(served.model()), served, batching, withDeadline);
  }

  /** As {@link #predictions}, of vectors that come from somewhere else. */
  static DataStream<Prediction> score(
      Plan plan,
      DataStream<ScoringRequest> vectors,
      ServedModel served,
      MicroBatcherSettings batching,
      boolean withDeadline) {
    String name = plan.models().get(served.model()).name();
    int capacity = Math.max(2 * batching.maxRows() * batching.workers(), 256);
    return AsyncDataStream.unorderedWait(
            vectors,
            new ScoreFunction(plan, served, batching, withDeadline),
            ScoreFunction.OPERATOR_TIMEOUT_MS,
            TimeUnit.MILLISECONDS,
            Math.min(capacity, batching.maxQueued()))
        .returns(PredictionSerializer.TYPE_INFO)
        .uid("score:" + name)
        .name("score:" + name);
  }

  private DataStream<Envelope> check(
      StreamExecutionEnvironment env, int position, IntFunction<Source<LogRecord, ?, ?>> sources) {
    DataStream<Envelope> known = checkedByStream.get(position);
    if (known != null) {
      return known;
    }
    StreamPlan stream = plan.streams().get(position);
    boolean isFact = options.labelStreams().contains(position) || isTold(position);
    OutputTag<OutgoingRecord> refused = new OutputTag<>("dead-letters", OutgoingRecord.typeInfo());
    DataStream<LogRecord> read =
        env.fromSource(
                sources.apply(position),
                new EventTimeWatermarks(
                    stream.disorderMs(), stream.aheadMs(), stream.idleAfterMs()),
                "source:" + stream.name(),
                LogRecordSerializer.typeInfo(stream.schema()))
            .uid("source:" + stream.name());
    // Sorted input must stay in the order of its offsets: there the check runs with the source.
    DataStream<LogRecord> ofPartition =
        sortedInput ? read : read.keyBy(record -> record.partition, Types.INT);
    SingleOutputStreamOperator<Envelope> checked =
        ofPartition
            .transform(
                "check:" + stream.name(),
                envelopes,
                new CheckOperator(
                    plan,
                    position,
                    isFact,
                    ask(position),
                    chainsFrom(position),
                    !sortedInput,
                    refused))
            .uid("check:" + stream.name());
    deadLetters.add(checked.getSideOutput(refused));
    checkedByStream.put(position, checked);
    return checked;
  }

  /**
   * Adds the step of one entity.
   *
   * @param flow the streams that flow together to the entity
   * @return those that flow on
   */
  private List<DataStream<Envelope>> features(
      List<DataStream<Envelope>> flow, int position, boolean[] joined) {
    EntityPlan entity = plan.entities().get(position);
    Visits visits = visits(position);
    EntityKey key = key(position);
    boolean someSkip = false;
    for (int stream = 0; stream < plan.streams().size(); stream++) {
      someSkip |= joined[baseStreams[stream]] && key.mayBeMissing(plan, stream);
    }
    OutputTag<OutgoingRecord> refused = new OutputTag<>("dead-letters", OutgoingRecord.typeInfo());
    OutputTag<FeatureRow> rows =
        options.featureRows() && !entity.inputs().isEmpty()
            ? new OutputTag<>("feature-rows", FeatureRowSerializer.typeInfo(layouts(plan)))
            : null;
    // An event without a key says nothing about this entity: it goes around the operator. So does
    // one whose key is not in the sample.
    int oneKeyIn = isAsked(position) ? 1 : options.oneKeyIn();
    boolean allStop = !someSkip && oneKeyIn == 1;
    List<DataStream<Envelope>> told = new ArrayList<>();
    List<DataStream<Envelope>> next = new ArrayList<>();
    for (DataStream<Envelope> part : flow) {
      told.add(allStop ? part : part.filter(envelope -> stops(envelope, key, oneKeyIn)));
      if (!allStop) {
        next.add(part.filter(envelope -> !stops(envelope, key, oneKeyIn)));
      }
    }
    toldByEntity.put(position, told);
    SingleOutputStreamOperator<Envelope> answered =
        (sortedInput
                ? OrderOperator.inOrder(told, EnvelopeSerializer.of(plan), key, entity.name())
                : union(told).keyBy(key::of, Types.STRING))
            .transform(
                "features:" + entity.name(),
                envelopes,
                new FeatureOperator(
                    plan,
                    position,
                    key,
                    sortedInput,
                    rows,
                    refused,
                    options.until(),
                    options.generation(),
                    visits))
            .uid("features:" + entity.name());
    deadLetters.add(answered.getSideOutput(refused));
    if (rows != null) {
      rowsByEntity.put(position, answered.getSideOutput(rows));
    }
    next.add(answered);
    return next;
  }

  private static boolean stops(Envelope event, EntityKey key, int oneKeyIn) {
    return key.isPresent(event) && (oneKeyIn == 1 || KeySample.contains(key.of(event), oneKeyIn));
  }

  /** Whether the run asks about the entity, or a chain leads on from it. */
  private boolean isAsked(int entity) {
    boolean asked = askedByRun(entity);
    for (int i = 0; i < activeChains.length; i++) {
      for (int view : plan.chains().get(i).views()) {
        asked |= activeChains[i] && plan.views().get(view).entity() == entity;
      }
    }
    return asked;
  }

  private static DataStream<Envelope> union(List<DataStream<Envelope>> streams) {
    DataStream<Envelope> all = streams.get(0);
    for (DataStream<Envelope> further : streams.subList(1, streams.size())) {
      all = all.union(further);
    }
    return all;
  }

  private boolean needs(int entity, int stream) {
    return tells(entity, stream) || askedViews(entity, stream).length > 0;
  }

  private boolean tells(int entity, int stream) {
    return plan.entities().get(entity).inputs().stream()
        .flatMap(input -> input.origins().stream())
        .anyMatch(origin -> origin.stream() == stream);
  }

  private @Nullable Ask ask(int stream) {
    return options.asks().stream().filter(ask -> ask.stream() == stream).findFirst().orElse(null);
  }

  private List<ChainPlan> chainsFrom(int stream) {
    return IntStream.range(0, activeChains.length)
        .filter(chain -> activeChains[chain] && plan.chains().get(chain).from() == stream)
        .mapToObj(plan.chains()::get)
        .toList();
  }

  /** Adds the steps of the chains whose last asked entity this is. */
  private List<DataStream<Envelope>> chained(List<DataStream<Envelope>> flow, int entity) {
    List<DataStream<Envelope>> after = flow;
    for (int i = 0; i < activeChains.length; i++) {
      ChainPlan chain = plan.chains().get(i);
      int last =
          Arrays.stream(chain.views())
              .map(view -> plan.views().get(view).entity())
              .max()
              .orElse(entity);
      if (activeChains[i] && last == entity) {
        String name = plan.streams().get(chain.stream()).name();
        DataStream<Envelope> before = union(after);
        after = new ArrayList<>();
        after.add(
            before
                .flatMap(
                    new ChainFunction(
                        plan,
                        chain,
                        isTold(chain.stream()),
                        chainsFrom(chain.stream()),
                        options.until()))
                .returns(envelopes)
                .uid("chain:" + name)
                .name("chain:" + name));
      }
    }
    return after;
  }

  /** What the events of each stream want of an entity. */
  private Visits visits(int entity) {
    int streams = plan.streams().size();
    int[][] askedViews = new int[streams][];
    boolean[] answersAtOnce = new boolean[streams];
    boolean[] forwardsFacts = new boolean[streams];
    boolean[] reportsFacts = new boolean[streams];
    for (int stream = 0; stream < streams; stream++) {
      askedViews[stream] = askedViews(entity, stream);
      Ask ask = ask(stream);
      answersAtOnce[stream] = ask != null && ask.answer() == AnswerMode.ON_ARRIVAL;
      for (int later = entity + 1; later < needed.length; later++) {
        forwardsFacts[stream] |= needed[later] && tells(later, stream);
      }
      // An entity that is told an event and what is derived from it sees the same of all of them.
      int derived = stream;
      reportsFacts[stream] =
          IntStream.range(0, stream)
              .noneMatch(
                  other -> baseStreams[other] == baseStreams[derived] && tells(entity, other));
    }
    return new Visits(askedViews, answersAtOnce, forwardsFacts, reportsFacts);
  }

  /** The views of this entity that the stream's events ask for. */
  private int[] askedViews(int entity, int stream) {
    Ask ask = ask(stream);
    IntStream asked = ask == null ? IntStream.empty() : Arrays.stream(ask.views());
    for (int i = 0; i < activeChains.length; i++) {
      ChainPlan chain = plan.chains().get(i);
      if (activeChains[i] && chain.stream() == stream) {
        asked = Arrays.stream(chain.views());
      }
    }
    return asked.filter(view -> plan.views().get(view).entity() == entity).toArray();
  }

  /** Per stream the positions of the entity's key in its carried row; none if it is not for it. */
  private int[][] keyPositions(int entity) {
    int[][] positions = new int[plan.streams().size()][];
    for (int stream = 0; stream < positions.length; stream++) {
      int[] key = plan.entities().get(entity).keyPositions().get(stream);
      positions[stream] = key != null && needs(entity, stream) ? key : new int[0];
    }
    return positions;
  }
}
