package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.IOException;

/** The stored form of a library's sketch: its length, then its bytes. */
final class SketchBytes {

  /** More than any sketch takes that is kept here. */
  private static final int MAX_BYTES = 1 << 20;

  private SketchBytes() {}

  static byte[] read(DataInput in) throws IOException {
    long length = Varint.readUnsigned(in);
    if (length < 0 || length > MAX_BYTES) {
      throw new IOException(
          "A stored sketch is damaged: it says it has %d bytes; restore an older checkpoint or replay"
              .formatted(length));
    }
    byte[] bytes = new byte[(int) length];
    in.readFully(bytes);
    return bytes;
  }

  static IOException damaged(RuntimeException cause) {
    return new IOException(
        "A stored sketch is damaged: "
            + cause.getMessage()
            + "; restore an older checkpoint or replay",
        cause);
  }
}
