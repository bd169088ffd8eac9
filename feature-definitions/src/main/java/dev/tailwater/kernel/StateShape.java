package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link StateLayout} compiled into positions: of a fact's parts in its row, of each cursor's
 * running totals in the state's words, and of each feature's two edges. Immutable, and shared by
 * all states of a layout.
 */
final class StateShape {

  private static final Logger LOG = LoggerFactory.getLogger(StateShape.class);

  /** The first word of every row. */
  static final int TIME = 0;

  /** The time of a row that is not in use, after that of every fact. */
  static final long NO_TIME = Long.MAX_VALUE;

  /** The first word of every origin. */
  static final int OFFSET = 0;

  /** What a running total holds beside its count. */
  static final int COUNT_ONLY = 0;

  static final int SMALL_INTEGER = 1;
  static final int INTEGER = 2;
  static final int REAL = 3;

  /**
   * How a feature is computed: from running totals, from the ranks in summaries of chunks, from the
   * facts at one end of its window, or fact by fact.
   */
  static final int BY_TOTALS = 0;

  static final int BY_EXTREMES = 1;
  static final int BY_FACTS = 2;
  static final int BY_ENDS = 3;

  /** About 292 years: the largest delay or window, so that their sum cannot overflow. */
  private static final long MAX_SPAN_MS = Long.MAX_VALUE / 1_000_000;

  /** As many periods as fit into the largest span. */
  private static final int MAX_PERIODS = 3_000;

  private static final int MAX_EVENTS = 100_000;

  /** Runs of a layout before it is compiled: they take about as long as that does. */
  private static final int RUNS_BEFORE_CODE = 20_000;

  private static final int MAX_KNOWN = 256;
  private static volatile StateShape[] known = {};

  final StateLayout layout;

  /** Identifies the layout in stored state; does not depend on the JVM. */
  final int hash;

  /**
   * How old a fact can be that a cursor has not passed. Windows without an old end do not count:
   * what falls behind is folded into a summary, or kept by {@link #positional}.
   */
  final long horizonMs;

  /** How far any edge can be behind the instant. */
  final long reachMs;

  // The row of a fact is what a cursor reads that passes it: time, partition | flags, [more flags],
  // values. Rows are short, because what costs is to fetch them from memory.
  final int stride;
  final int metaWord;
  final int presenceWord;
  final int filterWord;
  final int filterShift;
  final int[] valueWord;

  // The origin of a fact is what tells it from others: offset, [id hash], [payload hash].
  final int originStride;

  /** Longs of a row and an origin. */
  final int wordsPerFact;

  final int idHashWord;
  final int payloadWord;

  /** The presence bit of versions that are not deletions; 0 if all facts count. */
  final long live;

  /** How many texts a fact has, which columns they are, and per column which of them. */
  final int texts;

  final int[] textColumns;
  final int[] textSlot;
  final ColumnType[] columnTypes;
  private final boolean[] dense;
  private final boolean[] originDense;

  // Cursors: those a fixed span behind come first, the shortest span before all; cursor 0 is at the
  // instant itself.
  final int cursors;
  final int shifted;
  private final long[] shifts;
  private final Edge[] edges;

  /** Per cursor the totals that it keeps; behind them those of the beginning, which stay at 0. */
  final Total[][] totals;

  /** Per cursor the same totals, as it takes them when it goes forward. */
  final Passing[] passing;

  /** The distinct totals, as {@link ChunkSums} has them of a chunk, and how many longs they are. */
  final Total[] chunkSums;

  final int chunkSumWords;

  /** Longs of a state, and of its wide sums if it has any. */
  final int words;

  final int wideWords;
  final Feature[] features;
  final Extremum[] extrema;
  private volatile @Nullable EntityState model;
  private int runs;

  /**
   * The features whose oldest fact is found by counting or by gaps; one for each distinct window.
   */
  final Feature[] positional;

  /** The features that need a summary of facts that were dropped; one for each distinct one. */
  final Feature[] folded;

  /** The rows of tiles that are kept, in a coarse layout. */
  final Tiles[] tiles;

  /**
   * A row of tiles.
   *
   * @param feature one whose facts are summarised
   * @param edge the old edge of the longest window that reads them
   */
  record Tiles(Feature feature, Edge.Multiple edge) {}

  /**
   * The features whose window can be summarised while facts enter and leave it; one for each
   * distinct one, and per cursor which of them have it as their new and as their old edge.
   */
  final Feature[] running;

  final int[][] runningAtNewEdge;
  final int[][] runningAtOldEdge;

  /** Per cursor the windows by position that have it as their new edge. */
  final int[][] positionalAtNewEdge;

  /** Per window by position the features of {@link #running} that are over it. */
  final int[][] runningInPositional;

  /**
   * A count of facts or values behind a cursor, and perhaps their sum.
   *
   * @param at position of the count in the state's words; the sum follows it
   * @param kind of sum
   * @param presence bits of the presence word that a fact needs
   * @param filter bits of the filter word that a fact needs
   * @param valueWord position of the value in the row, or -1
   * @param wide position of a REAL sum's wide accumulator, or -1
   * @param inChunk position of the same count, and sum, in what {@link ChunkSums} has of a chunk
   * @param before the same total of the cursor with the next smaller offset, if one has it
   */
  record Total(
      int at,
      int kind,
      long presence,
      long filter,
      int valueWord,
      int wide,
      int inChunk,
      @Nullable Total before) {

    int sumWords() {
      return StateShape.sumWords(kind);
    }

    /**
     * Adds one row to a total, or takes it away.
     *
     * @param from where {@link #at} is counted from
     * @return false if a value does not fit into the sum, which has not changed then
     */
    boolean add(StateShape shape, long[] totals, int from, long[] rows, int row, int times) {
      long present = rows[row + shape.presenceWord];
      long filters = rows[row + shape.filterWord];
      if ((~present & presence | ~filters & filter) != 0) {
        return true;
      }
      totals[from + at] += times;
      if (kind == COUNT_ONLY) {
        return true;
      }
      int word = from + at + 1;
      long value = rows[row + valueWord];
      if (kind == REAL) {
        double number = Double.longBitsToDouble(value);
        return ExactSum.addNarrow(totals, word, times > 0 ? number : -number);
      }
      if (kind == SMALL_INTEGER) {
        totals[word] += times > 0 ? value : -value;
      } else if (times > 0) {
        ExactSum.addInteger(totals, word, value);
      } else {
        ExactSum.subtractInteger(totals, word, value);
      }
      return true;
    }

    /** Whether every fact counts, whatever is in it. */
    boolean countsAll() {
      return kind == COUNT_ONLY && presence == 0 && filter == 0;
    }
  }

  /**
   * The totals that a cursor adds to when it goes forward, by what it takes.
   *
   * @param countAt position of a count of all facts, whatever is in them, or -1
   * @param first one other total: few cursors have more
   */
  record Passing(int countAt, @Nullable Total first, Total[] more) {

    static Passing of(Total[] totals) {
      int countAt = -1;
      List<Total> others = new ArrayList<>();
      for (Total total : totals) {
        if (total.countsAll()) {
          countAt = total.at();
        } else {
          others.add(total);
        }
      }
      Total first = others.isEmpty() ? null : others.remove(0);
      return new Passing(countAt, first, others.toArray(Total[]::new));
    }
  }

  /**
   * How a feature is computed. Its facts have all bits of {@code presence} and {@code filter}.
   *
   * @param evaluation one of {@link #BY_TOTALS}, {@link #BY_EXTREMES}, {@link #BY_FACTS}, {@link
   *     #BY_ENDS}
   * @param kind of sum
   * @param newAt position of the total at the new edge, and with {@code oldAt} at the old one
   * @param divisor of a ratio: how its second sum is read off
   * @param newCursor the cursor at the new edge
   * @param oldCursor the cursor at the old edge, or -1 if there is none
   * @param extremum position in the extrema, or -1
   * @param folded position in the summaries of dropped facts, or -1
   * @param tiles position in the rows of tiles, or -1
   * @param running position in the summaries of windows that are kept up to date, or -1
   * @param positional position in the windows by position, or -1
   */
  record Feature(
      FeatureSpec spec,
      Aggregate aggregate,
      int evaluation,
      int kind,
      int newAt,
      int oldAt,
      int newWide,
      int oldWide,
      @Nullable Feature divisor,
      int newCursor,
      int oldCursor,
      int extremum,
      int folded,
      int tiles,
      int running,
      int positional,
      long presence,
      long filter,
      @Nullable Object empty) {

    Aggregation aggregation() {
      return spec.aggregation();
    }

    boolean isEmpty() {
      return newCursor == oldCursor;
    }
  }

  /**
   * Distinct facts that chunks summarise: how many have these bits, and their ranks in a column.
   *
   * @param column the column that is compared, or -1 if the facts are only counted
   */
  record Extremum(int column, int valueWord, long presence, long filter) {}

  /** The facts that have a value in a column, and in a second one if that is not -1. */
  private record Measure(int column, int with, int filter) {}

  private StateShape(StateLayout layout) {
    check(layout);
    this.layout = layout;
    hash = layoutHash(layout);

    int columns = layout.columns().size();
    columnTypes = layout.columns().toArray(ColumnType[]::new);
    int origin = OFFSET + 1;
    idHashWord = layout.identity() != Identity.NONE ? origin++ : -1;
    payloadWord = layout.identity() == Identity.EVENT ? origin++ : -1;
    originStride = origin;
    originDense = new boolean[originStride];
    Arrays.fill(originDense, OFFSET + 1, originStride, true);
    int word = TIME + 1;
    metaWord = word++;
    boolean versions = layout.identity() == Identity.ROW;
    if (columns + layout.filters() + (versions ? 1 : 0) <= 32) {
      presenceWord = metaWord;
      filterWord = metaWord;
      filterShift = columns;
      live = versions ? 1L << (columns + layout.filters()) : 0;
    } else {
      presenceWord = word++;
      filterWord = word++;
      filterShift = 0;
      live = versions ? Long.MIN_VALUE : 0;
    }
    boolean[] read = readTexts(layout);
    valueWord = new int[columns];
    textSlot = new int[columns];
    int slots = 0;
    for (int column = 0; column < columns; column++) {
      boolean text = columnTypes[column] == ColumnType.STRING;
      valueWord[column] = text ? -1 : word++;
      textSlot[column] = read[column] ? slots++ : -1;
    }
    texts = slots;
    textColumns = new int[slots];
    stride = word;
    wordsPerFact = stride + originStride;
    dense = new boolean[stride];
    for (int column = 0; column < columns; column++) {
      if (textSlot[column] >= 0) {
        textColumns[textSlot[column]] = column;
      }
      if (columnTypes[column] == ColumnType.DOUBLE) {
        dense[valueWord[column]] = true;
      }
    }

    TreeSet<Long> distinct = new TreeSet<>();
    Set<Edge> others = new LinkedHashSet<>();
    distinct.add(0L);
    for (FeatureSpec feature : layout.features()) {
      for (Edge edge : List.of(Edge.newest(feature.window()), Edge.oldest(feature.window()))) {
        if (edge instanceof Edge.Shift shift) {
          distinct.add(shift.ms());
        } else if (!(edge instanceof Edge.Beginning)) {
          others.add(edge);
        }
      }
    }
    shifts = distinct.stream().mapToLong(Long::longValue).toArray();
    shifted = shifts.length;
    List<Edge> all = new ArrayList<>();
    distinct.forEach(ms -> all.add(new Edge.Shift(ms)));
    all.addAll(others);
    edges = all.toArray(Edge[]::new);
    cursors = edges.length;
    boolean coarse = layout.coarse();
    // At least 1: a fact as old as the lateness may still arrive.
    horizonMs =
        all.stream()
            .filter(edge -> !(coarse && edge instanceof Edge.Multiple))
            .mapToLong(Edge::reachMs)
            .reduce(Math.max(1, selfReachMs(layout)), Math::max);
    reachMs = all.stream().mapToLong(Edge::reachMs).reduce(horizonMs, Math::max);

    List<Set<Measure>> measures = new ArrayList<>();
    for (int cursor = 0; cursor <= cursors; cursor++) {
      measures.add(new LinkedHashSet<>());
    }
    Set<Measure> summed = new HashSet<>();
    List<Measure> compared = new ArrayList<>();
    for (FeatureSpec feature : layout.features()) {
      int evaluation = evaluation(feature);
      for (Measure measure : measures(feature)) {
        if (evaluation == BY_TOTALS) {
          measures.get(newCursor(feature)).add(measure);
          measures.get(totalsAtOldEdge(feature)).add(measure);
          if (isSum(feature.aggregation().function())) {
            summed.add(measure);
          }
        } else if (evaluation != BY_FACTS && !compared.contains(summarised(feature))) {
          compared.add(summarised(feature));
        }
      }
    }

    // The times and positions of the cursors come first.
    int at = 2 * cursors;
    int wide = 0;
    totals = new Total[cursors + 1][];
    List<Map<Measure, Total>> totalOf = new ArrayList<>();
    Map<Measure, Total> latest = new HashMap<>();
    Map<Measure, Total> ofChunk = new LinkedHashMap<>();
    int wordsOfChunk = 0;
    for (int cursor = 0; cursor <= cursors; cursor++) {
      Map<Measure, Total> own = new LinkedHashMap<>();
      for (Measure measure : measures.get(cursor)) {
        int kind = summed.contains(measure) ? sumKind(columnTypes[measure.column()]) : COUNT_ONLY;
        Total inChunk = ofChunk.get(measure);
        if (inChunk == null) {
          inChunk =
              new Total(
                  wordsOfChunk,
                  kind,
                  live | presenceMask(measure.column()) | presenceMask(measure.with()),
                  filterMask(measure.filter()),
                  measure.column() < 0 ? -1 : valueWord[measure.column()],
                  -1,
                  wordsOfChunk,
                  null);
          ofChunk.put(measure, inChunk);
          wordsOfChunk += 1 + sumWords(kind);
        }
        Total total =
            new Total(
                at,
                kind,
                inChunk.presence(),
                inChunk.filter(),
                inChunk.valueWord(),
                kind == REAL ? wide : -1,
                inChunk.at(),
                latest.get(measure));
        own.put(measure, total);
        latest.put(measure, total);
        at += 1 + sumWords(kind);
        wide += kind == REAL ? ExactSum.WIDE_WORDS : 0;
      }
      totals[cursor] = own.values().toArray(Total[]::new);
      totalOf.add(own);
    }
    chunkSums = ofChunk.values().toArray(Total[]::new);
    chunkSumWords = wordsOfChunk;
    passing = new Passing[cursors];
    Arrays.setAll(passing, cursor -> Passing.of(totals[cursor]));
    words = at;
    wideWords = wide;

    extrema = new Extremum[compared.size()];
    for (int e = 0; e < extrema.length; e++) {
      Measure measure = compared.get(e);
      extrema[e] =
          new Extremum(
              measure.column(),
              measure.column() < 0 ? -1 : valueWord[measure.column()],
              live | presenceMask(measure.column()) | presenceMask(measure.with()),
              filterMask(measure.filter()));
    }

    features = new Feature[layout.features().size()];
    Map<List<Object>, Feature> positionalFeatures = new LinkedHashMap<>();
    Map<List<Object>, Feature> foldedFeatures = new LinkedHashMap<>();
    Map<List<Object>, Tiles> rows = new LinkedHashMap<>();
    Map<List<Object>, Feature> runningFeatures = new LinkedHashMap<>();
    for (int f = 0; f < features.length; f++) {
      FeatureSpec spec = layout.features().get(f);
      Aggregation aggregation = spec.aggregation();
      int evaluation = evaluation(spec);
      List<Measure> own = measures(spec);
      Map<Measure, Total> newer = totalOf.get(newCursor(spec));
      Map<Measure, Total> older = totalOf.get(totalsAtOldEdge(spec));
      boolean folds = spec.window() instanceof Window.Lifetime && evaluation != BY_TOTALS;
      List<Object> summary = List.of(aggregation, spec.filter());
      Feature same = foldedFeatures.get(summary);
      int fold = !folds ? -1 : same == null ? foldedFeatures.size() : same.folded();
      int row = -1;
      if (coarse && spec.window() instanceof Window.Sliding) {
        row = new ArrayList<>(rows.keySet()).indexOf(tileKey(spec));
        row = row < 0 ? rows.size() : row;
      }
      List<Object> window = List.of(aggregation, spec.filter(), spec.window());
      Feature sameWindow = runningFeatures.get(window);
      int run =
          row >= 0 || !isRunning(spec, evaluation)
              ? -1
              : sameWindow == null ? runningFeatures.size() : sameWindow.running();
      List<Object> place = List.of(spec.window(), spec.filter());
      Feature samePlace = positionalFeatures.get(place);
      int position =
          !isPositional(spec.window())
              ? -1
              : samePlace == null ? positionalFeatures.size() : samePlace.positional();
      Feature divisor = null;
      if (own.size() == 2) {
        divisor =
            feature(
                spec,
                evaluation,
                newer.get(own.get(1)),
                older.get(own.get(1)),
                null,
                -1,
                -1,
                -1,
                -1,
                -1);
      }
      features[f] =
          feature(
              spec,
              evaluation,
              newer.get(own.get(0)),
              older.get(own.get(0)),
              divisor,
              compared.indexOf(summarised(spec)),
              fold,
              row,
              run,
              position);
      if (row >= 0) {
        Tiles known = rows.get(tileKey(spec));
        Edge.Multiple edge = (Edge.Multiple) Edge.oldest(spec.window());
        if (known == null || known.edge().ms() < edge.ms()) {
          rows.put(tileKey(spec), new Tiles(features[f], edge));
        }
      }
      if (run >= 0) {
        runningFeatures.putIfAbsent(window, features[f]);
      }
      if (folds) {
        foldedFeatures.putIfAbsent(summary, features[f]);
      }
      if (position >= 0) {
        positionalFeatures.putIfAbsent(place, features[f]);
      }
    }
    positional = positionalFeatures.values().toArray(Feature[]::new);
    folded = foldedFeatures.values().toArray(Feature[]::new);
    tiles = rows.values().toArray(Tiles[]::new);
    running = runningFeatures.values().toArray(Feature[]::new);
    // A window of one millisecond without both of its ends is always empty.
    runningAtNewEdge = new int[cursors][];
    runningAtOldEdge = new int[cursors][];
    positionalAtNewEdge = new int[cursors][];
    for (int c = 0; c < cursors; c++) {
      int cursor = c;
      runningAtNewEdge[c] =
          IntStream.range(0, running.length)
              .filter(run -> running[run].newCursor() == cursor && running[run].positional() < 0)
              .filter(run -> !running[run].isEmpty())
              .toArray();
      runningAtOldEdge[c] =
          IntStream.range(0, running.length)
              .filter(run -> running[run].oldCursor() == cursor && !running[run].isEmpty())
              .toArray();
      positionalAtNewEdge[c] =
          IntStream.range(0, positional.length)
              .filter(window -> positional[window].newCursor() == cursor)
              .toArray();
    }
    runningInPositional = new int[positional.length][];
    for (int p = 0; p < positional.length; p++) {
      int window = p;
      runningInPositional[p] =
          IntStream.range(0, running.length)
              .filter(run -> running[run].positional() == window)
              .toArray();
    }
  }

  private boolean isRunning(FeatureSpec spec, int evaluation) {
    return evaluation == BY_FACTS
        && (spec.window() instanceof Window.Lifetime
            || Partial.removable(spec.aggregation(), this) != null);
  }

  private static List<Object> tileKey(FeatureSpec feature) {
    Edge.Multiple edge = (Edge.Multiple) Edge.oldest(feature.window());
    return List.of(feature.aggregation(), feature.filter(), edge.resolutionMs(), edge.less());
  }

  private Feature feature(
      FeatureSpec spec,
      int evaluation,
      @Nullable Total newer,
      @Nullable Total older,
      @Nullable Feature divisor,
      int extremum,
      int fold,
      int row,
      int run,
      int position) {
    Aggregation aggregation = spec.aggregation();
    Object empty = spec.empty();
    if (aggregation.function().countsFromZero()) {
      empty = aggregation.by() >= 0 ? Collections.emptySortedMap() : Long.valueOf(0);
    }
    return new Feature(
        spec,
        aggregation.function(),
        evaluation,
        newer == null ? COUNT_ONLY : newer.kind(),
        newer == null ? -1 : newer.at(),
        older == null ? -1 : older.at(),
        newer == null ? -1 : newer.wide(),
        older == null ? -1 : older.wide(),
        divisor,
        newCursor(spec),
        Edge.oldest(spec.window()) instanceof Edge.Beginning
            ? -1
            : cursorAt(Edge.oldest(spec.window())),
        extremum,
        fold,
        row,
        run,
        position,
        live
            | presenceMask(aggregation.column())
            | presenceMask(aggregation.second())
            | presenceMask(aggregation.by()),
        filterMask(spec.filter()),
        empty);
  }

  /** Which columns of text are read, and not only asked whether they are there. */
  private static boolean[] readTexts(StateLayout layout) {
    boolean[] read = new boolean[layout.columns().size()];
    for (FeatureSpec feature : layout.features()) {
      Aggregation aggregation = feature.aggregation();
      for (int column : new int[] {aggregation.column(), aggregation.by()}) {
        boolean onlyPresence = column != aggregation.by() && aggregation.function().countsFacts();
        if (column >= 0 && layout.columns().get(column) == ColumnType.STRING && !onlyPresence) {
          read[column] = true;
        }
      }
    }
    return read;
  }

  private static int evaluation(FeatureSpec feature) {
    if (feature.aggregation().by() >= 0) {
      return BY_FACTS;
    }
    // Of these windows a part may be there as summaries only.
    boolean folds =
        feature.window() instanceof Window.Lifetime
            || (feature.window() instanceof Window.Sliding sliding && sliding.resolutionMs() > 0);
    return switch (feature.aggregation().function()) {
      case COUNT, SUM, AVG, RATE, RATIO -> isPositional(feature.window()) ? BY_FACTS : BY_TOTALS;
      case MIN, MAX -> BY_EXTREMES;
      case ARGMIN, ARGMAX -> folds ? BY_FACTS : BY_EXTREMES;
      case FIRST, LAST, FIRST_K, LAST_K, LAG, TIME_SINCE_FIRST, TIME_SINCE_LAST ->
          folds ? BY_FACTS : BY_ENDS;
      default -> BY_FACTS;
    };
  }

  /** The facts of a feature as chunks summarise them: what is compared comes first. */
  private static Measure summarised(FeatureSpec feature) {
    Aggregation aggregation = feature.aggregation();
    return switch (evaluation(feature)) {
      case BY_EXTREMES ->
          aggregation.second() >= 0
              ? new Measure(aggregation.second(), aggregation.column(), feature.filter())
              : new Measure(aggregation.column(), -1, feature.filter());
      default -> new Measure(-1, aggregation.column(), feature.filter());
    };
  }

  private static List<Measure> measures(FeatureSpec feature) {
    Aggregation aggregation = feature.aggregation();
    Measure first = new Measure(aggregation.column(), aggregation.second(), feature.filter());
    return aggregation.function() == Aggregate.RATIO
        ? List.of(first, new Measure(aggregation.second(), aggregation.column(), feature.filter()))
        : List.of(first);
  }

  private static boolean isPositional(Window window) {
    return window instanceof Window.LastEvents || window instanceof Window.Session;
  }

  private int newCursor(FeatureSpec feature) {
    return cursorAt(Edge.newest(feature.window()));
  }

  /** The cursor at the old edge, or the totals of the beginning. */
  private int totalsAtOldEdge(FeatureSpec feature) {
    Edge oldest = Edge.oldest(feature.window());
    return oldest instanceof Edge.Beginning ? cursors : cursorAt(oldest);
  }

  private int cursorAt(Edge edge) {
    return Arrays.asList(edges).indexOf(edge);
  }

  /** The newest time that is behind a cursor as of an instant. */
  long target(int cursor, long instant) {
    return cursor < shifted ? instant - shifts[cursor] : edges[cursor].target(instant);
  }

  /** Whether a cursor is always the same span behind the instant. */
  boolean isShifted(int cursor) {
    return cursor < shifted;
  }

  /** How far a {@linkplain #isShifted shifted} cursor is behind the instant. */
  long shift(int cursor) {
    return shifts[cursor];
  }

  /** The earliest instant as of which a cursor has passed a time, or {@link Long#MAX_VALUE}. */
  long passes(int cursor, long time) {
    return edges[cursor].passes(time);
  }

  /** A state that runs code made for the layout, or null if there is no code, or none yet. */
  @Nullable EntityState model() {
    return model;
  }

  /** A state without facts. */
  EntityState emptyState() {
    EntityState known = model;
    return known == null ? new GeneralState(this) : known.empty(this);
  }

  /**
   * Takes note that cursors moved without code. Layouts that are used a lot are compiled. Tasks
   * that share a shape may count less than there is, which only makes it later.
   */
  void countRun() {
    if (runs < RUNS_BEFORE_CODE && ++runs == RUNS_BEFORE_CODE) {
      compileBeside();
    }
  }

  /**
   * Compiles the layout as if it had been used a lot.
   *
   * @return the thread that does it, or null if it was or is being done already
   */
  @Nullable Thread prepare() {
    if (runs >= RUNS_BEFORE_CODE) {
      return null;
    }
    runs = RUNS_BEFORE_CODE;
    return compileBeside();
  }

  /** The first time takes some tenths of a second, and questions are waiting for the task. */
  private Thread compileBeside() {
    Thread compiler = new Thread(this::compileOrGoOn, "tailwater-layout-compiler");
    compiler.setDaemon(true);
    compiler.start();
    return compiler;
  }

  /** Compiles the layout, or says why states go on without. */
  void compileOrGoOn() {
    try {
      compile();
    } catch (IllegalStateException | LinkageError e) {
      // For want of the compiler on the class path, say. States work without.
      LOG.warn("States go on without code made for their layout, more slowly: {}", layout, e);
    }
  }

  /** Compiles the layout, if that is possible and has not been done. */
  synchronized void compile() {
    if (model == null && LayoutCompiler.canCompile(this)) {
      model = LayoutCompiler.compile(this);
    }
  }

  private static boolean isSum(Aggregate aggregate) {
    return aggregate == Aggregate.SUM || aggregate == Aggregate.AVG || aggregate == Aggregate.RATIO;
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
   * Room for this many facts, without any: their rows, {@link #NO_TIME} in place of the time of one
   * more row, and their origins. A row that is not in use has that time too, so that a cursor ends
   * there without knowing how many there are.
   */
  long[] room(int capacity) {
    long[] room = new long[capacity * wordsPerFact + 1];
    for (int row = 0; row <= capacity; row++) {
      room[row * stride + TIME] = NO_TIME;
    }
    return room;
  }

  /** How many facts such room is for. */
  int capacity(long[] room) {
    return room.length / wordsPerFact;
  }

  /** Where the origin of a fact begins in such room. */
  int originAt(int index, int capacity) {
    return capacity * stride + 1 + index * originStride;
  }

  /**
   * Writes a fact in the place of this index: its row, its origin and its texts.
   *
   * @param capacity how many facts there is room for
   * @throws IllegalArgumentException if a value does not have its column's type
   */
  void encode(Fact fact, int index, int capacity, long[] chunk, @Nullable String[] chunkTexts) {
    int at = index * stride;
    long presence = fact.deleted ? 0 : live;
    for (int column = 0; column < valueWord.length; column++) {
      Object value = fact.values[column];
      if (value != null) {
        presence |= 1L << column;
      }
      if (valueWord[column] >= 0) {
        chunk[at + valueWord[column]] = value == null ? 0 : toWord(column, value);
      } else if (textSlot[column] >= 0) {
        chunkTexts[index * texts + textSlot[column]] = value == null ? null : toText(column, value);
      }
    }
    chunk[at + TIME] = fact.time;
    chunk[at + metaWord] = (long) fact.partition << 32;
    if (presenceWord == metaWord) {
      chunk[at + metaWord] |= (fact.filterBits & filterMaskOfAll()) << filterShift | presence;
    } else {
      chunk[at + presenceWord] = presence;
      chunk[at + filterWord] = fact.filterBits;
    }
    int origin = originAt(index, capacity);
    chunk[origin + OFFSET] = fact.offset;
    if (idHashWord >= 0) {
      chunk[origin + idHashWord] = fact.idHash;
    }
    if (payloadWord >= 0) {
      chunk[origin + payloadWord] = fact.payloadHash;
    }
  }

  /** The filter bits that a layout has. */
  long filterMaskOfAll() {
    return lowBits(layout.filters());
  }

  private String toText(int column, Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw wrongType(column, value);
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
    throw wrongType(column, value);
  }

  IllegalArgumentException wrongType(int column, Object value) {
    return new IllegalArgumentException(
        "Column %d of the state is %s, but the fact carries a %s (%s): give a %s or null"
            .formatted(
                column,
                columnTypes[column],
                value.getClass().getSimpleName(),
                value,
                columnTypes[column].javaClass().getSimpleName()));
  }

  /** Whether a word of a row has no small values, but doubles. */
  boolean isDense(int word) {
    return dense[word];
  }

  /** Whether a word of an origin has no small values, but hashes. */
  boolean isOriginDense(int word) {
    return originDense[word];
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

  /** The value of a fact that has one in this column. */
  Object value(int column, Chunk chunk, int index) {
    if (textSlot[column] >= 0) {
      return Objects.requireNonNull(chunk.text(index, column));
    }
    return ofRank(column, rank(column, chunk.words()[index * stride + valueWord[column]]));
  }

  /** All values of a fact that are stored. */
  @Nullable Object[] values(Chunk chunk, int index) {
    @Nullable Object[] values = new Object[columnTypes.length];
    for (int column = 0; column < values.length; column++) {
      boolean stored = valueWord[column] >= 0 || textSlot[column] >= 0;
      if (stored && chunk.has(index, 1L << column, 0)) {
        values[column] = value(column, chunk, index);
      }
    }
    return values;
  }

  /** A value's rank: a long that orders as the values of the column do, NaN above all numbers. */
  long rank(int column, long word) {
    return columnTypes[column] == ColumnType.DOUBLE ? flipNegative(word) : word;
  }

  /** The rank of a value that is not text. */
  static long rankOf(Object value) {
    if (value instanceof Double number) {
      return flipNegative(Double.doubleToLongBits(number));
    }
    return value instanceof Boolean truth ? (truth ? 1 : 0) : ((Number) value).longValue();
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

  static int sumKind(ColumnType type) {
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

  /** How far behind the instant a fact can be that a question may leave out of summaries. */
  private static long selfReachMs(StateLayout layout) {
    return layout.features().stream()
        .filter(feature -> feature.excludesSelf() && feature.sumsUp())
        .map(FeatureSpec::window)
        .mapToLong(
            window -> Math.min(window.delayMs() + FeatureSpec.SELF_REACH_MS, window.horizonMs()))
        .reduce(0, Math::max);
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
      checkAggregation(f, feature, layout);
      require(
          feature.filter() >= -1 && feature.filter() < layout.filters(),
          "Feature %d uses filter %d: the state has %d",
          f,
          feature.filter(),
          layout.filters());
      checkWindow(f, feature.window());
    }
  }

  private static void checkAggregation(int f, FeatureSpec feature, StateLayout layout) {
    Aggregation aggregation = feature.aggregation();
    Aggregate function = aggregation.function();
    int columns = layout.columns().size();
    for (int column : new int[] {aggregation.column(), aggregation.second(), aggregation.by()}) {
      require(
          column >= -1 && column < columns,
          "Feature %d reads column %d: the state has %d",
          f,
          column,
          columns);
    }
    ColumnType type =
        function.resultType(
            aggregation.column() < 0 ? null : layout.columns().get(aggregation.column()));
    boolean needsSecond =
        function == Aggregate.RATIO || function == Aggregate.ARGMIN || function == Aggregate.ARGMAX;
    require(
        needsSecond == aggregation.second() >= 0,
        "Feature %d is %s and has %s second column: give one to RATIO, ARGMIN and ARGMAX only",
        f,
        function,
        aggregation.second() < 0 ? "no" : "a");
    if (needsSecond) {
      ColumnType second = layout.columns().get(aggregation.second());
      require(
          function == Aggregate.RATIO ? second.isNumeric() : second != ColumnType.STRING,
          "Feature %d is %s, which is not defined for a second column of %s",
          f,
          function,
          second);
    }
    require(
        aggregation.by() < 0 || function.canBeGrouped(),
        "Feature %d is %s, which cannot be kept apart by a column",
        f,
        function);
    boolean limited =
        aggregation.by() >= 0
            || switch (function) {
              case FIRST_K, LAST_K, LAG, TOP_K, BOTTOM_K, MOST_FREQUENT -> true;
              default -> false;
            };
    require(
        !limited || (aggregation.limit() >= 1 && aggregation.limit() <= MAX_EVENTS),
        "Feature %d is %s with a limit of %d: use 1 to %d",
        f,
        function,
        aggregation.limit(),
        MAX_EVENTS);
    double parameter = aggregation.parameter();
    boolean valid =
        switch (function) {
          case QUANTILE, APPROX_QUANTILE -> parameter >= 0 && parameter <= 1;
          case DECAY, RATE -> parameter > 0 && parameter < Double.POSITIVE_INFINITY;
          default -> true;
        };
    require(valid, "Feature %d is %s with a parameter of %s", f, function, parameter);
    require(
        function != Aggregate.RATE || feature.window() instanceof Window.Sliding,
        "Feature %d is a RATE over a window without a fixed length: use a sliding one",
        f);
    Object empty = feature.empty();
    require(
        empty == null
            || (function.countsFromZero() && empty.equals(0L))
            || (aggregation.by() < 0 && type.javaClass().isInstance(empty)),
        "Feature %d is %s, but its empty value is %s: give it in that type",
        f,
        type,
        empty);
  }

  private static void checkWindow(int f, Window window) {
    require(
        window.delayMs() >= 0 && window.delayMs() <= MAX_SPAN_MS,
        "Feature %d has a delay of %d ms: use 0 to %d",
        f,
        window.delayMs(),
        MAX_SPAN_MS);
    if (window instanceof Window.LastEvents last) {
      require(
          last.count() >= 1 && last.count() <= MAX_EVENTS,
          "Feature %d has a window of %d events: use 1 to %d",
          f,
          last.count(),
          MAX_EVENTS);
    } else if (window instanceof Window.Calendar calendar) {
      require(
          calendar.previous() >= 0 && calendar.previous() <= MAX_PERIODS,
          "Feature %d has a window of %d periods: use 0 to %d",
          f,
          calendar.previous(),
          MAX_PERIODS);
    } else {
      long span =
          window instanceof Window.Sliding sliding
              ? sliding.windowMs()
              : window instanceof Window.Session session ? session.gapMs() : 1;
      require(
          span >= 1 && span <= MAX_SPAN_MS,
          "Feature %d has a window of %d ms: use 1 to %d",
          f,
          span,
          MAX_SPAN_MS);
    }
    if (window instanceof Window.Sliding sliding) {
      require(
          sliding.resolutionMs() >= 0 && sliding.resolutionMs() <= sliding.windowMs(),
          "Feature %d has a resolution of %d ms: use 0 to its window of %d ms",
          f,
          sliding.resolutionMs(),
          sliding.windowMs());
    }
  }

  private static void require(boolean holds, String message, @Nullable Object... arguments) {
    if (!holds) {
      throw new IllegalArgumentException(message.formatted(arguments));
    }
  }
}
