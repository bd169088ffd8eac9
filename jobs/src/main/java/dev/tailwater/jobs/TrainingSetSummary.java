package dev.tailwater.jobs;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a training set holds, column by column.
 *
 * @param columns the spine's columns, then the features
 */
public record TrainingSetSummary(long rows, List<OfColumn> columns) implements Serializable {

  /** Values are told apart up to this many of a column. */
  public static final int MAX_DISTINCT = 1_000;

  private static final int MOST_FREQUENT = 3;

  public TrainingSetSummary {
    columns = List.copyOf(columns);
  }

  /**
   * One column.
   *
   * @param nulls rows without a value
   * @param min the smallest number or instant (milliseconds since the epoch), false as 0 and true
   *     as 1; NaN where there is none, as in text
   * @param max the largest
   * @param mean of the numbers that are not NaN; for BOOLEAN the share of true
   * @param distinct different values of text, truth and whole numbers, or -1: more than {@value
   *     #MAX_DISTINCT}, or not counted
   * @param mostFrequent some of these values with their rows, the most frequent first
   */
  public record OfColumn(
      String name,
      ColumnType type,
      long nulls,
      double min,
      double max,
      double mean,
      int distinct,
      List<Frequency> mostFrequent)
      implements Serializable {

    public OfColumn {
      mostFrequent = List.copyOf(mostFrequent);
    }
  }

  /** How many rows have a value. */
  public record Frequency(String value, long rows) implements Serializable {}

  /** Sees every row once. Not thread-safe. */
  static final class Builder {

    private final List<Gathered> columns;
    private long rows;

    Builder(List<Column> columns) {
      this.columns = columns.stream().map(Gathered::new).toList();
    }

    /**
     * Takes a row into account.
     *
     * @param from the position of the first column's value
     */
    void add(@Nullable Object[] row, int from) {
      rows++;
      for (int i = 0; i < columns.size(); i++) {
        columns.get(i).add(row[from + i]);
      }
    }

    TrainingSetSummary build() {
      return new TrainingSetSummary(rows, columns.stream().map(Gathered::build).toList());
    }
  }

  private static final class Gathered {

    private final Column column;
    private final boolean countsValues;
    private final Map<Object, long[]> rowsByValue = new HashMap<>();
    private boolean tooMany;
    private long nulls;
    private long numbers;
    private double min = Double.NaN;
    private double max = Double.NaN;
    private double sum;

    Gathered(Column column) {
      this.column = column;
      this.countsValues =
          switch (column.type()) {
            case STRING, BOOLEAN, INT, LONG -> true;
            default -> false;
          };
    }

    void add(@Nullable Object value) {
      if (value == null) {
        nulls++;
        return;
      }
      if (countsValues && !tooMany) {
        rowsByValue.computeIfAbsent(value, first -> new long[1])[0]++;
        tooMany = rowsByValue.size() > MAX_DISTINCT;
      }
      double number =
          value instanceof Number given
              ? given.doubleValue()
              : value instanceof Boolean truth ? (truth ? 1 : 0) : Double.NaN;
      if (!Double.isNaN(number)) {
        numbers++;
        sum += number;
        min = Double.isNaN(min) ? number : Math.min(min, number);
        max = Double.isNaN(max) ? number : Math.max(max, number);
      }
    }

    OfColumn build() {
      List<Frequency> most = new ArrayList<>();
      if (!tooMany) {
        rowsByValue.entrySet().stream()
            .sorted(
                Comparator.comparingLong((Map.Entry<Object, long[]> entry) -> -entry.getValue()[0])
                    .thenComparing(entry -> entry.getKey().toString()))
            .limit(MOST_FREQUENT)
            .forEach(
                entry -> most.add(new Frequency(entry.getKey().toString(), entry.getValue()[0])));
      }
      return new OfColumn(
          column.name(),
          column.type(),
          nulls,
          min,
          max,
          numbers == 0 ? Double.NaN : sum / numbers,
          countsValues && !tooMany ? rowsByValue.size() : -1,
          most);
    }
  }
}
