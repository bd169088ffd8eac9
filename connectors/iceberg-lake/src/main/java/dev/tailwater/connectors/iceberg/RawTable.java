package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.iceberg.RawEnd.PartitionEnd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.types.Types.NestedField;
import org.jspecify.annotations.Nullable;

/** The columns of a raw table, and how far it reaches. */
final class RawTable {

  static final String TOPIC = "topic";
  static final String PARTITION = "partition";
  static final String OFFSET = "offset";
  static final String APPEND_TIME = "append_time";
  static final String EVENT_TIME = "event_time";
  static final String NEWEST_BEFORE = "newest_before";
  static final String REPLAY_TIME = "replay_time";
  static final String VALUE = "value";

  /** {@link RawRowMapper} fills the columns in this order. */
  static final Schema SCHEMA =
      new Schema(
          NestedField.required(1, TOPIC, Types.StringType.get()),
          NestedField.required(2, PARTITION, Types.IntegerType.get()),
          NestedField.required(3, OFFSET, Types.LongType.get()),
          NestedField.required(4, APPEND_TIME, Types.TimestampType.withZone()),
          NestedField.optional(5, EVENT_TIME, Types.TimestampType.withZone()),
          NestedField.optional(6, NEWEST_BEFORE, Types.TimestampType.withZone()),
          NestedField.required(7, REPLAY_TIME, Types.TimestampType.withZone()),
          NestedField.optional(8, "key", Types.BinaryType.get()),
          NestedField.optional(9, VALUE, Types.BinaryType.get()),
          NestedField.required(
              10,
              "headers",
              Types.ListType.ofRequired(
                  11,
                  Types.StructType.of(
                      NestedField.required(12, "name", Types.StringType.get()),
                      NestedField.optional(13, "value", Types.BinaryType.get())))),
          NestedField.optional(14, "problem", Types.StringType.get()));

  private RawTable() {}

  static Table ensure(Catalog catalog, TableIdentifier name, String stream) {
    if (catalog.tableExists(name)) {
      return catalog.loadTable(name);
    }
    Map<String, String> properties = LakeTypes.tableProperties();
    properties.put("tailwater.stream", stream);
    // Each writer is given the partitions of the log that are its own.
    properties.put(TableProperties.WRITE_DISTRIBUTION_MODE, "none");
    // Bounds of bytes say nothing, and would be most of the metadata.
    for (String column : new String[] {"key", VALUE, "headers.element.value"}) {
      properties.put(TableProperties.METRICS_MODE_COLUMN_CONF_PREFIX + column, "counts");
    }
    try {
      return catalog
          .buildTable(name, SCHEMA)
          // A file holds records of one partition of the log: so the bounds in its metadata say how
          // far that partition reaches, and a filter by offset leaves out whole files.
          .withPartitionSpec(
              PartitionSpec.builderFor(SCHEMA).day(APPEND_TIME).identity(PARTITION).build())
          .withProperties(properties)
          .create();
    } catch (AlreadyExistsException e) {
      // Another job created it between the question and the creation: it has the same columns.
      return catalog.loadTable(name);
    }
  }

  /** Whether there is a record of a topic. */
  static boolean holds(Table table, String topic) {
    try (CloseableIterable<Record> records =
        IcebergGenerics.read(table).where(Expressions.equal(TOPIC, topic)).select(TOPIC).build()) {
      return records.iterator().hasNext();
    } catch (IOException e) {
      throw unread(table, e);
    }
  }

  /** Reads the end from the metadata of the present snapshot. */
  static Optional<RawEnd> end(Table table) {
    Snapshot snapshot = table.currentSnapshot();
    if (snapshot == null) {
      return Optional.empty();
    }
    Map<Integer, PartitionEnd> ends = new HashMap<>();
    try (CloseableIterable<FileScanTask> files =
        table.newScan().useSnapshot(snapshot.snapshotId()).includeColumnStats().planFiles()) {
      for (FileScanTask file : files) {
        DataFile data = file.file();
        int partition = (Integer) required(table, data, PARTITION);
        ends.merge(
            partition,
            new PartitionEnd(
                (Long) required(table, data, OFFSET) + 1,
                (Long) required(table, data, REPLAY_TIME) / 1000),
            (a, b) ->
                new PartitionEnd(
                    Math.max(a.nextOffset(), b.nextOffset()),
                    Math.max(a.newestEventTime(), b.newestEventTime())));
      }
    } catch (IOException e) {
      throw unread(table, e);
    }
    ends.replaceAll(
        (partition, end) ->
            // The replay time is the newest event time so far, except before the first: then it is
            // the epoch, which hides event times that are older.
            end.newestEventTime() > 0
                ? end
                : new PartitionEnd(end.nextOffset(), newest(table, snapshot, partition)));
    return ends.isEmpty() ? Optional.empty() : Optional.of(new RawEnd(snapshot.snapshotId(), ends));
  }

  private static Object required(Table table, DataFile file, String column) {
    Object bound = upperBound(file, table.schema().findField(column));
    if (bound == null) {
      throw new IllegalStateException(
          "File %s of table %s has no upper bound of column %s in its metadata, so the end of the table is unknown: keep the table's property %s%s at full, and rewrite the file"
              .formatted(
                  file.location(),
                  table.name(),
                  column,
                  TableProperties.METRICS_MODE_COLUMN_CONF_PREFIX,
                  column));
    }
    return bound;
  }

  private static @Nullable Object upperBound(DataFile file, NestedField column) {
    Map<Integer, ByteBuffer> bounds = file.upperBounds();
    ByteBuffer bound = bounds == null ? null : bounds.get(column.fieldId());
    return bound == null ? null : Conversions.fromByteBuffer(column.type(), bound);
  }

  /** Reads the rows of a partition for the newest event time that counts. */
  private static long newest(Table table, Snapshot snapshot, int partition) {
    long newest = Long.MIN_VALUE;
    try (CloseableIterable<Record> records =
        IcebergGenerics.read(table)
            .useSnapshot(snapshot.snapshotId())
            .select(PARTITION, EVENT_TIME, REPLAY_TIME)
            .where(Expressions.equal(PARTITION, partition))
            .build()) {
      for (Record record : records) {
        // It counts if the replay is ordered by it.
        Object eventTime = record.getField(EVENT_TIME);
        if (eventTime != null && eventTime.equals(record.getField(REPLAY_TIME))) {
          newest = Math.max(newest, ((OffsetDateTime) eventTime).toInstant().toEpochMilli());
        }
      }
    } catch (IOException e) {
      throw unread(table, e);
    }
    return newest;
  }

  private static UncheckedIOException unread(Table table, IOException e) {
    return new UncheckedIOException("Reading table " + table.name() + " failed", e);
  }
}
