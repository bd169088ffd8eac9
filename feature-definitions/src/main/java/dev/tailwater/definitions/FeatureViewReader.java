package dev.tailwater.definitions;

import dev.tailwater.expressions.Expressions;
import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.Window;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Reads {@code kind: feature-view}. */
final class FeatureViewReader {

  static final int MAX_COLUMNS = 63;
  static final int MAX_FILTERS = 64;

  private static final Duration TICK = Duration.ofMillis(1);

  private final Registry<StreamReader.Read> streams;
  private final Registry<EntityDefinition> entities;
  private final EntityReader entityReader;
  private final Problems problems;

  /** By entity and stream: what the state of one entity for one stream has to hold. */
  private final Map<List<String>, Shared> shared = new HashMap<>();

  FeatureViewReader(
      Registry<StreamReader.Read> streams,
      Registry<EntityDefinition> entities,
      EntityReader entityReader,
      Problems problems) {
    this.streams = streams;
    this.entities = entities;
    this.entityReader = entityReader;
    this.problems = problems;
  }

  /**
   * A view as far as it can be read.
   *
   * @param broken names of features with problems, with and without their windows
   */
  record Read(FeatureViewDefinition definition, Set<String> broken) {}

  /** What the views of one entity from one stream have in common. */
  private static final class Shared {
    final Set<String> columns = new LinkedHashSet<>();
    final Set<String> filters = new LinkedHashSet<>();
    Optional<List<String>> keyColumns = Optional.empty();
    boolean reported;
  }

  /** How the views of an entity from a stream find its key there, if there are any. */
  Optional<List<String>> keyColumns(String entity, String stream) {
    Shared state = shared.get(List.of(entity, stream));
    return state == null ? Optional.empty() : state.keyColumns;
  }

  /** Absent if its stream or entity is unknown or has a problem itself. */
  Optional<Read> read(Text name, Section document) {
    document.allowOnly(Grammar.FEATURE_VIEW);
    Optional<EntityDefinition> entity =
        document.required("entity", "name the entity it describes").flatMap(entities::find);
    Optional<Text> from = document.required("from", "name the stream it is computed from");
    Optional<StreamReader.Read> stream = from.flatMap(streams::find);
    boolean hasFeatures =
        document.present("features", "write features: {tx_count: {count: \"*\", over: 1d}}");
    Section features = document.section("features").orElse(null);
    Map<String, Text> mapped = mapped(document, entity);
    if (stream.isEmpty()) {
      return Optional.empty();
    }
    Columns columns = stream.get().columns();
    Set<String> broken = new TreeSet<>();
    List<FeatureDefinition> read = new ArrayList<>();
    if (features != null) {
      Set<String> names = new LinkedHashSet<>();
      for (String key : features.keys()) {
        boolean named = Names.isName(features.at(key).withValue(key), problems);
        Section section = features.section(key).orElse(null);
        if (section == null) {
          broken.add(key);
          continue;
        }
        for (FeatureDefinition feature : feature(key, section, columns, broken)) {
          Text at = features.at(key).withValue(feature.name());
          if (!names.add(feature.name())) {
            problems.add(at, "is the name of two features", "rename one of them");
          } else if (named && isFree(at, entity, feature.name())) {
            read.add(feature);
          }
        }
      }
      if (features.keys().isEmpty()) {
        problems.add(features.here(), "has no feature", "write at least one");
      }
    }
    if (entity.isEmpty() || (hasFeatures && features == null)) {
      return Optional.empty();
    }
    Text at = from.orElse(document.here());
    Optional<List<String>> keyColumns =
        entityReader.keyColumns(entity.get(), columns, mapped, Optional.empty(), at);
    keyColumns.ifPresent(
        found -> share(entity.get().name(), stream.get(), found, read, name, document));
    read.sort(Comparator.comparing(FeatureDefinition::name, FeatureViewReader::compareNames));
    return Optional.of(
        new Read(
            new FeatureViewDefinition(
                name.value(),
                entity.get().name(),
                stream.get().definition().name(),
                keyColumns.orElse(List.of()),
                read),
            broken));
  }

  private Map<String, Text> mapped(Section document, Optional<EntityDefinition> entity) {
    Map<String, Text> mapped = new LinkedHashMap<>();
    document
        .section("key")
        .ifPresent(
            key -> {
              for (String column : key.keys()) {
                key.text(column).ifPresent(text -> mapped.put(column, text));
              }
              entity.ifPresent(
                  found ->
                      key.allowOnly(
                          new LinkedHashSet<>(found.key().stream().map(Column::name).toList())));
            });
    return mapped;
  }

  private boolean isFree(Text at, Optional<EntityDefinition> entity, String name) {
    boolean isKey =
        entity.isPresent() && entity.get().key().stream().anyMatch(key -> key.name().equals(name));
    if (isKey || Names.ofStoredRows().contains(name)) {
      problems.add(at, "is a column of every stored row", "choose another name");
      return false;
    }
    return true;
  }

  /** The features of one entry, one for each window; none if it has a problem. */
  private List<FeatureDefinition> feature(
      String name, Section section, Columns columns, Set<String> broken) {
    section.allowOnly(Grammar.FEATURE);
    Optional<Text> aggregated = aggregated(section);
    Optional<Aggregate> aggregate =
        aggregated.map(text -> Aggregate.valueOf(text.name().toUpperCase(Locale.ROOT)));
    boolean countsAll =
        aggregate.equals(Optional.of(Aggregate.COUNT))
            && aggregated.map(Text::value).equals(Optional.of("*"));
    Optional<Column> column =
        countsAll ? Optional.empty() : aggregated.flatMap(text -> column(text, columns));
    Optional<ColumnType> type =
        aggregate.isPresent() && (countsAll || column.isPresent())
            ? type(aggregated.orElseThrow(), aggregate.get(), column)
            : Optional.empty();
    Duration delay = Durations.read(section, "delay", Duration.ZERO, Duration.ZERO, problems);
    Optional<Text> whereText = section.text("where");
    Optional<Expression> where = whereText.flatMap(columns::condition);
    Optional<Text> emptyText = section.nullableText("empty");
    Optional<Object> empty =
        emptyText.isPresent() && type.isPresent()
            ? empty(emptyText.get(), aggregate.orElseThrow(), type.get())
            : Optional.empty();
    boolean complete = type.isPresent() && where.isPresent() == whereText.isPresent();

    List<FeatureDefinition> features = new ArrayList<>();
    boolean listed = section.isList("over");
    List<Text> windows =
        section.present("over", "write a window, as in over: 7d")
            ? section.texts("over")
            : List.of();
    for (Text text : windows) {
      String featureName = listed ? name + "_" + text.value() : name;
      Optional<Duration> window = Durations.read(text, TICK, problems);
      if (window.isPresent()
          && complete
          && Names.isName(section.at("over").withValue(featureName), problems)) {
        features.add(
            new FeatureDefinition(
                featureName,
                type.get(),
                aggregate.orElseThrow(),
                column.map(
                    found -> new Expression(found.name(), found.type(), List.of(found.name()))),
                Optional.empty(),
                Optional.empty(),
                0,
                0,
                where,
                Window.sliding(window.get().toMillis(), delay.toMillis()),
                false,
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

  private Optional<Text> aggregated(Section section) {
    List<String> written = section.keys().stream().filter(Grammar.AGGREGATES::contains).toList();
    if (written.isEmpty()) {
      problems.add(section.here(), "has no aggregate", "write one of count, sum, avg, min, max");
      return Optional.empty();
    }
    if (written.size() > 1) {
      problems.add(
          section.here(),
          "has " + written.size() + " aggregates: " + String.join(", ", written),
          "make them features of their own");
      return Optional.empty();
    }
    return section.text(written.get(0));
  }

  private Optional<Column> column(Text text, Columns columns) {
    if (text.value().equals("*")) {
      problems.add(text, "can only be counted", "name a column");
      return Optional.empty();
    }
    if (!columns.isKnown(text.value()) && !text.value().matches("\\w+")) {
      problems.add(
          text, "is not a column", "derive it in the stream, and name the derived column here");
      return Optional.empty();
    }
    return columns.find(text);
  }

  private Optional<ColumnType> type(Text text, Aggregate aggregate, Optional<Column> column) {
    try {
      return Optional.of(aggregate.resultType(column.map(Column::type).orElse(null)));
    } catch (IllegalArgumentException e) {
      problems.add(
          text,
          "is a "
              + column.map(c -> c.type().name()).orElse("missing")
              + " column, of which there is no "
              + text.name(),
          "aggregate another column, or count this one");
      return Optional.empty();
    }
  }

  private Optional<Object> empty(Text text, Aggregate aggregate, ColumnType type) {
    if (aggregate == Aggregate.COUNT) {
      problems.add(text, "is not needed: the count of nothing is 0", "leave empty out");
      return Optional.empty();
    }
    if (text.isNull()) {
      return Optional.empty();
    }
    try {
      Object value =
          switch (type) {
            case BOOLEAN ->
                switch (text.value()) {
                  case "true" -> true;
                  case "false" -> false;
                  default -> throw new IllegalArgumentException("neither true nor false");
                };
            case INT -> Integer.valueOf(text.value());
            case LONG -> Long.valueOf(text.value());
            case DOUBLE ->
                text.number().orElseThrow(() -> new IllegalArgumentException("not a number"));
            default -> throw new IllegalArgumentException("no value stands for an empty " + type);
          };
      return Optional.of(value);
    } catch (IllegalArgumentException e) {
      problems.add(
          text, "is not a value of type " + type, "write one, or leave empty out for NULL");
      return Optional.empty();
    }
  }

  /** Adds a view to the state it shares with others, within the limits of a state. */
  private void share(
      String entity,
      StreamReader.Read stream,
      List<String> keyColumns,
      List<FeatureDefinition> features,
      Text name,
      Section document) {
    String streamName = stream.definition().name();
    Shared state = shared.computeIfAbsent(List.of(entity, streamName), key -> new Shared());
    if (state.keyColumns.isPresent() && !state.keyColumns.get().equals(keyColumns)) {
      problems.add(
          document.has("key") ? document.at("key") : name.withoutValue(),
          "entity "
              + entity
              + " is found in stream "
              + streamName
              + " by "
              + keyColumns
              + " here and by "
              + state.keyColumns.get()
              + " in another view",
          "define a second entity for the other role");
    }
    state.keyColumns = state.keyColumns.or(() -> Optional.of(keyColumns));
    for (FeatureDefinition feature : features) {
      feature.column().ifPresent(column -> state.columns.add(column.text()));
      feature.where().ifPresent(where -> state.filters.add(Expressions.normalized(where.text())));
    }
    if (!state.reported
        && (state.columns.size() > MAX_COLUMNS || state.filters.size() > MAX_FILTERS)) {
      state.reported = true;
      problems.add(
          document.at("features"),
          "the views of entity "
              + entity
              + " from stream "
              + streamName
              + " aggregate "
              + state.columns.size()
              + " columns with "
              + state.filters.size()
              + " different conditions; at most "
              + MAX_COLUMNS
              + " and "
              + MAX_FILTERS
              + " fit into its state",
          "move some to an entity of their own");
    }
  }

  /** Names in order, runs of digits by their number: 1d before 7d before 30d. */
  static int compareNames(String a, String b) {
    int i = 0;
    int j = 0;
    while (i < a.length() && j < b.length()) {
      int endOfA = endOfDigits(a, i);
      int endOfB = endOfDigits(b, j);
      int order;
      if (endOfA > i && endOfB > j) {
        order = compareNumbers(a.substring(i, endOfA), b.substring(j, endOfB));
        i = endOfA;
        j = endOfB;
      } else {
        order = Character.compare(a.charAt(i++), b.charAt(j++));
      }
      if (order != 0) {
        return order;
      }
    }
    int order = Integer.compare(a.length() - i, b.length() - j);
    return order != 0 ? order : a.compareTo(b);
  }

  private static int endOfDigits(String text, int start) {
    int end = start;
    while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
      end++;
    }
    return end;
  }

  private static int compareNumbers(String a, String b) {
    return new java.math.BigInteger(a).compareTo(new java.math.BigInteger(b));
  }
}
