package dev.tailwater.plan;

import dev.tailwater.definitions.Expression;
import dev.tailwater.definitions.StreamDefinition;
import dev.tailwater.expressions.Expressions;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Grows one stream's full row and carried row as things ask for columns. */
final class StreamLayout {

  private final StreamDefinition stream;
  private final List<Column> fullRow = new ArrayList<>();
  private final List<StreamPlan.Computed> computed = new ArrayList<>();
  private final List<StreamPlan.Expectation> expectations = new ArrayList<>();
  private final Map<List<Object>, Integer> expressions = new HashMap<>();
  private final List<Integer> carriedFrom = new ArrayList<>();

  /**
   * @param namesRead the columns that anything but a derived column reads
   */
  StreamLayout(StreamDefinition stream, List<String> namesRead) {
    this.stream = stream;
    fullRow.addAll(stream.schema().columns());
    List<String> read = new ArrayList<>(namesRead);
    List<StreamDefinition.Derived> derived = new ArrayList<>();
    // From the last to the first: each derived column adds what it reads itself.
    for (int i = stream.derived().size() - 1; i >= 0; i--) {
      StreamDefinition.Derived column = stream.derived().get(i);
      if (read.contains(column.name())) {
        read.addAll(column.expression().reads());
        derived.add(0, column);
      }
    }
    for (StreamDefinition.Derived column : derived) {
      compute(column.name(), column.expression(), Map.of());
    }
    for (StreamDefinition.Expectation expectation : stream.expectations()) {
      int condition = compute("expect." + expectation.name(), expectation.that(), Map.of());
      expectations.add(
          new StreamPlan.Expectation(
              expectation.name(),
              condition,
              expectation.that().text(),
              otherwise(expectation.otherwise())));
    }
    stream.eventId().ifPresent(this::carry);
  }

  private static StreamPlan.Otherwise otherwise(StreamDefinition.Otherwise otherwise) {
    return switch (otherwise) {
      case QUARANTINE -> StreamPlan.Otherwise.QUARANTINE;
      case DROP -> StreamPlan.Otherwise.DROP;
      case WARN -> StreamPlan.Otherwise.WARN;
      case FAIL -> StreamPlan.Otherwise.FAIL;
    };
  }

  private int compute(String name, Expression expression, Map<String, Integer> names) {
    Column column = new Column(name, expression.type(), true);
    computed.add(new StreamPlan.Computed(column, expression.text(), names));
    fullRow.add(column);
    return fullRow.size() - 1;
  }

  /** The position in the carried row of a column. */
  int carry(String name) {
    return shared(carriedFrom, position(name));
  }

  int[] carry(List<String> names) {
    return names.stream().mapToInt(this::carry).toArray();
  }

  /** The position in the carried row of an expression's value. */
  int carry(Expression expression) {
    return shared(carriedFrom, position(expression));
  }

  /**
   * The position in the carried row of the value of an expression over names that are mapped to
   * expressions over this stream.
   */
  int carry(Expression expression, Map<String, Expression> mapped) {
    Map<String, Integer> names = new TreeMap<>();
    for (String name : expression.reads()) {
      Expression meaning = mapped.get(name);
      if (meaning == null) {
        throw new IllegalStateException(name + " was checked but is not mapped");
      }
      names.put(name, position(meaning));
    }
    if (expression.isColumn()) {
      return shared(carriedFrom, names.values().iterator().next());
    }
    return shared(carriedFrom, position(expression, names));
  }

  private int position(String name) {
    for (int i = 0; i < fullRow.size(); i++) {
      if (fullRow.get(i).name().equals(name)) {
        return i;
      }
    }
    throw new IllegalStateException(
        name + " was checked but is not a column of stream " + stream.name());
  }

  private int position(Expression expression) {
    return expression.isColumn()
        ? position(expression.reads().get(0))
        : position(expression, Map.of());
  }

  /** Equal texts over the same columns are computed once. */
  private int position(Expression expression, Map<String, Integer> names) {
    List<Object> key = List.of(Expressions.normalized(expression.text()), names);
    Integer position = expressions.get(key);
    if (position == null) {
      position = compute("value." + expressions.size(), expression, names);
      expressions.put(key, position);
    }
    return position;
  }

  ColumnType carriedType(int position) {
    return fullRow.get(carriedFrom.get(position)).type();
  }

  /** How many columns are carried so far. */
  int carriedCount() {
    return carriedFrom.size();
  }

  StreamPlan plan() {
    return new StreamPlan(
        stream.name(),
        stream.topic(),
        stream.format(),
        stream.schema(),
        stream.schema().indexOf(stream.eventTime()),
        stream.eventId().map(stream.schema()::indexOf).orElse(-1),
        stream.key().map(stream.schema()::indexOf).orElse(-1),
        stream.disorder().toMillis(),
        stream.lateness().toMillis(),
        stream.idleAfter().toMillis(),
        stream.ahead().toMillis(),
        computed,
        expectations,
        carriedFrom.stream().map(fullRow::get).toList(),
        carriedFrom.stream().mapToInt(Integer::intValue).toArray());
  }

  /** The position of a value in a list, where it is added if new. */
  static <T> int shared(List<T> values, T value) {
    if (!values.contains(value)) {
      values.add(value);
    }
    return values.indexOf(value);
  }
}
