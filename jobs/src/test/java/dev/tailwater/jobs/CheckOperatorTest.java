package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.definitions.AnswerMode;
import dev.tailwater.definitions.Knowledge;
import dev.tailwater.kernel.Identity;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.StreamPlan.Otherwise;
import dev.tailwater.schemas.AvroContracts;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RowChange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The stream of {@link CardPlan} has a disorder of 1 s and a lateness of 5 s. */
class CheckOperatorTest {

  private static final OutputTag<OutgoingRecord> DEAD_LETTERS =
      new OutputTag<>("dead-letters", OutgoingRecord.typeInfo());

  @Test
  void aRecordIsTooLateByTheEarlierOffsetsOfItsPartitionAlone() throws Exception {
    try (var check = open(CardPlan.plan(), null)) {
      tell(check, record(0, 0, 100_000));
      tell(check, record(0, 1, 94_000)); // 6 s behind: just in time.
      tell(check, record(0, 2, 93_999));
      tell(check, record(1, 0, 1_000)); // Another partition knows nothing of this one.

      assertThat(accepted(check)).containsExactly(100_000L, 94_000L, 1_000L);
      assertThat(reasons(check)).containsExactly("LATE 0/2");
    }
  }

  @Test
  void aRecordOfTheLakeIsTooLateByWhatItCarriesInAnyOrder() throws Exception {
    try (var check = open(CardPlan.plan(), null)) {
      tell(check, archived(2, 93_999, 100_000));
      tell(check, archived(1, 94_000, 100_000));
      tell(check, archived(0, 100_000, Long.MIN_VALUE));
      tell(check, archived(3, 93_000, 99_000)); // What was read before it does not count.

      assertThat(accepted(check)).containsExactly(94_000L, 100_000L, 93_000L);
      assertThat(reasons(check)).containsExactly("LATE 0/2");
    }
  }

  @Test
  void aRecordOfTheLogIsTooLateByTheLakeOrByTheLogBeforeIt() throws Exception {
    try (var check = open(CardPlan.plan(), null)) {
      tell(check, logged(4, 93_999));
      tell(check, logged(5, 101_000));
      tell(check, logged(6, 94_999));
      tell(check, logged(7, 95_000));

      assertThat(accepted(check)).containsExactly(101_000L, 95_000L);
      assertThat(reasons(check)).containsExactly("LATE 0/4", "LATE 0/6");
    }
  }

  private static LogRecord archived(long offset, long eventTime, long newestBefore) {
    LogRecord record = record(0, offset, eventTime);
    record.newestBefore = newestBefore;
    record.newestIsExact = true;
    return record;
  }

  /** A record behind a lake whose newest event is at 100 s. */
  private static LogRecord logged(long offset, long eventTime) {
    LogRecord record = record(0, offset, eventTime);
    record.newestBefore = 100_000;
    return record;
  }

  @Test
  void theVerdictSurvivesARestart() throws Exception {
    OperatorSubtaskState state;
    try (var check = open(CardPlan.plan(), null)) {
      tell(check, record(0, 0, 100_000));
      state = check.snapshot(1, 1);
    }
    try (var check = harness(CardPlan.plan(), null)) {
      check.initializeState(state);
      check.open();
      tell(check, record(0, 1, 93_999));

      assertThat(accepted(check)).isEmpty();
      assertThat(reasons(check)).containsExactly("LATE 0/1");
    }
  }

  @Test
  void aRecordFromTheFutureIsRefusedAndMakesNoOtherLate() throws Exception {
    try (var check = open(CardPlan.plan(), null)) {
      LogRecord future = record(0, 0, 1_000_000);
      future.appendTime = 939_999; // A minute ahead is allowed.
      tell(check, future);
      tell(check, record(0, 1, 1_000));

      assertThat(reasons(check)).containsExactly("FUTURE 0/0");
      assertThat(accepted(check)).containsExactly(1_000L);
    }
  }

  @Test
  void anUnreadableRecordKeepsItsBytes() throws Exception {
    try (var check = open(CardPlan.plan(), null)) {
      LogRecord broken = new LogRecord();
      broken.offset = 7;
      broken.problem = "not a JSON object";
      broken.bytes = new byte[] {1, 2, 3};
      tell(check, broken);

      OutgoingRecord letter = letters(check).get(0);
      assertThat(letter.topic()).isEqualTo("payments.dead-letters");
      assertThat(letter.value()).containsExactly(1, 2, 3);
      assertThat(letter.headers())
          .containsEntry(DeadLetter.CODE_HEADER, "UNDECODABLE")
          .containsEntry(DeadLetter.REASON_HEADER, "not a JSON object")
          .containsEntry(DeadLetter.OFFSET_HEADER, "7");
    }
  }

  @Test
  void onlyOffsetsFromTheStartOfTheQuestionsAsk() throws Exception {
    Ask ask = new Ask(0, new int[] {0}, AnswerMode.ON_ARRIVAL, -1, Map.of(0, 2L));
    try (var check = open(CardPlan.plan(), ask)) {
      tell(check, record(0, 1, 1_000));
      tell(check, record(0, 2, 2_000));
      tell(check, record(1, 0, 3_000)); // A partition that is not named asks from its beginning.

      assertThat(check.extractOutputValues())
          .extracting(Envelope::isQuestion)
          .containsExactly(false, true, true);
    }
  }

  @ParameterizedTest
  @EnumSource(Otherwise.class)
  void aBrokenExpectationEndsAsDeclared(Otherwise otherwise) throws Exception {
    try (var check = open(positiveAmounts(otherwise), null)) {
      LogRecord negative = record(0, 0, 1_000);
      negative.values = new Object[] {"p", 1_000L, "a", -1.0};
      if (otherwise == Otherwise.FAIL) {
        assertThatThrownBy(() -> tell(check, negative))
            .hasMessageContaining("partition 0, offset 0")
            .hasMessageContaining("computed: amount >= 0");
        return;
      }
      tell(check, negative);

      assertThat(accepted(check)).hasSize(otherwise == Otherwise.WARN ? 1 : 0);
      assertThat(reasons(check))
          .isEqualTo(otherwise == Otherwise.QUARANTINE ? List.of("EXPECTATION 0/0") : List.of());
    }
  }

  @Test
  void anExpectationHoldsForNull() throws Exception {
    try (var check = open(positiveAmounts(Otherwise.QUARANTINE), null)) {
      LogRecord unknown = record(0, 0, 1_000);
      unknown.values = new Object[] {"p", 1_000L, "a", null};
      tell(check, unknown);

      assertThat(accepted(check)).containsExactly(1_000L);
    }
  }

  @Test
  void anExpressionWithoutAValueIsNullAndItsRecordCounts() throws Exception {
    try (var check =
        open(withComputed("1 / CAST(amount AS INTEGER)", ColumnType.INT, null), null)) {
      tell(check, ofAmount(0, 0.0));
      tell(check, ofAmount(1, 0.25));
      tell(check, ofAmount(2, 1.0));

      assertThat(check.extractOutputValues())
          .extracting(event -> event.values[3])
          .containsExactly(null, null, 1);
      assertThat(reasons(check)).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(Otherwise.class)
  void anExpectationWithoutAValueIsBroken(Otherwise otherwise) throws Exception {
    String condition = "1 / CAST(amount AS INTEGER) >= 0";
    try (var check = open(withComputed(condition, ColumnType.BOOLEAN, otherwise), null)) {
      tell(check, ofAmount(0, 1.0));
      if (otherwise == Otherwise.FAIL) {
        assertThatThrownBy(() -> tell(check, ofAmount(1, 0.0)))
            .hasMessageContaining("partition 0, offset 1")
            .hasMessageContaining("computed: " + condition + ": ");
        return;
      }
      tell(check, ofAmount(1, 0.0));
      tell(check, ofAmount(2, 2.0)); // The one before is forgotten.

      assertThat(accepted(check)).hasSize(otherwise == Otherwise.WARN ? 3 : 2);
      assertThat(reasons(check))
          .isEqualTo(otherwise == Otherwise.QUARANTINE ? List.of("EXPECTATION 0/1") : List.of());
    }
  }

  private static LogRecord ofAmount(long offset, double amount) {
    LogRecord record = record(0, offset, 1_000);
    record.values = new Object[] {"p-" + offset, 1_000L, "a", amount};
    return record;
  }

  private static final Plan CHANGES =
      TestPlans.cards(
          TestPlans.view("spend", 0, 0, Knowledge.AS_HAPPENED),
          TestPlans.layout(Identity.ROW, 6_000, false),
          TestPlans.stream("changes", RecordFormat.DEBEZIUM_JSON, 5_000));

  private static LogRecord change(
      long offset, RowChange.Kind kind, Object @Nullable [] before, Object @Nullable [] after) {
    LogRecord record = new LogRecord();
    record.offset = offset;
    record.take(new RowChange(kind, before, after, 0), CHANGES.streams().get(0).schema(), 1);
    record.bytes = new byte[0];
    return record;
  }

  private static Object[] row(String id, long at, String card, double amount) {
    return new Object[] {id, at, card, "s", amount};
  }

  private static List<String> told(OneInputStreamOperatorTestHarness<LogRecord, Envelope> check) {
    return check.extractOutputStreamRecords().stream()
        .map(
            out ->
                (out.getValue().isDeletion() ? "gone " : "is ")
                    + out.getValue().values[TestPlans.CARD]
                    + "@"
                    + out.getTimestamp())
        .toList();
  }

  @Test
  void aMovedRowIsGoneFromWhereItWasAtItsOwnEventTime() throws Exception {
    try (var check = open(CHANGES, null)) {
      tell(check, change(0, RowChange.Kind.INSERT, null, row("r", 1_000, "a", 1)));
      tell(
          check,
          change(1, RowChange.Kind.UPDATE, row("r", 1_000, "a", 1), row("r", 1_000, "a", 2)));
      tell(
          check,
          change(2, RowChange.Kind.UPDATE, row("r", 1_000, "a", 2), row("r", 1_000, "b", 2)));
      tell(
          check,
          change(3, RowChange.Kind.UPDATE, row("r", 1_000, "b", 2), row("r", 3_000, "b", 2)));
      tell(check, change(4, RowChange.Kind.DELETE, row("r", 3_000, "b", 2), null));

      assertThat(told(check))
          .containsExactly(
              "is a@1000",
              "is a@1000",
              "gone a@1000",
              "is b@1000",
              "gone b@1000",
              "is b@3000",
              "gone b@3000");
      assertThat(reasons(check)).isEmpty();
    }
  }

  @Test
  void aChangeIsAsLateAsTheOlderOfItsRowsAndThenChangesNothing() throws Exception {
    try (var check = open(CHANGES, null)) {
      tell(check, change(0, RowChange.Kind.INSERT, null, row("r", 10_000, "a", 1)));
      tell(check, change(1, RowChange.Kind.DELETE, row("s", 3_999, "a", 1), null));
      tell(
          check,
          change(2, RowChange.Kind.UPDATE, row("s", 3_999, "a", 1), row("s", 11_000, "a", 1)));

      assertThat(told(check)).containsExactly("is a@10000");
      assertThat(reasons(check)).containsExactly("LATE 0/1", "LATE 0/2");
      assertThat(letters(check).get(0).headers().get(DeadLetter.REASON_HEADER))
          .contains("6001 ms behind");
    }
  }

  @Test
  void aRecordThatChangesNothingIsNeitherToldNorRefused() throws Exception {
    try (var check = open(CHANGES, null)) {
      tell(check, change(0, RowChange.Kind.NOTHING, null, null));

      assertThat(told(check)).isEmpty();
      assertThat(reasons(check)).isEmpty();
    }
  }

  @Test
  void copiesOfAnEventHaveOnePayloadAndOthersHaveNot() throws Exception {
    try (var check = open(CardPlan.plan(), null)) {
      for (double amount : new double[] {1, 1, 2}) {
        LogRecord record = record(0, 0, 1_000);
        record.values = new Object[] {"p", 1_000L, "a", amount};
        tell(check, record);
      }
      List<Long> payloads =
          check.extractOutputValues().stream().map(envelope -> envelope.payloadHash).toList();

      assertThat(payloads.get(1)).isEqualTo(payloads.get(0)).isNotEqualTo(payloads.get(2));
    }
  }

  @Test
  void aQuestionNamesTheEventThatItIsAbout() throws Exception {
    Ask ask = Ask.always(0, 0).about(1);
    try (var check = open(CardPlan.plan(), ask)) {
      tell(check, record(0, 0, 1_000));
      LogRecord unnamed = record(0, 1, 2_000);
      unnamed.values = new Object[] {"p-1", 2_000L, null, 1.0};
      tell(check, unnamed);

      assertThat(check.extractOutputValues())
          .extracting(question -> question.aboutHash)
          .containsExactly(IdHash.of("a"), IdHash.of("p-1"));
      assertThat(check.extractOutputValues())
          .extracting(Envelope::namesAnother)
          .containsExactly(true, false);
    }
  }

  private static Plan positiveAmounts(Otherwise otherwise) {
    return withComputed("amount >= 0", ColumnType.BOOLEAN, otherwise);
  }

  /**
   * Payments with one more column, which is carried.
   *
   * @param otherwise null, or what becomes of a record for which it is FALSE
   */
  private static Plan withComputed(
      String expression, ColumnType type, @Nullable Otherwise otherwise) {
    Plan plan = CardPlan.plan();
    StreamPlan payments = plan.streams().get(0);
    Column column = new Column("computed", type, true);
    List<Column> carried = new ArrayList<>(payments.carried());
    carried.add(column);
    StreamPlan checked =
        new StreamPlan(
            payments.name(),
            payments.topic(),
            RecordFormat.JSON,
            AvroContracts.of("payment", payments.schema().columns()),
            payments.eventTime(),
            payments.eventId(),
            payments.messageKey(),
            payments.disorderMs(),
            payments.latenessMs(),
            payments.idleAfterMs(),
            payments.aheadMs(),
            List.of(new StreamPlan.Computed(column, expression)),
            otherwise == null
                ? List.of()
                : List.of(new StreamPlan.Expectation("computed", 4, expression, otherwise)),
            carried,
            new int[] {0, 2, 3, 4});
    return new Plan(
        plan.project(), List.of(checked), plan.entities(), plan.views(), List.of(), List.of());
  }

  private static LogRecord record(int partition, long offset, long eventTime) {
    LogRecord record = new LogRecord();
    record.partition = partition;
    record.offset = offset;
    record.eventTime = eventTime;
    record.values = new Object[] {"p-" + offset, eventTime, "a", 1.0};
    record.bytes = new byte[0];
    return record;
  }

  private static OneInputStreamOperatorTestHarness<LogRecord, Envelope> open(
      Plan plan, @Nullable Ask ask) throws Exception {
    var check = harness(plan, ask);
    check.open();
    return check;
  }

  private static OneInputStreamOperatorTestHarness<LogRecord, Envelope> harness(
      Plan plan, @Nullable Ask ask) throws Exception {
    var check =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new CheckOperator(plan, 0, true, ask, plan.chains(), true, DEAD_LETTERS),
            (LogRecord record) -> record.partition,
            Types.INT);
    check.setup(EnvelopeSerializer.of(plan));
    return check;
  }

  private static void tell(
      OneInputStreamOperatorTestHarness<LogRecord, Envelope> check, LogRecord record)
      throws Exception {
    check.processElement(record, record.eventTime);
  }

  private static List<Long> accepted(OneInputStreamOperatorTestHarness<LogRecord, Envelope> check) {
    return check.extractOutputValues().stream().map(envelope -> envelope.eventTime).toList();
  }

  private static List<OutgoingRecord> letters(
      OneInputStreamOperatorTestHarness<LogRecord, Envelope> check) {
    Queue<StreamRecord<OutgoingRecord>> letters = check.getSideOutput(DEAD_LETTERS);
    return letters == null ? List.of() : letters.stream().map(StreamRecord::getValue).toList();
  }

  private static List<String> reasons(
      OneInputStreamOperatorTestHarness<LogRecord, Envelope> check) {
    return letters(check).stream()
        .map(
            letter ->
                "%s %s/%s"
                    .formatted(
                        letter.headers().get(DeadLetter.CODE_HEADER),
                        letter.headers().get(DeadLetter.PARTITION_HEADER),
                        letter.headers().get(DeadLetter.OFFSET_HEADER)))
        .toList();
  }
}
