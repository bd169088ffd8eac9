package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A {@link StateLayout} compiled into positions: of a fact's parts in its row, of each cursor's
 * running totals in the state's words, and of each feature's two edges. Immutable, and shared by
 * all states of a layout.
 */
final class StateShape {

  /** The first words of every row. */
  static final int TIME = 0;

  static final int OFFSET = 1;

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

  // The row of a fact: time, offset, [id hash], partition | flags, [more flags], values. A cursor
  // that
  // passes a fact reads its flags and values and the next fact's time: they lie together.
  final int stride;
  final int idHashWord;
  final int metaWord;
  final int presenceWord;
  final int filterWord;
  final int filterShift;
  final int[] valueWord;
  final ColumnType[] columnTypes;
  private final boolean[] dense;

  // Cursors, by ascending offset; cursor 0 has offset 0.
  final int cursors;
  final long[] offsets;

  /** Per cursor the totals that it keeps. */
  final Total[][] totals;

  /** Longs of a state, and of its wide sums if it has any. */
  final int words;

  final int wideWords;
  final Feature[] features;
  final Extremum[] extrema;

  /**
   * A count of facts or values behind a cursor, and perhaps their sum.
   *
   * @param at position of the count in the state's words; the sum follows it
   * @param kind of sum
   * @param presence bits of the presence word that a fact needs
   * @param filter bits of the filter word that a fact needs
   * @param valueWord position of the value in the row, or -1
   * @param wide position of a REAL sum's wide accumulator, or -1
   * @param before the same total of the cursor with the next smaller offset, if one has it
   */
  record Total(
      int at,
      int kind,
      long presence,
      long filter,
      int valueWord,
      int wide,
      @Nullable Total before) {

    int sumWords() {
      return StateShape.sumWords(kind);
    }
  }

  /**
   * How a feature is read off the totals at its new and old edge.
   *
   * @param kind of sum
   * @param extremum position in the extrema, or -1
   */
  record Feature(
      Aggregate aggregate,
      int kind,
      int newAt,
      int oldAt,
      int newWide,
      int oldWide,
      int newCursor,
      int oldCursor,
      int extremum,
      @Nullable Object empty) {}

  /** A distinct (column, filter) of MIN and MAX features: what chunks summarise. */
  record Extremum(int column, int valueWord, long presence, long filter) {}

  private record Measure(int column, int filter) {}

  private StateShape(StateLayout layout) {
    check(layout);
    this.layout = layout;
    hash = layoutHash(layout);
    horizonMs = layout.horizonMs();

    int columns = layout.columns().size();
    columnTypes = layout.columns().toArray(ColumnType[]::new);
    int word = OFFSET + 1;
    idHashWord = layout.identity() != Identity.NONE ? word++ : -1;
    metaWord = word++;
    if (columns + layout.filters() <= 32) {
      presenceWord = metaWord;
      filterWord = metaWord;
      filterShift = columns;
    } else {
      presenceWord = word++;
      filterWord = word++;
      filterShift = 0;
    }
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
      distinct.add(newOffset(feature));
      distinct.add(oldOffset(feature));
    }
    offsets = distinct.stream().mapToLong(Long::longValue).toArray();
    cursors = offsets.length;

    List<Set<Measure>> measures = new ArrayList<>();
    for (int cursor = 0; cursor < cursors; cursor++) {
      measures.add(new LinkedHashSet<>());
    }
    Set<Measure> summed = new HashSet<>();
    List<Measure> compared = new ArrayList<>();
    for (FeatureSpec feature : layout.features()) {
      Aggregate function = feature.aggregation().function();
      Measure measure = new Measure(feature.aggregation().column(), feature.filter());
      measures.get(cursorAt(newOffset(feature))).add(measure);
      measures.get(cursorAt(oldOffset(feature))).add(measure);
      if (isSum(function)) {
        summed.add(measure);
      } else if (function != Aggregate.COUNT && !compared.contains(measure)) {
        compared.add(measure);
      }
    }

    // The times and positions of the cursors come first.
    int at = 2 * cursors;
    int wide = 0;
    totals = new Total[cursors][];
    List<Map<Measure, Total>> totalOf = new ArrayList<>();
    Map<Measure, Total> latest = new HashMap<>();
    for (int cursor = 0; cursor < cursors; cursor++) {
      Map<Measure, Total> own = new LinkedHashMap<>();
      for (Measure measure : measures.get(cursor)) {
        int kind = summed.contains(measure) ? sumKind(columnTypes[measure.column()]) : COUNT_ONLY;
        Total total =
            new Total(
                at,
                kind,
                presenceMask(measure.column()),
                filterMask(measure.filter()),
                measure.column() < 0 ? -1 : valueWord[measure.column()],
                kind == REAL ? wide : -1,
                latest.get(measure));
        own.put(measure, total);
        latest.put(measure, total);
        at += 1 + sumWords(kind);
        wide += kind == REAL ? ExactSum.WIDE_WORDS : 0;
      }
      totals[cursor] = own.values().toArray(Total[]::new);
      totalOf.add(own);
    }
    words = at;
    wideWords = wide;

    extrema = new Extremum[compared.size()];
    for (int e = 0; e < extrema.length; e++) {
      Measure measure = compared.get(e);
      extrema[e] =
          new Extremum(
              measure.column(),
              valueWord[measure.column()],
              presenceMask(measure.column()),
              filterMask(measure.filter()));
    }

    features = new Feature[layout.features().size()];
    for (int f = 0; f < features.length; f++) {
      FeatureSpec spec = layout.features().get(f);
      Aggregate function = spec.aggregation().function();
      Measure measure = new Measure(spec.aggregation().column(), spec.filter());
      int newCursor = cursorAt(newOffset(spec));
      int oldCursor = cursorAt(oldOffset(spec));
      Total newer = Objects.requireNonNull(totalOf.get(newCursor).get(measure));
      Total older = Objects.requireNonNull(totalOf.get(oldCursor).get(measure));
      boolean extreme = function == Aggregate.MIN || function == Aggregate.MAX;
      Object empty = spec.empty();
      features[f] =
          new Feature(
              function,
              newer.kind(),
              newer.at(),
              older.at(),
              newer.wide(),
              older.wide(),
              newCursor,
              oldCursor,
              extreme ? compared.indexOf(measure) : -1,
              empty == null && function == Aggregate.COUNT ? Long.valueOf(0) : empty);
    }
  }

  private static long newOffset(FeatureSpec feature) {
    return feature.window().delayMs();
  }

  private static long oldOffset(FeatureSpec feature) {
    return feature.window().delayMs() + ((Window.Sliding) feature.window()).windowMs();
  }

  private int cursorAt(long offset) {
    return Arrays.binarySearch(offsets, offset);
  }

  private static boolean isSum(Aggregate aggregate) {
    return aggregate == Aggregate.SUM || aggregate == Aggregate.AVG;
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
    rows[at + metaWord] = (long) fact.partition << 32;
    if (presenceWord == metaWord) {
      rows[at + metaWord] |=
          (fact.filterBits & lowBits(layout.filters())) << filterShift | presence;
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
      default:
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
      default ->
          throw new IllegalStateException(
              "Column " + column + " is " + columnTypes[column] + ": no order");
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
      default -> throw new IllegalArgumentException("No sum of " + type);
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

  private static int layoutHash(StateLayout layout) {
    StringBuilder text = new StringBuilder();
    text.append(layout.columns()).append(layout.filters()).append(layout.identity());
    for (FeatureSpec feature : layout.features()) {
      text.append(';').append(feature.aggregation()).append(',').append(feature.filter());
      text.append(',').append(feature.window());
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
          feature.aggregation().column() >= -1 && feature.aggregation().column() < columns,
          "Feature %d reads column %d: the state has %d",
          f,
          feature.aggregation().column(),
          columns);
      require(
          feature.filter() >= -1 && feature.filter() < layout.filters(),
          "Feature %d uses filter %d: the state has %d",
          f,
          feature.filter(),
          layout.filters());
      Window window = feature.window();
      long span = window instanceof Window.Sliding sliding ? sliding.windowMs() : 1;
      require(
          span >= 1 && span <= MAX_SPAN_MS,
          "Feature %d has a window of %d ms: use 1 to %d",
          f,
          span,
          MAX_SPAN_MS);
      require(
          window.delayMs() >= 0 && window.delayMs() <= MAX_SPAN_MS,
          "Feature %d has a delay of %d ms: use 0 to %d",
          f,
          window.delayMs(),
          MAX_SPAN_MS);
      ColumnType type =
          feature
              .aggregation()
              .function()
              .resultType(
                  feature.aggregation().column() < 0
                      ? null
                      : layout.columns().get(feature.aggregation().column()));
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
