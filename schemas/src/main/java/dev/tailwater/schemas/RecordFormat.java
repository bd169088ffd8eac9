package dev.tailwater.schemas;

/** How the records of a stream are written as bytes. */
public enum RecordFormat {
  /**
   * One JSON object a record; column names are its keys, in any order.
   *
   * <p>Unknown keys are ignored, a missing key is NULL. Timestamps are written as ISO-8601 in UTC
   * with milliseconds, and read in every form of {@link Timestamps#parse} or as a number of
   * milliseconds since the epoch. A column's key may stand only once.
   */
  JSON,
  /** Avro binary encoding of the stream's own schema, without a header. */
  AVRO,
  /**
   * A changelog as Debezium writes it: one JSON envelope a record, with or without its schema.
   *
   * <p>{@code op} is {@code c} or {@code r} (the row {@code after} is there), {@code u} (the row
   * {@code before} became {@code after}) or {@code d} ({@code before} is gone). Rows are read as in
   * {@link #JSON}, but a whole number in a column of logicalType timestamp-micros counts
   * microseconds, as Debezium writes them. A change without the complete row before it, and a
   * truncation, are undecodable: what was told before could not be retracted. Written are records
   * with {@code op} {@code c}.
   */
  DEBEZIUM_JSON;

  /** A longer record is undecodable, so that one bad producer cannot fill a reader's memory. */
  public static final int MAX_RECORD_BYTES = 1 << 20;

  /** Whether a record can change or delete a row that an earlier one told. */
  public boolean isChangelog() {
    return this == DEBEZIUM_JSON;
  }

  /**
   * A reader of records of the schema.
   *
   * @throws IllegalArgumentException if the schema's Avro contract cannot be read
   */
  public RecordDecoder decoder(RecordSchema schema) {
    return switch (this) {
      case JSON -> new JsonRecordDecoder(schema);
      case AVRO -> new AvroRecordDecoder(schema);
      case DEBEZIUM_JSON -> new DebeziumJsonDecoder(schema);
    };
  }

  /**
   * A writer of records of the schema, whose bytes {@link #decoder} reads back as the same values.
   *
   * @throws IllegalArgumentException if the schema's Avro contract cannot be read
   */
  public RecordEncoder encoder(RecordSchema schema) {
    return switch (this) {
      case JSON -> new JsonRecordEncoder(schema);
      case AVRO -> new AvroRecordEncoder(schema);
      case DEBEZIUM_JSON -> new DebeziumJsonEncoder(schema);
    };
  }

  static void requireBounded(byte[] record) throws UndecodableRecordException {
    if (record.length > MAX_RECORD_BYTES) {
      throw new UndecodableRecordException(
          "the record has " + record.length + " bytes; at most " + MAX_RECORD_BYTES + " are read");
    }
  }
}
