package dev.tailwater.jobs;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.kernel.Chunk;
import dev.tailwater.kernel.ChunkStore;
import dev.tailwater.kernel.EntityState;
import dev.tailwater.kernel.Fact;
import dev.tailwater.kernel.Inserted;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.IntSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.FlinkRuntimeException;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * All views of one entity: facts are applied, questions are answered, feature rows are emitted. The
 * arithmetic is the kernel's; this decides only <em>when</em> it runs.
 *
 * <p>Facts apply at once. What must be the same in any arrival order (final rows, answers {@link
 * dev.tailwater.definitions.AnswerMode#ON_WATERMARK}) waits until the key's clock passes its event
 * time. The clock is the watermark; with input sorted by event time (BATCH) it is the next event of
 * the key, because there timers fire after the whole key only.
 *
 * <p>A fact that arrives behind the clock repairs: the rows it changes are emitted again with a
 * higher revision.
 *
 * <p>An operator of its own and not a process function, because whatever leaves it carries its own
 * event time, also when a later event caused it to leave: the next operator sorts by it.
 */
final class FeatureOperator extends AbstractStreamOperator<Envelope>
    implements OneInputStreamOperator<Envelope, Envelope>, Triggerable<String, VoidNamespace> {

  private static final Told[] NOTHING = {};

  private final Plan plan;
  private final EntityPlan entity;
  private final boolean sortedInput;
  private final @Nullable OutputTag<FeatureRow> rows;
  private final long generation;
  private final int[][] askedViewsByStream;
  private final boolean[] answersAtOnce;
  private final boolean[] forwardsFacts;
  private final Told[][] toldByStream;
  private final long retentionMs;

  private transient InternalTimerService<VoidNamespace> timers;
  private transient ValueState<KeyState> keyState;
  private transient List<MapState<Integer, Chunk>> chunkStates;
  private transient ListState<Envelope> waiting;
  private transient ChunkStore[] chunks;
  private transient Fact[] facts;
  private transient Counter factsApplied;
  private transient Counter duplicateFacts;
  private transient Counter lateFacts;
  private transient Counter questionsAnswered;
  private transient Counter rowsEmitted;

  /**
   * Creates the operator of one entity.
   *
   * @param sortedInput whether each key's events come in event-time order, as in BATCH
   * @param rows where feature rows go, or null if nobody stores them
   * @param askedViewsByStream per stream the views of this entity that its questions ask for
   * @param answersAtOnce per stream whether its questions do not wait for the clock
   * @param forwardsFacts per stream whether an entity further on needs its facts too
   */
  FeatureOperator(
      Plan plan,
      int entity,
      boolean sortedInput,
      @Nullable OutputTag<FeatureRow> rows,
      long generation,
      int[][] askedViewsByStream,
      boolean[] answersAtOnce,
      boolean[] forwardsFacts) {
    this.plan = plan;
    this.entity = plan.entities().get(entity);
    this.sortedInput = sortedInput;
    this.rows = rows;
    this.generation = generation;
    this.askedViewsByStream = askedViewsByStream;
    this.answersAtOnce = answersAtOnce;
    this.forwardsFacts = forwardsFacts;
    this.toldByStream = new Told[plan.streams().size()][];
    Arrays.fill(toldByStream, NOTHING);
    long retention = 0;
    List<EntityPlan.Input> inputs = this.entity.inputs();
    for (int i = 0; i < inputs.size(); i++) {
      List<EntityPlan.Origin> origins = inputs.get(i).origins();
      for (int origin = 0; origin < origins.size(); origin++) {
        int stream = origins.get(origin).stream();
        Told[] told = Arrays.copyOf(toldByStream[stream], toldByStream[stream].length + 1);
        told[told.length - 1] = new Told(i, origin, origins.get(origin));
        toldByStream[stream] = told;
      }
      StateLayout layout = inputs.get(i).layout();
      retention = Math.max(retention, layout.horizonMs() + layout.latenessMs());
    }
    this.retentionMs = retention;
  }

  @Override
  public void open() throws Exception {
    super.open();
    timers = getInternalTimerService("clock", VoidNamespaceSerializer.INSTANCE, this);
    List<StateLayout> layouts = layouts();
    keyState =
        getRuntimeContext()
            .getState(new ValueStateDescriptor<>("key", new KeyState.Serializer(layouts)));
    waiting =
        getRuntimeContext()
            .getListState(new ListStateDescriptor<>("waiting", EnvelopeSerializer.of(plan)));
    chunkStates = new ArrayList<>();
    chunks = new ChunkStore[layouts.size()];
    facts = new Fact[layouts.size()];
    for (int i = 0; i < chunks.length; i++) {
      String stream = plan.streams().get(entity.inputs().get(i).origins().get(0).stream()).name();
      MapState<Integer, Chunk> state =
          getRuntimeContext()
              .getMapState(
                  new MapStateDescriptor<>(
                      "facts:" + stream,
                      IntSerializer.INSTANCE,
                      new ChunkSerializer(layouts.get(i))));
      chunkStates.add(state);
      chunks[i] = new StateChunks(state);
      facts[i] = new Fact(layouts.get(i));
    }
    factsApplied = Metric.FACTS_APPLIED.counter(getRuntimeContext());
    duplicateFacts = Metric.DUPLICATE_FACTS.counter(getRuntimeContext());
    lateFacts = Metric.LATE_FACTS.counter(getRuntimeContext());
    questionsAnswered = Metric.QUESTIONS_ANSWERED.counter(getRuntimeContext());
    rowsEmitted = Metric.FEATURE_ROWS.counter(getRuntimeContext());
  }

  private List<StateLayout> layouts() {
    return entity.inputs().stream().map(EntityPlan.Input::layout).toList();
  }

  @Override
  public void processElement(StreamRecord<Envelope> element) throws Exception {
    Envelope event = element.getValue();
    KeyState state = keyState.value();
    if (state == null) {
      state = new KeyState(layouts());
    }
    if (sortedInput) {
      advance(state, event.eventTime - 1);
    } else {
      state.clock = Math.max(state.clock, timers.currentWatermark());
    }

    long wakeAt = Long.MAX_VALUE;
    if (event.isFact()) {
      for (Told told : toldByStream[event.stream]) {
        if (apply(state, told, event)) {
          wakeAt = event.eventTime;
        }
      }
    }
    boolean asked = event.isQuestion() && askedViewsByStream[event.stream].length > 0;
    if (asked && !answersAtOnce[event.stream] && event.eventTime > state.clock) {
      waiting.add(event);
      state.firstWaiting = Math.min(state.firstWaiting, event.eventTime);
      wakeAt = event.eventTime;
    } else {
      if (asked) {
        answer(state, event);
      }
      if (event.isQuestion() || forwardsFacts[event.stream]) {
        forward(event);
      }
    }

    if (state.isEmpty()) {
      return; // An unknown key was asked: nothing to keep.
    }
    prune(state, sortedInput ? event.eventTime - 1 : state.clock);
    wake(state, Math.min(wakeAt, endOfState(state)));
    keyState.update(state);
  }

  /** Inserts the fact; returns whether something will be due when the clock reaches its time. */
  private boolean apply(KeyState state, Told told, Envelope event) {
    int input = told.input();
    Fact fact = facts[input];
    fact.time = event.eventTime;
    fact.partition = event.partition;
    fact.offset = event.offset;
    fact.idHash = event.idHash;
    int[] columns = told.columns();
    for (int i = 0; i < columns.length; i++) {
      fact.values[i] = event.values[columns[i]];
    }
    int[] filters = told.filters();
    long filterBits = 0;
    for (int i = 0; i < filters.length; i++) {
      if (Boolean.TRUE.equals(event.values[filters[i]])) {
        filterBits |= 1L << i;
      }
    }
    fact.filterBits = filterBits;

    EntityState known = state.inputs[input];
    if (known.insert(fact, chunks[input]) != Inserted.NEW) {
      duplicateFacts.inc();
      return false;
    }
    factsApplied.inc();
    boolean late = event.eventTime <= state.clock;
    if (late) {
      lateFacts.inc();
    }
    if (rows == null) {
      return false;
    }
    if (!sortedInput) {
      emit(state, input, known.lastFactTime(), 0, true, false);
    }
    if (late) {
      repair(state, input, event.eventTime);
    }
    return !late;
  }

  /** Emits the final rows that a late fact changed, with a revision above every earlier one. */
  private void repair(KeyState state, int input, long factTime) {
    state.revision++;
    long changedUntil = Math.min(state.clock, factTime + retentionMs);
    for (long time = factTime;
        time <= changedUntil;
        time = state.inputs[input].nextFactTime(time, chunks[input])) {
      emit(state, input, time, state.revision, false, true);
    }
  }

  @Override
  public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) {
    throw new IllegalStateException("features depend on event time only");
  }

  @Override
  public void onEventTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
    KeyState state = keyState.value();
    if (state == null || timer.getTimestamp() != state.wakeAt) {
      return; // A timer that an earlier one has overtaken.
    }
    state.wakeAt = Long.MAX_VALUE;
    long watermark = timers.currentWatermark();
    advance(state, watermark);
    prune(state, state.clock);
    if (endOfState(state) <= watermark && state.firstWaiting == Long.MAX_VALUE) {
      clear();
      return;
    }
    wake(state, Math.min(nextDue(state), endOfState(state)));
    keyState.update(state);
  }

  private void clear() {
    keyState.clear();
    waiting.clear();
    chunkStates.forEach(MapState::clear);
  }

  /** When the last fact can no longer be in any window, not even for a late question. */
  private long endOfState(KeyState state) {
    long last = Long.MIN_VALUE;
    for (EntityState input : state.inputs) {
      last = Math.max(last, input.lastFactTime());
    }
    return last == Long.MIN_VALUE || last > Long.MAX_VALUE - retentionMs - 1
        ? Long.MAX_VALUE
        : last + retentionMs + 1;
  }

  private void wake(KeyState state, long at) {
    if (at < state.wakeAt) {
      timers.registerEventTimeTimer(VoidNamespace.INSTANCE, at);
      state.wakeAt = at;
    }
  }

  /** The next event time at which a row becomes final or a waiting question can be answered. */
  private long nextDue(KeyState state) {
    long next = state.firstWaiting;
    if (rows != null) {
      for (int i = 0; i < state.inputs.length; i++) {
        next = Math.min(next, state.inputs[i].nextFactTime(state.clock, chunks[i]));
      }
    }
    return next;
  }

  /** Moves the key's clock: everything due until then happens, in event-time order. */
  private void advance(KeyState state, long to) throws Exception {
    if (to <= state.clock) {
      return;
    }
    List<Envelope> due = state.firstWaiting <= to ? takeWaiting(state, to) : List.of();
    int answered = 0;
    while (true) {
      long next = answered < due.size() ? due.get(answered).eventTime : Long.MAX_VALUE;
      if (rows != null) {
        for (int i = 0; i < state.inputs.length; i++) {
          next = Math.min(next, state.inputs[i].nextFactTime(state.clock, chunks[i]));
        }
      }
      if (next > to || next == Long.MAX_VALUE) {
        break;
      }
      if (rows != null) {
        emitFinalRows(state, next, to);
      }
      while (answered < due.size() && due.get(answered).eventTime == next) {
        Envelope question = due.get(answered++).toAnswer();
        answer(state, question);
        forward(question);
      }
      state.clock = next;
    }
    state.clock = to;
  }

  private void emitFinalRows(KeyState state, long time, long to) {
    for (int i = 0; i < state.inputs.length; i++) {
      if (state.inputs[i].nextFactTime(state.clock, chunks[i]) == time) {
        boolean newest = sortedInput && to == Long.MAX_VALUE;
        boolean online = newest && time == state.inputs[i].lastFactTime();
        emit(state, i, time, 0, online, true);
      }
    }
  }

  private void forward(Envelope envelope) {
    output.collect(new StreamRecord<>(envelope, envelope.eventTime));
  }

  private List<Envelope> takeWaiting(KeyState state, long until) throws Exception {
    List<Envelope> due = new ArrayList<>();
    List<Envelope> later = new ArrayList<>();
    long firstLater = Long.MAX_VALUE;
    for (Envelope question : waiting.get()) {
      if (question.eventTime <= until) {
        due.add(question);
      } else {
        later.add(question);
        firstLater = Math.min(firstLater, question.eventTime);
      }
    }
    waiting.update(later);
    state.firstWaiting = firstLater;
    Collections.sort(due);
    return due;
  }

  private void answer(KeyState state, Envelope question) {
    for (int v : askedViewsByStream[question.stream]) {
      question.answer(v, features(state, plan.views().get(v), question.eventTime));
    }
    questionsAnswered.inc();
  }

  /** Emits the views whose last input this is: by then all their inputs have been told. */
  private void emit(
      KeyState state, int input, long time, long revision, boolean online, boolean offline) {
    EntityPlan.Input source = entity.inputs().get(input);
    EntityState known = state.inputs[input];
    for (int v : source.views()) {
      ViewPlan view = plan.views().get(v);
      if (view.lastInput() != input) {
        continue;
      }
      @Nullable Object[] features = features(state, view, time);
      long validUntil = Long.MAX_VALUE;
      for (ViewPlan.Part part : view.parts()) {
        validUntil =
            Math.min(
                validUntil,
                state.inputs[part.input()].nextChange(
                    part.firstFeature(), part.features().length, chunks[part.input()]));
      }
      FeatureRow row =
          new FeatureRow(
              v,
              (String) getCurrentKey(),
              time,
              validUntil,
              revision,
              generation,
              known.factsApplied(),
              features,
              plan.streams().get(source.origins().get(0).stream()).topic(),
              known.causePartition(),
              known.causeOffset(),
              online,
              offline);
      output.collect(Objects.requireNonNull(rows), new StreamRecord<>(row, time));
      rowsEmitted.inc();
    }
  }

  /** The view's features at an instant, where it leaves the view's inputs. */
  private @Nullable Object[] features(KeyState state, ViewPlan view, long time) {
    @Nullable Object[] features = new Object[view.features().size()];
    for (ViewPlan.Part part : view.parts()) {
      EntityState known = state.inputs[part.input()];
      ChunkStore stored = chunks[part.input()];
      known.seek(time, stored);
      int[] positions = part.features();
      @Nullable Object[] answers =
          positions.length == features.length ? features : new Object[positions.length];
      known.answer(part.firstFeature(), positions.length, answers, 0, stored);
      if (answers != features) {
        for (int i = 0; i < positions.length; i++) {
          features[positions[i]] = answers[i];
        }
      }
    }
    return features;
  }

  private void prune(KeyState state, long clock) {
    if (clock == Long.MIN_VALUE) {
      return;
    }
    for (int i = 0; i < state.inputs.length; i++) {
      state.inputs[i].prune(clock, chunks[i]);
    }
  }

  /** One stream's facts and the state they belong to. */
  private record Told(int input, int origin, EntityPlan.Origin from) implements Serializable {

    int[] columns() {
      return from.columns();
    }

    int[] filters() {
      return from.filters();
    }
  }

  /** The chunks of the current key, in keyed state. */
  private record StateChunks(MapState<Integer, Chunk> state) implements ChunkStore {

    @Override
    public @Nullable Chunk get(int id) {
      try {
        return state.get(id);
      } catch (Exception e) {
        throw new FlinkRuntimeException("cannot read facts from keyed state", e);
      }
    }

    @Override
    public void put(int id, Chunk chunk) {
      try {
        state.put(id, chunk);
      } catch (Exception e) {
        throw new FlinkRuntimeException("cannot write facts to keyed state", e);
      }
    }

    @Override
    public void remove(int id) {
      try {
        state.remove(id);
      } catch (Exception e) {
        throw new FlinkRuntimeException("cannot remove facts from keyed state", e);
      }
    }
  }
}
