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
import java.time.temporal.IsoFields;
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
  private static final long SECOND = 1_000;
  private static final long MINUTE = 60 * SECOND;
  private static final long HOUR = 60 * MINUTE;
  private static final long DAY = 24 * HOUR;

  /** 1970 began on a Thursday. */
  private static final long SUNDAY = 4 * DAY;

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
    return format(format).format(clock(timestamp, ZoneOffset.UTC));
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
    return daysOf(toTimestamp(text));
  }

  /** Text as a day; NULL if it is not in the format. */
  public static @Nullable Integer toDate(String text, String format) {
    return daysOf(toTimestamp(text, format));
  }

  private static @Nullable Integer daysOf(@Nullable Long timestamp) {
    return timestamp == null ? null : Math.toIntExact(Math.floorDiv(timestamp.longValue(), DAY));
  }

  /** The whole seconds since 1970. */
  public static long unixSeconds(long timestamp) {
    return Math.floorDiv(timestamp, SECOND);
  }

  /** The whole seconds since 1970 of text in SQL's form; NULL if it is not an instant. */
  public static @Nullable Long unixTimestamp(String text) {
    Long parsed = toTimestamp(text);
    return parsed == null ? null : Long.valueOf(unixSeconds(parsed));
  }

  /** The whole seconds since 1970 of text; NULL if it is not in the format. */
  public static @Nullable Long unixTimestamp(String text, String format) {
    Long parsed = toTimestamp(text, format);
    return parsed == null ? null : Long.valueOf(unixSeconds(parsed));
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

  /** What clocks in a zone show at the instant. */
  public static long atZone(long timestamp, String zone) {
    return clock(timestamp, zone(zone)).toInstant(ZoneOffset.UTC).toEpochMilli();
  }

  /**
   * What clocks in one zone show when those in another show this, without fractions of a second;
   * NULL if the text is not an instant.
   */
  public static @Nullable String convertTz(String timestamp, String from, String to) {
    Long parsed = toTimestamp(timestamp);
    return parsed == null
        ? null
        : format(SECONDS)
            .format(clock(parsed, ZoneOffset.UTC).atZone(zone(from)).withZoneSameInstant(zone(to)));
  }

  public static long year(long timestamp) {
    return date(timestamp).getYear();
  }

  public static long quarter(long timestamp) {
    return date(timestamp).get(IsoFields.QUARTER_OF_YEAR);
  }

  public static long month(long timestamp) {
    return date(timestamp).getMonthValue();
  }

  /** The week of the ISO year, which begins on a Monday. */
  public static long week(long timestamp) {
    return date(timestamp).get(IsoFields.WEEK_OF_WEEK_BASED_YEAR);
  }

  public static long isoYear(long timestamp) {
    return date(timestamp).get(IsoFields.WEEK_BASED_YEAR);
  }

  public static long day(long timestamp) {
    return date(timestamp).getDayOfMonth();
  }

  public static long dayOfYear(long timestamp) {
    return date(timestamp).getDayOfYear();
  }

  /** From Sunday, 1, to Saturday, 7. */
  public static long dayOfWeek(long timestamp) {
    return date(timestamp).getDayOfWeek().getValue() % 7 + 1;
  }

  /** From Monday, 1, to Sunday, 7. */
  public static long isoDayOfWeek(long timestamp) {
    return date(timestamp).getDayOfWeek().getValue();
  }

  public static long hour(long timestamp) {
    return Math.floorMod(timestamp, DAY) / HOUR;
  }

  public static long minute(long timestamp) {
    return Math.floorMod(timestamp, HOUR) / MINUTE;
  }

  public static long second(long timestamp) {
    return Math.floorMod(timestamp, MINUTE) / SECOND;
  }

  /** Of the second, without the seconds. */
  public static long millisecond(long timestamp) {
    return Math.floorMod(timestamp, SECOND);
  }

  /** Of the second, without the seconds. */
  public static long microsecond(long timestamp) {
    return Math.floorMod(timestamp, SECOND) * 1_000;
  }

  /** Of the second, without the seconds. */
  public static long nanosecond(long timestamp) {
    return Math.floorMod(timestamp, SECOND) * 1_000_000;
  }

  /** The last instant at or before this that is a multiple of so many milliseconds. */
  public static long floor(long timestamp, long period) {
    return Math.subtractExact(timestamp, Math.floorMod(timestamp, period));
  }

  /** The first instant at or after this that is a multiple of so many milliseconds. */
  public static long ceil(long timestamp, long period) {
    return Math.addExact(timestamp, Math.floorMod(-timestamp, period));
  }

  /** The last beginning of a week, a Sunday, at or before this. */
  public static long floorToWeek(long timestamp) {
    return floor(timestamp + SUNDAY, 7 * DAY) - SUNDAY;
  }

  /** The first beginning of a week, a Sunday, at or after this. */
  public static long ceilToWeek(long timestamp) {
    return ceil(timestamp + SUNDAY, 7 * DAY) - SUNDAY;
  }

  /** The last beginning of a month at or before this, of those so many apart from a January. */
  public static long floorToMonths(long timestamp, long months) {
    LocalDate date = date(timestamp);
    long month = date.getYear() * 12L + date.getMonthValue() - 1;
    return beginning(month - Math.floorMod(month, months));
  }

  /** The first beginning of a month at or after this, of those so many apart from a January. */
  public static long ceilToMonths(long timestamp, long months) {
    long floor = floorToMonths(timestamp, months);
    LocalDate date = date(floor);
    return floor == timestamp
        ? floor
        : beginning(date.getYear() * 12L + date.getMonthValue() - 1 + months);
  }

  private static long beginning(long month) {
    int year = Math.toIntExact(Math.floorDiv(month, 12L));
    return LocalDate.of(year, (int) Math.floorMod(month, 12L) + 1, 1).toEpochDay() * DAY;
  }

  private static LocalDate date(long timestamp) {
    return LocalDate.ofEpochDay(Math.floorDiv(timestamp, DAY));
  }

  /** The instant in SQL's form, with milliseconds. */
  public static String textOf(long timestamp) {
    return dateFormat(timestamp, MILLISECONDS);
  }

  private static LocalDateTime clock(long timestamp, ZoneId zone) {
    return LocalDateTime.ofInstant(Instant.ofEpochMilli(timestamp), zone);
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

  /**
   * A time zone by its name, or an offset as {@code +01:00}.
   *
   * @throws DateTimeException if there is none
   */
  static ZoneId zone(String name) {
    return ZoneId.of(name);
  }

  /**
   * A format of the language of {@link DateTimeFormatter}.
   *
   * @throws IllegalArgumentException if it is none
   */
  static DateTimeFormatter format(String pattern) {
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
