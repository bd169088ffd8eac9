package dev.tailwater.connectors.files;

import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The output of a training set in one format. Closing twice does nothing more. */
interface TrainingSetFile extends Closeable {

  /** Writes the row the spine stands at, and its features. */
  void write(SpineReading spine, @Nullable Object[] features) throws IOException;
}
