package dev.tailwater.expressions;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.time.temporal.TemporalAccessor;
import java.time.temporal.TemporalQueries;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * SQL's functions of instants: a TIMESTAMP is milliseconds since 1970-01-01T00:00Z, a DATE days.
 * Public because generated code calls them; what they mean is said in {@code docs/expressions.md}.
 */
public final class TimeFunctions {

  private static final String SECONDS = "yyyy-MM-dd HH:mm:ss";
  private static final String MILLISECONDS = "yyyy-MM-dd HH:mm:ss.SSS";
  private static final int CACHED_FORMATS = 1000;

  /** Emptied when full: formats are nearly always constants. */
  private static final Map<String, DateTimeFormatter> FORMATS = new ConcurrentHashMap<>();

  /** SQL's own form, its parts after the day optional. */
  private static final DateTimeFormatter SQL_FORM =
      new DateTimeFormatterBuilder()
          .appendPattern("yyyy-M-d[[ ]['T']H:m[:s]")
          .optionalStart()
          .appendFraction(ChronoField.NANO_OF_SECOND, 1, 9, true)
          .optionalEnd()
          .appendPattern("]")
          .toFormatter(Locale.ROOT);

  private TimeFunctions() {}

  /** The instant in UTC, in a format of {@link DateTimeFormatter}. */
  public static String dateFormat(long timestamp, String format) {
    return format(format).format(utc(timestamp));
  }

  /** Text in SQL's form, in another; NULL if it is not an instant. */
  public static @Nullable String dateFormat(String timestamp, String format) {
    Long parsed = toTimestamp(timestamp);
    return parsed == null ? null : dateFormat(parsed, format);
  }

  /** Text in SQL's form as an instant; NULL if it is not one. */
  public static @Nullable Long toTimestamp(String text) {
    try {
      return millis(SQL_FORM.parse(text.trim()));
    } catch (DateTimeException e) {
      return null;
    }
  }

  /** Text as an instant; NULL if it is not in the format. */
  public static @Nullable Long toTimestamp(String text, String format) {
    DateTimeFormatter formatter = format(format);
    try {
      return millis(formatter.parse(text));
    } catch (DateTimeException e) {
      return null;
    }
  }

  /** Text in SQL's form as a day; NULL if it is not one. */
  public static @Nullable Integer toDate(String text) {
    return day(toTimestamp(text));
  }

  /** Text as a day; NULL if it is not in the format. */
  public static @Nullable Integer toDate(String text, String format) {
    return day(toTimestamp(text, format));
  }

  private static @Nullable Integer day(@Nullable Long timestamp) {
    return timestamp == null
        ? null
        : Math.toIntExact(Math.floorDiv(timestamp.longValue(), 86_400_000L));
  }

  /** The whole seconds since 1970. */
  public static long unixTimestamp(long timestamp) {
    return Math.floorDiv(timestamp, 1000L);
  }

  /** The whole seconds since 1970 of text in SQL's form; NULL if it is not an instant. */
  public static @Nullable Long unixTimestamp(String text) {
    Long parsed = toTimestamp(text);
    return parsed == null ? null : Long.valueOf(unixTimestamp(parsed));
  }

  /** The whole seconds since 1970 of text; NULL if it is not in the format. */
  public static @Nullable Long unixTimestamp(String text, String format) {
    Long parsed = toTimestamp(text, format);
    return parsed == null ? null : Long.valueOf(unixTimestamp(parsed));
  }

  /** The milliseconds since 1970. */
  public static long unixMillis(long timestamp) {
    return timestamp;
  }

  public static String fromUnixtime(long seconds) {
    return fromUnixtime(seconds, SECONDS);
  }

  public static String fromUnixtime(long seconds, String format) {
    return dateFormat(Math.multiplyExact(seconds, 1000L), format);
  }

  /** Seconds (precision 0) or milliseconds (precision 3) since 1970 as an instant. */
  public static long toTimestampLtz(long since, long precision) {
    if (precision == 0) {
      return Math.multiplyExact(since, 1000L);
    }
    if (precision == 3) {
      return since;
    }
    throw new IllegalArgumentException("the precision is 0 or 3, not " + precision);
  }

  /** The clock's reading in one zone at the time it reads this in the other. */
  public static long convertTz(long timestamp, String from, String to) {
    return utc(timestamp)
        .atZone(ZoneId.of(from))
        .withZoneSameInstant(ZoneId.of(to))
        .toLocalDateTime()
        .toInstant(ZoneOffset.UTC)
        .toEpochMilli();
  }

  /** The same of text, without fractions of a second; NULL if it is not an instant. */
  public static @Nullable String convertTz(String timestamp, String from, String to) {
    Long parsed = toTimestamp(timestamp);
    return parsed == null ? null : dateFormat(convertTz(parsed, from, to), SECONDS);
  }

  /** The instant in SQL's form, with milliseconds. */
  public static String textOf(long timestamp) {
    return dateFormat(timestamp, MILLISECONDS);
  }

  private static LocalDateTime utc(long timestamp) {
    return LocalDateTime.ofInstant(Instant.ofEpochMilli(timestamp), ZoneOffset.UTC);
  }

  private static long millis(TemporalAccessor parsed) {
    LocalDate date = parsed.query(TemporalQueries.localDate());
    LocalTime time = parsed.query(TemporalQueries.localTime());
    if (date == null) {
      int year = parsed.isSupported(ChronoField.YEAR) ? parsed.get(ChronoField.YEAR) : 1970;
      int month =
          parsed.isSupported(ChronoField.MONTH_OF_YEAR) ? parsed.get(ChronoField.MONTH_OF_YEAR) : 1;
      int day =
          parsed.isSupported(ChronoField.DAY_OF_MONTH) ? parsed.get(ChronoField.DAY_OF_MONTH) : 1;
      date = LocalDate.of(year, month, day);
    }
    return date.atTime(time == null ? LocalTime.MIDNIGHT : time)
        .toInstant(ZoneOffset.UTC)
        .toEpochMilli();
  }

  private static DateTimeFormatter format(String pattern) {
    DateTimeFormatter format = FORMATS.get(pattern);
    if (format == null) {
      format = DateTimeFormatter.ofPattern(pattern, Locale.ROOT);
      if (FORMATS.size() >= CACHED_FORMATS) {
        FORMATS.clear();
      }
      FORMATS.put(pattern, format);
    }
    return format;
  }
}
