package dev.tailwater.schemas;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the records of a CSV file into values, one per column of a schema; the file's header says
 * which field is which. Fields of other columns are ignored.
 *
 * <p>An empty field is NULL, except a quoted one in a STRING column, which is the empty text.
 * Numbers are plain decimals, in a DOUBLE column with an optional exponent or one of {@code NaN},
 * {@code Infinity}, {@code -Infinity}; a double is the one nearest to the text. Booleans are {@code
 * true} and {@code false} in any case, {@code 1} and {@code 0}. Timestamps take every form of
 * {@link Timestamps#parse}. Spaces belong to a field. Not thread-safe.
 */
public final class CsvDecoder {

  /** Every one of these is exact, and so is the quotient of two exact doubles, rounded once. */
  private static final double[] POWERS_OF_TEN = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22
  };

  private static final int MAX_EXACT_DIGITS = 15;

  private final List<String> header;
  private final Column[] columns;
  private final int[] fields;
  private final Bytes slice = new Bytes();

  /**
   * A decoder for files with this header.
   *
   * @param schema the columns to read, in the order of the decoded values
   * @throws IllegalArgumentException if a column of the schema is not in the header; the message
   *     lists the missing columns, the header's other columns, and all that are expected
   */
  public CsvDecoder(List<String> header, List<Column> schema) {
    this.header = List.copyOf(header);
    columns = schema.toArray(Column[]::new);
    fields = new int[columns.length];
    List<String> missing = new ArrayList<>();
    List<String> others = new ArrayList<>(header);
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < columns.length; i++) {
      String name = columns[i].name();
      fields[i] = header.indexOf(name);
      expected.add(name);
      if (!others.remove(name)) {
        missing.add(name);
      }
    }
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException(
          "the header does not name the columns "
              + missing
              + (others.isEmpty() ? "" : "; it names " + others + ", which are not asked for")
              + "; expected are "
              + expected
              + ", in any order");
    }
  }

  /**
   * Decodes the current record of {@code records}.
   *
   * @return a new array with one value per column, in schema order
   * @throws UndecodableRecordException if the record is broken or does not keep the schema
   */
  public @Nullable Object[] decode(CsvRecords records) throws UndecodableRecordException {
    String problem = records.problem();
    if (problem != null) {
      throw new UndecodableRecordException(problem);
    }
    if (records.fieldCount() != header.size()) {
      throw new UndecodableRecordException(
          "the record has "
              + records.fieldCount()
              + " fields, but the header has "
              + header.size());
    }
    @Nullable Object[] values = new Object[columns.length];
    for (int i = 0; i < columns.length; i++) {
      Object value = value(records, fields[i], columns[i]);
      if (value == null && !columns[i].nullable()) {
        throw new UndecodableRecordException(
            "column " + columns[i].name() + " is empty, but its contract requires a value");
      }
      values[i] = value;
    }
    return values;
  }

  private @Nullable Object value(CsvRecords records, int field, Column column)
      throws UndecodableRecordException {
    int from = records.from(field);
    int to = records.to(field);
    if (from == to && (column.type() != ColumnType.STRING || records.isNull(field))) {
      return null;
    }
    byte[] bytes = records.buffer();
    switch (column.type()) {
      case BOOLEAN:
        return booleanValue(bytes, from, to, column);
      case INT:
        long number = wholeNumber(bytes, from, to, column);
        if (number != (int) number) {
          throw unreadable(bytes, from, to, column, "which does not fit 32 bits");
        }
        return (int) number;
      case LONG:
        return wholeNumber(bytes, from, to, column);
      case DOUBLE:
        return doubleValue(bytes, from, to, column);
      case STRING:
        return records.text(field, column.name());
      case TIMESTAMP:
        slice.set(bytes, from, to);
        long instant = Timestamps.parseOrInvalid(slice);
        if (instant == Timestamps.INVALID) {
          throw Text.notATimestamp(column.name(), slice);
        }
        return instant;
    }
    throw new AssertionError(column.type());
  }

  private Boolean booleanValue(byte[] bytes, int from, int to, Column column)
      throws UndecodableRecordException {
    slice.set(bytes, from, to);
    if (slice.equalsIgnoringCase("true") || slice.equalsIgnoringCase("1")) {
      return true;
    }
    if (slice.equalsIgnoringCase("false") || slice.equalsIgnoringCase("0")) {
      return false;
    }
    throw unreadable(bytes, from, to, column, "which is not true, false, 1 or 0");
  }

  private long wholeNumber(byte[] bytes, int from, int to, Column column)
      throws UndecodableRecordException {
    boolean negative = bytes[from] == '-';
    int at = negative || bytes[from] == '+' ? from + 1 : from;
    if (at == to) {
      throw unreadable(bytes, from, to, column, "which is not a whole number");
    }
    long value = 0; // Counted downwards: the smallest long has no positive counterpart.
    for (; at < to; at++) {
      int digit = bytes[at] - '0';
      if (digit < 0 || digit > 9) {
        throw unreadable(bytes, from, to, column, "which is not a whole number");
      }
      if (value < Long.MIN_VALUE / 10 || value * 10 < Long.MIN_VALUE + digit) {
        throw unreadable(bytes, from, to, column, "which does not fit 64 bits");
      }
      value = value * 10 - digit;
    }
    if (negative) {
      return value;
    }
    if (value == Long.MIN_VALUE) {
      throw unreadable(bytes, from, to, column, "which does not fit 64 bits");
    }
    return -value;
  }

  private double doubleValue(byte[] bytes, int from, int to, Column column)
      throws UndecodableRecordException {
    boolean negative = bytes[from] == '-';
    int at = negative || bytes[from] == '+' ? from + 1 : from;
    int firstDigit = at;
    long digits = 0;
    int significant = 0;
    int point = -1;
    for (; at < to; at++) {
      int digit = bytes[at] - '0';
      if (digit >= 0 && digit <= 9) {
        if (significant <= MAX_EXACT_DIGITS) {
          digits = digits * 10 + digit;
          significant += digits == 0 ? 0 : 1; // Leading zeros are not significant.
        }
      } else if (bytes[at] == '.' && point < 0) {
        point = at;
      } else {
        break;
      }
    }
    int decimals = point < 0 ? 0 : at - point - 1;
    int digitCount = at - firstDigit - (point < 0 ? 0 : 1);
    if (at == to
        && digitCount > 0
        && significant <= MAX_EXACT_DIGITS
        && decimals < POWERS_OF_TEN.length) {
      double value = digits / POWERS_OF_TEN[decimals];
      return negative ? -value : value;
    }
    return otherDouble(bytes, from, to, column, at, digitCount);
  }

  /** What has an exponent, many digits or a name; {@code at} is behind the decimal digits. */
  private double otherDouble(byte[] bytes, int from, int to, Column column, int at, int digitCount)
      throws UndecodableRecordException {
    String text = new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
    switch (text) {
      case "NaN":
        return Double.NaN;
      case "Infinity":
        return Double.POSITIVE_INFINITY;
      case "-Infinity":
        return Double.NEGATIVE_INFINITY;
      default:
        break;
    }
    // Java's own parser also takes hexadecimals, spaces and a trailing d or f: nobody meant those.
    if (digitCount == 0 || (at < to && !isExponent(bytes, at, to))) {
      throw unreadable(bytes, from, to, column, "which is not a number");
    }
    double value = Double.parseDouble(text);
    if (Double.isInfinite(value)) {
      throw unreadable(bytes, from, to, column, "which does not fit a double");
    }
    return value;
  }

  private static boolean isExponent(byte[] bytes, int from, int to) {
    if (bytes[from] != 'e' && bytes[from] != 'E') {
      return false;
    }
    int at = from + 1;
    if (at < to && (bytes[at] == '-' || bytes[at] == '+')) {
      at++;
    }
    int firstDigit = at;
    while (at < to && bytes[at] >= '0' && bytes[at] <= '9') {
      at++;
    }
    return at == to && at > firstDigit;
  }

  private UndecodableRecordException unreadable(
      byte[] bytes, int from, int to, Column column, String reason) {
    slice.set(bytes, from, to);
    return new UndecodableRecordException(
        "column "
            + column.name()
            + " of type "
            + column.type()
            + " is '"
            + Text.shown(slice)
            + "', "
            + reason);
  }

  /** A range of bytes seen as characters, without copying them; good for ASCII. */
  private static final class Bytes implements CharSequence {

    private byte[] bytes = new byte[0];
    private int from;
    private int to;

    void set(byte[] of, int first, int behindLast) {
      bytes = of;
      from = first;
      to = behindLast;
    }

    boolean equalsIgnoringCase(String lowerCase) {
      if (length() != lowerCase.length()) {
        return false;
      }
      for (int i = 0; i < lowerCase.length(); i++) {
        if (Character.toLowerCase(charAt(i)) != lowerCase.charAt(i)) {
          return false;
        }
      }
      return true;
    }

    @Override
    public int length() {
      return to - from;
    }

    @Override
    public char charAt(int index) {
      return (char) (bytes[from + index] & 0xFF);
    }

    @Override
    public CharSequence subSequence(int first, int behindLast) {
      return new String(bytes, from + first, behindLast - first, StandardCharsets.ISO_8859_1);
    }

    @Override
    public String toString() {
      return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
    }
  }
}
