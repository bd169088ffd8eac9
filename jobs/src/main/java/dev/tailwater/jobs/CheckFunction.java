package dev.tailwater.jobs;

import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.log.EventTimeWatermarks;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.expressions.Expressions;
import dev.tailwater.expressions.RowExpression;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.RecordEncoder;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of each record of one stream: an accepted event with its computed columns, in its
 * roles, or a dead letter with a reason. Accepted + dead letters + dropped = read.
 *
 * <p>Whether a record is too late is a fact of the log: it depends on the event times at earlier
 * offsets of its partition alone, never on when or with what else it was read. So what is
 * remembered of a partition is state keyed by it, which follows the partition through restores at
 * any parallelism; a bounded run starts over after a failure and only remembers.
 */
final class CheckFunction extends ProcessFunction<LogRecord, Envelope> {

  private static final @Nullable Object[][] NO_ANSWERS = new Object[0][];

  private final StreamPlan stream;
  private final int streamPosition;
  private final int views;
  private final boolean isFact;
  private final @Nullable Ask ask;
  private final boolean keyedByPartition;
  private final OutputTag<OutgoingRecord> deadLetters;

  private transient RowExpression[] computed;
  private transient @Nullable RecordEncoder encoder;
  private transient Map<Integer, Long> newestByPartition;
  private transient @Nullable ValueState<Long> newestOfPartition;
  private transient Counter acceptedRecords;
  private transient Counter deadLetterRecords;
  private transient Counter droppedRecords;
  private transient Counter warnedRecords;

  /**
   * Creates the check of one stream.
   *
   * @param isFact whether an entity is told the stream's events
   * @param ask what its events ask for, or null
   * @param keyedByPartition whether the input is keyed by partition, as it is where there are
   *     checkpoints
   */
  CheckFunction(
      Plan plan,
      int stream,
      boolean isFact,
      @Nullable Ask ask,
      boolean keyedByPartition,
      OutputTag<OutgoingRecord> deadLetters) {
    this.stream = plan.streams().get(stream);
    this.streamPosition = stream;
    this.views = plan.views().size();
    this.isFact = isFact;
    this.ask = ask;
    this.keyedByPartition = keyedByPartition;
    this.deadLetters = deadLetters;
  }

  @Override
  public void open(OpenContext context) {
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
    acceptedRecords = Metric.ACCEPTED_RECORDS.counter(getRuntimeContext());
    deadLetterRecords = Metric.DEAD_LETTERS.counter(getRuntimeContext());
    droppedRecords = Metric.DROPPED_RECORDS.counter(getRuntimeContext());
    warnedRecords = Metric.WARNED_RECORDS.counter(getRuntimeContext());
  }

  @Override
  public void processElement(LogRecord record, Context context, Collector<Envelope> out)
      throws Exception {
    @Nullable Object @Nullable [] values = record.values;
    if (values == null) {
      refuse(record, DeadLetter.Code.UNDECODABLE, String.valueOf(record.problem), context);
      return;
    }
    if (record.problem != null) {
      refuse(record, DeadLetter.Code.MISSING_EVENT_TIME, record.problem, context);
      return;
    }
    if (EventTimeWatermarks.isFuture(record.eventTime, record.appendTime, stream.aheadMs())) {
      long aheadMs = record.eventTime - record.appendTime;
      refuse(
          record,
          DeadLetter.Code.FUTURE,
          "event time is " + aheadMs + " ms after the append time; at most " + stream.aheadMs(),
          context);
      return;
    }
    long newest = newest(record.partition);
    if (record.eventTime > newest) {
      remember(record.partition, record.eventTime);
    } else if (newest - record.eventTime > stream.disorderMs() + stream.latenessMs()) {
      refuse(
          record,
          DeadLetter.Code.LATE,
          "event time is "
              + (newest - record.eventTime)
              + " ms behind the newest earlier record of its partition; at most "
              + (stream.disorderMs() + stream.latenessMs()),
          context);
      return;
    }

    @Nullable Object[] row = Arrays.copyOf(values, values.length + computed.length);
    for (int i = 0; i < computed.length; i++) {
      try {
        row[values.length + i] = computed[i].evaluate(row);
      } catch (ArithmeticException e) {
        StreamPlan.Computed column = stream.computed().get(i);
        refuse(
            record,
            DeadLetter.Code.EXPRESSION,
            column.column().name() + ": " + column.expression() + ": " + e.getMessage(),
            context);
        return;
      }
    }
    if (!meetsExpectations(record, row, context)) {
      return;
    }
    acceptedRecords.inc();
    boolean asks = ask != null && ask.asks(record.partition, record.offset);
    int roles = (isFact ? Envelope.FACT : 0) | (asks ? Envelope.QUESTION : 0);
    if (roles != 0) {
      out.collect(envelope(roles, record, row));
    }
  }

  /** The newest event time at earlier offsets of the partition. */
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

  private boolean meetsExpectations(LogRecord record, @Nullable Object[] row, Context context) {
    for (StreamPlan.Expectation expectation : stream.expectations()) {
      if (!Boolean.FALSE.equals(row[expectation.condition()])) {
        continue;
      }
      String broken = expectation.name() + ": " + expectation.expression();
      switch (expectation.otherwise()) {
        case QUARANTINE -> {
          refuse(record, DeadLetter.Code.EXPECTATION, broken, context);
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

  private Envelope envelope(int roles, LogRecord record, @Nullable Object[] row) {
    int[] from = stream.carriedFrom();
    @Nullable Object[] carried = new Object[from.length];
    for (int i = 0; i < from.length; i++) {
      carried[i] = row[from[i]];
    }
    Object id = stream.eventId() < 0 ? null : row[stream.eventId()];
    return new Envelope(
        roles,
        streamPosition,
        record.eventTime,
        record.partition,
        record.offset,
        record.appendTime,
        id == null ? IdHash.ofPlace(record.partition, record.offset) : IdHash.of(id),
        carried,
        (roles & Envelope.QUESTION) == 0 ? NO_ANSWERS : new Object[views][]);
  }

  private void refuse(
      LogRecord record, DeadLetter.Code reason, String explanation, Context context) {
    deadLetterRecords.inc();
    byte[] bytes = record.bytes;
    if (bytes == null && record.values != null) {
      // A file's source does not keep every line.
      if (encoder == null) {
        encoder = stream.format().encoder(stream.schema());
      }
      bytes = encoder.encode(record.values);
    }
    context.output(
        deadLetters,
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
            .toRecord());
  }
}
