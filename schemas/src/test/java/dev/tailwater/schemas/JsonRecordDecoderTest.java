package dev.tailwater.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonRecordDecoderTest {

  private static final RecordSchema SCHEMA =
      AvroContracts.parse(
          """
          {"type":"record","name":"R","fields":[
            {"name":"id","type":"string"},
            {"name":"i","type":["null","int"]},
            {"name":"l","type":["null","long"]},
            {"name":"d","type":["null","double"]},
            {"name":"b","type":["null","boolean"]},
            {"name":"t","type":["null",{"type":"long","logicalType":"timestamp-millis"}]},
            {"name":"e","type":["null",{"type":"enum","name":"E","symbols":["X","Y"]}]}
          ]}
          """);

  private final RecordDecoder decoder = RecordFormat.JSON.decoder(SCHEMA);

  private @Nullable Object[] decode(String json) throws UndecodableRecordException {
    return decoder.decode(json.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void readsColumnsInAnyOrderAndIgnoresUnknownFields() throws Exception {
    assertThat(
            decode(
                "{\"t\":\"2018-04-01 00:00:31\",\"other\":{\"id\":[1,{}]},\"d\":1,\"b\":true,"
                    + "\"l\":-9223372036854775808,\"e\":\"Y\",\"other\":2,\"id\":\"é\\u0041\"} "))
        .containsExactly("éA", null, Long.MIN_VALUE, 1.0, true, 1522540831000L, "Y");
  }

  @Test
  void readsTimestampsAsMillisecondsToo() throws Exception {
    assertThat(decode("{\"id\":\"\",\"t\":1522540831000}")[5]).isEqualTo(1522540831000L);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"id\":\"\\ud83d\"} | column id has half a surrogate pair at character 0",
        "{} | column id is missing, but its contract requires a value",
        "{\"id\":null} | column id is null, but its contract requires a value",
        "{\"id\":1} | column id is a whole number, but its type is STRING",
        "{\"id\":{\"x\":1}} | column id is an object, but its type is STRING",
        "{\"id\":\"\",\"id\":\"\"} | column id stands twice",
        "{\"id\":\"\",\"i\":2147483648} | column i is 2147483648, which does not fit 32 bits",
        "{\"id\":\"\",\"i\":1.0} | column i is a number with a fraction",
        "{\"id\":\"\",\"i\":\"1\"} | column i is a string, but its type is INT",
        "{\"id\":\"\",\"l\":9223372036854775808} | column l is 9223372036854775808, which does not fit 64",
        "{\"id\":\"\",\"d\":1e999} | column d is 1e999, which does not fit a double",
        "{\"id\":\"\",\"d\":NaN} | malformed JSON",
        "{\"id\":\"\",\"d\":\"NaN\"} | column d is a string, but its type is DOUBLE",
        "{\"id\":\"\",\"b\":1} | column b is a whole number, but its type is BOOLEAN",
        "{\"id\":\"\",\"t\":\"2018-02-30 00:00:00\"} | column t is '2018-02-30 00:00:00', which is not a",
        "{\"id\":\"\",\"t\":1522540831000000} | column t is 1522540831000000, which does not fit the years",
        "{\"id\":\"\",\"e\":\"Z\"} | column e is 'Z', not a symbol of its enum",
        "{\"id\":\"\"} {} | more text follows",
        "{\"id\":\"\"}x | malformed JSON",
        "{\"id\":\"\" | malformed JSON",
        "[] | a record must be a JSON object, but it is an array",
        "null | a record must be a JSON object, but it is null",
        "~ ~ | a record must be a JSON object, but it is empty",
      })
  void saysWhyARecordIsUndecodable(String json, String reason) {
    assertThatThrownBy(() -> decode(json))
        .isInstanceOf(UndecodableRecordException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void boundsDepthAndNumbers() {
    String deep = "[".repeat(100) + "]".repeat(100);
    assertThatThrownBy(() -> decode("{\"id\":\"\",\"x\":" + deep + "}"))
        .isInstanceOf(UndecodableRecordException.class);
    assertThatThrownBy(() -> decode("{\"id\":\"\",\"d\":" + "1".repeat(500) + "}"))
        .isInstanceOf(UndecodableRecordException.class);
  }

  @Test
  void refusesBytesThatAreNotUtf8() {
    assertThatThrownBy(
            () -> decoder.decode(new byte[] {'{', '"', 'i', 'd', '"', ':', '"', -1, '"', '}'}))
        .isInstanceOf(UndecodableRecordException.class)
        .hasMessageContaining("malformed JSON");
  }

  @Test
  void staysUsableAfterABadRecord() throws Exception {
    assertThatThrownBy(() -> decode("{\"id\":\"a\",\"i\":x}"))
        .isInstanceOf(UndecodableRecordException.class);
    assertThat(decode("{\"id\":\"a\"}")[0]).isEqualTo("a");
  }

  @Test
  void encodersRefuseValuesThatDoNotFit() {
    RecordSchema schema =
        AvroContracts.of(
            "R",
            List.of(
                new Column("d", ColumnType.DOUBLE, false),
                new Column("s", ColumnType.STRING, true)));
    RecordEncoder json = RecordFormat.JSON.encoder(schema);

    for (RecordFormat format : RecordFormat.values()) {
      RecordEncoder encoder = format.encoder(schema);
      assertThatThrownBy(() -> encoder.encode(new @Nullable Object[] {null, "a"}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("column d is null");
      assertThatThrownBy(() -> encoder.encode(new Object[] {1, "a"}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("needs a Double");
      assertThatThrownBy(() -> encoder.encode(new Object[] {1.0, "\uD83D"}))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> encoder.encode(new Object[] {1.0}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("1 values");
    }
    assertThatThrownBy(() -> json.encode(new Object[] {Double.NaN, "a"}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("JSON cannot say");
  }
}
