package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What one aggregation makes of a run of facts that follow each other in the log: a summary that
 * the facts after it can be added to, one by one or as the summary of their own run. From it the
 * value is read; so it is both how a value is computed fact by fact, and what is kept of facts that
 * were dropped. What is made of a run does not depend on where it was divided, except of {@link
 * Aggregate#APPROX_QUANTILE}.
 *
 * <p>Facts must have a value in all columns of the aggregation. Bounded as the aggregate is: lists
 * by their limit, numbers by a constant, and sets and maps by the number of distinct values. Not
 * thread-safe.
 */
abstract class Partial {

  final StateShape shape;
  final Aggregation aggregation;

  private Partial(StateShape shape, Aggregation aggregation) {
    this.shape = shape;
    this.aggregation = aggregation;
  }

  /** A summary of no facts. */
  static Partial of(Aggregation aggregation, StateShape shape) {
    if (aggregation.by() >= 0) {
      return new Grouped(shape, aggregation);
    }
    return switch (aggregation.function()) {
      case COUNT, SUM, AVG, RATE, RATIO -> new Sum(shape, aggregation);
      case MIN, MAX, ARGMIN, ARGMAX -> new Extreme(shape, aggregation);
      case FIRST, LAST, FIRST_K, LAST_K, LAG -> new End(shape, aggregation);
      case TIME_SINCE_LAST, TIME_SINCE_FIRST -> new EndTime(shape, aggregation);
      case TOP_K, BOTTOM_K -> new Ordered(shape, aggregation);
      case DISTINCT, MOST_FREQUENT, QUANTILE -> new Counts(shape, aggregation);
      case VARIANCE, VARIANCE_POP, STDDEV, STDDEV_POP, SKEWNESS, KURTOSIS ->
          new Moments(shape, aggregation);
      case DECAY -> new Decay(shape, aggregation);
      case APPROX_DISTINCT -> new Distinct(shape, aggregation);
      case APPROX_QUANTILE -> new Quantile(shape, aggregation);
    };
  }

  /** Adds the fact that follows. */
  abstract void add(Chunk chunk, int index);

  /** Adds the facts that follow, from a summary by the same aggregation, which is not changed. */
  abstract void addAll(Partial following);

  /**
   * The value, in the feature's type.
   *
   * @param instant as of when, not before any of the facts
   * @return null if nothing was aggregated, or the aggregate is NULL of what was
   */
  abstract @Nullable Object value(long instant);

  /** Writes the summary, in a format of its own. */
  abstract void write(DataOutput out) throws IOException;

  /** Reads what was written by a summary of the same aggregation, into one of no facts. */
  abstract void read(DataInput in) throws IOException;

  /** An independent copy. */
  Partial copy() {
    Partial copy = of(aggregation, shape);
    copy.addAll(this);
    return copy;
  }

  final ColumnType type(int column) {
    return shape.columnTypes[column];
  }

  final long word(int column, Chunk chunk, int index) {
    return chunk.rows()[index * shape.stride + shape.valueWord[column]];
  }

  /** A value as an element of a list. */
  static Object element(Object value) {
    if (value instanceof Integer number) {
      return (long) number;
    }
    if (value instanceof Boolean truth) {
      return truth ? 1L : 0L;
    }
    return value;
  }

  final void writeValue(DataOutput out, int column, Object value) throws IOException {
    if (value instanceof String text) {
      Varint.writeText(out, text);
    } else if (value instanceof Double number) {
      out.writeLong(Double.doubleToLongBits(number));
    } else {
      Varint.writeSigned(out, ((Number) element(value)).longValue());
    }
  }

  final Object readValue(DataInput in, int column) throws IOException {
    return switch (type(column)) {
      case STRING -> Varint.readText(in);
      case DOUBLE -> (Object) Double.longBitsToDouble(in.readLong());
      default -> shape.ofRank(column, Varint.readSigned(in));
    };
  }

  /** COUNT, SUM, AVG, RATIO, and of RATE the count: the window's length is not known here. */
  static final class Sum extends Partial {

    private long count;
    private final @Nullable ExactTotal total;
    private final @Nullable ExactTotal divisor;

    private Sum(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
      boolean summed =
          switch (aggregation.function()) {
            case SUM, AVG, RATIO -> true;
            default -> false;
          };
      total = summed ? new ExactTotal(StateShape.sumKind(type(aggregation.column()))) : null;
      divisor =
          aggregation.second() >= 0
              ? new ExactTotal(StateShape.sumKind(type(aggregation.second())))
              : null;
    }

    @Override
    void add(Chunk chunk, int index) {
      count++;
      if (total != null) {
        total.add(word(aggregation.column(), chunk, index));
      }
      if (divisor != null) {
        divisor.add(word(aggregation.second(), chunk, index));
      }
    }

    /** Adds the facts between the two edges of a feature, from a state's totals. */
    void addDifference(StateShape.Feature feature, long[] words, long @Nullable [] wide) {
      count += words[feature.newAt()] - words[feature.oldAt()];
      if (total != null) {
        addDifference(total, feature, words, wide);
      }
      StateShape.Feature second = feature.divisor();
      if (divisor != null && second != null) {
        addDifference(divisor, second, words, wide);
      }
    }

    private static void addDifference(
        ExactTotal total, StateShape.Feature feature, long[] words, long @Nullable [] wide) {
      total.addDifference(
          words,
          feature.newAt() + 1,
          feature.oldAt() + 1,
          wide,
          feature.newWide(),
          feature.oldWide());
    }

    @Override
    void addAll(Partial following) {
      Sum other = (Sum) following;
      count += other.count;
      if (total != null && other.total != null) {
        total.addAll(other.total);
      }
      if (divisor != null && other.divisor != null) {
        divisor.addAll(other.divisor);
      }
    }

    @Override
    @Nullable Object value(long instant) {
      if (count == 0) {
        return null;
      }
      double sum = total == null ? 0 : total.value();
      return switch (aggregation.function()) {
        case SUM -> (Object) sum;
        case AVG -> (Object) (sum / count);
        case RATIO -> {
          double by = divisor == null ? 0 : divisor.value();
          yield by == 0 ? null : (Object) (sum / by);
        }
        default -> (Object) count;
      };
    }

    @Override
    void write(DataOutput out) throws IOException {
      Varint.writeUnsigned(out, count);
      if (total != null) {
        total.write(out);
      }
      if (divisor != null) {
        divisor.write(out);
      }
    }

    @Override
    void read(DataInput in) throws IOException {
      count = Varint.readUnsigned(in);
      if (total != null) {
        total.read(in);
      }
      if (divisor != null) {
        divisor.read(in);
      }
    }
  }

  /** MIN, MAX, ARGMIN and ARGMAX. */
  private static final class Extreme extends Partial {

    private final int compared;
    private final boolean smallest;
    private boolean any;
    private long best;
    private @Nullable Object argument;

    Extreme(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
      compared = aggregation.second() >= 0 ? aggregation.second() : aggregation.column();
      smallest =
          aggregation.function() == Aggregate.MIN || aggregation.function() == Aggregate.ARGMIN;
    }

    private boolean beats(long rank) {
      // Of equal ones the first stays.
      return !any || (smallest ? rank < best : rank > best);
    }

    @Override
    void add(Chunk chunk, int index) {
      long rank = shape.rank(compared, word(compared, chunk, index));
      if (beats(rank)) {
        any = true;
        best = rank;
        if (aggregation.second() >= 0) {
          argument = shape.value(aggregation.column(), chunk, index);
        }
      }
    }

    @Override
    void addAll(Partial following) {
      Extreme other = (Extreme) following;
      if (other.any && beats(other.best)) {
        any = true;
        best = other.best;
        argument = other.argument;
      }
    }

    @Override
    @Nullable Object value(long instant) {
      return !any
          ? null
          : aggregation.second() >= 0 ? argument : shape.ofRank(aggregation.column(), best);
    }

    @Override
    void write(DataOutput out) throws IOException {
      out.writeBoolean(any);
      if (any) {
        Varint.writeSigned(out, best);
        if (argument != null) {
          writeValue(out, aggregation.column(), argument);
        }
      }
    }

    @Override
    void read(DataInput in) throws IOException {
      any = in.readBoolean();
      if (any) {
        best = Varint.readSigned(in);
        if (aggregation.second() >= 0) {
          argument = readValue(in, aggregation.column());
        }
      }
    }
  }

  /** FIRST, LAST, FIRST_K, LAST_K and LAG: the values at one end. */
  private static final class End extends Partial {

    private final boolean first;
    private final int limit;
    private final ArrayDeque<Object> values = new ArrayDeque<>();

    End(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
      Aggregate function = aggregation.function();
      first = function == Aggregate.FIRST || function == Aggregate.FIRST_K;
      limit =
          switch (function) {
            case FIRST, LAST -> 1;
            case LAG -> aggregation.limit() + 1;
            default -> aggregation.limit();
          };
    }

    @Override
    void add(Chunk chunk, int index) {
      if (!first || values.size() < limit) {
        add(shape.value(aggregation.column(), chunk, index));
      }
    }

    private void add(Object value) {
      if (values.size() < limit) {
        values.addLast(value);
      } else if (!first) {
        values.removeFirst();
        values.addLast(value);
      }
    }

    @Override
    void addAll(Partial following) {
      ((End) following).values.forEach(this::add);
    }

    @Override
    @Nullable Object value(long instant) {
      return switch (aggregation.function()) {
        case FIRST, LAST -> values.peekFirst();
        case LAG -> values.size() == limit ? values.peekFirst() : null;
        default -> values.isEmpty() ? null : values.stream().map(Partial::element).toList();
      };
    }

    @Override
    void write(DataOutput out) throws IOException {
      Varint.writeUnsigned(out, values.size());
      for (Object value : values) {
        writeValue(out, aggregation.column(), value);
      }
    }

    @Override
    void read(DataInput in) throws IOException {
      for (long left = Varint.readUnsigned(in); left > 0; left--) {
        values.addLast(readValue(in, aggregation.column()));
      }
    }
  }

  /** TIME_SINCE_FIRST and TIME_SINCE_LAST. */
  private static final class EndTime extends Partial {

    private boolean any;
    private long time;

    EndTime(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
    }

    @Override
    void add(Chunk chunk, int index) {
      add(chunk.time(index));
    }

    private void add(long factTime) {
      if (!any || aggregation.function() == Aggregate.TIME_SINCE_LAST) {
        any = true;
        time = factTime;
      }
    }

    @Override
    void addAll(Partial following) {
      EndTime other = (EndTime) following;
      if (other.any) {
        add(other.time);
      }
    }

    @Override
    @Nullable Object value(long instant) {
      return any ? instant - time : null;
    }

    @Override
    void write(DataOutput out) throws IOException {
      out.writeBoolean(any);
      out.writeLong(time);
    }

    @Override
    void read(DataInput in) throws IOException {
      any = in.readBoolean();
      time = in.readLong();
    }
  }

  /** TOP_K and BOTTOM_K: the best ranks, ascending. */
  private static final class Ordered extends Partial {

    private long[] ranks = new long[4];
    private int count;

    Ordered(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
    }

    private boolean largest() {
      return aggregation.function() == Aggregate.TOP_K;
    }

    @Override
    void add(Chunk chunk, int index) {
      int column = aggregation.column();
      add(shape.rank(column, word(column, chunk, index)));
    }

    private void add(long rank) {
      if (count == aggregation.limit()) {
        if (largest() ? rank <= ranks[0] : rank >= ranks[count - 1]) {
          return;
        }
        if (largest()) {
          System.arraycopy(ranks, 1, ranks, 0, count - 1);
        }
        count--;
      } else if (count == ranks.length) {
        ranks = Arrays.copyOf(ranks, Math.min(2 * count, aggregation.limit()));
      }
      int at = Arrays.binarySearch(ranks, 0, count, rank);
      at = at < 0 ? -at - 1 : at;
      System.arraycopy(ranks, at, ranks, at + 1, count - at);
      ranks[at] = rank;
      count++;
    }

    @Override
    void addAll(Partial following) {
      Ordered other = (Ordered) following;
      for (int i = 0; i < other.count; i++) {
        add(other.ranks[i]);
      }
    }

    @Override
    @Nullable Object value(long instant) {
      if (count == 0) {
        return null;
      }
      List<Object> values = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        values.add(element(shape.ofRank(aggregation.column(), ranks[i])));
      }
      if (largest()) {
        Collections.reverse(values);
      }
      return values;
    }

    @Override
    void write(DataOutput out) throws IOException {
      Varint.writeUnsigned(out, count);
      for (int i = 0; i < count; i++) {
        out.writeLong(ranks[i]);
      }
    }

    @Override
    void read(DataInput in) throws IOException {
      count = (int) Varint.readUnsigned(in);
      ranks = new long[Math.max(4, count)];
      for (int i = 0; i < count; i++) {
        ranks[i] = in.readLong();
      }
    }
  }

  /** DISTINCT, MOST_FREQUENT and QUANTILE: how often each value is there. */
  private static final class Counts extends Partial {

    /** By rank, or by text. */
    private final Map<Comparable<?>, Long> counts = new HashMap<>();

    private long total;

    Counts(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
    }

    @Override
    void add(Chunk chunk, int index) {
      int column = aggregation.column();
      String text = shape.textSlot[column] >= 0 ? chunk.text(index, column) : null;
      add(text != null ? text : (Comparable<?>) rank(word(column, chunk, index)), 1);
    }

    private long rank(long word) {
      boolean quantile = aggregation.function() == Aggregate.QUANTILE;
      long canonical = quantile ? word : positiveZero(type(aggregation.column()), word);
      return shape.rank(aggregation.column(), canonical);
    }

    private void add(Comparable<?> value, long times) {
      counts.merge(value, times, Long::sum);
      total += times;
    }

    @Override
    void addAll(Partial following) {
      ((Counts) following).counts.forEach(this::add);
    }

    private Object valueOf(Comparable<?> key) {
      return key instanceof Long rank ? shape.ofRank(aggregation.column(), rank) : key;
    }

    @Override
    @Nullable Object value(long instant) {
      if (total == 0) {
        return null;
      }
      if (aggregation.function() == Aggregate.DISTINCT) {
        return (long) counts.size();
      }
      return aggregation.function() == Aggregate.QUANTILE ? quantile() : mostFrequent();
    }

    private List<Object> mostFrequent() {
      return counts.entrySet().stream()
          .sorted(
              Comparator.<Map.Entry<Comparable<?>, Long>>comparingLong(entry -> -entry.getValue())
                  .thenComparing(Map.Entry::getKey, Counts::compare))
          .limit(aggregation.limit())
          .map(entry -> element(valueOf(entry.getKey())))
          .toList();
    }

    private static int compare(Comparable<?> left, Comparable<?> right) {
      return left instanceof Long rank
          ? rank.compareTo((Long) right)
          : ((String) left).compareTo((String) right);
    }

    private double quantile() {
      List<Comparable<?>> ordered = new ArrayList<>(counts.keySet());
      ordered.sort(Counts::compare);
      double position = aggregation.parameter() * (total - 1);
      long index = (long) position;
      double below = 0;
      long passed = 0;
      boolean found = false;
      for (Comparable<?> key : ordered) {
        passed += counts.getOrDefault(key, 0L);
        double value = number(valueOf(key));
        if (found) {
          return between(below, value, position - index);
        }
        if (passed > index) {
          if (passed > index + 1 || position == index) {
            return value;
          }
          below = value;
          found = true;
        }
      }
      return below;
    }

    @Override
    void write(DataOutput out) throws IOException {
      Varint.writeUnsigned(out, counts.size());
      for (Map.Entry<Comparable<?>, Long> entry : counts.entrySet()) {
        writeValue(out, aggregation.column(), valueOf(entry.getKey()));
        Varint.writeUnsigned(out, entry.getValue());
      }
    }

    @Override
    void read(DataInput in) throws IOException {
      for (long left = Varint.readUnsigned(in); left > 0; left--) {
        Object value = readValue(in, aggregation.column());
        Comparable<?> key =
            value instanceof String text ? text : (Comparable<?>) StateShape.rankOf(value);
        add(key, Varint.readUnsigned(in));
      }
    }
  }

  /** A number between two, linearly, as SQL's PERCENTILE_CONT. */
  static double between(double below, double above, double fraction) {
    return below == above ? below : below + (above - below) * fraction;
  }

  static double number(Object value) {
    return ((Number) element(value)).doubleValue();
  }

  /** A row's word, that of 0.0 for -0.0. */
  private static long positiveZero(ColumnType type, long word) {
    return type == ColumnType.DOUBLE && word == Long.MIN_VALUE ? 0 : word;
  }

  /** COUNT, SUM, AVG, MIN and MAX, for each value of a second column. */
  private static final class Grouped extends Partial {

    private final Aggregation own;
    private final Map<String, Group> groups = new HashMap<>();

    private static final class Group {
      private long facts;
      private final Partial partial;

      Group(Partial partial) {
        this.partial = partial;
      }
    }

    Grouped(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
      own = Aggregation.of(aggregation.function(), aggregation.column());
    }

    private Group group(String key) {
      return groups.computeIfAbsent(key, k -> new Group(of(own, shape)));
    }

    @Override
    void add(Chunk chunk, int index) {
      Group group = group(key(chunk, index));
      group.facts++;
      group.partial.add(chunk, index);
    }

    private String key(Chunk chunk, int index) {
      int by = aggregation.by();
      String text = shape.textSlot[by] >= 0 ? chunk.text(index, by) : null;
      if (text != null) {
        return text;
      }
      long word = positiveZero(type(by), word(by, chunk, index));
      return shape.ofRank(by, shape.rank(by, word)).toString();
    }

    @Override
    void addAll(Partial following) {
      ((Grouped) following)
          .groups.forEach(
              (key, other) -> {
                Group group = group(key);
                group.facts += other.facts;
                group.partial.addAll(other.partial);
              });
    }

    @Override
    @Nullable Object value(long instant) {
      if (groups.isEmpty()) {
        return null;
      }
      TreeMap<String, Object> values = new TreeMap<>();
      groups.entrySet().stream()
          .sorted(
              Comparator.<Map.Entry<String, Group>>comparingLong(entry -> -entry.getValue().facts)
                  .thenComparing(Map.Entry::getKey))
          .limit(aggregation.limit())
          .forEach(
              entry -> {
                Object value = entry.getValue().partial.value(instant);
                if (value != null) {
                  values.put(entry.getKey(), element(value));
                }
              });
      return values;
    }

    @Override
    void write(DataOutput out) throws IOException {
      Varint.writeUnsigned(out, groups.size());
      for (Map.Entry<String, Group> entry : groups.entrySet()) {
        Varint.writeText(out, entry.getKey());
        Varint.writeUnsigned(out, entry.getValue().facts);
        entry.getValue().partial.write(out);
      }
    }

    @Override
    void read(DataInput in) throws IOException {
      for (long left = Varint.readUnsigned(in); left > 0; left--) {
        Group group = group(Varint.readText(in));
        group.facts = Varint.readUnsigned(in);
        group.partial.read(in);
      }
    }
  }

  /** The variance and its relatives: a count and the exact sums of powers. */
  private static final class Moments extends Partial {

    private final int order;
    private final boolean real;
    private long count;

    /** The sums, and as many words of nothing, which they are compared with. */
    private final long[] words;

    private long @Nullable [] wide;

    Moments(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
      Aggregate function = aggregation.function();
      order = function == Aggregate.SKEWNESS || function == Aggregate.KURTOSIS ? 4 : 2;
      real = type(aggregation.column()) == ColumnType.DOUBLE;
      words = new long[2 * length()];
    }

    private int length() {
      return real ? ExactMoments.narrowWords(order) : ExactMoments.integerWords(order);
    }

    private long[] wide() {
      long[] sums = wide;
      if (sums == null) {
        sums = new long[2 * ExactMoments.wideWords(order)];
        wide = sums;
      }
      return sums;
    }

    @Override
    void add(Chunk chunk, int index) {
      count++;
      long word = word(aggregation.column(), chunk, index);
      if (!real) {
        ExactMoments.addInteger(words, 0, order, word, false);
        return;
      }
      double number = Double.longBitsToDouble(word);
      if (!ExactMoments.addNarrow(words, 0, order, number, false)) {
        ExactMoments.addWide(wide(), 0, order, number, false);
      }
    }

    @Override
    void addAll(Partial following) {
      Moments other = (Moments) following;
      count += other.count;
      ExactMoments.addAll(words, other.words, order, real);
      long[] sums = other.wide;
      if (sums != null) {
        ExactMoments.addAllWide(wide(), sums, order);
      }
    }

    @Override
    @Nullable Object value(long instant) {
      return count == 0
          ? null
          : ExactMoments.value(
              aggregation.function(),
              order,
              count,
              real,
              words,
              0,
              length(),
              wide,
              0,
              ExactMoments.wideWords(order));
    }

    @Override
    void write(DataOutput out) throws IOException {
      Varint.writeUnsigned(out, count);
      for (int word = 0; word < length(); word++) {
        Varint.writeSigned(out, words[word]);
      }
      long[] sums = wide;
      out.writeBoolean(sums != null);
      if (sums != null) {
        for (int word = 0; word < ExactMoments.wideWords(order); word++) {
          Varint.writeSigned(out, sums[word]);
        }
      }
    }

    @Override
    void read(DataInput in) throws IOException {
      count = Varint.readUnsigned(in);
      for (int word = 0; word < length(); word++) {
        words[word] = Varint.readSigned(in);
      }
      if (in.readBoolean()) {
        long[] sums = wide();
        for (int word = 0; word < ExactMoments.wideWords(order); word++) {
          sums[word] = Varint.readSigned(in);
        }
      }
    }
  }

  /** DECAY. */
  private static final class Decay extends Partial {

    private boolean any;
    private DecayedSum sum;

    Decay(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
      sum = new DecayedSum(halfLifeMs());
    }

    private long halfLifeMs() {
      return (long) aggregation.parameter();
    }

    @Override
    void add(Chunk chunk, int index) {
      any = true;
      int column = aggregation.column();
      sum.add(chunk.time(index), column < 0 ? 1 : number(shape.value(column, chunk, index)), false);
      sum.forget(chunk.time(index));
    }

    @Override
    void addAll(Partial following) {
      Decay other = (Decay) following;
      any |= other.any;
      sum.addAll(other.sum);
    }

    @Override
    @Nullable Object value(long instant) {
      return any ? sum.at(instant) : null;
    }

    @Override
    void write(DataOutput out) throws IOException {
      out.writeBoolean(any);
      sum.write(out);
    }

    @Override
    void read(DataInput in) throws IOException {
      any = in.readBoolean();
      sum = DecayedSum.read(halfLifeMs(), in);
    }
  }

  /** APPROX_DISTINCT. */
  private static final class Distinct extends Partial {

    private boolean any;
    private DistinctSketch sketch = new DistinctSketch();

    Distinct(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
    }

    @Override
    void add(Chunk chunk, int index) {
      any = true;
      int column = aggregation.column();
      String text = shape.textSlot[column] >= 0 ? chunk.text(index, column) : null;
      if (text != null) {
        sketch.add(text);
      } else {
        long word = positiveZero(type(column), word(column, chunk, index));
        sketch.add(shape.rank(column, word));
      }
    }

    @Override
    void addAll(Partial following) {
      Distinct other = (Distinct) following;
      if (other.any) {
        any = true;
        sketch.merge(other.sketch);
      }
    }

    @Override
    @Nullable Object value(long instant) {
      return any ? sketch.estimate() : null;
    }

    @Override
    void write(DataOutput out) throws IOException {
      out.writeBoolean(any);
      if (any) {
        sketch.write(out);
      }
    }

    @Override
    void read(DataInput in) throws IOException {
      any = in.readBoolean();
      if (any) {
        sketch = DistinctSketch.read(in);
      }
    }
  }

  /** APPROX_QUANTILE. */
  private static final class Quantile extends Partial {

    private QuantileSketch sketch = new QuantileSketch();

    Quantile(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
    }

    @Override
    void add(Chunk chunk, int index) {
      sketch.add(number(shape.value(aggregation.column(), chunk, index)));
    }

    @Override
    void addAll(Partial following) {
      sketch.merge(((Quantile) following).sketch);
    }

    @Override
    Partial copy() {
      // Merging would compress the digest once more.
      Quantile copy = new Quantile(shape, aggregation);
      copy.sketch = sketch.copy();
      return copy;
    }

    @Override
    @Nullable Object value(long instant) {
      return sketch.count() == 0 ? null : sketch.quantile(aggregation.parameter());
    }

    @Override
    void write(DataOutput out) throws IOException {
      sketch.write(out);
    }

    @Override
    void read(DataInput in) throws IOException {
      sketch = QuantileSketch.read(in);
    }
  }
}
