package dev.tailwater.expressions;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What SQL's LIKE compares with, in time proportional to the text times the pattern at most. {@code
 * %} is any text, {@code _} one character that ends no line, as Calcite has it. Thread-safe.
 */
final class LikePattern {

  private static final int ANY_TEXT = -1;
  private static final int ONE_CHARACTER = -2;
  private static final int CACHED = 1000;

  /** Emptied when full: patterns are nearly always constants. */
  private static final Map<Key, LikePattern> PATTERNS = new ConcurrentHashMap<>();

  private record Key(String pattern, @Nullable String escape, boolean anyCase) {}

  /** Code points and wildcards, no two {@link #ANY_TEXT} in a row. */
  private final int[] elements;

  private final boolean anyCase;

  private LikePattern(int[] elements, boolean anyCase) {
    this.elements = elements;
    this.anyCase = anyCase;
  }

  /**
   * A pattern.
   *
   * @param escape the character that takes a following {@code %}, {@code _} or itself its meaning,
   *     or null
   * @param anyCase whether capitals of ASCII and small letters are the same
   * @throws IllegalArgumentException if the escape is not one character, or is before another
   */
  static LikePattern of(String pattern, @Nullable String escape, boolean anyCase) {
    Key key = new Key(pattern, escape, anyCase);
    LikePattern known = PATTERNS.get(key);
    if (known == null) {
      known = parse(pattern, escape, anyCase);
      if (PATTERNS.size() >= CACHED) {
        PATTERNS.clear();
      }
      PATTERNS.put(key, known);
    }
    return known;
  }

  private static LikePattern parse(String pattern, @Nullable String escape, boolean anyCase) {
    if (escape != null && escape.length() != 1) {
      throw new IllegalArgumentException("ESCAPE takes one character, not '" + escape + "'");
    }
    int escaping = escape == null ? ANY_TEXT : escape.charAt(0);
    int[] characters = pattern.codePoints().toArray();
    int[] elements = new int[characters.length];
    int count = 0;
    for (int i = 0; i < characters.length; i++) {
      int character = characters[i];
      if (character == escaping) {
        int next = ++i < characters.length ? characters[i] : ANY_TEXT;
        if (next != '%' && next != '_' && next != escaping) {
          throw new IllegalArgumentException(
              "in the pattern '" + pattern + "' the escape has to be before %, _ or itself");
        }
        elements[count++] = next;
      } else if (character == '_') {
        elements[count++] = ONE_CHARACTER;
      } else if (character != '%') {
        elements[count++] = anyCase ? lower(character) : character;
      } else if (count == 0 || elements[count - 1] != ANY_TEXT) {
        elements[count++] = ANY_TEXT;
      }
    }
    return new LikePattern(Arrays.copyOf(elements, count), anyCase);
  }

  /**
   * Whether the whole text is so. Where it is not, only the text for the last {@code %} is made
   * longer: what the ones before it took is the shortest, and longer ones would leave less.
   *
   * @throws IllegalArgumentException if it takes too many steps
   */
  boolean matches(String text) {
    int at = 0;
    int element = 0;
    int anyTextEnd = -1;
    int behindAnyText = 0;
    long steps = 0;
    while (at < text.length()) {
      int character = text.codePointAt(at);
      if (element < elements.length && elements[element] == ANY_TEXT) {
        behindAnyText = ++element;
        anyTextEnd = at;
      } else if (element < elements.length && isOne(character, elements[element])) {
        at += Character.charCount(character);
        element++;
      } else if (anyTextEnd < 0) {
        return false;
      } else {
        StepLimit.require(steps += element - behindAnyText + 1);
        anyTextEnd += Character.charCount(text.codePointAt(anyTextEnd));
        at = anyTextEnd;
        element = behindAnyText;
      }
    }
    return element == elements.length
        || element == elements.length - 1 && elements[element] == ANY_TEXT;
  }

  private boolean isOne(int character, int element) {
    return element == ONE_CHARACTER
        ? !endsLine(character)
        : element == (anyCase ? lower(character) : character);
  }

  private static int lower(int character) {
    return character >= 'A' && character <= 'Z' ? character + ('a' - 'A') : character;
  }

  private static boolean endsLine(int character) {
    return character == '\n'
        || character == '\r'
        || character == '\u0085'
        || character == '\u2028'
        || character == '\u2029';
  }
}
