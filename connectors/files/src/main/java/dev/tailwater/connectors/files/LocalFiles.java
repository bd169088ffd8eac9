package dev.tailwater.connectors.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPInputStream;

/** Local files by their ending: what they hold, and whether it is compressed. */
final class LocalFiles {

  private static final String GZIP = ".gz";
  private static final int GZIP_BUFFER_BYTES = 64 << 10;

  private LocalFiles() {}

  /**
   * The ending of a file's name, without {@code .gz}; empty if it has none.
   *
   * @throws IllegalArgumentException if it is none of the known ones, naming them
   */
  static String requireEnding(Path file, List<String> known) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    for (String ending : known) {
      if (name.endsWith(ending)) {
        return ending.endsWith(GZIP)
            ? ending.substring(0, ending.length() - GZIP.length())
            : ending;
      }
    }
    throw new IllegalArgumentException(
        file + ": what the file holds is told by its ending, which must be one of " + known);
  }

  /**
   * Requires that a file can be opened.
   *
   * @throws IllegalArgumentException if it is missing, no file, or not readable
   */
  static void requireReadable(Path file) {
    if (!Files.exists(file)) {
      throw new IllegalArgumentException(
          file
              + ": there is no such file (looked for "
              + file.toAbsolutePath()
              + "); check the path");
    }
    if (!Files.isRegularFile(file)) {
      throw new IllegalArgumentException(file + " is not a file; name one file of records");
    }
    if (!Files.isReadable(file)) {
      throw new IllegalArgumentException(file + ": the file may not be read by this user");
    }
  }

  /** Opens a file, decompressing it, beside who reads it, if its name ends in {@code .gz}. */
  static InputStream open(Path file) throws IOException {
    InputStream bytes = Files.newInputStream(file);
    if (!file.toString().toLowerCase(Locale.ROOT).endsWith(GZIP)) {
      return bytes;
    }
    try {
      return new ReadAhead(new GZIPInputStream(bytes, GZIP_BUFFER_BYTES));
    } catch (IOException e) {
      bytes.close();
      throw new IOException(file + " ends in .gz, but is not gzip: " + e.getMessage(), e);
    }
  }

  /** The failure of a read, with the file and the record it happened at. */
  static IOException unreadable(String file, long record, Exception cause) {
    return new IOException(
        file
            + " cannot be read from record "
            + record
            + " on: "
            + cause.getMessage()
            + "; the file seems to be cut off or damaged",
        cause);
  }
}
