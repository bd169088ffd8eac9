package dev.tailwater.expressions;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * SQL's functions of arrays and maps; positions count from 1. Public because generated code calls
 * them; what they mean is said in {@code docs/expressions.md}.
 */
public final class CollectionFunctions {

  private CollectionFunctions() {}

  public static boolean contains(List<?> array, Object value) {
    return position(array, value) > 0;
  }

  /** The position of the first element that is equal; 0 if there is none. */
  public static int position(List<?> array, Object value) {
    for (int i = 0; i < array.size(); i++) {
      if (same(array.get(i), value)) {
        return i + 1;
      }
    }
    return 0;
  }

  public static List<?> remove(List<?> array, Object value) {
    List<@Nullable Object> kept = new ArrayList<>();
    for (Object element : array) {
      if (!same(element, value)) {
        kept.add(element);
      }
    }
    return kept;
  }

  /** Numbers are the same if their values are, whatever their types; NULL is nothing's equal. */
  private static boolean same(@Nullable Object element, Object value) {
    if (element instanceof Number a && value instanceof Number b) {
      if (a instanceof Double || b instanceof Double) {
        return a.doubleValue() == b.doubleValue();
      }
      return decimal(a).compareTo(decimal(b)) == 0;
    }
    return value.equals(element);
  }

  private static BigDecimal decimal(Number number) {
    return number instanceof BigDecimal decimal ? decimal : BigDecimal.valueOf(number.longValue());
  }

  /** Ascending, NULL first. */
  public static List<?> sorted(List<?> array) {
    return sorted(array, true);
  }

  /** Ascending, NULL first; or descending, NULL last. */
  public static List<?> sorted(List<?> array, boolean ascending) {
    List<@Nullable Object> sorted = new ArrayList<>(array);
    sorted.sort(Comparator.nullsFirst(CollectionFunctions::compare));
    if (!ascending) {
      Collections.reverse(sorted);
    }
    return sorted;
  }

  /** The elements of an array are of one type, which has an order. */
  @SuppressWarnings("unchecked")
  private static int compare(Object one, Object other) {
    return ((Comparable<Object>) one).compareTo(other);
  }

  /** What is there of any value; an object, so that generated code takes NULL for possible. */
  public static Boolean computed(Object value) {
    return Boolean.TRUE;
  }

  public static List<?> reverse(List<?> array) {
    List<@Nullable Object> reversed = new ArrayList<>(array);
    Collections.reverse(reversed);
    return reversed;
  }

  /** The elements from a position on; a negative one counts from the end. */
  public static List<?> slice(List<?> array, long first) {
    return slice(array, first, array.size());
  }

  /** The elements of [first, last]; negative positions count from the end. */
  public static List<?> slice(List<?> array, long first, long last) {
    long from = Math.max(first < 0 ? array.size() + first : first - 1, 0);
    long to = Math.min(last < 0 ? array.size() + last + 1 : last, array.size());
    return from >= to ? List.of() : array.subList((int) from, (int) to);
  }

  public static List<?> keys(Map<?, ?> map) {
    return new ArrayList<>(map.keySet());
  }

  public static List<?> values(Map<?, ?> map) {
    return new ArrayList<>(map.values());
  }
}
