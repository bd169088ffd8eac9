package dev.tailwater.definitions;

import dev.tailwater.expressions.Suggestions;
import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.Window;
import dev.tailwater.schemas.ColumnType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** Reads one entry of {@code features}: an aggregate over one window or several. */
final class FeatureReader {

  static final int MAX_ELEMENTS = 1000;
  static final int MAX_KEYS = 10_000;

  private static final int KEYS = 100;
  private static final int MAX_EMPTY_LENGTH = 1000;
  private static final Duration TICK = Duration.ofMillis(1);
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Pattern WORD = Pattern.compile("\\w+");

  private final Columns columns;
  private final boolean identified;
  private final Set<String> broken;
  private final Problems problems;

  /**
   * @param columns what the view's expressions may read
   * @param identified whether the view's events have ids
   * @param broken where the names of features with problems are added
   */
  FeatureReader(Columns columns, boolean identified, Set<String> broken, Problems problems) {
    this.columns = columns;
    this.identified = identified;
    this.broken = broken;
    this.problems = problems;
  }

  /** An aggregate with its arguments; the type is absent if something is wrong with them. */
  private record Aggregated(
      Optional<Expression> column,
      Optional<Expression> second,
      Optional<Expression> by,
      int limit,
      double parameter,
      Optional<ColumnType> type) {}

  /**
   * The features of an entry, one for each window; none if it has a problem.
   *
   * @param named whether the name is good; if not, that is reported already
   */
  List<FeatureDefinition> read(String name, boolean named, Section section) {
    section.allowOnly(Grammar.FEATURE);
    Optional<AggregateForm> form = form(section);
    form.ifPresent(found -> requireArgumentsOf(found, section));
    Optional<Aggregated> aggregated =
        form.map(found -> aggregated(found, section)).filter(read -> read.type().isPresent());
    Optional<Text> whereText = section.text("where");
    Optional<Expression> where = whereText.flatMap(columns::condition);
    boolean excludesSelf = section.text("self").map(this::excludesSelf).orElse(false);
    Optional<Text> emptyText = section.nullableText("empty");
    Optional<Object> empty =
        emptyText.isPresent() && aggregated.isPresent()
            ? empty(emptyText.get(), form.orElseThrow(), aggregated.get().type().orElseThrow())
            : Optional.empty();
    boolean complete =
        named && aggregated.isPresent() && where.isPresent() == whereText.isPresent();

    List<FeatureDefinition> features = new ArrayList<>();
    boolean listed = section.isList("over");
    List<WindowReader.Read> windows = new WindowReader(section, problems).read();
    for (WindowReader.Read read : windows) {
      String featureName = listed ? name + read.suffix() : name;
      if (read.window().isPresent()
          && form.filter(found -> fits(found, read.window().get(), read.text())).isPresent()
          && complete
          && Names.isName(section.at("over").withValue(featureName), problems)) {
        Aggregated found = aggregated.orElseThrow();
        features.add(
            new FeatureDefinition(
                featureName,
                found.type().orElseThrow(),
                form.orElseThrow().aggregate(),
                found.column(),
                found.second(),
                found.by(),
                found.limit(),
                found.parameter(),
                where,
                read.window().get(),
                excludesSelf,
                empty));
      } else {
        broken.add(featureName);
      }
    }
    if (windows.isEmpty()) {
      broken.add(name);
    }
    return features;
  }

  private Optional<AggregateForm> form(Section section) {
    Set<String> known = AggregateForm.keys();
    List<String> written = section.keys().stream().filter(known::contains).toList();
    if (written.isEmpty()) {
      // An unknown key is reported already: it is probably the aggregate.
      if (Grammar.FEATURE.containsAll(section.keys())) {
        problems.add(
            section.here(),
            "has no aggregate",
            "write one of " + String.join(", ", known) + ", as in sum: amount");
      }
      return Optional.empty();
    }
    if (written.size() > 1) {
      problems.add(
          section.here(),
          "has " + written.size() + " aggregates: " + String.join(", ", written),
          "make them features of their own");
      return Optional.empty();
    }
    return AggregateForm.of(written.get(0));
  }

  private void requireArgumentsOf(AggregateForm form, Section section) {
    for (String argument : AggregateForm.allArguments()) {
      if (section.has(argument) && !form.takes(argument)) {
        problems.add(
            section.at(argument),
            "does not belong to " + form.key(),
            "it belongs to " + String.join(", ", AggregateForm.taking(argument)));
      }
    }
    if (form != AggregateForm.HISTOGRAM && section.has("max_keys") && !section.has("by")) {
      problems.add(
          section.at("max_keys"), "has no meaning without by", "write by: column, or leave it out");
    }
  }

  private Aggregated aggregated(AggregateForm form, Section section) {
    Optional<Text> text = section.text(form.key());
    boolean everyEvent =
        form.takesEveryEvent() && text.filter(written -> written.value().equals("*")).isPresent();
    Optional<Expression> value = text.flatMap(written -> argument(form, written));
    Optional<Expression> second =
        switch (form) {
          case RATIO -> second(section, "to", "name what to divide by, as in to: amount");
          case ARGMIN, ARGMAX -> second(section, "of", "name what is compared, as in of: amount");
          default -> Optional.empty();
        };
    Optional<Expression> by =
        form == AggregateForm.HISTOGRAM
            ? value.filter(read -> isScalar(read, text.orElseThrow()))
            : form.takes("by")
                ? section
                    .text("by")
                    .flatMap(written -> expression(written).filter(read -> isScalar(read, written)))
                : Optional.empty();
    boolean grouped = form == AggregateForm.HISTOGRAM || (form.takes("by") && section.has("by"));
    Optional<Expression> column = form == AggregateForm.HISTOGRAM ? Optional.empty() : value;
    Optional<Integer> limit = limit(form, section, grouped);
    Optional<Double> parameter = parameter(form, section);

    boolean complete =
        (value.isPresent() || everyEvent)
            && by.isPresent() == grouped
            && second.isPresent() == (form.takes("to") || form.takes("of"))
            && limit.isPresent()
            && parameter.isPresent();
    Optional<ColumnType> type =
        complete && secondFits(form, section, second)
            ? type(form, text.orElseThrow(), column, grouped)
            : Optional.empty();
    return new Aggregated(column, second, by, limit.orElse(0), parameter.orElse(0.0), type);
  }

  /** What is aggregated; absent for every event, and if it has a problem. */
  private Optional<Expression> argument(AggregateForm form, Text text) {
    if (text.value().equals("*")) {
      if (!form.takesEveryEvent()) {
        problems.add(text, "can only be counted", "name a column");
      }
      return Optional.empty();
    }
    return form.takesCondition() ? columns.condition(text) : expression(text);
  }

  private Optional<Expression> expression(Text text) {
    if (WORD.matcher(text.value()).matches()) {
      return columns
          .find(text)
          .map(found -> new Expression(found.name(), found.type(), List.of(found.name())));
    }
    return columns.expression(text);
  }

  private Optional<Expression> second(Section section, String key, String nextStep) {
    return section.required(key, nextStep).flatMap(this::expression);
  }

  private boolean isScalar(Expression expression, Text text) {
    if (!expression.type().isScalar()) {
      problems.add(
          text, "is " + expression.type() + ", which is no key of a map", "write a single value");
    }
    return expression.type().isScalar();
  }

  private boolean secondFits(AggregateForm form, Section section, Optional<Expression> second) {
    if (second.isEmpty()) {
      return true;
    }
    ColumnType type = second.get().type();
    boolean fits =
        form == AggregateForm.RATIO
            ? type.isNumeric()
            : type.isScalar() && type != ColumnType.STRING;
    if (!fits) {
      problems.add(
          section.text(form == AggregateForm.RATIO ? "to" : "of").orElse(section.here()),
          "is " + type + (form == AggregateForm.RATIO ? ", not a number" : ", which has no order"),
          "write a numeric one");
    }
    return fits;
  }

  /** How many elements, keys or steps; absent if it is wrong. */
  private Optional<Integer> limit(AggregateForm form, Section section, boolean grouped) {
    if (form.takes("k")) {
      return section
          .required("k", "write how many, as in k: 10")
          .flatMap(text -> count(text, MAX_ELEMENTS));
    }
    if (form == AggregateForm.LAG) {
      return section.has("n")
          ? section.text("n").flatMap(text -> count(text, MAX_ELEMENTS))
          : Optional.of(1);
    }
    if (grouped) {
      return section.has("max_keys")
          ? section.text("max_keys").flatMap(text -> count(text, MAX_KEYS))
          : Optional.of(KEYS);
    }
    return Optional.of(0);
  }

  private Optional<Integer> count(Text text, int most) {
    Optional<Double> number = text.number();
    if (number.isEmpty()
        || number.get() != Math.rint(number.get())
        || number.get() < 1
        || number.get() > most) {
      problems.add(text, "is not a whole number between 1 and " + most, "write another one");
      return Optional.empty();
    }
    return Optional.of(number.get().intValue());
  }

  /** The fraction or the milliseconds; absent if it is wrong, 0 where it has no meaning. */
  private Optional<Double> parameter(AggregateForm form, Section section) {
    return switch (form) {
      case MEDIAN -> Optional.of(0.5);
      case QUANTILE, APPROX_QUANTILE ->
          section.required("q", "write which, as in q: 0.95").flatMap(this::fraction);
      case DECAY ->
          section
              .required("half_life", "write after how long a value counts half, as in 1h")
              .flatMap(text -> Durations.read(text, TICK, problems))
              .map(duration -> (double) duration.toMillis());
      case RATE ->
          section.has("per")
              ? section
                  .text("per")
                  .flatMap(text -> Durations.read(text, TICK, problems))
                  .map(duration -> (double) duration.toMillis())
              : Optional.of((double) SECOND.toMillis());
      default -> Optional.of(0.0);
    };
  }

  private Optional<Double> fraction(Text text) {
    Optional<Double> number = text.number();
    if (number.isEmpty() || number.get() < 0 || number.get() > 1) {
      problems.add(text, "is not a number between 0 and 1", "write 0.5 for the median");
      return Optional.empty();
    }
    return number;
  }

  private Optional<ColumnType> type(
      AggregateForm form, Text text, Optional<Expression> column, boolean grouped) {
    try {
      ColumnType type = form.aggregate().resultType(column.map(Expression::type).orElse(null));
      if (!grouped) {
        return Optional.of(type);
      }
      return Optional.of(type == ColumnType.DOUBLE ? ColumnType.DOUBLE_MAP : ColumnType.LONG_MAP);
    } catch (IllegalArgumentException e) {
      ColumnType type = column.map(Expression::type).orElseThrow();
      boolean isColumn = column.get().reads().equals(List.of(text.value()));
      problems.add(
          text,
          (isColumn ? "is a " + type + " column" : "is " + type)
              + ", of which there is no "
              + form.key(),
          "aggregate another column, or count this one");
      return Optional.empty();
    }
  }

  /** Whether an aggregate can be had over a window; reported if not. */
  private boolean fits(AggregateForm form, Window window, Text text) {
    boolean coarse = Windows.isCoarse(window);
    Aggregate aggregate = form.aggregate();
    if ((aggregate == Aggregate.APPROX_DISTINCT || aggregate == Aggregate.APPROX_QUANTILE)
        && !coarse) {
      problems.add(
          text,
          "has no summaries that " + form.key() + " could use",
          "write a resolution or over: lifetime, or "
              + form.key().substring("approx_".length())
              + " for the exact value");
      return false;
    }
    if (aggregate == Aggregate.RATE && (coarse || !(window instanceof Window.Sliding))) {
      problems.add(
          text, "has no fixed length to divide by", "write a window like 7d without resolution");
      return false;
    }
    return true;
  }

  private boolean excludesSelf(Text text) {
    if (!text.value().equals("exclude") && !text.value().equals("include")) {
      problems.add(
          text,
          "is not known here",
          Suggestions.nextStep(text.value(), List.of("include", "exclude")));
    }
    boolean excludes = text.value().equals("exclude");
    if (excludes && !identified) {
      problems.add(
          text,
          "needs ids, by which an event is found",
          "give the stream an event_id: the column that tells its events apart");
    }
    return excludes;
  }

  private Optional<Object> empty(Text text, AggregateForm form, ColumnType type) {
    if (form.aggregate().countsFromZero() && type.isScalar()) {
      problems.add(
          text, "is not needed: the " + form.key() + " of nothing is 0", "leave empty out");
      return Optional.empty();
    }
    if (text.isNull()) {
      return Optional.empty();
    }
    if (!type.isScalar() || type == ColumnType.TIMESTAMP) {
      problems.add(
          text,
          "has no meaning for a "
              + type
              + ": lists, maps and timestamps of nothing are "
              + (form.aggregate().countsFromZero() ? "empty" : "NULL"),
          "leave empty out");
      return Optional.empty();
    }
    if (text.value().length() > MAX_EMPTY_LENGTH) {
      problems.add(
          text, "is longer than " + MAX_EMPTY_LENGTH + " characters", "write a shorter value");
      return Optional.empty();
    }
    try {
      return Optional.of(Literals.parse(text, type));
    } catch (IllegalArgumentException e) {
      problems.add(
          text, "is not a value of type " + type, "write one, or leave empty out for NULL");
      return Optional.empty();
    }
  }
}
