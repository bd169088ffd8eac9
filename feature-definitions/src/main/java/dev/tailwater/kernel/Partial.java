package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
      return new Grouped(shape, aggregation, false);
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

  /**
   * A summary of no facts from which facts can be taken away again, in any order; it may take a
   * place for every value. Null if the aggregation has none: facts at the ends of a window and
   * sketches.
   */
  static @Nullable Partial removable(Aggregation aggregation, StateShape shape) {
    if (aggregation.by() >= 0) {
      return new Grouped(shape, aggregation, true);
    }
    return switch (aggregation.function()) {
      case COUNT, SUM, AVG, RATE, RATIO -> new Sum(shape, aggregation);
      case MIN, MAX, TOP_K, BOTTOM_K, DISTINCT, MOST_FREQUENT, QUANTILE ->
          new Counts(shape, aggregation);
      case VARIANCE, VARIANCE_POP, STDDEV, STDDEV_POP, SKEWNESS, KURTOSIS ->
          new Moments(shape, aggregation);
      case DECAY -> new Decay(shape, aggregation);
      case ARGMIN, ARGMAX, FIRST, LAST, FIRST_K, LAST_K, LAG -> null;
      case TIME_SINCE_LAST, TIME_SINCE_FIRST, APPROX_DISTINCT, APPROX_QUANTILE -> null;
    };
  }

  /** Adds the fact that follows. */
  abstract void add(Chunk chunk, int index);

  /** Whether facts can be taken away, and added in any order. */
  boolean isRemovable() {
    return false;
  }

  /** Takes a fact away that was added. */
  void remove(Chunk chunk, int index) {
    throw new IllegalStateException("No fact can be taken away from " + aggregation);
  }

  /** Lets go what facts up to a time have no influence on any more, now that they were pruned. */
  void pruned(long time) {}

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
    return chunk.words()[index * shape.stride + shape.valueWord[column]];
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
    boolean isRemovable() {
      return true;
    }

    @Override
    void remove(Chunk chunk, int index) {
      count--;
      if (total != null) {
        total.subtract(word(aggregation.column(), chunk, index));
      }
      if (divisor != null) {
        divisor.subtract(word(aggregation.second(), chunk, index));
      }
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

  /**
   * DISTINCT, MOST_FREQUENT and QUANTILE: how often each value is there. Where facts are taken away
   * again also MIN, MAX, TOP_K and BOTTOM_K, which else need fewer values.
   */
  private static final class Counts extends Partial {

    private final boolean ofTexts;
    private final ValueCounts counts;

    Counts(StateShape shape, Aggregation aggregation) {
      super(shape, aggregation);
      ofTexts = type(aggregation.column()) == ColumnType.STRING;
      counts = ofTexts ? ValueCounts.ofTexts() : ValueCounts.ofRanks();
    }

    @Override
    void add(Chunk chunk, int index) {
      if (ofTexts) {
        counts.add(text(chunk, index), 1);
      } else {
        counts.add(rank(chunk, index), 1);
      }
    }

    @Override
    boolean isRemovable() {
      return true;
    }

    @Override
    void remove(Chunk chunk, int index) {
      if (ofTexts) {
        counts.remove(text(chunk, index));
      } else {
        counts.remove(rank(chunk, index));
      }
    }

    private String text(Chunk chunk, int index) {
      return Objects.requireNonNull(chunk.text(index, aggregation.column()));
    }

    private long rank(Chunk chunk, int index) {
      int column = aggregation.column();
      long word = word(column, chunk, index);
      boolean distinguished =
          switch (aggregation.function()) {
            case DISTINCT, MOST_FREQUENT -> false;
            default -> true;
          };
      return shape.rank(column, distinguished ? word : positiveZero(type(column), word));
    }

    @Override
    void addAll(Partial following) {
      Counts other = (Counts) following;
      other.counts.forEachRank(counts::add);
      other.counts.forEachText(counts::add);
    }

    private Object ofRank(long rank) {
      return shape.ofRank(aggregation.column(), rank);
    }

    @Override
    @Nullable Object value(long instant) {
      int size = counts.size();
      if (size == 0) {
        return null;
      }
      int limit = Math.min(aggregation.limit(), size);
      return switch (aggregation.function()) {
        case DISTINCT -> (Object) (long) counts.distinct();
        case QUANTILE -> (Object) quantile(aggregation.parameter() * (size - 1));
        case MIN -> ofRank(counts.rankAt(0));
        case MAX -> ofRank(counts.rankAt(size - 1));
        case BOTTOM_K -> elements(counts.ranks(0, limit));
        case TOP_K -> {
          List<Object> values = elements(counts.ranks(size - limit, size));
          Collections.reverse(values);
          yield values;
        }
        default ->
            ofTexts
                ? List.<Object>of((Object[]) counts.mostFrequentTexts(aggregation.limit()))
                : elements(counts.mostFrequentRanks(aggregation.limit()));
      };
    }

    private List<Object> elements(long[] ranks) {
      List<Object> values = new ArrayList<>(ranks.length);
      for (long rank : ranks) {
        values.add(element(ofRank(rank)));
      }
      return values;
    }

    private double quantile(double position) {
      int index = (int) position;
      double below = number(ofRank(counts.rankAt(index)));
      return position == index
          ? below
          : between(below, number(ofRank(counts.rankAt(index + 1))), position - index);
    }

    @Override
    void write(DataOutput out) throws IOException {
      Varint.writeUnsigned(out, counts.distinct());
      List<Map.Entry<Object, Integer>> entries = new ArrayList<>();
      counts.forEachRank((rank, times) -> entries.add(Map.entry(ofRank(rank), times)));
      counts.forEachText((text, times) -> entries.add(Map.entry(text, times)));
      for (Map.Entry<Object, Integer> entry : entries) {
        writeValue(out, aggregation.column(), entry.getKey());
        Varint.writeUnsigned(out, entry.getValue());
      }
    }

    @Override
    void read(DataInput in) throws IOException {
      for (long left = Varint.readUnsigned(in); left > 0; left--) {
        Object value = readValue(in, aggregation.column());
        int times = (int) Varint.readUnsigned(in);
        if (value instanceof String text) {
          counts.add(text, times);
        } else {
          counts.add(StateShape.rankOf(value), times);
        }
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
    private final boolean removable;
    private final Map<String, Partial> groups = new HashMap<>();

    /** How many facts each group has. */
    private final ValueCounts facts = ValueCounts.ofTexts();

    Grouped(StateShape shape, Aggregation aggregation, boolean removable) {
      super(shape, aggregation);
      own = Aggregation.of(aggregation.function(), aggregation.column());
      this.removable = removable;
    }

    private Partial group(String key) {
      return groups.computeIfAbsent(
          key, k -> removable ? Objects.requireNonNull(removable(own, shape)) : of(own, shape));
    }

    @Override
    void add(Chunk chunk, int index) {
      String key = key(chunk, index);
      facts.add(key, 1);
      group(key).add(chunk, index);
    }

    @Override
    boolean isRemovable() {
      return removable || own.function() == Aggregate.COUNT;
    }

    @Override
    void remove(Chunk chunk, int index) {
      String key = key(chunk, index);
      int groupsBefore = facts.distinct();
      facts.remove(key);
      if (facts.distinct() < groupsBefore) {
        groups.remove(key);
      } else {
        group(key).remove(chunk, index);
      }
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
      Grouped other = (Grouped) following;
      other.facts.forEachText(
          (key, times) -> {
            facts.add(key, times);
            group(key).addAll(other.group(key));
          });
    }

    @Override
    @Nullable Object value(long instant) {
      if (facts.size() == 0) {
        return null;
      }
      TreeMap<String, Object> values = new TreeMap<>();
      for (String key : facts.mostFrequentTexts(aggregation.limit())) {
        Object value = group(key).value(instant);
        if (value != null) {
          values.put(key, element(value));
        }
      }
      return values;
    }

    @Override
    void write(DataOutput out) throws IOException {
      Varint.writeUnsigned(out, facts.distinct());
      Map<String, Integer> sizes = new TreeMap<>();
      facts.forEachText(sizes::put);
      for (Map.Entry<String, Integer> size : sizes.entrySet()) {
        Varint.writeText(out, size.getKey());
        Varint.writeUnsigned(out, size.getValue());
        group(size.getKey()).write(out);
      }
    }

    @Override
    void read(DataInput in) throws IOException {
      for (long left = Varint.readUnsigned(in); left > 0; left--) {
        String key = Varint.readText(in);
        facts.add(key, (int) Varint.readUnsigned(in));
        group(key).read(in);
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
      change(word(aggregation.column(), chunk, index), false);
    }

    @Override
    boolean isRemovable() {
      return true;
    }

    @Override
    void remove(Chunk chunk, int index) {
      count--;
      change(word(aggregation.column(), chunk, index), true);
    }

    private void change(long word, boolean takeAway) {
      if (!real) {
        ExactMoments.addInteger(words, 0, order, word, takeAway);
        return;
      }
      double number = Double.longBitsToDouble(word);
      if (!ExactMoments.addNarrow(words, 0, order, number, takeAway)) {
        ExactMoments.addWide(wide(), 0, order, number, takeAway);
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

    private long count;
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
      count++;
      sum.add(chunk.time(index), number(chunk, index), false);
    }

    @Override
    boolean isRemovable() {
      return true;
    }

    @Override
    void remove(Chunk chunk, int index) {
      count--;
      sum.add(chunk.time(index), number(chunk, index), true);
    }

    private double number(Chunk chunk, int index) {
      int column = aggregation.column();
      return column < 0 ? 1 : number(shape.value(column, chunk, index));
    }

    @Override
    void pruned(long time) {
      sum.forget(time);
    }

    @Override
    void addAll(Partial following) {
      Decay other = (Decay) following;
      count += other.count;
      sum.addAll(other.sum);
    }

    @Override
    @Nullable Object value(long instant) {
      return count == 0 ? null : sum.at(instant);
    }

    @Override
    void write(DataOutput out) throws IOException {
      Varint.writeUnsigned(out, count);
      sum.write(out);
    }

    @Override
    void read(DataInput in) throws IOException {
      count = Varint.readUnsigned(in);
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
