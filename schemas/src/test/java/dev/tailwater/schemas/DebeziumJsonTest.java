package dev.tailwater.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DebeziumJsonTest {

  private static final RecordSchema SCHEMA =
      AvroContracts.parse(
          """
          {"type":"record","name":"Order","fields":[
            {"name":"id","type":"long"},
            {"name":"amount","type":["null","double"]},
            {"name":"note","type":["null","string"]},
            {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}}
          ]}
          """);

  private static final String OLD = "{\"id\":1,\"amount\":2.5,\"note\":\"a\",\"at\":1000999}";
  private static final String NEW = "{\"id\":1,\"amount\":3.5,\"note\":\"b\",\"at\":2000000}";

  private static final @Nullable Object[] OLD_ROW = {1L, 2.5, "a", 1_000L};
  private static final @Nullable Object[] NEW_ROW = {1L, 3.5, "b", 2_000L};

  private final RecordDecoder decoder = RecordFormat.DEBEZIUM_JSON.decoder(SCHEMA);

  private RowChange change(String envelope) throws UndecodableRecordException {
    return decoder.decodeChange(envelope.getBytes(StandardCharsets.UTF_8));
  }

  private static String envelope(String op, String before, String after) {
    return "{\"before\":%s,\"after\":%s,\"source\":{\"db\":{\"op\":1}},\"op\":\"%s\",\"ts_ms\":5}"
        .formatted(before, after, op);
  }

  @ParameterizedTest
  @CsvSource({"c", "r"})
  void anInsertAndASnapshotReadTellTheRow(String op) throws Exception {
    RowChange change = change(envelope(op, "null", NEW));

    assertThat(change.kind()).isEqualTo(RowChange.Kind.INSERT);
    assertThat(change.before()).isNull();
    assertThat(change.after()).isEqualTo(NEW_ROW);
    assertThat(change.changedAt()).isEqualTo(5);
  }

  @Test
  void anUpdateTellsBothRows() throws Exception {
    RowChange change = change(envelope("u", OLD, NEW));

    assertThat(change.kind()).isEqualTo(RowChange.Kind.UPDATE);
    assertThat(change.before()).isEqualTo(OLD_ROW);
    assertThat(change.after()).isEqualTo(NEW_ROW);
  }

  @Test
  void aDeletionTellsTheRowThatIsGone() throws Exception {
    RowChange change = change(envelope("d", OLD, "null"));

    assertThat(change.kind()).isEqualTo(RowChange.Kind.DELETE);
    assertThat(change.before()).isEqualTo(OLD_ROW);
    assertThat(change.after()).isNull();
    assertThatThrownBy(
            () -> decoder.decode(envelope("d", OLD, "null").getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(UndecodableRecordException.class);
  }

  @Test
  void theSchemaBesideThePayloadChangesNothing() throws Exception {
    RowChange change =
        change(
            "{\"schema\":{\"type\":\"struct\",\"op\":[{}]},\"payload\":%s}"
                .formatted(envelope("u", OLD, NEW)));

    assertThat(change.before()).isEqualTo(OLD_ROW);
    assertThat(change.after()).isEqualTo(NEW_ROW);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"schema\":null,\"payload\":null}",
        "{\"op\":\"m\",\"message\":{\"prefix\":\"p\"}}"
      })
  void aTombstoneAndAMessageChangeNothing(String envelope) throws Exception {
    assertThat(change(envelope).kind()).isEqualTo(RowChange.Kind.NOTHING);
  }

  @Test
  void aLongTextThatAnUpdateLeftAloneIsTheOldOne() throws Exception {
    String untouched = NEW.replace("\"b\"", "\"__debezium_unavailable_value\"");

    assertThat(change(envelope("u", OLD, untouched)).after())
        .isEqualTo(new Object[] {1L, 3.5, "a", 2_000L});
    assertRefused(
        envelope("u", OLD.replace("\"a\"", "\"__debezium_unavailable_value\""), untouched),
        "column note of the row before the change was not sent",
        "REPLICA IDENTITY FULL");
  }

  @Test
  void aChangeWithoutTheWholeRowBeforeItSaysWhatToDo() {
    assertRefused(envelope("u", "null", NEW), "op is u", "missing", "REPLICA IDENTITY FULL");
    assertRefused(envelope("d", "null", "null"), "op is d", "missing", "REPLICA IDENTITY FULL");
    assertRefused(
        envelope("d", "{\"id\":1}", "null"),
        "not complete (column at is missing",
        "REPLICA IDENTITY FULL");
  }

  @Test
  void anIncompleteRowBeforeAnInsertIsNotNeeded() throws Exception {
    assertThat(change(envelope("c", "{\"id\":[1,{\"x\":2}]}", NEW)).after()).isEqualTo(NEW_ROW);
    assertThat(change(envelope("c", "[[1]]", NEW)).after()).isEqualTo(NEW_ROW);
  }

  @Test
  void whatIsNoChangeSaysWhy() {
    assertRefused(OLD, "the envelope has no op", "format: json");
    assertRefused(envelope("x", OLD, NEW), "op is x");
    assertRefused(envelope("t", "null", "null"), "truncated");
    assertRefused(envelope("c", "null", "null"), "no row after it");
    assertRefused(envelope("c", "null", "7"), "after is a whole number");
    assertRefused(envelope("c", "null", "{\"id\":1}"), "column at is missing");
    assertRefused("{\"op\":\"c\",\"op\":\"c\"}", "op stands twice");
    assertRefused("{\"op\":\"c\",\"after\":{\"id\":1", "malformed JSON");
  }

  private void assertRefused(String envelope, String... parts) {
    assertThatThrownBy(() -> change(envelope))
        .isInstanceOf(UndecodableRecordException.class)
        .hasMessageContainingAll(parts);
  }
}
