package dev.tailwater.schemas;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Writes rows as inserts of a changelog. */
final class DebeziumJsonEncoder implements RecordEncoder {

  private static final byte[] HEAD =
      "{\"op\":\"c\",\"before\":null,\"after\":".getBytes(StandardCharsets.UTF_8);

  private final JsonRecordEncoder rows;

  DebeziumJsonEncoder(RecordSchema schema) {
    rows = new JsonRecordEncoder(schema);
  }

  @Override
  public byte[] encode(@Nullable Object[] values) {
    byte[] row = rows.encode(values);
    byte[] record = new byte[HEAD.length + row.length + 1];
    System.arraycopy(HEAD, 0, record, 0, HEAD.length);
    System.arraycopy(row, 0, record, HEAD.length, row.length);
    record[record.length - 1] = '}';
    return record;
  }
}
