package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Longs in as few bytes as they need: seven bits a byte, the lowest first. */
final class Varint {

  private Varint() {}

  /** For numbers that are rarely negative: those take ten bytes. */
  static void writeUnsigned(DataOutput out, long value) throws IOException {
    while ((value & ~0x7fL) != 0) {
      out.writeByte((int) value | 0x80);
      value >>>= 7;
    }
    out.writeByte((int) value);
  }

  static long readUnsigned(DataInput in) throws IOException {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      int part = in.readByte();
      value |= (long) (part & 0x7f) << shift;
      if (part >= 0) {
        return value;
      }
    }
    throw new IOException(
        "Stored state is damaged: a number does not end after ten bytes; restore an older"
            + " checkpoint or replay");
  }

  /** For numbers near zero, of either sign. */
  static void writeSigned(DataOutput out, long value) throws IOException {
    writeUnsigned(out, value << 1 ^ value >> 63);
  }

  static long readSigned(DataInput in) throws IOException {
    long value = readUnsigned(in);
    return value >>> 1 ^ -(value & 1);
  }

  /** Any text, also one with half a surrogate pair: its length and its characters. */
  static void writeText(DataOutput out, String text) throws IOException {
    writeUnsigned(out, text.length());
    for (int i = 0; i < text.length(); i++) {
      writeUnsigned(out, text.charAt(i));
    }
  }

  static String readText(DataInput in) throws IOException {
    long length = readUnsigned(in);
    if (length < 0 || length > Integer.MAX_VALUE) {
      throw new IOException(
          "Stored state is damaged: a text has a length of %d; restore an older checkpoint or replay"
              .formatted(length));
    }
    StringBuilder text = new StringBuilder((int) Math.min(length, 1024));
    for (int i = 0; i < length; i++) {
      text.append((char) readUnsigned(in));
    }
    return text.toString();
  }
}
