package dev.tailwater.definitions;

import dev.tailwater.definitions.FeatureViewDefinition.Source;
import dev.tailwater.expressions.Expressions;
import dev.tailwater.expressions.Suggestions;
import dev.tailwater.kernel.Window;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Reads {@code kind: feature-view}. */
final class FeatureViewReader {

  static final int MAX_COLUMNS = 63;
  static final int MAX_FILTERS = 62;
  static final int MAX_SOURCES = 100;
  static final int MAX_CHAIN = 100;

  private static final Duration SHORTEST_REFRESH = Duration.ofSeconds(1);

  private final Registry<StreamReader.Read> streams;
  private final Registry<EntityDefinition> entities;
  private final Registry<Read> views;
  private final EntityReader entityReader;
  private final Problems problems;

  /** The views that are not read yet, by name: another view is read before what it is based on. */
  private final Map<String, Unread> unread = new LinkedHashMap<>();

  /** The views that are being read, each based on the next. */
  private final Deque<String> reading = new ArrayDeque<>();

  /** By entity and stream: how views find the one in the other. */
  private final Map<List<String>, List<String>> keyColumns = new HashMap<>();

  /** What the state of one entity for the same facts has to hold. */
  private final Map<List<Object>, Shared> shared = new HashMap<>();

  FeatureViewReader(
      Registry<StreamReader.Read> streams,
      Registry<EntityDefinition> entities,
      Registry<Read> views,
      EntityReader entityReader,
      Problems problems) {
    this.streams = streams;
    this.entities = entities;
    this.views = views;
    this.entityReader = entityReader;
    this.problems = problems;
  }

  /**
   * A view as far as it can be read.
   *
   * @param broken names of features with problems, with and without their windows
   * @param brokenColumns names with problems among those that its features read
   */
  record Read(FeatureViewDefinition definition, Set<String> broken, Set<String> brokenColumns) {}

  private record Unread(Text name, Section document) {}

  /** What the views of one entity from the same facts have in common. */
  private static final class Shared {
    final Set<String> columns = new LinkedHashSet<>();
    final Set<String> filters = new LinkedHashSet<>();
    boolean reported;
  }

  /** Where a view's facts come from, and what its features may read. */
  private record From(
      List<Source> sources, Optional<String> basedOn, Columns columns, boolean complete) {}

  /** Announces a view whose name is good, so that others can be based on it. */
  void announce(Text name, Section document) {
    unread.put(name.value(), new Unread(name, document));
  }

  /** How the views of an entity from a stream find its key there, if there are any. */
  Optional<List<String>> keyColumns(String entity, String stream) {
    return Optional.ofNullable(keyColumns.get(List.of(entity, stream)));
  }

  /** Reads everything that was announced. */
  void readAnnounced() {
    while (!unread.isEmpty()) {
      readAnnounced(unread.keySet().iterator().next());
    }
  }

  private void readAnnounced(String name) {
    Unread view = unread.remove(name);
    if (view != null) {
      reading.addLast(name);
      read(view.name(), view.document()).ifPresent(read -> views.define(view.name(), read));
      reading.removeLast();
    }
  }

  /** Absent if where it comes from or its entity is unknown or has a problem itself. */
  Optional<Read> read(Text name, Section document) {
    document.allowOnly(Grammar.FEATURE_VIEW);
    Optional<EntityDefinition> entity =
        document.required("entity", "name the entity it describes").flatMap(entities::find);
    boolean hasFeatures =
        document.present("features", "write features: {tx_count: {count: \"*\", over: 1d}}");
    Section section = document.section("features").orElse(null);
    Knowledge knowledge = knowledge(document);
    Optional<From> from = from(name, document, entity);
    if (from.isEmpty()) {
      return Optional.empty();
    }
    Set<String> broken = new TreeSet<>();
    List<FeatureDefinition> features =
        section == null ? List.of() : features(section, from.get(), entity, broken);
    List<Window> windows = features.stream().map(FeatureDefinition::window).toList();
    Duration refresh = refresh(document, windows);
    if (entity.isEmpty() || (hasFeatures && section == null)) {
      return Optional.empty();
    }
    FeatureViewDefinition view =
        new FeatureViewDefinition(
            name.value(),
            entity.get().name(),
            from.get().sources(),
            from.get().basedOn(),
            refresh,
            knowledge,
            features);
    if (from.get().complete()) {
      share(view, name, document);
    }
    return Optional.of(new Read(view, broken, from.get().columns().broken()));
  }

  private List<FeatureDefinition> features(
      Section section, From from, Optional<EntityDefinition> entity, Set<String> broken) {
    boolean identified =
        from.sources().stream()
            .flatMap(source -> streams.get(source.stream()).stream())
            .allMatch(stream -> stream.definition().eventId().isPresent());
    FeatureReader reader = new FeatureReader(from.columns(), identified, broken, problems);
    List<FeatureDefinition> read = new ArrayList<>();
    Set<String> names = new LinkedHashSet<>();
    for (String key : section.keys()) {
      boolean named = Names.isName(section.at(key).withValue(key), problems);
      Section entry = section.section(key).orElse(null);
      if (entry == null) {
        broken.add(key);
        continue;
      }
      for (FeatureDefinition feature : reader.read(key, named, entry)) {
        Text at = section.at(key).withValue(feature.name());
        if (!names.add(feature.name())) {
          problems.add(at, "is the name of two features", "rename one of them");
        } else if (isFree(at, entity, feature.name())) {
          read.add(feature);
        }
      }
    }
    if (section.keys().isEmpty()) {
      problems.add(section.here(), "has no feature", "write at least one");
    }
    read.sort(Comparator.comparing(FeatureDefinition::name, FeatureViewReader::compareNames));
    return read;
  }

  private boolean isFree(Text at, Optional<EntityDefinition> entity, String name) {
    boolean isKey =
        entity.isPresent() && entity.get().key().stream().anyMatch(key -> key.name().equals(name));
    if (isKey || Names.ofStoredRows().contains(name)) {
      problems.add(at, "is a column of every stored row", "choose another name");
      return false;
    }
    if (Names.ofQuestions().contains(name)) {
      problems.add(at, "is a key of the questions that tests ask", "choose another name");
      return false;
    }
    return true;
  }

  private Knowledge knowledge(Section document) {
    Text text = document.text("knowledge").orElse(null);
    if (text == null || text.value().equals("as_happened")) {
      return Knowledge.AS_HAPPENED;
    }
    if (!text.value().equals("as_known")) {
      problems.add(
          text,
          "is not known here",
          Suggestions.nextStep(text.value(), List.of("as_happened", "as_known")));
    }
    return Knowledge.AS_KNOWN;
  }

  private Duration refresh(Section document, List<Window> windows) {
    if (!document.has("refresh")) {
      return Windows.refresh(windows);
    }
    if (document.isSection("refresh")) {
      Section refresh = document.section("refresh").orElseThrow();
      refresh.allowOnly(Grammar.REFRESH);
      return refresh
          .required("every", "write how often, as in refresh: {every: 1m}")
          .flatMap(text -> Durations.read(text, SHORTEST_REFRESH, problems))
          .orElse(Duration.ZERO);
    }
    document
        .text("refresh")
        .filter(text -> !text.value().equals("never"))
        .ifPresent(text -> problems.add(text, "is not known here", "write never, or {every: 1m}"));
    return Duration.ZERO;
  }

  private Optional<From> from(Text name, Section document, Optional<EntityDefinition> entity) {
    if (document.isList("from")) {
      if (document.has("key")) {
        problems.add(
            document.at("key"), "belongs to each source of the list", "move it into the list");
      }
      return union(name, document, entity);
    }
    Text from =
        document.required("from", "name the stream or view it is computed from").orElse(null);
    if (from == null) {
      return Optional.empty();
    }
    if (views.isDeclared(from.value())) {
      if (streams.isDeclared(from.value())) {
        problems.add(from, "is both a stream and a view", "rename one of them");
        return Optional.empty();
      }
      return chain(from, document, entity);
    }
    if (!streams.isDeclared(from.value())) {
      Set<String> known = new LinkedHashSet<>(streams.names());
      known.addAll(views.names());
      known.remove(name.value());
      problems.add(
          from, "is not a known stream or view", Suggestions.nextStep(from.value(), known));
      return Optional.empty();
    }
    StreamReader.Read stream = streams.get(from.value()).orElse(null);
    if (stream == null) {
      return Optional.empty();
    }
    Optional<List<String>> key = key(document, stream.columns(), entity, from);
    return Optional.of(
        new From(
            List.of(new Source(from.value(), key.orElse(List.of()), Map.of())),
            Optional.empty(),
            stream.columns(),
            key.isPresent()));
  }

  private Optional<List<String>> key(
      Section section, Columns columns, Optional<EntityDefinition> entity, Text at) {
    Map<String, Text> mapped = writtenKey(section, entity);
    return entity.flatMap(
        found -> entityReader.keyColumns(found, columns, mapped, Optional.empty(), at));
  }

  /** What is written as the columns of an entity's key, by key column. */
  private static Map<String, Text> writtenKey(Section section, Optional<EntityDefinition> entity) {
    Map<String, Text> mapped = new LinkedHashMap<>();
    section
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

  /** The events of another view: what its features read, and what it says at each of them. */
  private Optional<From> chain(Text from, Section document, Optional<EntityDefinition> entity) {
    if (reading.contains(from.value())) {
      List<String> cycle = new ArrayList<>(reading);
      cycle = cycle.subList(cycle.indexOf(from.value()), cycle.size());
      problems.add(
          from,
          "closes the cycle " + String.join(" -> ", cycle) + " -> " + from.value(),
          "compute one of them from a stream");
      return Optional.empty();
    }
    if (reading.size() == MAX_CHAIN) {
      return tooLong(from);
    }
    readAnnounced(from.value());
    Read base = views.get(from.value()).orElse(null);
    if (base == null) {
      return Optional.empty();
    }
    if (chainOf(base) == MAX_CHAIN) {
      return tooLong(from);
    }
    List<StreamReader.Read> read = new ArrayList<>();
    for (String stream : base.definition().streams()) {
      streams.get(stream).ifPresent(read::add);
    }
    if (read.size() < base.definition().sources().size()) {
      return Optional.empty();
    }
    List<Source> sources = new ArrayList<>();
    boolean complete = true;
    for (int i = 0; i < read.size(); i++) {
      requireNothingLate(from, read.get(i));
      Source source = base.definition().sources().get(i);
      Optional<List<String>> key = chainedKey(document, base, i, read.get(i), entity, from);
      complete &= key.isPresent();
      sources.add(new Source(source.stream(), key.orElse(List.of()), source.mapped()));
    }
    return Optional.of(
        new From(sources, Optional.of(from.value()), columnsAndFeatures(read, base), complete));
  }

  /** A late event would change what the view has said at events that are facts already. */
  private void requireNothingLate(Text from, StreamReader.Read stream) {
    if (!stream.definition().lateness().isZero()) {
      String name = stream.definition().name();
      problems.add(
          from,
          "is computed from stream "
              + name
              + ", whose late "
              + (isChangelog(stream) ? "changes" : "events")
              + " would change what earlier ones saw",
          "write lateness: 0s in stream " + name + ", and there as disorder how late they come");
    }
  }

  /**
   * The columns of one of a view's streams that hold the key of an entity of another view, which is
   * based on that one. A name is first one that the view maps, then a column. Where nothing is
   * written the view's own entity is found as it is there.
   */
  private Optional<List<String>> chainedKey(
      Section document,
      Read base,
      int position,
      StreamReader.Read stream,
      Optional<EntityDefinition> entity,
      Text from) {
    if (entity.isEmpty()) {
      return Optional.empty();
    }
    Source source = base.definition().sources().get(position);
    Map<String, Text> found = new LinkedHashMap<>(writtenKey(document, entity));
    Optional<List<String>> usual = keyInBases(base, position, entity.get());
    for (Column key : entity.get().key()) {
      Text written = found.get(key.name());
      String name = written == null ? key.name() : written.value();
      Expression mapped = source.mapped().get(name);
      if (mapped == null || (written == null && usual.isPresent())) {
        continue;
      }
      if (!mapped.isColumn()) {
        problems.add(
            written == null ? from.withValue(name) : written,
            "is the key of entity "
                + entity.get().name()
                + " and stands for "
                + mapped.text()
                + " in stream "
                + source.stream()
                + ", not for a column",
            "derive the column in stream " + source.stream() + " and map " + name + " to it");
        return Optional.empty();
      }
      found.put(key.name(), (written == null ? from : written).withValue(mapped.reads().get(0)));
    }
    return entityReader.keyColumns(entity.get(), stream.columns(), found, usual, from);
  }

  /**
   * How a view, or one that it is based on, finds an entity in the stream of one of its sources.
   */
  private Optional<List<String>> keyInBases(Read nearest, int source, EntityDefinition entity) {
    for (Optional<Read> view = Optional.of(nearest); view.isPresent(); view = baseOf(view.get())) {
      FeatureViewDefinition definition = view.get().definition();
      List<String> key = definition.sources().get(source).keyColumns();
      if (definition.entity().equals(entity.name()) && key.size() == entity.key().size()) {
        return Optional.of(key);
      }
    }
    return Optional.empty();
  }

  private Optional<From> tooLong(Text from) {
    problems.add(
        from,
        "belongs to a chain of more than " + MAX_CHAIN + " views, each computed from the next",
        "compute one of them from a stream");
    return Optional.empty();
  }

  /** How many views a view is computed from, itself included. */
  private int chainOf(Read nearest) {
    int views = 0;
    for (Optional<Read> view = Optional.of(nearest); view.isPresent(); view = baseOf(view.get())) {
      views++;
    }
    return views;
  }

  private Optional<Read> baseOf(Read view) {
    return view.definition().basedOn().flatMap(views::get);
  }

  /**
   * What the other view's features read, then features by their own names where free, and as
   * view.feature.
   */
  private Columns columnsAndFeatures(List<StreamReader.Read> read, Read nearest) {
    FeatureViewDefinition base = nearest.definition();
    Columns columns =
        base.readsMappedNames()
            ? new Columns(
                "view " + base.name() + " or what it maps",
                mappedColumns(base.sources().get(0)),
                nearest.brokenColumns(),
                problems)
            : new Columns(
                "view " + base.name() + " or its stream",
                read.get(0).definition().columns(),
                read.get(0).columns().broken(),
                problems);
    for (Optional<Read> view = Optional.of(nearest); view.isPresent(); view = baseOf(view.get())) {
      FeatureViewDefinition definition = view.get().definition();
      List<Column> dotted = new ArrayList<>();
      for (FeatureDefinition feature : definition.features()) {
        dotted.add(new Column(definition.name() + "." + feature.name(), feature.type(), true));
        if (!columns.isKnown(feature.name())) {
          columns.add(new Column(feature.name(), feature.type(), true));
        }
      }
      dotted.forEach(columns::add);
      for (String feature : view.get().broken()) {
        columns.addBroken(definition.name() + "." + feature);
        columns.addBroken(feature);
      }
    }
    return columns;
  }

  private static List<Column> mappedColumns(Source source) {
    List<Column> columns = new ArrayList<>();
    source.mapped().forEach((name, mapped) -> columns.add(new Column(name, mapped.type(), true)));
    return columns;
  }

  private static boolean isChangelog(StreamReader.Read stream) {
    return stream.definition().isChangelog();
  }

  /** Several streams, seen as one through the names that each maps to its own expressions. */
  private Optional<From> union(Text name, Section document, Optional<EntityDefinition> entity) {
    List<Section> sections = document.sections("from");
    if (sections.size() > MAX_SOURCES) {
      problems.add(
          document.at("from"),
          "has " + sections.size() + " sources, more than " + MAX_SOURCES,
          "leave some out");
      return Optional.empty();
    }
    List<Source> sources = new ArrayList<>();
    List<StreamReader.Read> read = new ArrayList<>();
    Set<String> names = new HashSet<>();
    Set<String> broken = new HashSet<>();
    boolean complete = true;
    for (Section section : sections) {
      section.allowOnly(Grammar.SOURCE);
      Text streamName =
          section
              .required("stream", "name the stream")
              .filter(written -> !isView(written))
              .orElse(null);
      StreamReader.Read stream = streamName == null ? null : streams.find(streamName).orElse(null);
      if (stream == null || streamName == null) {
        complete = false;
        continue;
      }
      if (!names.add(streamName.value())) {
        problems.add(
            streamName, "is in the list twice", "define a second entity for the other role");
        complete = false;
        continue;
      }
      Map<String, Expression> mapped = mapped(section, stream, broken);
      Optional<List<String>> key = key(section, stream.columns(), entity, streamName);
      complete &= key.isPresent();
      if (!sources.isEmpty()) {
        requireSame(section, mapped, sources.get(0), broken);
        requireSameKind(streamName, stream, read.get(0));
      }
      sources.add(new Source(streamName.value(), key.orElse(List.of()), mapped));
      read.add(stream);
    }
    if (sources.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new From(
            sources,
            Optional.empty(),
            new Columns(
                "the map of view " + name.value(), mappedColumns(sources.get(0)), broken, problems),
            complete));
  }

  private boolean isView(Text source) {
    boolean isView = views.isDeclared(source.value()) && !streams.isDeclared(source.value());
    if (isView) {
      problems.add(
          source,
          "is a view, and a list is of streams",
          "list the streams that it is computed from, or base the view on this one alone: from: "
              + source.value());
    }
    return isView;
  }

  private Map<String, Expression> mapped(
      Section section, StreamReader.Read stream, Set<String> broken) {
    Map<String, Expression> mapped = new LinkedHashMap<>();
    Section map = section.section("map").orElse(null);
    if (map == null) {
      return mapped;
    }
    for (String key : map.keys()) {
      boolean named = Names.isName(map.at(key).withValue(key), problems);
      Optional<Expression> expression = map.text(key).flatMap(stream.columns()::expression);
      if (named && expression.isPresent()) {
        mapped.put(key, expression.get());
      } else {
        broken.add(key);
      }
    }
    return mapped;
  }

  /** Every source has to map the same names to the same types. */
  private void requireSame(
      Section section, Map<String, Expression> mapped, Source first, Set<String> broken) {
    Text here = section.at("map");
    for (Map.Entry<String, Expression> other : first.mapped().entrySet()) {
      String key = other.getKey();
      Expression own = mapped.get(key);
      if (own == null && !broken.contains(key)) {
        problems.add(
            here,
            "does not have " + key + ", which the source of stream " + first.stream() + " maps",
            "map it to an expression of type " + other.getValue().type());
      } else if (own != null && own.type() != other.getValue().type()) {
        ColumnType type = other.getValue().type();
        problems.add(
            section.section("map").flatMap(map -> map.text(key)).orElse(here),
            "is " + own.type() + " but " + type + " in the source of stream " + first.stream(),
            "CAST one of them");
      }
    }
    for (String key : mapped.keySet()) {
      if (!first.mapped().containsKey(key) && !broken.contains(key)) {
        problems.add(
            here.withValue(key),
            "is not mapped by the source of stream " + first.stream(),
            "map it there too");
      }
    }
  }

  /** What an event id means has to be the same for all facts of a view. */
  private void requireSameKind(Text name, StreamReader.Read stream, StreamReader.Read first) {
    if (isChangelog(stream) != isChangelog(first)) {
      problems.add(
          name,
          "and stream "
              + first.definition().name()
              + " are a changelog and events, which do not mix",
          "make them views of their own");
    } else if (stream.definition().eventId().isPresent()
        != first.definition().eventId().isPresent()) {
      problems.add(
          name,
          "has "
              + (stream.definition().eventId().isPresent() ? "an" : "no")
              + " event_id, other than stream "
              + first.definition().name(),
          "give both streams an event_id, or none");
    }
  }

  /** Adds a view to the state it shares with others, within the limits of a state. */
  private void share(FeatureViewDefinition view, Text name, Section document) {
    for (Source source : view.sources()) {
      List<String> known =
          keyColumns.putIfAbsent(List.of(view.entity(), source.stream()), source.keyColumns());
      if (known != null && !known.equals(source.keyColumns())) {
        problems.add(
            document.has("key") ? document.at("key") : name.withoutValue(),
            "entity "
                + view.entity()
                + " is found in stream "
                + source.stream()
                + " by "
                + source.keyColumns()
                + " here and by "
                + known
                + " in another view",
            "define a second entity for the other role");
      }
    }
    for (FeatureDefinition feature : view.features()) {
      List<Object> facts =
          List.of(
              view.entity(),
              view.sources(),
              view.basedOn(),
              view.knowledge(),
              Windows.isCoarse(feature.window()));
      Shared state = shared.computeIfAbsent(facts, key -> new Shared());
      feature.arguments().forEach(read -> state.columns.add(Expressions.normalized(read.text())));
      feature.where().ifPresent(where -> state.filters.add(Expressions.normalized(where.text())));
      if (!state.reported
          && (state.columns.size() > MAX_COLUMNS || state.filters.size() > MAX_FILTERS)) {
        state.reported = true;
        problems.add(
            document.at("features"),
            "the views of entity "
                + view.entity()
                + " from "
                + view.basedOn().orElse("stream " + String.join(", ", view.streams()))
                + " aggregate more than "
                + MAX_COLUMNS
                + " columns, or with more than "
                + MAX_FILTERS
                + " different conditions",
            "move some to an entity of their own");
      }
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
