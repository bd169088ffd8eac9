package dev.tailwater.connectors.iceberg;

import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RecordSchema;
import java.io.Serializable;

/**
 * A stream as its raw records are decoded: its present contract, whatever it was when they were
 * archived.
 *
 * @param name the stream's, and its table's
 * @param eventTimeColumn a column of type TIMESTAMP, or LONG in milliseconds since the epoch
 */
public record RawStream(String name, RecordFormat format, RecordSchema schema, int eventTimeColumn)
    implements Serializable {}
