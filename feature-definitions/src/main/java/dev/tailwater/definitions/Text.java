package dev.tailwater.definitions;

/**
 * A scalar as the user wrote it, and where.
 *
 * @param key the path of keys to it in its document
 * @param isNull whether YAML reads it as null
 */
record Text(String file, int line, String key, String value, boolean isNull) {

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
