package dev.tailwater.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file that one run of the command logs to. The console stays quiet; the file is named when
 * something fails. It is created by the first line logged.
 */
final class LogFile {

  private static final int KEPT_FILES = 20;

  private final Path path;

  private LogFile(Path path) {
    this.path = path;
  }

  /**
   * Sends all logging of this JVM to a new file. Must be called before the first logger exists.
   *
   * @param verbose whether to log at debug level what Tailwater itself does
   */
  static LogFile open(TailwaterHome home, String command, boolean verbose, Instant now) {
    String time =
        DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss-SSS").withZone(ZoneOffset.UTC).format(now);
    Path path = home.logs().resolve(command + "-" + time + ".log");
    System.setProperty("log4j2.configurationFile", "classpath:tailwater-log4j2.xml");
    System.setProperty("tailwater.log.file", path.toString());
    System.setProperty("tailwater.log.level", verbose ? "DEBUG" : "INFO");
    redirectPlatformLogging();
    removeOldFiles(home.logs());
    return new LogFile(path);
  }

  /** Turns logging off, for a command that leaves nothing behind. */
  static void none() {
    System.setProperty("log4j2.configurationFile", "classpath:tailwater-no-log4j2.xml");
    LogManager.getLogManager().reset();
  }

  Path path() {
    return path;
  }

  boolean exists() {
    return Files.exists(path);
  }

  /** Some libraries log through java.util.logging, which would write to the console. */
  private static void redirectPlatformLogging() {
    LogManager.getLogManager().reset();
    java.util.logging.Logger root = java.util.logging.Logger.getLogger("");
    root.setLevel(Level.INFO);
    root.addHandler(new ToLogFile());
  }

  private static void removeOldFiles(Path logs) {
    if (!Files.isDirectory(logs)) {
      return;
    }
    try (Stream<Path> files = Files.list(logs)) {
      List<Path> newestFirst =
          files
              .filter(file -> file.getFileName().toString().endsWith(".log"))
              .sorted(Comparator.comparing(LogFile::time).reversed())
              .toList();
      for (Path file :
          newestFirst.subList(Math.min(KEPT_FILES, newestFirst.size()), newestFirst.size())) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // Old logs that cannot be removed are no reason not to run.
      LoggerFactory.getLogger(LogFile.class).info("Old logs in {} were not removed", logs, e);
    }
  }

  /** The time stands in the name, so that copying the folder does not change what is old. */
  private static String time(Path file) {
    String name = file.getFileName().toString();
    return name.substring(Math.max(0, name.length() - "yyyyMMdd-HHmmss-SSS.log".length()));
  }

  private static final class ToLogFile extends Handler {

    @Override
    public void publish(LogRecord record) {
      if (record.getMessage() == null) {
        return;
      }
      String name = record.getLoggerName() == null ? "java.util.logging" : record.getLoggerName();
      Logger logger = LoggerFactory.getLogger(name);
      if (record.getLevel().intValue() >= Level.SEVERE.intValue()) {
        logger.error(record.getMessage(), record.getThrown());
      } else if (record.getLevel().intValue() >= Level.WARNING.intValue()) {
        logger.warn(record.getMessage(), record.getThrown());
      } else {
        logger.info(record.getMessage(), record.getThrown());
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
