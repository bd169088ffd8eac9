package dev.tailwater.connectors.files;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.UndecodableRecordException;
import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The whole rows of a spine, in its order, for those who join something to them. Rows that cannot
 * be read are passed over. Not thread-safe.
 */
public final class SpineRows implements Closeable {

  private final SpineReading spine;
  private long rejected;

  SpineRows(SpineReading spine) {
    this.spine = spine;
  }

  /**
   * All columns of the spine, with the types that {@link #values} has: keys and event time as they
   * are declared, others as the file has them (instants to the millisecond; dates and decimals as
   * text). For CSV the narrowest of LONG, DOUBLE, BOOLEAN and STRING that keeps every value, which
   * takes one more pass over the file.
   *
   * @throws IllegalArgumentException if a column of a Parquet spine has no such type
   */
  public List<Column> columns() throws IOException {
    return spine.columns();
  }

  /**
   * Goes to the next row.
   *
   * @param row its number, as the spine's source emitted it
   * @throws IllegalStateException if the row is not the next readable one: one is missing, came
   *     twice, or out of order
   */
  public void advanceTo(long row) throws IOException {
    LogRecord next = nextReadable();
    if (next == null) {
      throw new IllegalStateException(
          "features for row " + row + " came behind the spine's last row");
    }
    if (next.offset != row) {
      throw new IllegalStateException(
          "features for row "
              + row
              + " came where row "
              + next.offset
              + " is due; each row of the spine needs its features once, in the spine's order");
    }
  }

  /** The present row, one value per column; {@link #columns} must have been called before. */
  public @Nullable Object[] values() {
    try {
      return spine.values();
    } catch (UndecodableRecordException e) {
      throw new IllegalStateException(
          "the spine changed while the training set was written: " + e.getMessage(), e);
    }
  }

  /**
   * Checks that no readable row is left.
   *
   * @throws IllegalStateException if a row of the spine got no features
   */
  public void requireEnd() throws IOException {
    LogRecord left = nextReadable();
    if (left != null) {
      throw new IllegalStateException(
          "row " + left.offset + " of the spine got no features; the training set is incomplete");
    }
  }

  /** Rows met so far that could not be read. */
  public long rejectedRows() {
    return rejected;
  }

  SpineReading reading() {
    return spine;
  }

  private @Nullable LogRecord nextReadable() throws IOException {
    LogRecord next = spine.next();
    while (next != null && next.problem != null) {
      rejected++;
      next = spine.next();
    }
    return next;
  }

  @Override
  public void close() throws IOException {
    spine.close();
  }
}
