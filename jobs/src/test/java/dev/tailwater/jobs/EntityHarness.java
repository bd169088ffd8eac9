package dev.tailwater.jobs;

import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.plan.Plan;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.stream.IntStream;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributesBuilder;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/** The operator of a {@link TestPlans} plan's first entity, by hand. Keys are cards. */
final class EntityHarness implements AutoCloseable {

  /** How a harness is opened; the default is a live job that stores rows. */
  record Options(boolean sorted, boolean rocksDb, boolean onArrival, long until) {
    static final Options LIVE = new Options(false, false, false, Long.MAX_VALUE);
    static final Options SORTED = new Options(true, false, false, Long.MAX_VALUE);
    static final Options ROCKS_DB = new Options(false, true, false, Long.MAX_VALUE);
    static final Options ON_ARRIVAL = new Options(false, false, true, Long.MAX_VALUE);
    static final Options ON_ARRIVAL_ROCKS_DB = new Options(false, true, true, Long.MAX_VALUE);

    static Options sortedUntil(long instant) {
      return new Options(true, false, false, instant);
    }
  }

  private static final OutputTag<OutgoingRecord> DEAD_LETTERS =
      new OutputTag<>("dead-letters", OutgoingRecord.typeInfo());

  private final OutputTag<FeatureRow> rows;
  private final KeyedOneInputStreamOperatorTestHarness<String, Envelope, Envelope> operator;
  private int rowsRead;

  EntityHarness(Plan plan, Options options, @Nullable OperatorSubtaskState restored)
      throws Exception {
    rows =
        new OutputTag<>("feature-rows", FeatureRowSerializer.typeInfo(FeatureGraph.layouts(plan)));
    int streams = plan.streams().size();
    boolean[] none = new boolean[streams];
    boolean[] all = new boolean[streams];
    Arrays.fill(all, true);
    int[] views = IntStream.range(0, plan.views().size()).toArray();
    operator =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new FeatureOperator(
                plan,
                0,
                key(streams),
                options.sorted(),
                rows,
                DEAD_LETTERS,
                options.until(),
                0,
                new Visits(
                    IntStream.range(0, streams).mapToObj(stream -> views).toArray(int[][]::new),
                    options.onArrival() ? all : none,
                    none,
                    all)),
            (Envelope envelope) -> String.valueOf(envelope.values[TestPlans.CARD]),
            Types.STRING);
    operator.setup(EnvelopeSerializer.of(plan));
    if (options.rocksDb()) {
      operator.setStateBackend(new EmbeddedRocksDBStateBackend());
    }
    if (restored != null) {
      operator.initializeState(restored);
    }
    operator.open();
  }

  private static EntityKey key(int streams) {
    int[][] positions = new int[streams][];
    Arrays.fill(positions, new int[] {TestPlans.CARD});
    return new EntityKey(positions);
  }

  static EntityHarness live(Plan plan) throws Exception {
    return new EntityHarness(plan, Options.LIVE, null);
  }

  /** An event of a stream that has nothing but these. */
  static Envelope event(
      int roles, int stream, String id, long at, String card, double amount, long offset) {
    return event(roles, stream, id, at, Long.MAX_VALUE, card, amount, offset);
  }

  /** The same, appended to the log at an instant. */
  static Envelope event(
      int roles,
      int stream,
      String id,
      long at,
      long appendTime,
      String card,
      double amount,
      long offset) {
    return new Envelope(
        roles,
        stream,
        at,
        0,
        offset,
        appendTime,
        IdHash.of(id),
        IdHash.ofPayload(new Object[] {id, at, card, amount}, 4),
        IdHash.of(id),
        new Object[] {id, card, null, amount},
        (roles & Envelope.QUESTION) == 0 ? CheckOperator.NO_ANSWERS : new Object[1][]);
  }

  static Envelope fact(String id, long at, double amount, long offset) {
    return event(Envelope.FACT, 0, id, at, "a", amount, offset);
  }

  static Envelope question(String id, long at, long offset) {
    return event(Envelope.QUESTION, 0, id, at, "a", 0, offset);
  }

  void tell(Envelope event) throws Exception {
    operator.processElement(event, event.eventTime);
  }

  void watermark(long instant) throws Exception {
    operator.processWatermark(instant);
  }

  /** Nothing more comes: to sorted input the same as the last watermark. */
  void end() throws Exception {
    operator.processWatermark(Long.MAX_VALUE);
    operator.endInput();
  }

  void idle(boolean idle) throws Exception {
    operator.processWatermarkStatus(idle ? WatermarkStatus.IDLE : WatermarkStatus.ACTIVE);
  }

  /** Tells that what comes is a backlog. */
  void backlog() throws Exception {
    operator.processRecordAttributes(
        new RecordAttributesBuilder(List.of()).setBacklog(true).build());
  }

  void wallClock(long now) throws Exception {
    operator.setProcessingTime(now);
  }

  OperatorSubtaskState snapshot() throws Exception {
    return operator.snapshot(1, 1);
  }

  OperatorSubtaskState snapshot(InterruptedCheckpoint interrupted) throws Exception {
    return interrupted.of(operator.getOperator());
  }

  int stateEntries() {
    return operator.numKeyedStateEntries();
  }

  int timers() {
    return operator.numEventTimeTimers();
  }

  List<Envelope> out() {
    return operator.extractOutputValues();
  }

  /** Answered questions as "instant: count sum", or the reason why there is no answer. */
  List<String> answers() {
    return out().stream()
        .map(
            question ->
                question.eventTime
                    + ": "
                    + (question.rejection() != null
                        ? question.rejection()
                        : question.answers[0][0] + " " + question.answers[0][1]))
        .toList();
  }

  List<FeatureRow> allRows() {
    Queue<StreamRecord<FeatureRow>> found = operator.getSideOutput(rows);
    return found == null ? List.of() : found.stream().map(StreamRecord::getValue).toList();
  }

  /** The rows since the last call. */
  List<String> rows() {
    List<String> all = allRows().stream().map(EntityHarness::text).toList();
    List<String> fresh = all.subList(rowsRead, all.size());
    rowsRead = all.size();
    return List.copyOf(fresh);
  }

  static String text(FeatureRow row) {
    return "%s %d: %s %s%s%s"
        .formatted(
            row.online() ? row.offline() ? "both" : "online" : "final",
            row.validFrom(),
            row.values()[0],
            row.values()[1],
            row.validUntil() == Long.MAX_VALUE ? "" : " until " + row.validUntil(),
            row.revision() == 0 ? "" : " revision " + row.revision());
  }

  /** The dead letters as "CODE stream partition/offset: reason". */
  List<String> letters() {
    Queue<StreamRecord<OutgoingRecord>> found = operator.getSideOutput(DEAD_LETTERS);
    return found == null
        ? List.of()
        : found.stream()
            .map(record -> record.getValue().headers())
            .map(
                headers ->
                    headers.get(DeadLetter.CODE_HEADER)
                        + " "
                        + headers.get(DeadLetter.STREAM_HEADER)
                        + " "
                        + headers.get(DeadLetter.PARTITION_HEADER)
                        + "/"
                        + headers.get(DeadLetter.OFFSET_HEADER)
                        + ": "
                        + headers.get(DeadLetter.REASON_HEADER))
            .toList();
  }

  @Override
  public void close() throws Exception {
    operator.close();
  }
}
