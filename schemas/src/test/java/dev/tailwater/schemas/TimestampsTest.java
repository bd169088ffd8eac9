package dev.tailwater.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimestampsTest {

  static LongStream seeds() {
    return LongStream.rangeClosed(1, 5);
  }

  @ParameterizedTest
  @CsvSource({
    "2018-04-01 00:00:31, 2018-04-01T00:00:31Z",
    "2018-04-01 00:00:31.5, 2018-04-01T00:00:31.500Z",
    "2018-04-01 00:00:31.123456789, 2018-04-01T00:00:31.123Z",
    "2018-04-01 00:00:31+02:00, 2018-03-31T22:00:31Z",
    "2018-04-01T00:00Z, 2018-04-01T00:00:00Z",
    "2018-04-01T00:00:31Z, 2018-04-01T00:00:31Z",
    "2018-04-01T00:00:31.007Z, 2018-04-01T00:00:31.007Z",
    "2018-04-01T00:00:31-05:30, 2018-04-01T05:30:31Z",
    "2018-04-01T00:00:31-0530, 2018-04-01T05:30:31Z",
    "2018-04-01T00:00:31+01, 2018-03-31T23:00:31Z",
    "2000-02-29T00:00:00Z, 2000-02-29T00:00:00Z",
    "1969-12-31T23:59:59.999Z, 1969-12-31T23:59:59.999Z",
    "1522540831000, 2018-04-01T00:00:31Z",
    "-1, 1969-12-31T23:59:59.999Z",
    "0, 1970-01-01T00:00:00Z",
  })
  void readsEveryForm(String text, Instant expected) {
    assertThat(Timestamps.parse(text)).isEqualTo(expected.toEpochMilli());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-",
        "now",
        "1.5",
        "2018-04-01",
        "2018-04-01 00:00",
        "2018-04-01T00:00:31",
        "2018-02-29 00:00:00",
        "1900-02-29 00:00:00",
        "2018-13-01 00:00:00",
        "2018-00-01 00:00:00",
        "2018-04-31 00:00:00",
        "2018-04-00 00:00:00",
        "2018-04-01 24:00:00",
        "2018-04-01 00:60:00",
        "2018-04-01 00:00:60",
        "2018-04-01 00:00:3",
        "2018-04-01 00:00:31.",
        "2018-04-01 00:00:31.1234567890",
        "2018-04-01 00:00:31 ",
        "2018-04-01x00:00:31",
        "2018/04/01 00:00:31",
        "2018-04-01T00:00:31z",
        "2018-04-01T00:00:31+19:00",
        "2018-04-01T00:00:31+1:00",
        "2018-04-01T00:00:31+01:60",
        "2018-04-01T00:00:31+01-00",
        "0000-12-31T23:59:59Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "253402300800000",
        "1522540831000000",
        "99999999999999999999"
      })
  void refusesEverythingElse(String text) {
    assertThatThrownBy(() -> Timestamps.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + text + "'")
        .hasMessageContaining("yyyy-MM-dd HH:mm:ss");
  }

  @Test
  void agreesWithTheCalendarOnEveryDayOfItsCycleOf400Years() {
    long end = LocalDate.of(2101, 1, 1).toEpochDay();
    for (LocalDate day = LocalDate.of(1701, 1, 1); day.toEpochDay() < end; day = day.plusDays(1)) {
      long millis = day.toEpochDay() * 86_400_000L;
      String text = day + " 00:00:00";
      if (Timestamps.parse(text) != millis
          || !Timestamps.format(millis).equals(day + "T00:00:00.000Z")) {
        assertThat(text).as("first day that differs").isEmpty();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void writesWhatItReadsBack(long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < 3_000; i++) {
      long millis = random.nextLong(Timestamps.MIN, Timestamps.MAX + 1);
      String text = Timestamps.format(millis);
      assertThat(Timestamps.parse(text)).isEqualTo(millis);
      assertThat(Instant.parse(text).toEpochMilli()).isEqualTo(millis);
      assertThat(
              Timestamps.parse(Instant.ofEpochMilli(millis).atOffset(ZoneOffset.ofHours(2)) + ""))
          .isEqualTo(millis);
    }
  }

  @Test
  void writesNothingItCouldNotReadBack() {
    assertThat(Timestamps.format(Timestamps.MIN)).isEqualTo("0001-01-01T00:00:00.000Z");
    assertThat(Timestamps.format(Timestamps.MAX)).isEqualTo("9999-12-31T23:59:59.999Z");
    assertThatThrownBy(() -> Timestamps.format(Timestamps.MAX + 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("years 1 to 9999");
  }
}
