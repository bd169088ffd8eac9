package dev.tailwater.connectors.files;

import java.io.IOException;
import java.io.Serializable;

/** A file as an ordered sequence of records; the same sequence each time it is opened. */
interface RecordFile extends Serializable {

  /** The file's path, for messages and as the identity of its split. */
  String path();

  /** Starts reading at the first record. */
  RecordReading open() throws IOException;
}
