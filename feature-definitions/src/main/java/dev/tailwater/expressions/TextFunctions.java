package dev.tailwater.expressions;

import java.io.UnsupportedEncodingException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.apache.calcite.runtime.SqlFunctions;
import org.jspecify.annotations.Nullable;

/**
 * SQL's functions of text, where a character is a Unicode code point and positions count from 1.
 * Public because generated code calls them; what they mean is said in {@code docs/expressions.md}.
 */
public final class TextFunctions {

  /** The longest text that is made of a shorter one. */
  private static final int MAX_LENGTH = 1 << 20;

  private static final int CACHED_PATTERNS = 1000;

  /** Emptied when full: patterns are nearly always constants. */
  private static final Map<String, Pattern> PATTERNS = new ConcurrentHashMap<>();

  private TextFunctions() {}

  public static int charLength(String text) {
    return text.codePointCount(0, text.length());
  }

  /** Standard SQL: the characters at positions {@code start} and after that exist. */
  public static String substring(String text, long start) {
    return cut(text, Math.max(start - 1, 0), Integer.MAX_VALUE);
  }

  /** Standard SQL: those of the positions [start, start + length) that exist. */
  public static String substring(String text, long start, long length) {
    if (length < 0) {
      throw new IllegalArgumentException("a substring of length " + length);
    }
    long end = end(start - 1, length);
    return cut(text, Math.max(start - 1, 0), end);
  }

  /** Like SUBSTRING, but a negative start counts from the end. */
  public static String substr(String text, long start) {
    return cut(text, from(text, start), Integer.MAX_VALUE);
  }

  /** Like SUBSTRING, but a negative start counts from the end; NULL if the length is negative. */
  public static @Nullable String substr(String text, long start, long length) {
    if (length < 0) {
      return null;
    }
    long from = from(text, start);
    return cut(text, from, end(from, length));
  }

  /** The position from 0; a negative one before the beginning is behind the end. */
  private static long from(String text, long start) {
    if (start >= 0) {
      return Math.max(start - 1, 0);
    }
    long from = charLength(text) + start;
    return from < 0 ? Integer.MAX_VALUE : from;
  }

  private static long end(long from, long length) {
    return length >= Integer.MAX_VALUE ? Integer.MAX_VALUE : from + length;
  }

  /** The characters of the positions [from, to), from 0, that exist; {@code from} is not below. */
  private static String cut(String text, long from, long to) {
    int length = text.length();
    if (from >= length || to <= from) {
      return "";
    }
    int begin = offset(text, 0, from);
    return text.substring(begin, offset(text, begin, to - from));
  }

  /** The offset of the character that many behind {@code begin}, at most the length. */
  private static int offset(String text, int begin, long characters) {
    int offset = begin;
    for (long i = 0; i < characters && offset < text.length(); i++) {
      offset += Character.charCount(text.codePointAt(offset));
    }
    return offset;
  }

  public static String left(String text, long length) {
    return cut(text, 0, length);
  }

  public static String right(String text, long length) {
    return length <= 0 ? "" : cut(text, Math.max(charLength(text) - length, 0), Integer.MAX_VALUE);
  }

  /** The position of the first occurrence, 0 if there is none. */
  public static int position(String sought, String text) {
    return instr(text, sought);
  }

  /** The position of the first occurrence at or after a position, 0 if there is none. */
  public static int position(String sought, String text, long from) {
    return locate(sought, text, from);
  }

  public static int instr(String text, String sought) {
    int offset = text.indexOf(sought);
    return offset < 0 ? 0 : text.codePointCount(0, offset) + 1;
  }

  public static int locate(String sought, String text) {
    return instr(text, sought);
  }

  public static int locate(String sought, String text, long from) {
    if (from > charLength(text) + 1L) {
      return 0;
    }
    int offset = text.indexOf(sought, offset(text, 0, Math.max(from, 1) - 1));
    return offset < 0 ? 0 : text.codePointCount(0, offset) + 1;
  }

  /** The text with the characters at [start, start + length of the replacement) replaced. */
  public static String overlay(String text, String replacement, long start) {
    return overlay(text, replacement, start, charLength(replacement));
  }

  /** The text with the characters at [start, start + length) replaced. */
  public static String overlay(String text, String replacement, long start, long length) {
    if (start <= 0 || start > charLength(text)) {
      return text;
    }
    long end = length < 0 ? Integer.MAX_VALUE : start - 1 + length;
    return cut(text, 0, start - 1) + replacement + cut(text, end, Integer.MAX_VALUE);
  }

  public static String replace(String text, String sought, String replacement) {
    long growth = (long) replacement.length() - sought.length();
    if (growth > 0) {
      requireLength(text.length() + growth * occurrences(text, sought));
    }
    return text.replace(sought, replacement);
  }

  /** How often a text is there, no two overlapping; empty text is around each char. */
  private static int occurrences(String text, String sought) {
    if (sought.isEmpty()) {
      return text.length() + 1;
    }
    int count = 0;
    for (int at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + sought.length())) {
      count++;
    }
    return count;
  }

  /** Each character of {@code from} becomes the one at its place in {@code to}, or vanishes. */
  public static String translate(String text, String from, String to) {
    int[] sought = from.codePoints().toArray();
    int[] given = to.codePoints().toArray();
    StringBuilder translated = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            character -> {
              int place = 0;
              while (place < sought.length && sought[place] != character) {
                place++;
              }
              if (place == sought.length) {
                translated.appendCodePoint(character);
              } else if (place < given.length) {
                translated.appendCodePoint(given[place]);
              }
            });
    return translated.toString();
  }

  public static String ltrim(String text) {
    return trimmed(text, " ", true, false);
  }

  public static String ltrim(String text, String characters) {
    return trimmed(text, characters, true, false);
  }

  public static String rtrim(String text) {
    return trimmed(text, " ", false, true);
  }

  public static String rtrim(String text, String characters) {
    return trimmed(text, characters, false, true);
  }

  public static String btrim(String text) {
    return trimmed(text, " ", true, true);
  }

  public static String btrim(String text, String characters) {
    return trimmed(text, characters, true, true);
  }

  private static String trimmed(String text, String characters, boolean left, boolean right) {
    int begin = 0;
    int end = text.length();
    while (left && begin < end && characters.indexOf(text.codePointAt(begin)) >= 0) {
      begin += Character.charCount(text.codePointAt(begin));
    }
    while (right && begin < end && characters.indexOf(text.codePointBefore(end)) >= 0) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(begin, end);
  }

  public static @Nullable String lpad(String text, long length) {
    return lpad(text, length, " ");
  }

  /** NULL if the length is negative or there is nothing to fill with. */
  public static @Nullable String lpad(String text, long length, String filling) {
    String fill = fill(text, length, filling);
    return fill == null ? null : fill + left(text, length);
  }

  public static @Nullable String rpad(String text, long length) {
    return rpad(text, length, " ");
  }

  /** NULL if the length is negative or there is nothing to fill with. */
  public static @Nullable String rpad(String text, long length, String filling) {
    String fill = fill(text, length, filling);
    return fill == null ? null : left(text, length) + fill;
  }

  private static @Nullable String fill(String text, long length, String filling) {
    if (length < 0 || filling.isEmpty()) {
      return null;
    }
    requireLength(length);
    long missing = Math.max(length - charLength(text), 0);
    return left(filling.repeat((int) (missing / charLength(filling)) + 1), missing);
  }

  public static String repeat(String text, long times) {
    if (times <= 0) {
      return "";
    }
    requireLength(Math.multiplyExact(text.length(), times));
    return text.repeat(text.isEmpty() ? 0 : (int) times);
  }

  private static void requireLength(long length) {
    if (length > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "text of " + length + " characters, more than " + MAX_LENGTH);
    }
  }

  public static String reverse(String text) {
    return new StringBuilder(text).reverse().toString();
  }

  /** The part at an index from 0; NULL if there is none. */
  public static @Nullable String splitIndex(String text, String separator, long index) {
    return index < 0 || text.isEmpty() ? null : part(text, separator, index);
  }

  /** The part at a position from 1, or from -1 backwards; empty if there is none. */
  public static String splitPart(String text, String separator, long position) {
    long index = position - 1;
    if (position == 0) {
      throw new IllegalArgumentException("parts count from 1, or from -1 backwards");
    }
    if (position < 0) {
      long parts = 1;
      for (int at = 0; !separator.isEmpty() && (at = text.indexOf(separator, at)) >= 0; parts++) {
        at += separator.length();
      }
      index = parts + position;
    }
    String part = index < 0 ? null : part(text, separator, index);
    return part == null ? "" : part;
  }

  private static @Nullable String part(String text, String separator, long index) {
    if (separator.isEmpty()) {
      return index == 0 ? text : null;
    }
    int begin = 0;
    for (long i = 0; i < index; i++) {
      int found = text.indexOf(separator, begin);
      if (found < 0) {
        return null;
      }
      begin = found + separator.length();
    }
    int end = text.indexOf(separator, begin);
    return text.substring(begin, end < 0 ? text.length() : end);
  }

  public static boolean startsWith(String text, String start) {
    return text.startsWith(start);
  }

  public static boolean endsWith(String text, String end) {
    return text.endsWith(end);
  }

  public static boolean like(String text, String pattern) {
    return LikePattern.of(pattern, null, false).matches(text);
  }

  public static boolean like(String text, String pattern, String escape) {
    return LikePattern.of(pattern, escape, false).matches(text);
  }

  public static boolean ilike(String text, String pattern) {
    return LikePattern.of(pattern, null, true).matches(text);
  }

  public static boolean ilike(String text, String pattern, String escape) {
    return LikePattern.of(pattern, escape, true).matches(text);
  }

  /** How many characters have to be inserted, deleted or replaced to make one of the other. */
  public static int levenshtein(String one, String other) {
    StepLimit.require((long) one.length() * other.length());
    return SqlFunctions.levenshtein(one, other);
  }

  /** Whether the pattern is found anywhere in the text. */
  public static boolean regexp(String text, String pattern) {
    return matcher(text, pattern).find();
  }

  /** Every match replaced; {@code $1} stands for a group. */
  public static String regexpReplace(String text, String pattern, String replacement) {
    Matcher matcher = matcher(text, pattern);
    StringBuilder replaced = new StringBuilder();
    while (matcher.find()) {
      matcher.appendReplacement(replaced, replacement);
      requireLength(replaced.length());
    }
    matcher.appendTail(replaced);
    requireLength(replaced.length());
    return replaced.toString();
  }

  /** The first match, NULL if there is none. */
  public static @Nullable String regexpExtract(String text, String pattern) {
    return regexpExtract(text, pattern, 0);
  }

  /** A group of the first match, NULL if there is none. */
  public static @Nullable String regexpExtract(String text, String pattern, long group) {
    Matcher matcher = matcher(text, pattern);
    if (group < 0 || group > matcher.groupCount() || !matcher.find()) {
      return null;
    }
    return matcher.group((int) group);
  }

  public static int regexpCount(String text, String pattern) {
    Matcher matcher = matcher(text, pattern);
    int count = 0;
    while (matcher.find()) {
      count++;
    }
    return count;
  }

  /** The position of the first match, 0 if there is none. */
  public static int regexpInstr(String text, String pattern) {
    Matcher matcher = matcher(text, pattern);
    return matcher.find() ? text.codePointCount(0, matcher.start()) + 1 : 0;
  }

  private static Matcher matcher(String text, String pattern) {
    return pattern(pattern).matcher(new StepLimit.Text(text));
  }

  /**
   * A regular expression of the language of {@link Pattern}.
   *
   * @throws IllegalArgumentException if it is none
   */
  static Pattern pattern(String regex) {
    Pattern pattern = PATTERNS.get(regex);
    if (pattern == null) {
      try {
        pattern = Pattern.compile(regex);
      } catch (PatternSyntaxException e) {
        throw new IllegalArgumentException(
            "'" + regex + "' is not a regular expression: " + e.getDescription(), e);
      }
      if (PATTERNS.size() >= CACHED_PATTERNS) {
        PATTERNS.clear();
      }
      PATTERNS.put(regex, pattern);
    }
    return pattern;
  }

  /** The code of the first character, 0 of empty text. */
  public static int ascii(String text) {
    return text.isEmpty() ? 0 : text.codePointAt(0);
  }

  /** The character with that code. */
  public static String chr(long code) {
    if (code < 0 || code > Character.MAX_CODE_POINT) {
      throw new IllegalArgumentException(code + " is not the code of a character");
    }
    return Character.toString((int) code);
  }

  public static String md5(String text) {
    return digest("MD5", text);
  }

  public static String sha1(String text) {
    return digest("SHA-1", text);
  }

  public static String sha224(String text) {
    return digest("SHA-224", text);
  }

  public static String sha256(String text) {
    return digest("SHA-256", text);
  }

  public static String sha384(String text) {
    return digest("SHA-384", text);
  }

  public static String sha512(String text) {
    return digest("SHA-512", text);
  }

  /** SHA-2 of 224, 256, 384 or 512 bits. */
  public static String sha2(String text, long bits) {
    if (bits != 224 && bits != 256 && bits != 384 && bits != 512) {
      throw new IllegalArgumentException("SHA-2 has 224, 256, 384 or 512 bits, not " + bits);
    }
    return digest("SHA-" + bits, text);
  }

  private static String digest(String algorithm, String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance(algorithm).digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has " + algorithm, e);
    }
  }

  public static String toBase64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  public static String fromBase64(String text) {
    return new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
  }

  /** The bytes of the text in UTF-8, in hexadecimal digits. */
  public static String hex(String text) {
    return HexFormat.of().withUpperCase().formatHex(text.getBytes(StandardCharsets.UTF_8));
  }

  /** The two's complement in hexadecimal digits. */
  public static String hex(long number) {
    return Long.toHexString(number).toUpperCase(Locale.ROOT);
  }

  public static String urlEncode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  /** NULL if the text is not encoded so. */
  public static @Nullable String urlDecode(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8.name());
    } catch (IllegalArgumentException | UnsupportedEncodingException e) {
      return null;
    }
  }

  /** A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE or USERINFO. */
  public static @Nullable String parseUrl(String url, String part) {
    URI parsed;
    try {
      parsed = new URI(url);
    } catch (URISyntaxException e) {
      return null;
    }
    return switch (part) {
      case "HOST" -> parsed.getHost();
      case "PATH" -> parsed.getRawPath();
      case "QUERY" -> parsed.getRawQuery();
      case "REF" -> parsed.getRawFragment();
      case "PROTOCOL" -> parsed.getScheme();
      case "AUTHORITY" -> parsed.getRawAuthority();
      case "USERINFO" -> parsed.getRawUserInfo();
      case "FILE" ->
          parsed.getRawQuery() == null
              ? parsed.getRawPath()
              : parsed.getRawPath() + "?" + parsed.getRawQuery();
      default -> null;
    };
  }

  /** The value of a parameter in a URL's query; the part must be QUERY. */
  public static @Nullable String parseUrl(String url, String part, String parameter) {
    String query = part.equals("QUERY") ? parseUrl(url, part) : null;
    if (query == null) {
      return null;
    }
    for (String pair : query.split("&", -1)) {
      if (pair.startsWith(parameter + "=")) {
        return pair.substring(parameter.length() + 1);
      }
    }
    return null;
  }

  public static boolean isAlpha(String text) {
    return !text.isEmpty() && text.codePoints().allMatch(Character::isLetter);
  }

  public static boolean isDigit(String text) {
    return !text.isEmpty() && text.codePoints().allMatch(Character::isDigit);
  }

  /** Whether the text is a decimal number. */
  public static boolean isDecimal(String text) {
    return matcher(text, "[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d+)?").matches();
  }

  /** A double as text: the shortest digits that give the double again. */
  public static String textOf(double number) {
    return Double.toString(number);
  }
}
