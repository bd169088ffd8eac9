package dev.tailwater.jobs;

import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.log.EventTimeWatermarks;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.expressions.Expressions;
import dev.tailwater.expressions.RowExpression;
import dev.tailwater.plan.ChainPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.RecordEncoder;
import dev.tailwater.schemas.RowChange;
import java.io.IOException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What becomes of each record of one stream: an accepted event with its computed columns, in its
 * roles, or a dead letter with a reason. Accepted + dead letters + dropped + empty = read.
 *
 * <p>Whether a record is too late is a fact of the log: it depends on the event times at earlier
 * offsets of its partition alone, never on when or with what else it was read. A record of the lake
 * carries the newest of them, so it may be read in any order. Those of the log are read in theirs:
 * what is remembered of a partition is state keyed by it, which follows the partition through
 * restores at any parallelism; a bounded run starts over after a failure and only remembers.
 *
 * <p>A change of a row becomes up to two events, each at its own event time and entity: the row is
 * gone from where it was, and it is what it is now. Where both are the same place, the newer
 * version replaces the older one there. A change is accepted or refused as a whole, and as late as
 * the older of its two rows: a refused change changes nothing.
 *
 * <p>An expression without a value for a record, as a division by zero, is NULL for it, and
 * counted: what reads the expression is all that it touches. An expectation without a value is
 * broken.
 *
 * <p>An event from which a chain goes on leaves a second time, as the question of the derived
 * stream, see {@link ChainFunction}.
 *
 * <p>An operator and not a process function, because the two events of a change have event times of
 * their own.
 */
final class CheckOperator extends AbstractStreamOperator<Envelope>
    implements OneInputStreamOperator<LogRecord, Envelope> {

  /** The accumulator that counts the records read, of all streams. */
  static final String RECORDS_READ = "records-read";

  private static final Logger LOG = LoggerFactory.getLogger(CheckOperator.class);

  static final @Nullable Object[][] NO_ANSWERS = new Object[0][];

  private final Plan plan;
  private final StreamPlan stream;
  private final int streamPosition;
  private final boolean isFact;
  private final @Nullable Ask ask;
  private final List<ChainPlan> chains;
  private final boolean keyedByPartition;
  private final OutputTag<OutgoingRecord> deadLetters;
  private final int[] keyColumns;

  private transient RowExpression[] computed;
  private transient BitSet conditions;
  private transient BitSet reported;
  private transient Map<Integer, String> brokenConditions;
  private transient @Nullable RecordEncoder encoder;
  private transient Map<Integer, Long> newestByPartition;
  private transient @Nullable ValueState<Long> newestOfPartition;
  private transient LongCounter readRecords;
  private transient Counter acceptedRecords;
  private transient Counter deadLetterRecords;
  private transient Counter droppedRecords;
  private transient Counter warnedRecords;
  private transient Counter failedExpressions;
  private transient Counter emptyRecords;

  /**
   * Creates the check of one stream.
   *
   * @param isFact whether an entity is told the stream's events
   * @param ask what its events ask for, or null
   * @param chains those that go on from the stream
   * @param keyedByPartition whether the input is keyed by partition, as it is where there are
   *     checkpoints
   */
  CheckOperator(
      Plan plan,
      int stream,
      boolean isFact,
      @Nullable Ask ask,
      List<ChainPlan> chains,
      boolean keyedByPartition,
      OutputTag<OutgoingRecord> deadLetters) {
    this.plan = plan;
    this.stream = plan.streams().get(stream);
    this.streamPosition = stream;
    this.isFact = isFact;
    this.ask = ask;
    this.chains = List.copyOf(chains);
    this.keyedByPartition = keyedByPartition;
    this.deadLetters = deadLetters;
    // Where derived streams have keys is where their events have them, which are these.
    int[] streams =
        IntStream.concat(IntStream.of(stream), chains.stream().mapToInt(ChainPlan::stream))
            .toArray();
    this.keyColumns =
        plan.entities().stream()
            .flatMap(entity -> Arrays.stream(streams).mapToObj(entity.keyPositions()::get))
            .filter(Objects::nonNull)
            .flatMapToInt(Arrays::stream)
            .distinct()
            .toArray();
  }

  @Override
  public void open() throws Exception {
    super.open();
    newestByPartition = new HashMap<>();
    if (keyedByPartition) {
      newestOfPartition =
          getRuntimeContext().getState(new ValueStateDescriptor<>("newest-event-time", Types.LONG));
    }
    computed = new RowExpression[stream.computed().size()];
    for (int i = 0; i < computed.length; i++) {
      StreamPlan.Computed column = stream.computed().get(i);
      computed[i] = Expressions.compile(column.expression(), stream.columnsBefore(i));
    }
    conditions = new BitSet();
    stream.expectations().forEach(expectation -> conditions.set(expectation.condition()));
    reported = new BitSet();
    brokenConditions = new HashMap<>();
    readRecords = getRuntimeContext().getLongCounter(RECORDS_READ);
    acceptedRecords = Metric.ACCEPTED_RECORDS.counter(getRuntimeContext());
    deadLetterRecords = Metric.DEAD_LETTERS.counter(getRuntimeContext());
    droppedRecords = Metric.DROPPED_RECORDS.counter(getRuntimeContext());
    warnedRecords = Metric.WARNED_RECORDS.counter(getRuntimeContext());
    failedExpressions = Metric.FAILED_EXPRESSIONS.counter(getRuntimeContext());
    emptyRecords = Metric.EMPTY_RECORDS.counter(getRuntimeContext());
  }

  @Override
  public void processElement(StreamRecord<LogRecord> element) throws Exception {
    LogRecord record = element.getValue();
    readRecords.add(1);
    if (record.change == RowChange.Kind.NOTHING) {
      emptyRecords.inc();
      return;
    }
    if (record.problem != null) {
      DeadLetter.Code code =
          record.values == null ? DeadLetter.Code.UNDECODABLE : DeadLetter.Code.MISSING_EVENT_TIME;
      refuse(record, code, record.problem);
      return;
    }
    if (record.values == null && record.before == null) {
      refuse(record, DeadLetter.Code.UNDECODABLE, "the record has no values");
      return;
    }
    if (EventTimeWatermarks.isFuture(record.eventTime, record.appendTime, stream.aheadMs())) {
      long aheadMs = record.eventTime - record.appendTime;
      refuse(
          record,
          DeadLetter.Code.FUTURE,
          "event time is " + aheadMs + " ms after the append time; at most " + stream.aheadMs());
      return;
    }
    if (isLate(record)) {
      return;
    }

    @Nullable Object[] before = record.before == null ? null : fullRow(record, record.before);
    brokenConditions.clear();
    @Nullable Object[] row = record.values == null ? null : fullRow(record, record.values);
    if (row != null && !meetsExpectations(record, row)) {
      return;
    }
    acceptedRecords.inc();
    Envelope told = row == null ? null : envelope(record, row, record.eventTime, 0);
    if (before != null) {
      long gone = eventTime(before);
      Envelope retracted = envelope(record, before, gone, Envelope.DELETED);
      if (told == null || !isSamePlace(retracted, told)) {
        emit(retracted);
      }
    }
    if (told != null) {
      emit(told);
    }
  }

  private long eventTime(@Nullable Object[] row) {
    return (Long) Objects.requireNonNull(row[stream.eventTime()]);
  }

  private void emit(Envelope event) {
    if (event.isFact() || event.isQuestion()) {
      collect(event);
    }
    for (ChainPlan chain : chains) {
      collect(
          event.isDeletion()
              ? event.as(
                  Envelope.FACT | Envelope.DELETED,
                  chain.stream(),
                  ChainFunction.question(plan, chain, event, event.values).values,
                  NO_ANSWERS)
              : ChainFunction.question(plan, chain, event, event.values));
    }
  }

  private void collect(Envelope event) {
    output.collect(new StreamRecord<>(event, event.eventTime));
  }

  /** Whether two versions of a row are in one place: of one entity at one event time. */
  private boolean isSamePlace(Envelope before, Envelope after) {
    if (before.eventTime != after.eventTime || before.idHash != after.idHash) {
      return false;
    }
    for (int column : keyColumns) {
      if (!Objects.equals(before.values[column], after.values[column])) {
        return false;
      }
    }
    return true;
  }

  private boolean isLate(LogRecord record) throws IOException {
    long newest =
        record.newestIsExact
            ? record.newestBefore
            : Math.max(newest(record.partition), record.newestBefore);
    long oldest =
        record.before == null
            ? record.eventTime
            : Math.min(record.eventTime, eventTime(record.before));
    if (record.eventTime > newest && !record.newestIsExact) {
      remember(record.partition, record.eventTime);
    }
    if (newest <= oldest || newest - oldest <= stream.disorderMs() + stream.latenessMs()) {
      return false;
    }
    refuse(
        record,
        DeadLetter.Code.LATE,
        "event time"
            + (oldest == record.eventTime ? "" : " of the row before the change")
            + " is "
            + (newest - oldest)
            + " ms behind the newest earlier record of its partition; at most "
            + (stream.disorderMs() + stream.latenessMs()));
    return true;
  }

  /** The row with its computed columns. */
  private @Nullable Object[] fullRow(LogRecord record, @Nullable Object[] values) {
    @Nullable Object[] row = Arrays.copyOf(values, values.length + computed.length);
    for (int i = 0; i < computed.length; i++) {
      int position = values.length + i;
      try {
        row[position] = computed[i].evaluate(row);
      } catch (ArithmeticException e) {
        reportFailed(i, record);
        if (conditions.get(position)) {
          row[position] = false;
          brokenConditions.put(position, Objects.requireNonNullElse(e.getMessage(), "no value"));
        }
      }
    }
    return row;
  }

  private void reportFailed(int expression, LogRecord record) {
    failedExpressions.inc();
    if (!reported.get(expression)) {
      reported.set(expression);
      // Without the failure's text, which may hold what is in the record.
      LOG.warn(
          "{} has no value for the record at partition {}, offset {} of stream {}; it is NULL there,"
              + " or the expectation broken. The counter failedExpressions counts further ones",
          stream.computed().get(expression).expression(),
          record.partition,
          record.offset,
          stream.name());
    }
  }

  /** The newest event time at earlier offsets of the partition that were read from the log. */
  private long newest(int partition) throws IOException {
    Long newest =
        newestOfPartition == null ? newestByPartition.get(partition) : newestOfPartition.value();
    return newest == null ? Long.MIN_VALUE : newest;
  }

  private void remember(int partition, long eventTime) throws IOException {
    if (newestOfPartition == null) {
      newestByPartition.put(partition, eventTime);
    } else {
      newestOfPartition.update(eventTime);
    }
  }

  private boolean meetsExpectations(LogRecord record, @Nullable Object[] row) {
    for (StreamPlan.Expectation expectation : stream.expectations()) {
      if (!Boolean.FALSE.equals(row[expectation.condition()])) {
        continue;
      }
      String failure = brokenConditions.get(expectation.condition());
      String broken =
          expectation.name()
              + ": "
              + expectation.expression()
              + (failure == null ? "" : ": " + failure);
      switch (expectation.otherwise()) {
        case QUARANTINE -> {
          refuse(record, DeadLetter.Code.EXPECTATION, broken);
          return false;
        }
        case DROP -> {
          droppedRecords.inc();
          return false;
        }
        case WARN -> warnedRecords.inc();
        case FAIL ->
            throw new BrokenExpectationException(
                stream.name(), broken, record.partition, record.offset);
      }
    }
    return true;
  }

  /**
   * The event that a row tells.
   *
   * @param deleted {@link Envelope#DELETED} if the row is gone, else 0
   */
  private Envelope envelope(LogRecord record, @Nullable Object[] row, long eventTime, int deleted) {
    int[] from = stream.carriedFrom();
    @Nullable Object[] carried = new Object[from.length];
    for (int i = 0; i < from.length; i++) {
      carried[i] = row[from[i]];
    }
    Object id = stream.eventId() < 0 ? null : row[stream.eventId()];
    long idHash = id == null ? IdHash.ofPlace(record.partition, record.offset) : IdHash.of(id);
    int roles = (isFact ? Envelope.FACT : 0) | deleted;
    long aboutHash = idHash;
    if (ask != null && deleted == 0 && ask.asks(record.partition, record.offset, eventTime)) {
      roles |= Envelope.QUESTION;
      Object about = ask.about() < 0 ? null : carried[ask.about()];
      if (about != null) {
        roles |= Envelope.ABOUT;
        aboutHash = IdHash.of(about);
      }
    }
    boolean hasPayload = id != null && (isFact || !chains.isEmpty());
    return new Envelope(
        roles,
        streamPosition,
        eventTime,
        record.partition,
        record.offset,
        record.appendTime,
        idHash,
        hasPayload ? IdHash.ofPayload(row, stream.schema().columns().size()) : 0,
        aboutHash,
        carried,
        (roles & Envelope.QUESTION) == 0 ? NO_ANSWERS : new Object[plan.views().size()][]);
  }

  private void refuse(LogRecord record, DeadLetter.Code reason, String explanation) {
    deadLetterRecords.inc();
    byte[] bytes = record.bytes;
    if (bytes == null && record.values != null) {
      // A file's source does not keep every line.
      if (encoder == null) {
        encoder = stream.format().encoder(stream.schema());
      }
      bytes = encoder.encode(record.values);
    }
    output.collect(
        deadLetters,
        new StreamRecord<>(
            new DeadLetter(
                    stream.name(),
                    stream.topic(),
                    record.partition,
                    record.offset,
                    record.appendTime,
                    reason,
                    explanation,
                    null,
                    bytes)
                .toRecord(),
            record.eventTime));
  }
}
