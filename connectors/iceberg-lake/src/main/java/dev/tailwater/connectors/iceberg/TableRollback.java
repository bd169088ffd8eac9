package dev.tailwater.connectors.iceberg;

import java.time.Instant;
import java.util.List;

/**
 * A table that is to go back to an earlier snapshot, or forward again.
 *
 * @param table as in {@code features.customer_spend}
 * @param from the current snapshot, to which it can return until that one expires
 * @param to the snapshot that becomes the current one
 * @param undone what is current now and will not be, the newest first
 */
public record TableRollback(String table, long from, long to, List<Undone> undone) {

  public TableRollback {
    undone = List.copyOf(undone);
  }

  /**
   * A commit.
   *
   * @param writer the first job of the lineage that made it; empty for a compaction, which adds no
   *     rows of its own
   * @param rows that it added
   */
  public record Undone(long snapshotId, Instant committedAt, String writer, long rows) {}

  /** Those whose rows go, in order. */
  public List<String> writers() {
    return undone.stream()
        .filter(commit -> commit.rows() > 0)
        .map(Undone::writer)
        .distinct()
        .sorted()
        .toList();
  }

  /** How many rows go. */
  public long rows() {
    return undone.stream().mapToLong(Undone::rows).sum();
  }
}
