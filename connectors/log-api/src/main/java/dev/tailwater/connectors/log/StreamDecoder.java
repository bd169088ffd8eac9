package dev.tailwater.connectors.log;

import dev.tailwater.schemas.RecordDecoder;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RecordSchema;
import dev.tailwater.schemas.RowChange;
import dev.tailwater.schemas.UndecodableRecordException;
import org.jspecify.annotations.Nullable;

/**
 * Decodes the original bytes of a stream's records, wherever they are kept: in the log or in the
 * lake. Never fails: what cannot be decoded has a {@link LogRecord#problem}. Not thread-safe.
 */
public final class StreamDecoder {

  private final RecordFormat format;
  private final RecordSchema schema;
  private final int eventTimeColumn;
  private final RecordDecoder decoder;

  /**
   * Creates the decoder of one stream.
   *
   * @param eventTimeColumn a column of type TIMESTAMP, or LONG in milliseconds since the epoch
   */
  public StreamDecoder(RecordFormat format, RecordSchema schema, int eventTimeColumn) {
    this.format = format;
    this.schema = schema;
    this.eventTimeColumn = eventTimeColumn;
    this.decoder = format.decoder(schema);
  }

  /**
   * Fills in what the bytes tell: the change, its rows and the event time, or the problem, with
   * which the bytes are kept.
   *
   * @param value null in a tombstone
   * @param keepBytes whether a good record keeps its bytes, too
   */
  public void decode(byte @Nullable [] value, boolean keepBytes, LogRecord record) {
    if (value == null) {
      if (format.isChangelog()) {
        // Follows a deletion, which has said everything, so that the log may forget the key.
        record.change = RowChange.Kind.NOTHING;
        return;
      }
      record.problem = "no value: a record of a stream is an event, it cannot be a tombstone";
      return;
    }
    if (keepBytes) {
      record.bytes = value;
    }
    try {
      record.take(decoder.decodeChange(value), schema, eventTimeColumn);
    } catch (UndecodableRecordException e) {
      record.problem = e.getMessage();
    } catch (ClassCastException | IllegalArgumentException | IndexOutOfBoundsException e) {
      // A decoder should have said so itself; the record must not be able to stop the job.
      record.problem = "the decoder failed: " + e;
    }
    if (record.problem != null) {
      record.bytes = value;
    }
  }
}
