package dev.tailwater.connectors.iceberg;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What a table is made of, from its metadata.
 *
 * @param name as in {@code features.customer_spend}
 * @param rows in the current snapshot
 * @param dataFiles in the current snapshot
 * @param smallFiles how many of them are smaller than a quarter of the target size
 * @param bytes of the data files
 * @param snapshots that can still be read
 * @param newest the current snapshot; empty if nothing was ever written
 * @param tags of snapshots, which never expire, in order of their names
 * @param definitionVersions of the view that rows of a feature table are of, in order; for each
 *     file its least and its greatest, so that one in between may be missing
 */
public record TableReport(
    String name,
    long rows,
    int dataFiles,
    int smallFiles,
    long bytes,
    int snapshots,
    Optional<Newest> newest,
    List<String> tags,
    List<String> definitionVersions) {

  public TableReport {
    tags = List.copyOf(tags);
    definitionVersions = List.copyOf(definitionVersions);
  }

  /** A table's current snapshot, and when it was committed. */
  public record Newest(long snapshotId, Instant committedAt) {}
}
