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

  static final String QUESTION_ID = "question_id";
  static final String EVENT_TIME = "event_time";
  static final String RUN = "run";

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
          NestedField.optional(17, "log_partition", Types.IntegerType.get()),
          NestedField.optional(18, "log_offset", Types.LongType.get()),
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
}
