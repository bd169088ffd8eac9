package dev.tailwater.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CsvDecoderTest {

  private static final RecordSchema SCHEMA =
      AvroContracts.of(
          "R",
          List.of(
              new Column("s", ColumnType.STRING, true),
              new Column("i", ColumnType.INT, true),
              new Column("l", ColumnType.LONG, true),
              new Column("d", ColumnType.DOUBLE, true),
              new Column("b", ColumnType.BOOLEAN, true),
              new Column("t", ColumnType.TIMESTAMP, true)));

  private static @Nullable Object[] decode(RecordSchema schema, String header, String record)
      throws Exception {
    byte[] file = (header + "\n" + record + "\n").getBytes(StandardCharsets.UTF_8);
    try (CsvRecords records = new CsvRecords(new ByteArrayInputStream(file))) {
      records.next();
      CsvDecoder decoder = new CsvDecoder(records.header(), schema.columns());
      records.next();
      return decoder.decode(records);
    }
  }

  private static @Nullable Object[] decode(String record) throws Exception {
    return decode(SCHEMA, "s,i,l,d,b,t", record);
  }

  private static @Nullable Object one(ColumnType type, String field) throws Exception {
    RecordSchema schema = AvroContracts.of("R", List.of(new Column("a", type, true)));
    return decode(schema, "a,z", field + ",")[0];
  }

  @Test
  void readsTypedValues() throws Exception {
    assertThat(decode("\"x,\"\"é\",-5,\"7\",57.16,True,2018-04-01 00:00:31"))
        .containsExactly("x,\"é", -5, 7L, 57.16, true, 1522540831000L);
  }

  @Test
  void anEmptyFieldIsNullAndAQuotedOneIsEmptyText() throws Exception {
    assertThat(decode(",,,,,")).containsOnlyNulls();
    assertThat(decode("\"\",\"\",\"\",\"\",\"\",\"\""))
        .containsExactly("", null, null, null, null, null);
  }

  @Test
  void findsColumnsByNameWhateverTheirOrder() throws Exception {
    assertThat(decode(SCHEMA, "t,extra,s,b,l,d,i", "0,?,x,0,1,2,3"))
        .containsExactly("x", 3, 1L, 2.0, false, 0L);
  }

  @Test
  void aHeaderWithoutAColumnIsRefusedWithWhatWasFound() {
    assertThatThrownBy(() -> decode(SCHEMA, "s,i,L,d,b", "x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("does not name the columns [l, t]")
        .hasMessageContaining("it names [L]")
        .hasMessageContaining("expected are [s, i, l, d, b, t]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "x,2147483648,,,, | column i of type INT is '2147483648', which does not fit 32 bits",
        "x,1.0,,,, | column i of type INT is '1.0', which is not a whole number",
        "x,-,,,, | column i of type INT is '-', which is not a whole number",
        "x,,9223372036854775808,,, | column l of type LONG is '9223372036854775808', which does not",
        "x,,,1d,, | column d of type DOUBLE is '1d', which is not a number",
        "x,,,0x1p3,, | column d of type DOUBLE is '0x1p3', which is not a number",
        "x,,,.,, | column d of type DOUBLE is '.', which is not a number",
        "x,,,1e,, | column d of type DOUBLE is '1e', which is not a number",
        "x,,,1.2.3,, | column d of type DOUBLE is '1.2.3', which is not a number",
        "x,,,1e999,, | column d of type DOUBLE is '1e999', which does not fit a double",
        "x,,,,yes, | column b of type BOOLEAN is 'yes', which is not true, false, 1 or 0",
        "x,,,,,2018-02-30 00:00:00 | column t is '2018-02-30 00:00:00', which is not a timestamp",
        "x,1 | the record has 2 fields, but the header has 6",
        "\"x,1,,,, | the quote that opens field number 1 never closes"
      })
  void saysWhyARecordIsUndecodable(String record, String reason) {
    assertThatThrownBy(() -> decode(record))
        .isInstanceOf(UndecodableRecordException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void aRequiredColumnMustNotBeEmpty() {
    RecordSchema required = AvroContracts.of("R", List.of(new Column("a", ColumnType.INT, false)));
    assertThatThrownBy(() -> decode(required, "a,b", ",1"))
        .isInstanceOf(UndecodableRecordException.class)
        .hasMessageContaining("column a is empty");
  }

  @Test
  void readsTheLimitsOfWholeNumbers() throws Exception {
    assertThat(one(ColumnType.LONG, "9223372036854775807")).isEqualTo(Long.MAX_VALUE);
    assertThat(one(ColumnType.LONG, "-9223372036854775808")).isEqualTo(Long.MIN_VALUE);
    assertThat(one(ColumnType.INT, "-2147483648")).isEqualTo(Integer.MIN_VALUE);
    assertThat(one(ColumnType.INT, "+7")).isEqualTo(7);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "-0",
        "-0.0",
        "1.",
        ".5",
        "007.5",
        "0.1",
        "123456789012345",
        "1234567890123456",
        "9007199254740993",
        "0.000000000000000000000001",
        "0.0000000000000000000001234",
        "1e22",
        "1e23",
        "-1.5E-7",
        "4.9e-324",
        "1.7976931348623157e308",
        "2.2250738585072014e-308",
        "NaN",
        "Infinity",
        "-Infinity"
      })
  void aDoubleIsTheOneNearestToItsText(String text) throws Exception {
    assertThat(one(ColumnType.DOUBLE, text)).isEqualTo(Double.parseDouble(text));
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void theFastPathForDecimalsIsExact(long seed) throws Exception {
    Random random = new Random(seed);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      long digits = random.nextLong() >> random.nextInt(64);
      texts.add(BigDecimal.valueOf(digits, random.nextInt(25)).toPlainString());
    }
    byte[] file = ("a\n" + String.join("\n", texts)).getBytes(StandardCharsets.UTF_8);
    try (CsvRecords records = new CsvRecords(new ByteArrayInputStream(file))) {
      records.next();
      CsvDecoder decoder =
          new CsvDecoder(records.header(), List.of(new Column("a", ColumnType.DOUBLE, true)));
      for (String text : texts) {
        records.next();
        assertThat(decoder.decode(records)[0]).as(text).isEqualTo(Double.parseDouble(text));
      }
    }
  }

  @Test
  void textMustBeUtf8() {
    byte[] file = {'a', ',', 'b', '\n', -1, ',', '1', '\n'};
    CsvRecords records = new CsvRecords(new ByteArrayInputStream(file));
    assertThatThrownBy(
            () -> {
              records.next();
              CsvDecoder decoder =
                  new CsvDecoder(
                      records.header(), List.of(new Column("a", ColumnType.STRING, true)));
              records.next();
              decoder.decode(records);
            })
        .isInstanceOf(UndecodableRecordException.class)
        .hasMessageContaining("column a is not valid UTF-8");
  }
}
