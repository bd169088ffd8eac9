package dev.tailwater.schemas;

import java.util.List;
import java.util.Map;

/**
 * The type of a column, and the Java class that carries one value of it. A missing value is {@code
 * null} in every type.
 */
public enum ColumnType {
  /** {@link Boolean}. */
  BOOLEAN(Boolean.class),
  /** 32 bits, {@link Integer}. */
  INT(Integer.class),
  /** 64 bits, {@link Long}. */
  LONG(Long.class),
  /** IEEE 754 double, {@link Double}; an Avro float is widened to it. */
  DOUBLE(Double.class),
  /** Unicode text, {@link String}. */
  STRING(String.class),
  /** An instant in milliseconds since 1970-01-01T00:00Z, {@link Long}. */
  TIMESTAMP(Long.class),
  /** A {@link java.util.List} of {@link Long}s, none of them null; only of computed features. */
  LONG_LIST(List.class),
  /** A {@link java.util.List} of {@link Double}s, none of them null; only of computed features. */
  DOUBLE_LIST(List.class),
  /** A {@link java.util.List} of {@link String}s, none of them null; only of computed features. */
  STRING_LIST(List.class),
  /**
   * A {@link java.util.Map} from {@link String} to {@link Long} in the order of its keys, nothing
   * in it null; only of computed features.
   */
  LONG_MAP(Map.class),
  /**
   * A {@link java.util.Map} from {@link String} to {@link Double} in the order of its keys, nothing
   * in it null; only of computed features.
   */
  DOUBLE_MAP(Map.class);

  private final Class<?> javaClass;

  ColumnType(Class<?> javaClass) {
    this.javaClass = javaClass;
  }

  /** The class of a non-null value. */
  public Class<?> javaClass() {
    return javaClass;
  }

  /** Whether a sum of the column has a meaning: numbers, and booleans counted as 0 and 1. */
  public boolean isNumeric() {
    return this == BOOLEAN || this == INT || this == LONG || this == DOUBLE;
  }

  /** Whether a value is one number, text, truth or instant: what events and keys consist of. */
  public boolean isScalar() {
    return !isList() && !isMap();
  }

  /** Whether a value is a list. */
  public boolean isList() {
    return this == LONG_LIST || this == DOUBLE_LIST || this == STRING_LIST;
  }

  /** Whether a value is a map from text. */
  public boolean isMap() {
    return this == LONG_MAP || this == DOUBLE_MAP;
  }

  /** The type of a list's elements or a map's values; a scalar's is its own. */
  public ColumnType elementType() {
    return switch (this) {
      case LONG_LIST, LONG_MAP -> LONG;
      case DOUBLE_LIST, DOUBLE_MAP -> DOUBLE;
      case STRING_LIST -> STRING;
      default -> this;
    };
  }

  /**
   * The type of a list of values of this type: whole numbers, truths (0 and 1) and instants become
   * LONG.
   *
   * @throws IllegalStateException if this is not scalar
   */
  public ColumnType listType() {
    return switch (this) {
      case BOOLEAN, INT, LONG, TIMESTAMP -> LONG_LIST;
      case DOUBLE -> DOUBLE_LIST;
      case STRING -> STRING_LIST;
      default -> throw new IllegalStateException("There is no list of " + this);
    };
  }
}
