package dev.tailwater.schemas;

/**
 * Reads Avro's binary encoding from one bounded array. Every length is checked against the bytes
 * that are there before anything is allocated for it. Not thread-safe.
 */
final class AvroBinaryReader {

  private byte[] bytes = new byte[0];
  private int at;

  void reset(byte[] record) {
    bytes = record;
    at = 0;
  }

  void requireEnd() throws UndecodableRecordException {
    if (at != bytes.length) {
      throw new UndecodableRecordException(
          "the Avro record ends at byte " + at + ", but " + (bytes.length - at) + " more follow");
    }
  }

  boolean readBoolean(String field) throws UndecodableRecordException {
    require(1, field);
    byte value = bytes[at++];
    if (value != 0 && value != 1) {
      throw new UndecodableRecordException(
          "column " + field + " is byte " + value + ", but an Avro boolean is 0 or 1");
    }
    return value == 1;
  }

  int readInt(String field) throws UndecodableRecordException {
    long value = readLong(field);
    if (value != (int) value) {
      throw new UndecodableRecordException(
          "column " + field + " is " + value + ", which does not fit 32 bits");
    }
    return (int) value;
  }

  /** A zigzag number of at most ten bytes. */
  long readLong(String field) throws UndecodableRecordException {
    long raw = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      require(1, field);
      byte next = bytes[at++];
      if (shift == 63 && next > 1) {
        break;
      }
      raw |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return (raw >>> 1) ^ -(raw & 1);
      }
    }
    throw new UndecodableRecordException("column " + field + " does not fit 64 bits");
  }

  float readFloat(String field) throws UndecodableRecordException {
    require(4, field);
    int bits = 0;
    for (int i = 0; i < 4; i++) {
      bits |= (bytes[at++] & 0xFF) << (8 * i);
    }
    return Float.intBitsToFloat(bits);
  }

  double readDouble(String field) throws UndecodableRecordException {
    require(8, field);
    long bits = 0;
    for (int i = 0; i < 8; i++) {
      bits |= (bytes[at++] & 0xFFL) << (8 * i);
    }
    return Double.longBitsToDouble(bits);
  }

  String readString(String field) throws UndecodableRecordException {
    long length = readLong(field);
    if (length < 0) {
      throw new UndecodableRecordException("column " + field + " has the length " + length);
    }
    require(length, field);
    int from = at;
    at += (int) length;
    return Text.decode(bytes, from, at, field);
  }

  /** A position below {@code count}: a branch of a union or a symbol of an enum. */
  int readIndex(int count, String field) throws UndecodableRecordException {
    long index = readLong(field);
    if (index < 0 || index >= count) {
      throw new UndecodableRecordException(
          "column " + field + " chooses number " + index + " of " + count);
    }
    return (int) index;
  }

  private void require(long count, String field) throws UndecodableRecordException {
    if (count > bytes.length - at) {
      throw new UndecodableRecordException(
          "the record ends in column " + field + ": it has only " + bytes.length + " bytes");
    }
  }
}
