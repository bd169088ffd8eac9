package dev.tailwater.schemas;

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
  TIMESTAMP(Long.class);

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
}
