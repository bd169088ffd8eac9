package dev.tailwater.jobs;

import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.kernel.ChunkStore;
import dev.tailwater.kernel.EntityState;
import dev.tailwater.kernel.Fact;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.Inserted;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.kernel.Window;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.Timestamps;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.runtime.state.heap.HeapKeyedStateBackend;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.InternalTimerServiceImpl;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * All views of one entity: facts are applied, questions are answered, feature rows are emitted. The
 * arithmetic is the kernel's; this decides only <em>when</em> it runs, and {@link FeatureRows} when
 * rows are written.
 *
 * <p>Facts apply at once, those of a view of what was known at their append time. What must be the
 * same in any arrival order (final rows, answers {@link
 * dev.tailwater.definitions.AnswerMode#ON_WATERMARK}) waits until the key's clock passes its
 * instant. The clock is the watermark; where a bounded input comes key by key it is the key's next
 * event. A fact that arrives behind the clock repairs. While the sources are idle, online rows are
 * refreshed as the wall clock goes on.
 *
 * <p>A view of what was known learns of a fact when the clock passes its append time: an answer
 * {@link dev.tailwater.definitions.AnswerMode#ON_ARRIVAL} lacks what was appended since the
 * watermark, and a question behind the clock knows what was appended until then.
 *
 * <p>An operator of its own and not a process function, because whatever leaves it carries its own
 * event time, also when a later event caused it to leave: the next operator sorts by it.
 */
final class FeatureOperator extends AbstractStreamOperator<Envelope>
    implements OneInputStreamOperator<Envelope, Envelope>,
        BoundedOneInput,
        Triggerable<String, VoidNamespace> {

  private static final Told[] NOTHING = {};
  private static final long[][] NO_REPAIRS = {};

  /** Sources are seldom idle for less. */
  private static final long SHORTEST_TICK_MS = 100;

  private final Plan plan;
  private final int position;
  private final EntityPlan entity;
  private final EntityKey key;
  private final boolean sortedInput;
  private final @Nullable OutputTag<FeatureRow> rowsTag;
  private final OutputTag<OutgoingRecord> deadLetters;
  private final long until;
  private final long generation;
  private final Visits visits;
  private final Told[][] toldByStream;
  private final int[][] viewsByStream;
  private final StateEnd stateEnd;

  private transient @Nullable InternalTimerService<VoidNamespace> timers;
  private transient @Nullable InternalTimerServiceImpl<String, VoidNamespace> onlineTimers;
  private transient @Nullable IdleClock idleClock;
  private transient @Nullable PassingMemory passing;
  private transient @Nullable Object passingKey;
  private transient KeyMemory memory;
  private transient Waiting waiting;
  private transient ChunkStore[] chunks;
  private transient Fact[] facts;
  private transient EntityViews views;
  private transient @Nullable FeatureRows rows;
  private transient RefusedFacts refused;
  private transient boolean[] changedInputs;
  private transient boolean[] learnedViews;
  private transient boolean[] asKnownInputs;
  private transient long idleInstant;
  private transient Counter factsApplied;
  private transient Counter duplicateFacts;
  private transient Counter conflictingFacts;
  private transient Counter forgottenFacts;
  private transient Counter lateFacts;
  private transient Counter questionsAnswered;
  private transient Counter questionsTooOld;
  private transient Counter rowsEmitted;

  /**
   * Creates the operator of one entity.
   *
   * @param key where the entity's key is in an event
   * @param sortedInput whether the whole input comes key by key, of each key in the order of the
   *     log; otherwise it is keyed by the key's text
   * @param rows where feature rows go, or null if nobody stores them
   * @param deadLetters where events go that an entity cannot count
   * @param until on sorted input, up to which instant rows are final, see {@link FeatureRows}
   */
  FeatureOperator(
      Plan plan,
      int entity,
      EntityKey key,
      boolean sortedInput,
      @Nullable OutputTag<FeatureRow> rows,
      OutputTag<OutgoingRecord> deadLetters,
      long until,
      long generation,
      Visits visits) {
    this.plan = plan;
    this.position = entity;
    this.entity = plan.entities().get(entity);
    this.key = key;
    this.sortedInput = sortedInput;
    this.rowsTag = rows;
    this.deadLetters = deadLetters;
    this.until = until;
    this.generation = generation;
    this.visits = visits;
    this.toldByStream = new Told[plan.streams().size()][];
    this.viewsByStream = new int[plan.streams().size()][];
    Arrays.fill(toldByStream, NOTHING);
    int[] viewPositions = EntityViews.positions(plan, entity);
    List<EntityPlan.Input> inputs = this.entity.inputs();
    for (int i = 0; i < inputs.size(); i++) {
      List<EntityPlan.Origin> origins = inputs.get(i).origins();
      boolean asKnown = EntityViews.isAsKnown(plan.views().get(inputs.get(i).views()[0]));
      for (int origin = 0; origin < origins.size(); origin++) {
        int stream = origins.get(origin).stream();
        Told[] told = Arrays.copyOf(toldByStream[stream], toldByStream[stream].length + 1);
        told[told.length - 1] = new Told(i, origin, asKnown);
        toldByStream[stream] = told;
      }
    }
    for (int stream = 0; stream < viewsByStream.length; stream++) {
      Told[] told = toldByStream[stream];
      viewsByStream[stream] =
          IntStream.range(0, viewPositions.length)
              .filter(
                  view ->
                      Arrays.stream(told)
                          .anyMatch(
                              to ->
                                  to.input() == plan.views().get(viewPositions[view]).lastInput()))
              .toArray();
    }
    this.stateEnd = StateEnd.of(plan, entity);
  }

  @Override
  public void open() throws Exception {
    super.open();
    List<StateLayout> layouts = layouts();
    if (sortedInput) {
      passing = new PassingMemory(layouts.size());
      memory = passing;
    } else {
      timers = getInternalTimerService("clock", VoidNamespaceSerializer.INSTANCE, this);
      memory =
          new KeyedMemory(
              getRuntimeContext(),
              !(getKeyedStateBackend() instanceof HeapKeyedStateBackend),
              this,
              plan,
              entity);
    }
    chunks = memory.chunks();
    waiting = memory.waiting();
    facts = layouts.stream().map(Fact::new).toArray(Fact[]::new);
    views = new EntityViews(plan, position, chunks);
    refused = new RefusedFacts(plan);
    changedInputs = new boolean[layouts.size()];
    learnedViews = new boolean[views.count()];
    asKnownInputs = new boolean[layouts.size()];
    for (Told[] told : toldByStream) {
      for (Told to : told) {
        asKnownInputs[to.input()] = to.asKnown();
      }
    }
    factsApplied = Metric.FACTS_APPLIED.counter(getRuntimeContext());
    duplicateFacts = Metric.DUPLICATE_FACTS.counter(getRuntimeContext());
    conflictingFacts = Metric.CONFLICTING_FACTS.counter(getRuntimeContext());
    forgottenFacts = Metric.FORGOTTEN_FACTS.counter(getRuntimeContext());
    lateFacts = Metric.LATE_FACTS.counter(getRuntimeContext());
    questionsAnswered = Metric.QUESTIONS_ANSWERED.counter(getRuntimeContext());
    questionsTooOld = Metric.QUESTIONS_TOO_OLD.counter(getRuntimeContext());
    rowsEmitted = Metric.FEATURE_ROWS.counter(getRuntimeContext());
    OutputTag<FeatureRow> tag = rowsTag;
    if (tag != null) {
      rows =
          new FeatureRows(
              plan,
              views,
              sortedInput,
              until,
              generation,
              memory::key,
              (row, instant) -> {
                output.collect(tag, new StreamRecord<>(row, instant));
                rowsEmitted.inc();
              });
      if (timers != null && stateEnd.refreshMs() > 0) {
        openIdleClock(rows, timers);
      }
    }
  }

  /** Timers of their own, because the clock of the others must not move while sources are idle. */
  private void openIdleClock(FeatureRows refreshed, InternalTimerService<VoidNamespace> eventTime) {
    InternalTimerService<VoidNamespace> service =
        getInternalTimerService(
            "online-refresh",
            VoidNamespaceSerializer.INSTANCE,
            new Triggerable<String, VoidNamespace>() {
              @Override
              public void onEventTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
                refreshOnline(refreshed, timer.getTimestamp());
              }

              @Override
              public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) {
                throw new IllegalStateException("online rows are refreshed by the idle clock only");
              }
            });
    InternalTimerServiceImpl<String, VoidNamespace> movable =
        (InternalTimerServiceImpl<String, VoidNamespace>) service;
    onlineTimers = movable;
    long everyMs =
        IntStream.range(0, views.count())
            .mapToLong(view -> views.plan(view).refreshMs())
            .filter(every -> every > 0)
            .min()
            .orElse(stateEnd.refreshMs());
    idleClock =
        new IdleClock(
            getProcessingTimeService(),
            eventTime::currentWatermark,
            Math.max(everyMs, SHORTEST_TICK_MS),
            instant -> {
              idleInstant = instant;
              movable.advanceWatermark(instant);
            });
  }

  private List<StateLayout> layouts() {
    return entity.inputs().stream().map(EntityPlan.Input::layout).toList();
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    memory.write();
    super.snapshotState(context);
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    IdleClock clock = idleClock;
    if (clock != null) {
      if (status.isIdle()) {
        clock.start();
      } else {
        clock.stop();
      }
    }
    super.processWatermarkStatus(status);
  }

  /** Before a backlog, code is made for the layouts while the records are still being ordered. */
  @Override
  public void processRecordAttributes(RecordAttributes attributes) throws Exception {
    if (attributes.isBacklog()) {
      layouts().forEach(EntityState::prepare);
    }
    super.processRecordAttributes(attributes);
  }

  @Override
  public void processElement(StreamRecord<Envelope> element) throws Exception {
    Envelope event = element.getValue();
    if (passing != null) {
      pass(passing, event);
    }
    KeyState state = memory.load();
    if (state == null) {
      state = new KeyState(layouts(), rows == null ? 0 : FeatureRows.tracked(views));
      state.earliest = earliestOfUnknown();
    } else {
      track(state);
    }
    if (timers == null) {
      advance(state, event.eventTime - 1);
    } else {
      state.clock = Math.max(state.clock, timers.currentWatermark());
    }

    long wakeAt = Long.MAX_VALUE;
    if (event.isFact() && toldByStream[event.stream].length > 0) {
      tell(state, event);
      if (rows != null) {
        wakeAt = Math.min(wakeAt, event.eventTime > state.clock ? event.eventTime : Long.MAX_VALUE);
        wakeAt = Math.min(wakeAt, rows.nextRefresh(state));
      }
    }
    boolean asked = visits.asks(event);
    if (asked && !visits.answersAtOnce()[event.stream] && event.eventTime > state.clock) {
      waiting.add(state, event);
    } else {
      if (asked) {
        answer(state, event);
      }
      if (event.isQuestion() || visits.forwardsFacts()[event.stream]) {
        forward(event);
      }
    }

    if (state.isEmpty()) {
      return; // An unknown key was asked: nothing to keep.
    }
    prune(state, sortedInput ? event.eventTime - 1 : state.clock);
    wake(state, Math.min(Math.min(wakeAt, state.firstWaiting), endOfState(state)));
    memory.save(state);
  }

  /** Ends the key before, if the event is the first of the next one. */
  private void pass(PassingMemory keys, Envelope event) throws Exception {
    Object next = key.key(event);
    if (!next.equals(passingKey)) {
      endOfKey();
      keys.next(key.of(event));
      passingKey = next;
    }
  }

  @Override
  public void endInput() throws Exception {
    if (sortedInput) {
      endOfKey();
    }
  }

  /** Nothing more will come: all that is due happens. */
  private void endOfKey() throws Exception {
    KeyState state = memory.load();
    if (state != null) {
      advance(state, Long.MAX_VALUE);
      if (rows != null) {
        rows.endOfKey();
      }
      memory.clear();
    }
  }

  private void track(KeyState state) {
    FeatureRows written = rows;
    if (written != null && state.rows.length != FeatureRows.tracked(views)) {
      written.track(state);
    }
  }

  /** Tells the event to all states that want it, or keeps it until it is known. */
  private void tell(KeyState state, Envelope event) throws Exception {
    int[] told = viewsByStream[event.stream];
    FeatureRows written = rows;
    boolean late = event.eventTime <= state.clock;
    // What is written already must be known before the fact hides it.
    long[][] refreshed = late && written != null ? new long[told.length][] : NO_REPAIRS;
    for (int i = 0; written != null && i < refreshed.length; i++) {
      long from = countsFrom(told[i], event);
      if (from <= state.clock) {
        refreshed[i] = written.refreshed(state, told[i], from);
      }
    }

    boolean changed = false;
    boolean reported = !visits.reports(event);
    boolean waits = false;
    for (Told to : toldByStream[event.stream]) {
      if (to.asKnown() && event.knownFrom() > state.clock) {
        waits = true;
        changedInputs[to.input()] = false;
        continue;
      }
      Inserted inserted = insert(state, to, event);
      changedInputs[to.input()] = inserted.changed();
      changed |= inserted.changed();
      reported |= report(state, to, event, inserted, reported);
    }
    if (reported) {
      event.markReported();
    }
    if (waits) {
      waiting.add(
          state,
          event.as(
              event.roles & ~Envelope.QUESTION | Envelope.UNKNOWN_YET,
              event.stream,
              event.values,
              CheckOperator.NO_ANSWERS));
    }
    if (waits) {
      event.markReported();
    }
    if (!changed) {
      return;
    }
    if (late) {
      lateFacts.inc();
      state.revision++;
    }
    if (written == null) {
      return;
    }
    for (int view : told) {
      if (!sortedInput && changedInputs[views.plan(view).lastInput()]) {
        written.emitOnline(state, view);
      }
    }
    for (int i = 0; i < refreshed.length; i++) {
      long[] before = refreshed[i];
      if (before != null && changedInputs[views.plan(told[i]).lastInput()]) {
        written.repair(state, told[i], countsFrom(told[i], event), before);
      }
    }
  }

  private long countsFrom(int view, Envelope event) {
    return EntityViews.isAsKnown(views.plan(view)) ? event.knownFrom() : event.eventTime;
  }

  private Inserted insert(KeyState state, Told to, Envelope event) {
    Fact fact = facts[to.input()];
    views.origins(to.input()).fill(fact, to.origin(), event);
    if (to.asKnown() && event.knownFrom() > event.eventTime) {
      state.newestKnown = Math.max(state.newestKnown, event.knownFrom());
    }
    return state.inputs[to.input()].insert(fact, chunks[to.input()]);
  }

  /**
   * Counts what became of a fact, for the first state that is told it, and reports what is wrong
   * with it, once for all states.
   *
   * @return whether that is done
   */
  private boolean report(
      KeyState state, Told to, Envelope event, Inserted inserted, boolean reported) {
    boolean counts = to.equals(toldByStream[event.stream][0]);
    switch (inserted) {
      case NEW -> factsApplied.inc(counts ? 1 : 0);
      case REPLACED -> (isOfRows(to.input()) ? factsApplied : duplicateFacts).inc(counts ? 1 : 0);
      case DUPLICATE -> duplicateFacts.inc(counts ? 1 : 0);
      case CONFLICT, REPLACED_CONFLICT -> {
        if (!reported) {
          conflictingFacts.inc();
          EntityState known = state.inputs[to.input()];
          int partition = views.origins(to.input()).partition(known.conflictPartition());
          output.collect(
              deadLetters,
              new StreamRecord<>(
                  refused.conflict(event, partition, known.conflictOffset()), event.eventTime));
          return true;
        }
      }
      case TOO_OLD -> {
        if (!reported) {
          forgottenFacts.inc();
          output.collect(
              deadLetters,
              new StreamRecord<>(refused.forgotten(event, entity.name()), event.eventTime));
          return true;
        }
      }
    }
    return false;
  }

  private boolean isOfRows(int input) {
    return entity.inputs().get(input).layout().identity() == Identity.ROW;
  }

  @Override
  public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) {
    throw new IllegalStateException("features depend on event time only");
  }

  @Override
  public void onEventTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
    KeyState state = memory.load();
    if (state == null || timer.getTimestamp() != state.wakeAt) {
      return; // A timer that an earlier one has overtaken.
    }
    track(state);
    state.wakeAt = Long.MAX_VALUE;
    long watermark = Objects.requireNonNull(timers).currentWatermark();
    advance(state, watermark);
    prune(state, state.clock);
    long end = endOfState(state);
    if (end <= watermark && state.firstWaiting == Long.MAX_VALUE) {
      memory.clear();
      return;
    }
    // The end may have passed while something waits. A timer of the past would fire for ever.
    wake(state, Math.min(nextDue(state), end > watermark ? end : Long.MAX_VALUE));
    memory.save(state);
  }

  private long endOfState(KeyState state) {
    long last = Long.MIN_VALUE;
    for (EntityState input : state.inputs) {
      last = Math.max(last, input.lastFactTime());
    }
    if (last == Long.MIN_VALUE) {
      return Long.MAX_VALUE;
    }
    long gone = stateEnd.after(last);
    for (KeyState.WrittenRows written : state.rows) {
      gone = Math.max(gone, stateEnd.afterRow(written.onlineAsOf));
    }
    return gone;
  }

  private void wake(KeyState state, long at) {
    InternalTimerService<VoidNamespace> clock = timers;
    if (clock == null) {
      return; // The next event of the key, or its end, moves the clock.
    }
    if (at < state.wakeAt) {
      clock.registerEventTimeTimer(VoidNamespace.INSTANCE, at);
      state.wakeAt = at;
    }
    wakeOnline(state, clock.currentWatermark());
  }

  /** Until the clock has passed a refresh, it may become due while the sources are idle. */
  private void wakeOnline(KeyState state, long clock) {
    InternalTimerService<VoidNamespace> service = onlineTimers;
    FeatureRows written = rows;
    if (service == null || written == null) {
      return;
    }
    if (state.onlineWakeAt <= clock) {
      state.onlineWakeAt = Long.MAX_VALUE;
    }
    long at = written.nextOnlineRefresh(state);
    if (at > clock && at < state.onlineWakeAt) {
      service.registerEventTimeTimer(VoidNamespace.INSTANCE, at);
      state.onlineWakeAt = at;
    }
  }

  private void refreshOnline(FeatureRows written, long wokenAt) throws Exception {
    IdleClock clock = idleClock;
    KeyState state = memory.load();
    if (clock == null || !clock.isRunning() || state == null || wokenAt != state.onlineWakeAt) {
      return; // The watermark has passed it as well, and refreshes both stores.
    }
    written.refreshOnline(state, idleInstant);
    state.onlineWakeAt = Long.MAX_VALUE;
    wakeOnline(state, idleInstant);
    memory.save(state);
  }

  /** The next event time at which a row becomes final or something that waits is due. */
  private long nextDue(KeyState state) {
    return rows == null ? state.firstWaiting : Math.min(state.firstWaiting, rows.nextDue(state));
  }

  /** Moves the key's clock: everything due until then happens, in event-time order. */
  private void advance(KeyState state, long to) throws Exception {
    if (to <= state.clock) {
      return;
    }
    FeatureRows written = rows;
    List<Envelope> due = waiting.take(state, to);
    int done = 0;
    while (true) {
      long next = done < due.size() ? Waiting.due(due.get(done)) : Long.MAX_VALUE;
      if (written != null) {
        next = Math.min(next, written.nextDue(state));
      }
      if (next > to || next == Long.MAX_VALUE) {
        break;
      }
      int end = done;
      while (end < due.size() && Waiting.due(due.get(end)) == next) {
        end++;
      }
      Arrays.fill(learnedViews, false);
      for (int i = done; i < end; i++) {
        if (due.get(i).isUnknownYet()) {
          learn(state, due.get(i));
        }
      }
      if (written != null) {
        written.emitDue(state, next, learnedViews);
      }
      for (int i = done; i < end; i++) {
        Envelope question = due.get(i);
        if (!question.isUnknownYet()) {
          answer(state, question);
          forward(question);
        }
      }
      done = end;
      state.clock = next;
    }
    state.clock = to;
  }

  /** Tells the event to the states that know it from now on. */
  private void learn(KeyState state, Envelope event) {
    boolean reported = !visits.reports(event);
    for (Told to : toldByStream[event.stream]) {
      if (to.asKnown()) {
        Inserted inserted = insert(state, to, event);
        changedInputs[to.input()] = inserted.changed();
        reported |= report(state, to, event, inserted, reported);
      }
    }
    for (int view : viewsByStream[event.stream]) {
      learnedViews[view] |=
          EntityViews.isAsKnown(views.plan(view)) && changedInputs[views.plan(view).lastInput()];
    }
  }

  private void forward(Envelope envelope) {
    output.collect(new StreamRecord<>(envelope, envelope.eventTime));
  }

  private void answer(KeyState state, Envelope question) {
    for (int view = 0; view < views.count(); view++) {
      if (!visits.asksFor(question, views.position(view))) {
        continue;
      }
      long earliest = earliest(state, view, visits.answersAtOnce()[question.stream]);
      if (question.eventTime < earliest) {
        questionsTooOld.inc();
        question.reject(
            "too old: it asks about %s, but of view %s only instants from %s on can be asked about"
                .formatted(
                    Timestamps.format(question.eventTime),
                    views.plan(view).name(),
                    Timestamps.format(earliest)));
      } else {
        question.answer(views.position(view), views.answer(state, view, question));
        if (question.isChained() && views.contradicts(state, view, question)) {
          question.markReported(); // By this entity, when it was told the event.
        }
      }
    }
    questionsAnswered.inc();
  }

  /**
   * The earliest instant that a view is asked about. The facts of later ones are all kept, and what
   * is older than every fact of any key that is still accepted or in a window is refused of every
   * key, so that it does not depend on how one key's facts are stored.
   */
  private long earliest(KeyState state, int view, boolean onArrival) {
    long earliest = Math.max(state.earliest, views.earliest(state, view));
    if (EntityViews.isAsKnown(views.plan(view)) && !onArrival) {
      // The state has the facts that are known now; it does not say since when each was. An answer
      // on arrival is what is known now.
      earliest = Math.max(earliest, state.newestKnown);
    }
    long horizon = views.plan(view).horizonMs();
    if (timers == null || horizon >= Window.UNBOUNDED_MS || state.clock == Long.MIN_VALUE) {
      return earliest;
    }
    return Math.max(earliest, state.clock - views.latenessMs(view) - horizon);
  }

  /** That of a key without a state: it may have had one, of facts that are no longer needed. */
  private long earliestOfUnknown() {
    InternalTimerService<VoidNamespace> clock = timers;
    return clock == null
            || stateEnd.horizonMs() >= Window.UNBOUNDED_MS
            || clock.currentWatermark() == Long.MIN_VALUE
        ? Long.MIN_VALUE
        : clock.currentWatermark() - stateEnd.latenessMs();
  }

  private void prune(KeyState state, long clock) {
    if (clock == Long.MIN_VALUE) {
      return;
    }
    for (int i = 0; i < state.inputs.length; i++) {
      // However much later than it happened a fact is known, there must be a place for it then.
      long until = asKnownInputs[i] ? Math.min(clock, state.oldestUnknown - 1) : clock;
      state.inputs[i].prune(until, chunks[i]);
    }
  }
}
