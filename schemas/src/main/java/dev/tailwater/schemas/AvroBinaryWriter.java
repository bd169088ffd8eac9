package dev.tailwater.schemas;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Writes Avro's binary encoding into an array that grows. Not thread-safe. */
final class AvroBinaryWriter {

  private byte[] bytes = new byte[256];
  private int at;

  void reset() {
    at = 0;
  }

  byte[] toByteArray() {
    return Arrays.copyOf(bytes, at);
  }

  void writeBoolean(boolean value) {
    reserve(1);
    bytes[at++] = (byte) (value ? 1 : 0);
  }

  /** Also Avro's int, enum symbol, union branch and block count: all are zigzag numbers. */
  void writeLong(long value) {
    reserve(10);
    long rest = (value << 1) ^ (value >> 63);
    while ((rest & ~0x7FL) != 0) {
      bytes[at++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    bytes[at++] = (byte) rest;
  }

  void writeFloat(float value) {
    reserve(4);
    int bits = Float.floatToRawIntBits(value);
    for (int i = 0; i < 4; i++) {
      bytes[at++] = (byte) (bits >>> (8 * i));
    }
  }

  void writeDouble(double value) {
    reserve(8);
    long bits = Double.doubleToRawLongBits(value);
    for (int i = 0; i < 8; i++) {
      bytes[at++] = (byte) (bits >>> (8 * i));
    }
  }

  void writeString(String value, String field) {
    byte[] text = Text.requireUnicode(value, field).getBytes(StandardCharsets.UTF_8);
    writeLong(text.length);
    reserve(text.length);
    System.arraycopy(text, 0, bytes, at, text.length);
    at += text.length;
  }

  private void reserve(int count) {
    if (bytes.length - at < count) {
      bytes = Arrays.copyOf(bytes, Math.max(at + count, 2 * bytes.length));
    }
  }
}
