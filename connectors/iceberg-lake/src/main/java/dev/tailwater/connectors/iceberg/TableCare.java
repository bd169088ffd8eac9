package dev.tailwater.connectors.iceberg;

import java.io.Serializable;
import java.time.Duration;

/**
 * How the tables of a lake are kept in order.
 *
 * @param every how often a running job compacts and expires, at least 1 s
 * @param targetFileBytes how large compaction makes files, at least 1 MiB; a file below a quarter
 *     of it is small
 * @param minInputFiles how many files of one partition are worth compacting, at least 2
 * @param keepSnapshotsFor the age below which no snapshot expires, at least 1 s; a reader that
 *     takes longer than this may lose the files under it
 * @param keepSnapshots how many of the newest snapshots never expire, at least 10: a writer that
 *     comes back finds its own last commit among them
 * @param deleteOrphansAfter the age from which a file that no snapshot names is deleted, at least 1
 *     d: the files of a job that is down are named only when it has come back
 */
public record TableCare(
    Duration every,
    long targetFileBytes,
    int minInputFiles,
    Duration keepSnapshotsFor,
    int keepSnapshots,
    Duration deleteOrphansAfter)
    implements Serializable {

  /** What is right for most lakes. */
  public static final TableCare DEFAULT =
      new TableCare(
          Duration.ofMinutes(10), 128L << 20, 5, Duration.ofDays(7), 100, Duration.ofDays(3));

  private static final int SMALL_PART = 4;

  public TableCare {
    require(every.compareTo(Duration.ofSeconds(1)) >= 0, "every (%s) must be at least 1s", every);
    require(
        targetFileBytes >= 1 << 20,
        "the target file size (%s bytes) must be at least 1 MiB",
        targetFileBytes);
    require(
        minInputFiles >= 2, "the files worth compacting (%s) must be at least 2", minInputFiles);
    require(
        keepSnapshotsFor.compareTo(Duration.ofSeconds(1)) >= 0,
        "the time that snapshots are kept (%s) must be at least 1s",
        keepSnapshotsFor);
    require(
        keepSnapshots >= 10, "the snapshots that are kept (%s) must be at least 10", keepSnapshots);
    require(
        deleteOrphansAfter.compareTo(Duration.ofDays(1)) >= 0,
        "the age of files to delete (%s) must be at least 1d: a running writer's files look the same",
        deleteOrphansAfter);
  }

  /** The size below which a file is small. */
  public long smallFileBytes() {
    return targetFileBytes / SMALL_PART;
  }

  private static void require(boolean condition, String message, Object value) {
    if (!condition) {
      throw new IllegalArgumentException(message.formatted(value));
    }
  }
}
