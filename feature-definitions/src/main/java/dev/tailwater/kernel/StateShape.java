package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A {@link StateLayout} compiled into positions: of a fact's parts in its row, of each cursor's
 * running totals in the state's words, and of each feature's two edges. Immutable, and shared by
 * all states of a layout.
 */
final class StateShape {

  /** Words of a row that every layout has: the event time, the offset, the partition and flags. */
  static final int TIME = 0;

  static final int OFFSET = 1;
  static final int META = 2;

  /** What a running total holds beside its count. */
  static final int COUNT_ONLY = 0;

  static final int SMALL_INTEGER = 1;
  static final int INTEGER = 2;
  static final int REAL = 3;

  /** About 292 years: the largest delay or window, so that their sum cannot overflow. */
  private static final long MAX_SPAN_MS = Long.MAX_VALUE / 1_000_000;

  private static final int MAX_KNOWN = 256;
  private static volatile StateShape[] known = {};

  final StateLayout layout;

  /** Identifies the layout in stored state; does not depend on the JVM. */
  final int hash;

  final long horizonMs;

  // The row of a fact: time, offset, partition | flags, [flags], [id hash], values.
  final int stride;
  final int presenceWord;
  final int filterWord;
  final int filterShift;
  final int idHashWord;
  final int[] valueWord;
  final ColumnType[] columnTypes;
  private final boolean[] dense;

  // Cursors, by ascending offset; cursor 0 has offset 0.
  final int cursors;
  final long[] offsets;

  /** Cursor c's running totals are those from totalStart[c] to totalStart[c + 1]. */
  final int[] totalStart;

  // Running totals: a count of facts or values, and perhaps their sum in the words after it.
  final int words;
  final int[] totalAt;
  final int[] totalKind;
  final int[] totalValueWord;
  final long[] totalPresence;
  final long[] totalFilter;

  /** The same total of the cursor with the next smaller offset that has one, or -1. */
  final int[] totalBefore;

  /** Where a real total's wide accumulator is, or -1. */
  final int[] totalWide;

  final int wideWords;

  // Features: the totals at their new and old edge.
  final int features;
  final Aggregate[] aggregates;
  final int[] newCursor;
  final int[] oldCursor;
  final int[] newTotal;
  final int[] oldTotal;
  final int[] extremum;
  final @Nullable Object[] empties;

  // Distinct (column, filter) pairs of MIN and MAX features: what chunks summarise.
  final int extrema;
  final int[] extremumColumn;
  final long[] extremumPresence;
  final long[] extremumFilter;

  private record Measure(int column, int filter) {}

  private StateShape(StateLayout layout) {
    check(layout);
    this.layout = layout;
    hash = layoutHash(layout);
    horizonMs = layout.horizonMs();

    int columns = layout.columns().size();
    columnTypes = layout.columns().toArray(ColumnType[]::new);
    int word = META + 1;
    if (columns + layout.filters() <= 32) {
      presenceWord = META;
      filterWord = META;
      filterShift = columns;
    } else {
      presenceWord = word++;
      filterWord = word++;
      filterShift = 0;
    }
    idHashWord = layout.identified() ? word++ : -1;
    valueWord = new int[columns];
    for (int column = 0; column < columns; column++) {
      // Of a text only its presence is used.
      valueWord[column] = columnTypes[column] == ColumnType.STRING ? -1 : word++;
    }
    stride = word;
    dense = new boolean[stride];
    for (int column = 0; column < columns; column++) {
      if (columnTypes[column] == ColumnType.DOUBLE) {
        dense[valueWord[column]] = true;
      }
    }
    if (idHashWord >= 0) {
      dense[idHashWord] = true;
    }

    TreeSet<Long> distinct = new TreeSet<>();
    distinct.add(0L);
    for (FeatureSpec feature : layout.features()) {
      distinct.add(feature.delayMs());
      distinct.add(feature.delayMs() + feature.windowMs());
    }
    offsets = distinct.stream().mapToLong(Long::longValue).toArray();
    cursors = offsets.length;

    features = layout.features().size();
    aggregates = new Aggregate[features];
    newCursor = new int[features];
    oldCursor = new int[features];
    newTotal = new int[features];
    oldTotal = new int[features];
    extremum = new int[features];
    empties = new Object[features];

    List<List<Measure>> measures = new ArrayList<>();
    List<Measure> summed = new ArrayList<>();
    List<Measure> compared = new ArrayList<>();
    for (int cursor = 0; cursor < cursors; cursor++) {
      measures.add(new ArrayList<>());
    }
    for (int f = 0; f < features; f++) {
      FeatureSpec feature = layout.features().get(f);
      Measure measure = new Measure(feature.column(), feature.filter());
      aggregates[f] = feature.aggregate();
      newCursor[f] = Arrays.binarySearch(offsets, feature.delayMs());
      oldCursor[f] = Arrays.binarySearch(offsets, feature.delayMs() + feature.windowMs());
      newTotal[f] = indexIn(measures.get(newCursor[f]), measure);
      oldTotal[f] = indexIn(measures.get(oldCursor[f]), measure);
      Aggregate aggregate = feature.aggregate();
      if (aggregate == Aggregate.SUM || aggregate == Aggregate.AVG) {
        summed.add(measure);
      }
      extremum[f] =
          aggregate == Aggregate.MIN || aggregate == Aggregate.MAX
              ? indexIn(compared, measure)
              : -1;
      empties[f] =
          aggregate == Aggregate.COUNT && feature.empty() == null
              ? Long.valueOf(0)
              : feature.empty();
    }

    totalStart = new int[cursors + 1];
    for (int cursor = 0; cursor < cursors; cursor++) {
      totalStart[cursor + 1] = totalStart[cursor] + measures.get(cursor).size();
    }
    int totals = totalStart[cursors];
    totalAt = new int[totals];
    totalKind = new int[totals];
    totalValueWord = new int[totals];
    totalPresence = new long[totals];
    totalFilter = new long[totals];
    totalBefore = new int[totals];
    totalWide = new int[totals];
    int at = 2 * cursors;
    int wide = 0;
    for (int cursor = 0; cursor < cursors; cursor++) {
      for (int m = 0; m < measures.get(cursor).size(); m++) {
        Measure measure = measures.get(cursor).get(m);
        int total = totalStart[cursor] + m;
        totalAt[total] = at++;
        totalFilter[total] = filterMask(measure.filter());
        totalPresence[total] = presenceMask(measure.column());
        totalValueWord[total] = measure.column() < 0 ? -1 : valueWord[measure.column()];
        totalBefore[total] = -1;
        for (int before = 0; before < cursor; before++) {
          int index = measures.get(before).indexOf(measure);
          if (index >= 0) {
            totalBefore[total] = totalStart[before] + index;
          }
        }
        totalWide[total] = -1;
        if (summed.contains(measure)) {
          totalKind[total] = sumKind(columnTypes[measure.column()]);
          at += sumWords(totalKind[total]);
          if (totalKind[total] == REAL) {
            totalWide[total] = wide;
            wide += ExactSum.WIDE_WORDS;
          }
        }
      }
    }
    words = at;
    wideWords = wide;
    for (int f = 0; f < features; f++) {
      newTotal[f] += totalStart[newCursor[f]];
      oldTotal[f] += totalStart[oldCursor[f]];
    }

    extrema = compared.size();
    extremumColumn = new int[extrema];
    extremumPresence = new long[extrema];
    extremumFilter = new long[extrema];
    for (int e = 0; e < extrema; e++) {
      extremumColumn[e] = compared.get(e).column();
      extremumPresence[e] = presenceMask(compared.get(e).column());
      extremumFilter[e] = filterMask(compared.get(e).filter());
    }
  }

  /**
   * The shape of a layout. A job has a handful of layouts but reads a state for every event, and
   * the hash of a record walks all its parts: so a known shape is found by the layout's identity.
   */
  static StateShape of(StateLayout layout) {
    for (StateShape shape : known) {
      if (shape.layout == layout) {
        return shape;
      }
    }
    return remember(new StateShape(layout));
  }

  private static synchronized StateShape remember(StateShape shape) {
    StateShape[] before = known;
    int kept = Math.min(before.length, MAX_KNOWN - 1);
    StateShape[] after = Arrays.copyOf(before, kept + 1);
    // The newest comes first, and the oldest is forgotten.
    System.arraycopy(before, 0, after, 1, kept);
    after[0] = shape;
    known = after;
    return shape;
  }

  /**
   * Writes a fact as a row.
   *
   * @throws IllegalArgumentException if a value does not have its column's type
   */
  void encode(Fact fact, long[] rows, int at) {
    long presence = 0;
    for (int column = 0; column < valueWord.length; column++) {
      Object value = fact.values[column];
      if (value != null) {
        presence |= 1L << column;
      }
      if (valueWord[column] >= 0) {
        rows[at + valueWord[column]] = value == null ? 0 : toWord(column, value);
      }
    }
    rows[at + TIME] = fact.time;
    rows[at + OFFSET] = fact.offset;
    rows[at + META] = (long) fact.partition << 32;
    if (presenceWord == META) {
      rows[at + META] |= (fact.filterBits & lowBits(layout.filters())) << filterShift | presence;
    } else {
      rows[at + presenceWord] = presence;
      rows[at + filterWord] = fact.filterBits;
    }
    if (idHashWord >= 0) {
      rows[at + idHashWord] = fact.idHash;
    }
  }

  private long toWord(int column, Object value) {
    switch (columnTypes[column]) {
      case DOUBLE:
        if (value instanceof Double number) {
          return Double.doubleToLongBits(number);
        }
        break;
      case LONG, TIMESTAMP:
        if (value instanceof Long number) {
          return number;
        }
        break;
      case INT:
        if (value instanceof Integer number) {
          return number;
        }
        break;
      case BOOLEAN:
        if (value instanceof Boolean truth) {
          return truth ? 1 : 0;
        }
        break;
      case STRING:
        break;
    }
    throw new IllegalArgumentException(
        "Column %d of the state is %s, but the fact carries a %s (%s): give a %s or null"
            .formatted(
                column,
                columnTypes[column],
                value.getClass().getSimpleName(),
                value,
                columnTypes[column].javaClass().getSimpleName()));
  }

  /** Whether a word of a row has no small values: hashes and doubles. */
  boolean isDense(int word) {
    return dense[word];
  }

  /**
   * Checks the head of something stored.
   *
   * @throws IOException if it was written in another format or with another layout
   */
  void checkStored(String what, int version, int expectedVersion, int writtenHash)
      throws IOException {
    if (version != expectedVersion) {
      throw new IOException(
          "A stored %s has format %d, this release reads %d: restore with the release that wrote it,"
                  .formatted(what, version, expectedVersion)
              + " or replay");
    }
    if (writtenHash != hash) {
      throw new IOException(
          "A stored %s was written with another state layout (%08x, now %08x): a changed view is"
                  .formatted(what, writtenHash, hash)
              + " filled by a replay, not from old state");
    }
  }

  /** A value's rank: a long that orders as the values of the column do, NaN above all numbers. */
  long rank(int column, long word) {
    return columnTypes[column] == ColumnType.DOUBLE ? flipNegative(word) : word;
  }

  /** The value of a rank, in the column's type. */
  Object ofRank(int column, long rank) {
    return switch (columnTypes[column]) {
      case DOUBLE -> (Object) Double.longBitsToDouble(flipNegative(rank));
      case LONG, TIMESTAMP -> (Object) rank;
      case INT -> (Object) (int) rank;
      case BOOLEAN -> (Object) (rank != 0);
      case STRING -> throw new IllegalStateException("Column " + column + " is STRING: no order");
    };
  }

  /** Its own inverse: the bits of doubles in the order of {@link Double#compare}. */
  private static long flipNegative(long bits) {
    return bits ^ (bits >> 63 & Long.MAX_VALUE);
  }

  static int sumWords(int kind) {
    return switch (kind) {
      case SMALL_INTEGER -> 1;
      case INTEGER -> ExactSum.INTEGER_WORDS;
      case REAL -> ExactSum.NARROW_WORDS;
      default -> 0;
    };
  }

  private static int sumKind(ColumnType type) {
    return switch (type) {
      // Fewer than 2^31 values of at most 2^31 in magnitude.
      case BOOLEAN, INT -> SMALL_INTEGER;
      case LONG -> INTEGER;
      case DOUBLE -> REAL;
      case STRING, TIMESTAMP -> throw new IllegalArgumentException("No sum of " + type);
    };
  }

  private long presenceMask(int column) {
    return column < 0 ? 0 : 1L << column;
  }

  private long filterMask(int filter) {
    return filter < 0 ? 0 : 1L << (filter + filterShift);
  }

  private static long lowBits(int bits) {
    return bits == 64 ? -1L : (1L << bits) - 1;
  }

  private static int indexIn(List<Measure> measures, Measure measure) {
    int index = measures.indexOf(measure);
    if (index < 0) {
      measures.add(measure);
      return measures.size() - 1;
    }
    return index;
  }

  private static int layoutHash(StateLayout layout) {
    StringBuilder text = new StringBuilder();
    text.append(layout.columns()).append(layout.filters()).append(layout.identified());
    for (FeatureSpec feature : layout.features()) {
      text.append(';').append(feature.aggregate()).append(',').append(feature.column());
      text.append(',').append(feature.filter()).append(',').append(feature.windowMs());
      text.append(',').append(feature.delayMs());
    }
    return text.toString().hashCode();
  }

  private static void check(StateLayout layout) {
    int columns = layout.columns().size();
    require(columns <= 63, "A state has %d columns: use at most 63", columns);
    require(
        layout.filters() >= 0 && layout.filters() <= 64,
        "A state has %d filters: use 0 to 64",
        layout.filters());
    require(
        layout.latenessMs() >= 0 && layout.latenessMs() <= MAX_SPAN_MS,
        "Lateness is %d ms: use 0 to %d",
        layout.latenessMs(),
        MAX_SPAN_MS);
    for (int f = 0; f < layout.features().size(); f++) {
      FeatureSpec feature = layout.features().get(f);
      require(
          feature.column() >= -1 && feature.column() < columns,
          "Feature %d reads column %d: the state has %d",
          f,
          feature.column(),
          columns);
      require(
          feature.filter() >= -1 && feature.filter() < layout.filters(),
          "Feature %d uses filter %d: the state has %d",
          f,
          feature.filter(),
          layout.filters());
      require(
          feature.windowMs() >= 1 && feature.windowMs() <= MAX_SPAN_MS,
          "Feature %d has a window of %d ms: use 1 to %d",
          f,
          feature.windowMs(),
          MAX_SPAN_MS);
      require(
          feature.delayMs() >= 0 && feature.delayMs() <= MAX_SPAN_MS,
          "Feature %d has a delay of %d ms: use 0 to %d",
          f,
          feature.delayMs(),
          MAX_SPAN_MS);
      ColumnType type =
          feature
              .aggregate()
              .resultType(feature.column() < 0 ? null : layout.columns().get(feature.column()));
      Object empty = feature.empty();
      require(
          empty == null || type.javaClass().isInstance(empty),
          "Feature %d is %s, but its empty value is %s: give it in that type",
          f,
          type,
          empty);
    }
  }

  private static void require(boolean holds, String message, @Nullable Object... arguments) {
    if (!holds) {
      throw new IllegalArgumentException(message.formatted(arguments));
    }
  }
}
