package dev.tailwater.schemas;

/** How the records of a stream are written as bytes. */
public enum RecordFormat {
  /** One JSON object a record; column names are its keys. */
  JSON,
  /** Avro binary encoding of the stream's own schema, without a header. */
  AVRO
}
