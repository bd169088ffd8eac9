package dev.tailwater.connectors.files;

import dev.tailwater.connectors.log.LogRecord;
import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** One pass over a {@link RecordFile}. Not thread-safe. */
interface RecordReading extends Closeable {

  /**
   * The next record, a broken one included, or null at the end of the file.
   *
   * @throws IOException if the file itself cannot be read on
   */
  @Nullable LogRecord next() throws IOException;
}
