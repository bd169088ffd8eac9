package dev.tailwater.definitions;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A scalar as the user wrote it, and where.
 *
 * @param key the path of keys to it in its document
 * @param isNull whether YAML reads it as null
 */
record Text(String file, int line, String key, String value, boolean isNull) {

  /** Narrower than Java's own reading, which takes {@code 1d} for a double. */
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][-+]?\\d+)?");

  /** The value as a finite number, if it is one. */
  Optional<Double> number() {
    return Optional.of(value)
        .filter(text -> NUMBER.matcher(text).matches())
        .map(Double::valueOf)
        .filter(Double::isFinite);
  }

  /** The same place without a value, for problems of the key itself. */
  Text withoutValue() {
    return new Text(file, line, key, "", false);
  }

  /** The last part of the key. */
  String name() {
    return key.substring(key.lastIndexOf('.') + 1);
  }

  /** The same place, with part of the value. */
  Text withValue(String part) {
    return new Text(file, line, key, part, false);
  }
}
