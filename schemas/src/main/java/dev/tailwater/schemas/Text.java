package dev.tailwater.schemas;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Strict UTF-8, and values as they are shown in reasons. */
final class Text {

  private static final int MAX_SHOWN_CHARACTERS = 80;

  private Text() {}

  /**
   * Decodes UTF-8 without replacing what is malformed.
   *
   * @throws UndecodableRecordException naming the column if the bytes are not UTF-8
   */
  static String decode(byte[] bytes, int from, int to, String column)
      throws UndecodableRecordException {
    for (int i = from; i < to; i++) {
      if (bytes[i] < 0) {
        try {
          return StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(bytes, from, to - from))
              .toString();
        } catch (CharacterCodingException e) {
          throw new UndecodableRecordException("column " + column + " is not valid UTF-8");
        }
      }
    }
    return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
  }

  /**
   * The text, if every encoding can write it.
   *
   * @throws IllegalArgumentException naming the column if the text has half a surrogate pair
   */
  static String requireUnicode(String text, String column) {
    int broken = halfSurrogatePair(text);
    if (broken >= 0) {
      throw new IllegalArgumentException(
          "column " + column + " has half a surrogate pair at character " + broken);
    }
    return text;
  }

  /** As {@link #requireUnicode}, for text that was read: JSON can escape half a pair. */
  static String requireUnicodeRead(String text, String column) throws UndecodableRecordException {
    int broken = halfSurrogatePair(text);
    if (broken >= 0) {
      throw new UndecodableRecordException(
          "column " + column + " has half a surrogate pair at character " + broken);
    }
    return text;
  }

  /** Where half a surrogate pair stands, or -1. */
  private static int halfSurrogatePair(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        if (i + 1 == text.length()
            || !Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1))) {
          return i;
        }
        i++;
      }
    }
    return -1;
  }

  /** The text, cut to a length that suits an error message. */
  static String shown(CharSequence text) {
    return text.length() <= MAX_SHOWN_CHARACTERS
        ? text.toString()
        : text.subSequence(0, MAX_SHOWN_CHARACTERS) + "...";
  }

  static UndecodableRecordException notATimestamp(String column, CharSequence text) {
    return new UndecodableRecordException(
        "column "
            + column
            + " is '"
            + shown(text)
            + "', which is not a timestamp; it must be "
            + Timestamps.FORMS);
  }
}
