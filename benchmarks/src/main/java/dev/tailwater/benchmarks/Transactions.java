package dev.tailwater.benchmarks;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;

/**
 * A transactions file as primitive arrays, in the file's order.
 *
 * <p>The file has the columns TRANSACTION_ID, TX_DATETIME, CUSTOMER_ID, TERMINAL_ID, TX_AMOUNT,
 * TX_TIME_SECONDS, TX_TIME_DAYS, TX_FRAUD, TX_FRAUD_SCENARIO, no quotes, and is sorted by time.
 */
final class Transactions {

  private static final String HEADER =
      "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,"
          + "TX_TIME_SECONDS,TX_TIME_DAYS,TX_FRAUD,TX_FRAUD_SCENARIO";
  private static final int COLUMNS = 9;
  private static final int LONGEST_LINE = 4096;

  int rows;
  long[] id = new long[1 << 16];
  long[] seconds = new long[1 << 16];
  int[] customer = new int[1 << 16];
  int[] terminal = new int[1 << 16];
  double[] amount = new double[1 << 16];
  byte[] fraud = new byte[1 << 16];

  private Transactions() {}

  /**
   * Reads a plain or gzipped file.
   *
   * @throws IOException if the file cannot be read, has another header or an unreadable line, or is
   *     not sorted by TX_TIME_SECONDS
   */
  static Transactions read(Path csv) throws IOException {
    Transactions transactions = new Transactions();
    try (InputStream bytes = open(csv)) {
      transactions.readAll(csv, bytes);
    }
    return transactions;
  }

  /**
   * Copies the header and the first rows of a plain or gzipped file.
   *
   * @param to a plain file
   */
  static void copyFirst(Path csv, Path to, int rows) throws IOException {
    try (BufferedReader lines =
            new BufferedReader(new InputStreamReader(open(csv), StandardCharsets.UTF_8));
        BufferedWriter copy = Files.newBufferedWriter(to)) {
      String line = lines.readLine();
      for (int i = 0; i <= rows && line != null; i++) {
        copy.write(line);
        copy.newLine();
        line = lines.readLine();
      }
    }
  }

  private static InputStream open(Path csv) throws IOException {
    InputStream file = Files.newInputStream(csv);
    return csv.toString().endsWith(".gz")
        ? new GZIPInputStream(file, 1 << 16)
        : new BufferedInputStream(file);
  }

  private void readAll(Path csv, InputStream bytes) throws IOException {
    byte[] buffer = new byte[1 << 16];
    byte[] line = new byte[LONGEST_LINE];
    int lineLength = 0;
    long lineNumber = 1;
    for (int read = bytes.read(buffer); read >= 0; read = bytes.read(buffer)) {
      for (int i = 0; i < read; i++) {
        byte b = buffer[i];
        if (b == '\n') {
          endLine(csv, line, lineLength, lineNumber);
          lineNumber++;
          lineLength = 0;
        } else if (b != '\r') {
          if (lineLength == LONGEST_LINE) {
            throw unreadable(csv, lineNumber, "it is longer than " + LONGEST_LINE + " bytes");
          }
          line[lineLength++] = b;
        }
      }
    }
    if (lineLength > 0) {
      endLine(csv, line, lineLength, lineNumber);
    }
  }

  private void endLine(Path csv, byte[] line, int length, long lineNumber) throws IOException {
    if (lineNumber == 1) {
      String header = text(line, 0, length);
      if (!header.equals(HEADER)) {
        throw unreadable(csv, 1, "the header is '" + header + "', not '" + HEADER + "'");
      }
      return;
    }
    int[] ends = new int[COLUMNS];
    int columns = 0;
    for (int i = 0; i <= length; i++) {
      if (i == length || line[i] == ',') {
        if (columns == COLUMNS) {
          throw unreadable(csv, lineNumber, "it has more than " + COLUMNS + " columns");
        }
        ends[columns++] = i;
      }
    }
    if (columns < COLUMNS) {
      throw unreadable(csv, lineNumber, "it has " + columns + " columns, not " + COLUMNS);
    }
    if (rows == seconds.length) {
      grow(rows * 2);
    }
    try {
      id[rows] = integer(line, 0, ends[0]);
      customer[rows] = Math.toIntExact(integer(line, ends[1] + 1, ends[2]));
      terminal[rows] = Math.toIntExact(integer(line, ends[2] + 1, ends[3]));
      amount[rows] = Double.parseDouble(text(line, ends[3] + 1, ends[4]));
      seconds[rows] = integer(line, ends[4] + 1, ends[5]);
      fraud[rows] = (byte) integer(line, ends[6] + 1, ends[7]);
    } catch (ArithmeticException | NumberFormatException e) {
      throw unreadable(csv, lineNumber, String.valueOf(e.getMessage()));
    }
    if (rows > 0 && seconds[rows] < seconds[rows - 1]) {
      throw unreadable(
          csv, lineNumber, "its TX_TIME_SECONDS is before that of the line above: sort the file");
    }
    rows++;
  }

  private void grow(int capacity) {
    id = Arrays.copyOf(id, capacity);
    seconds = Arrays.copyOf(seconds, capacity);
    customer = Arrays.copyOf(customer, capacity);
    terminal = Arrays.copyOf(terminal, capacity);
    amount = Arrays.copyOf(amount, capacity);
    fraud = Arrays.copyOf(fraud, capacity);
  }

  private static long integer(byte[] line, int from, int to) {
    if (from == to || to - from > 18) {
      throw new NumberFormatException("'" + text(line, from, to) + "' is not a whole number");
    }
    long value = 0;
    for (int i = from; i < to; i++) {
      int digit = line[i] - '0';
      if (digit < 0 || digit > 9) {
        throw new NumberFormatException("'" + text(line, from, to) + "' is not a whole number");
      }
      value = value * 10 + digit;
    }
    return value;
  }

  private static String text(byte[] line, int from, int to) {
    return new String(line, from, to - from, StandardCharsets.ISO_8859_1);
  }

  private static IOException unreadable(Path csv, long lineNumber, String reason) {
    return new IOException(csv + ":" + lineNumber + ": cannot read this line: " + reason);
  }
}
