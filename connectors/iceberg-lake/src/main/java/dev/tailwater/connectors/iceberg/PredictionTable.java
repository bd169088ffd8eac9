package dev.tailwater.connectors.iceberg;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.types.Types.NestedField;

/** The columns of a predictions table. */
final class PredictionTable {

  static final String QUESTION_ID = "question_id";
  static final String EVENT_TIME = "event_time";
  static final String RUN = "run";

  private static final String LOG_PARTITION = "log_partition";
  private static final String LOG_OFFSET = "log_offset";

  /** {@link PredictionMapper} fills the columns in this order. */
  static final Schema SCHEMA =
      new Schema(
          NestedField.required(1, QUESTION_ID, Types.StringType.get()),
          NestedField.required(2, "model", Types.StringType.get()),
          NestedField.required(3, "model_version", Types.StringType.get()),
          NestedField.required(4, "definition_version", Types.StringType.get()),
          NestedField.required(5, EVENT_TIME, Types.TimestampType.withZone()),
          NestedField.optional(6, "score", Types.DoubleType.get()),
          NestedField.required(7, "outcome", Types.StringType.get()),
          NestedField.optional(8, "reason", Types.StringType.get()),
          NestedField.optional(9, "latency_ms", Types.DoubleType.get()),
          NestedField.required(
              10,
              "vector",
              Types.MapType.ofOptional(11, 12, Types.StringType.get(), Types.DoubleType.get())),
          NestedField.required(13, "cause_topic", Types.StringType.get()),
          NestedField.required(14, "cause_partition", Types.IntegerType.get()),
          NestedField.required(15, "cause_offset", Types.LongType.get()),
          NestedField.required(16, RUN, Types.StringType.get()),
          NestedField.optional(17, LOG_PARTITION, Types.IntegerType.get()),
          NestedField.optional(18, LOG_OFFSET, Types.LongType.get()),
          NestedField.required(19, "append_time", Types.TimestampType.withZone()));

  private PredictionTable() {}

  static Table ensure(Catalog catalog, TableIdentifier name, String model) {
    if (!catalog.tableExists(name)) {
      Map<String, String> properties = LakeTypes.tableProperties();
      properties.put("tailwater.model", model);
      try {
        return catalog
            .buildTable(name, SCHEMA)
            .withPartitionSpec(PartitionSpec.builderFor(SCHEMA).day(EVENT_TIME).build())
            .withProperties(properties)
            .create();
      } catch (AlreadyExistsException e) {
        // Another job created it between the question and the creation: it has the same columns.
        return catalog.loadTable(name);
      }
    }
    return catalog.loadTable(name);
  }

  /** The offset after the last archived one of each partition of the log. */
  static Map<Integer, Long> ends(Table table) {
    Map<Integer, Long> ends = new HashMap<>();
    try (CloseableIterable<Record> records =
        IcebergGenerics.read(table)
            .select(LOG_PARTITION, LOG_OFFSET)
            .where(Expressions.notNull(LOG_OFFSET))
            .build()) {
      for (Record record : records) {
        ends.merge(
            (Integer) record.getField(LOG_PARTITION),
            (Long) record.getField(LOG_OFFSET) + 1,
            Math::max);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Reading table " + table.name() + " failed", e);
    }
    return ends;
  }
}
