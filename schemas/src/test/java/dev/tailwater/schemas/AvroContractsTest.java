package dev.tailwater.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AvroContractsTest {

  private static String record(String type) {
    return "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":"
        + type
        + "}]}";
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"boolean\" | BOOLEAN | false",
        "\"int\" | INT | false",
        "\"long\" | LONG | false",
        "\"float\" | DOUBLE | false",
        "\"double\" | DOUBLE | false",
        "\"string\" | STRING | false",
        "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\"]} | STRING | false",
        "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"} | TIMESTAMP | false",
        "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"} | TIMESTAMP | false",
        "[\"null\",\"int\"] | INT | true",
        "[{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"},\"null\"] | TIMESTAMP | true",
      })
  void readsFlatFields(String type, ColumnType expected, boolean nullable) {
    assertThat(AvroContracts.parse(record(type)).columns())
        .containsExactly(new Column("a", expected, nullable));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"bytes\"",
        "{\"type\":\"array\",\"items\":\"int\"}",
        "[\"int\",\"string\"]",
        "[\"null\",\"int\",\"string\"]",
        "[\"int\"]",
        "\"null\"",
        "{\"type\":\"int\",\"logicalType\":\"date\"}",
        "{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}",
        "{\"type\":\"record\",\"name\":\"Inner\",\"fields\":[]}"
      })
  void refusesAnythingElseByName(String type) {
    assertThatThrownBy(() -> AvroContracts.parse(record(type)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("field a has type")
        .hasMessageContaining("supported are boolean, int");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "\"int\"", "{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}"})
  void refusesWhatIsNoRecordWithColumns(String avsc) {
    assertThatThrownBy(() -> AvroContracts.parse(avsc))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Avro");
  }

  @Test
  void aMistakeInItsJsonIsOneLineWithItsPlace() {
    assertThatThrownBy(() -> AvroContracts.parse("{\"type\":\n\"record\""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "the Avro contract is not valid JSON: Unexpected end-of-input: expected close marker"
                + " for Object (start marker at line 1, column 1) at line 2, column 9; correct the"
                + " file there");
  }

  @Test
  void jsonThatIsNestedTooDeeplyIsRefused() {
    assertThatThrownBy(() -> AvroContracts.parse("[".repeat(20_000)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("the Avro contract is not valid JSON: ")
        .hasMessageContaining("depth");
  }

  @Test
  void writesAContractThatReadsBackAsTheSameColumns() {
    List<Column> columns =
        List.of(
            new Column("id", ColumnType.STRING, false),
            new Column("at", ColumnType.TIMESTAMP, true),
            new Column("amount", ColumnType.DOUBLE, true),
            new Column("ok", ColumnType.BOOLEAN, false));

    assertThat(AvroContracts.of("Row", columns).columns()).isEqualTo(columns);
  }

  @Test
  void aStreamsColumnsAreFlat() {
    assertThatThrownBy(
            () -> AvroContracts.of("R", List.of(new Column("l", ColumnType.LONG_LIST, true))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("column l is a LONG_LIST")
        .hasMessageContaining("only computed features are lists");
  }
}
