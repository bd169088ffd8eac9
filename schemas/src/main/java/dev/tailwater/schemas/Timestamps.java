package dev.tailwater.schemas;

/**
 * Instants as text, in milliseconds since 1970-01-01T00:00Z, between the years 1 and 9999.
 *
 * <p>Written by hand rather than with {@code java.time} because every record of every stream passes
 * through here. Stateless, thread-safe.
 */
public final class Timestamps {

  /** 0001-01-01T00:00:00.000Z. */
  public static final long MIN = -62_135_596_800_000L;

  /** 9999-12-31T23:59:59.999Z. */
  public static final long MAX = 253_402_300_799_999L;

  /** What {@link #parseOrInvalid} answers for text that is no timestamp: outside the range. */
  static final long INVALID = Long.MIN_VALUE;

  static final String FORMS =
      "ISO-8601 with a zone (2024-05-01T09:30:00Z, 2024-05-01T09:30:00.250+02:00),"
          + " yyyy-MM-dd HH:mm:ss[.SSS] in UTC, or milliseconds since the epoch, years 1 to 9999";

  private static final long DAY_MS = 86_400_000L;

  private Timestamps() {}

  /**
   * Reads {@code yyyy-MM-ddTHH:mm[:ss[.fraction]]} with {@code Z}, {@code ±HH}, {@code ±HHmm} or
   * {@code ±HH:mm}; {@code yyyy-MM-dd HH:mm:ss[.fraction]}, in UTC unless a zone follows; or a
   * number of milliseconds since the epoch. A fraction has 1 to 9 digits and is cut to whole
   * milliseconds.
   *
   * @throws IllegalArgumentException if the text has another form or names an impossible instant
   *     (month 13, February 30, 24:00, second 60), or one outside the years 1 to 9999
   */
  public static long parse(CharSequence text) {
    long millis = parseOrInvalid(text);
    if (millis == INVALID) {
      throw new IllegalArgumentException("'" + text + "' is not a timestamp; it must be " + FORMS);
    }
    return millis;
  }

  /** Whether the instant is within the years 1 to 9999. */
  public static boolean isInRange(long epochMillis) {
    return epochMillis >= MIN && epochMillis <= MAX;
  }

  /**
   * Writes an instant as {@code yyyy-MM-ddTHH:mm:ss.SSSZ}.
   *
   * @throws IllegalArgumentException if it is outside the years 1 to 9999
   */
  public static String format(long epochMillis) {
    if (!isInRange(epochMillis)) {
      throw new IllegalArgumentException(
          epochMillis + " ms since the epoch is outside the years 1 to 9999");
    }
    // Days to civil date after Howard Hinnant's chrono algorithms: years start in March, so that
    // the leap day is the last of a year.
    long days = Math.floorDiv(epochMillis, DAY_MS);
    int ofDay = (int) Math.floorMod(epochMillis, DAY_MS);
    long shifted = days + 719_468;
    long era = Math.floorDiv(shifted, 146_097);
    int dayOfEra = (int) (shifted - era * 146_097);
    int yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
    int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    int shiftedMonth = (5 * dayOfYear + 2) / 153;
    int day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1;
    int month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
    int year = (int) (yearOfEra + era * 400) + (month <= 2 ? 1 : 0);

    char[] text = "yyyy-MM-ddTHH:mm:ss.SSSZ".toCharArray();
    put(text, 0, 4, year);
    put(text, 5, 2, month);
    put(text, 8, 2, day);
    put(text, 11, 2, ofDay / 3_600_000);
    put(text, 14, 2, ofDay / 60_000 % 60);
    put(text, 17, 2, ofDay / 1000 % 60);
    put(text, 20, 3, ofDay % 1000);
    return new String(text);
  }

  /** As {@link #parse}, but answers {@link #INVALID} instead of throwing. */
  static long parseOrInvalid(CharSequence text) {
    int length = text.length();
    if (length < 16 || text.charAt(4) != '-') {
      return epochMillis(text);
    }
    int year = digits(text, 0, 4);
    int month = digits(text, 5, 2);
    int day = digits(text, 8, 2);
    int hour = digits(text, 11, 2);
    int minute = digits(text, 14, 2);
    char separator = text.charAt(10);
    boolean zoned = separator == 'T';
    // A negative part is one that is not made of digits.
    if (year < 1
        || month < 1
        || month > 12
        || day < 1
        || day > lengthOfMonth(year, month)
        || (hour | minute) < 0
        || hour > 23
        || minute > 59
        || text.charAt(7) != '-'
        || (!zoned && separator != ' ')
        || text.charAt(13) != ':') {
      return INVALID;
    }
    int at = 16;
    int second = 0;
    int millis = 0;
    if (at < length && text.charAt(at) == ':') {
      second = length >= 19 ? digits(text, 17, 2) : -1;
      if (second < 0 || second > 59) {
        return INVALID;
      }
      at = 19;
      if (at < length && text.charAt(at) == '.') {
        int first = ++at;
        int unit = 100;
        while (at < length && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
          millis += (text.charAt(at++) - '0') * unit;
          unit /= 10;
        }
        if (at == first || at - first > 9) {
          return INVALID;
        }
      }
    } else if (!zoned) {
      return INVALID; // The form without a zone always has seconds.
    }
    int offsetMinutes = 0;
    if (at < length) {
      offsetMinutes = zoneMinutes(text, at);
      if (offsetMinutes == Integer.MIN_VALUE) {
        return INVALID;
      }
    } else if (zoned) {
      return INVALID; // A local time: which instant it is, nobody can know.
    }
    long result =
        epochDay(year, month, day) * DAY_MS
            + ((hour * 60L + minute - offsetMinutes) * 60 + second) * 1000
            + millis;
    return isInRange(result) ? result : INVALID;
  }

  /** Reads a whole number of milliseconds. */
  private static long epochMillis(CharSequence text) {
    int length = text.length();
    int first = length > 0 && text.charAt(0) == '-' ? 1 : 0;
    if (length == first || length - first > 15) {
      return INVALID; // The largest instant has 15 digits.
    }
    long value = 0;
    for (int i = first; i < length; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return INVALID;
      }
      value = value * 10 + digit;
    }
    value = first == 0 ? value : -value;
    return isInRange(value) ? value : INVALID;
  }

  /** The zone that ends the text, in minutes east of UTC; MIN_VALUE if it is none. */
  private static int zoneMinutes(CharSequence text, int at) {
    int length = text.length() - at;
    char sign = text.charAt(at);
    if (sign == 'Z' && length == 1) {
      return 0;
    }
    if (sign != '+' && sign != '-') {
      return Integer.MIN_VALUE;
    }
    boolean colon = length == 6 && text.charAt(at + 3) == ':';
    if (length != 3 && length != 5 && !colon) {
      return Integer.MIN_VALUE;
    }
    int hours = digits(text, at + 1, 2);
    int minutes = length == 3 ? 0 : digits(text, at + length - 2, 2);
    if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59) {
      return Integer.MIN_VALUE;
    }
    int total = hours * 60 + minutes;
    return sign == '+' ? total : -total;
  }

  private static int digits(CharSequence text, int from, int count) {
    int value = 0;
    for (int i = from; i < from + count; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      value = value * 10 + digit;
    }
    return value;
  }

  private static int lengthOfMonth(int year, int month) {
    if (month == 2) {
      return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
    }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
  }

  private static long epochDay(int year, int month, int day) {
    int shiftedYear = month <= 2 ? year - 1 : year;
    int era = shiftedYear / 400;
    int yearOfEra = shiftedYear - era * 400;
    int dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
    return era * 146_097L + dayOfEra - 719_468;
  }

  private static void put(char[] text, int from, int count, int value) {
    int rest = value;
    for (int i = from + count - 1; i >= from; i--) {
      text[i] = (char) ('0' + rest % 10);
      rest /= 10;
    }
  }
}
