package dev.tailwater.schemas;

import java.io.Serializable;
import java.util.List;

/**
 * The columns of the records of one stream, in order. A decoded record is an {@code Object[]} with
 * one value per column, each of its type's Java class or {@code null}.
 *
 * @param name the record's name in its Avro contract
 * @param avro the Avro contract this schema was read from, as JSON
 */
public record RecordSchema(String name, List<Column> columns, String avro) implements Serializable {

  public RecordSchema {
    columns = List.copyOf(columns);
  }

  /** The position of the column with this name, or -1. */
  public int indexOf(String columnName) {
    for (int i = 0; i < columns.size(); i++) {
      if (columns.get(i).name().equals(columnName)) {
        return i;
      }
    }
    return -1;
  }
}
