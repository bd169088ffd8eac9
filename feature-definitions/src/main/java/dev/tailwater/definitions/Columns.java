package dev.tailwater.definitions;

import dev.tailwater.expressions.CheckedExpression;
import dev.tailwater.expressions.Expressions;
import dev.tailwater.expressions.InvalidExpressionException;
import dev.tailwater.expressions.Suggestions;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The names that can be referred to at one place. Names whose own definition has a problem are
 * known as broken, so that one mistake is reported once.
 */
final class Columns {

  private final String owner;
  private final List<Column> columns;
  private final Set<String> broken;
  private final Set<String> announced = new HashSet<>();
  private final Problems problems;

  /**
   * @param owner whose columns they are, as in "stream transactions"
   */
  Columns(String owner, List<Column> columns, Set<String> broken, Problems problems) {
    this.owner = owner;
    this.columns = new ArrayList<>(columns);
    this.broken = new HashSet<>(broken);
    this.problems = problems;
  }

  /** Names that are going to be added: until they are reached it is said that they come later. */
  void announce(Collection<String> names) {
    announced.addAll(names);
  }

  /** The next one of the names that were announced. */
  void reach(String name) {
    announced.remove(name);
  }

  void add(Column column) {
    columns.add(column);
  }

  void addBroken(String name) {
    broken.add(name);
  }

  Set<String> broken() {
    return broken;
  }

  boolean isKnown(String name) {
    return broken.contains(name) || get(name).isPresent();
  }

  Optional<Column> get(String name) {
    return columns.stream().filter(column -> column.name().equals(name)).findFirst();
  }

  /** The column that is referred to, reported if there is none. */
  Optional<Column> find(Text reference) {
    Optional<Column> column = get(reference.value());
    if (column.isEmpty() && !broken.contains(reference.value())) {
      problems.add(
          reference,
          "is not a column of " + owner,
          Suggestions.nextStep(reference.value(), names()));
    }
    return column;
  }

  /** The expression of a text, reported if it is not one over these columns. */
  Optional<Expression> expression(Text text) {
    try {
      CheckedExpression checked = Expressions.check(text.value(), columns);
      return Optional.of(
          new Expression(
              text.value(), checked.type(), checked.reads().stream().map(Column::name).toList()));
    } catch (InvalidExpressionException e) {
      if (e.unknownColumn().filter(broken::contains).isEmpty()) {
        String place =
            e.line() == 0
                ? ": "
                : e.line() == 1
                    ? " at column " + e.column() + ": "
                    : " at line " + e.line() + ", column " + e.column() + ": ";
        String nextStep =
            e.unknownColumn()
                .filter(announced::contains)
                .map(name -> "columns are derived in order: write " + name + " above what reads it")
                .orElse(e.nextStep());
        problems.add(text, "is not an expression here" + place + e.reason(), nextStep);
      }
      return Optional.empty();
    }
  }

  /** The condition of a text, reported if it is not a BOOLEAN expression over these columns. */
  Optional<Expression> condition(Text text) {
    Optional<Expression> expression = expression(text);
    if (expression.isPresent() && expression.get().type() != ColumnType.BOOLEAN) {
      problems.add(
          text,
          "is " + expression.get().type() + ", not BOOLEAN",
          "compare it with something, as in x > 0");
      return Optional.empty();
    }
    return expression;
  }

  List<String> names() {
    return columns.stream().map(Column::name).toList();
  }
}
