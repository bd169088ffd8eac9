package dev.tailwater.connectors.iceberg;

import java.util.Map;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.types.Types.NestedField;

/** The columns of a predictions table. */
final class PredictionTable {

  /** {@link PredictionMapper} fills the columns in this order. */
  static final Schema SCHEMA =
      new Schema(
          NestedField.required(1, "question_id", Types.StringType.get()),
          NestedField.required(2, "model", Types.StringType.get()),
          NestedField.required(3, "model_version", Types.StringType.get()),
          NestedField.required(4, "event_time", Types.TimestampType.withZone()),
          NestedField.optional(5, "score", Types.DoubleType.get()),
          NestedField.required(6, "outcome", Types.StringType.get()),
          NestedField.optional(7, "reason", Types.StringType.get()),
          NestedField.optional(8, "latency_ms", Types.DoubleType.get()),
          NestedField.required(
              9,
              "vector",
              Types.MapType.ofOptional(10, 11, Types.StringType.get(), Types.DoubleType.get())),
          NestedField.required(12, "cause_topic", Types.StringType.get()),
          NestedField.required(13, "cause_partition", Types.IntegerType.get()),
          NestedField.required(14, "cause_offset", Types.LongType.get()),
          NestedField.required(15, "log_partition", Types.IntegerType.get()),
          NestedField.required(16, "log_offset", Types.LongType.get()),
          NestedField.required(17, "append_time", Types.TimestampType.withZone()));

  private PredictionTable() {}

  static Table ensure(Catalog catalog, TableIdentifier name, String model) {
    if (!catalog.tableExists(name)) {
      Map<String, String> properties = LakeTypes.tableProperties();
      properties.put("tailwater.model", model);
      try {
        return catalog
            .buildTable(name, SCHEMA)
            .withPartitionSpec(PartitionSpec.builderFor(SCHEMA).day("event_time").build())
            .withProperties(properties)
            .create();
      } catch (AlreadyExistsException e) {
        // Another job created it between the question and the creation: it has the same columns.
        return catalog.loadTable(name);
      }
    }
    return catalog.loadTable(name);
  }
}
