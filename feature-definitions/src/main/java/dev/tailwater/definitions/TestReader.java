package dev.tailwater.definitions;

import dev.tailwater.definitions.TestDefinition.Expected;
import dev.tailwater.definitions.TestDefinition.Given;
import dev.tailwater.definitions.TestDefinition.Value;
import dev.tailwater.expressions.Suggestions;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.Timestamps;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads {@code kind: test}. */
final class TestReader {

  private static final String STREAM = "stream";
  private static final String DELETED = "deleted";
  private static final String APPENDED = "appended";
  private static final Pattern TIME_OF_DAY = Pattern.compile("\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?");

  /** The day of a time that is written without one. */
  private static final String DAY = "2026-01-01T";

  private final Registry<StreamReader.Read> streams;
  private final Registry<EntityDefinition> entities;
  private final Registry<FeatureViewReader.Read> views;
  private final Problems problems;

  TestReader(
      Registry<StreamReader.Read> streams,
      Registry<EntityDefinition> entities,
      Registry<FeatureViewReader.Read> views,
      Problems problems) {
    this.streams = streams;
    this.entities = entities;
    this.views = views;
    this.problems = problems;
  }

  /** Absent if its view is unknown or has a problem; every reason is reported. */
  Optional<TestDefinition> read(Section document) {
    document.allowOnly(Grammar.TEST);
    Optional<FeatureViewReader.Read> view =
        document.required("view", "name the view that is tested").flatMap(views::find);
    document.present("given", "write events, as in given: [{at: \"10:00\", customer_id: a}]");
    document.present("expect", "write values, as in expect: [{at: \"10:00\", tx_count: 2}]");
    List<Section> given = document.sections("given");
    List<Section> expected = document.sections("expect");
    if (view.isEmpty()) {
      return Optional.empty();
    }
    FeatureViewDefinition definition = view.get().definition();
    Text here = document.here();
    List<Given> events = given(given, definition);
    return Optional.of(
        new TestDefinition(
            document.text("name").map(Text::value).orElse(definition.name()),
            definition.name(),
            here.file(),
            here.line(),
            events,
            expected.stream().flatMap(row -> expected(row, view.get(), events).stream()).toList()));
  }

  private List<Given> given(List<Section> rows, FeatureViewDefinition view) {
    List<Given> given = new ArrayList<>();
    for (Section row : rows) {
      Optional<StreamDefinition> stream = stream(row, view).map(StreamReader.Read::definition);
      if (stream.isPresent()) {
        (isDeletion(row, stream.get())
                ? deletion(row, stream.get(), view, given)
                : event(row, stream.get(), view))
            .ifPresent(given::add);
      }
    }
    return given;
  }

  private static boolean isDeletion(Section row, StreamDefinition stream) {
    return row.has(DELETED) && stream.schema().indexOf(DELETED) < 0;
  }

  /** The end of a row that an event before it told. */
  private Optional<Given> deletion(
      Section row, StreamDefinition stream, FeatureViewDefinition view, List<Given> before) {
    String id = stream.eventId().orElse("");
    if (!stream.format().isChangelog() || id.isEmpty()) {
      problems.add(
          row.at(DELETED),
          "cannot be said of stream " + stream.name() + ": its events are not changes of rows",
          "leave it out, or give the stream format: debezium-json");
      return Optional.empty();
    }
    row.allowOnly(Set.of(STREAM, DELETED, APPENDED, id));
    if (!row.text(DELETED).map(Text::value).equals(Optional.of("true"))) {
      problems.add(row.at(DELETED), "can only be true", "write deleted: true, or leave it out");
    }
    Optional<Text> written = row.required(id, "name the row that is gone");
    Optional<Object> gone = written.flatMap(text -> scalar(text, type(stream, id)));
    if (gone.isEmpty()) {
      return Optional.empty();
    }
    Optional<Given> last =
        before.stream()
            .filter(event -> event.stream().equals(stream.name()))
            .filter(event -> gone.get().equals(event.values().get(id)))
            .reduce((earlier, later) -> later);
    if (last.isEmpty() || last.get().deleted()) {
      problems.add(
          written.get(),
          "is not the id of a row that is there",
          "write the event that tells the row before its deletion");
      return Optional.empty();
    }
    Given told = last.get();
    return Optional.of(
        new Given(
            row.here().line(),
            told.stream(),
            told.eventTime(),
            told.values(),
            true,
            appended(row, stream, view).orElse(told.appended())));
  }

  private static ColumnType type(StreamDefinition stream, String column) {
    return stream.schema().columns().get(stream.schema().indexOf(column)).type();
  }

  /** When the log got the event, if that is said. */
  private Optional<Long> appended(
      Section row, StreamDefinition stream, FeatureViewDefinition view) {
    if (!saysAppended(row, stream)) {
      return Optional.empty();
    }
    if (!isAsKnown(view)) {
      problems.add(
          row.at(APPENDED),
          "changes nothing: events count in view " + view.name() + " from their event time on",
          "leave it out, or give the view knowledge: as_known");
      return Optional.empty();
    }
    return row.text(APPENDED).flatMap(this::instant);
  }

  private static boolean saysAppended(Section row, StreamDefinition stream) {
    return row.has(APPENDED) && stream.schema().indexOf(APPENDED) < 0;
  }

  /** Whether the view, or one that it is computed from, counts events once they are known. */
  private boolean isAsKnown(FeatureViewDefinition view) {
    return view.knowledge() == Knowledge.AS_KNOWN
        || view.basedOn()
            .flatMap(views::get)
            .filter(based -> isAsKnown(based.definition()))
            .isPresent();
  }

  private Optional<Given> event(
      Section row, StreamDefinition definition, FeatureViewDefinition view) {
    Optional<Long> at = at(row);
    if (at.isEmpty()) {
      return Optional.empty();
    }
    Map<String, ColumnType> columns = new LinkedHashMap<>();
    definition.schema().columns().forEach(column -> columns.put(column.name(), column.type()));
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    values.put(definition.eventTime(), at.get());
    for (String key : row.keys()) {
      if (key.equals(Names.AT)
          || (key.equals(STREAM) && !columns.containsKey(STREAM))
          || (key.equals(APPENDED) && saysAppended(row, definition))) {
        continue;
      }
      ColumnType type = columns.get(key);
      if (type == null) {
        problems.add(
            row.at(key),
            "is not a column of the schema of stream " + definition.name(),
            Suggestions.nextStep(key, columns.keySet()));
      } else if (key.equals(definition.eventTime())) {
        problems.add(row.at(key), "is the event time, which at says", "leave it out");
      } else {
        row.nullableText(key)
            .ifPresent(
                text -> {
                  if (text.isNull()) {
                    values.put(key, null);
                  } else {
                    scalar(text, type).ifPresent(value -> values.put(key, value));
                  }
                });
      }
    }
    return Optional.of(
        new Given(
            row.here().line(),
            definition.name(),
            at.get(),
            values,
            false,
            appended(row, definition, view).orElse(at.get())));
  }

  private Optional<StreamReader.Read> stream(Section row, FeatureViewDefinition view) {
    List<String> names = view.streams();
    Optional<StreamReader.Read> only = streams.get(names.get(0));
    boolean isColumn = only.isPresent() && only.get().definition().schema().indexOf(STREAM) >= 0;
    if (names.size() == 1 && (!row.has(STREAM) || isColumn)) {
      return only;
    }
    Optional<Text> written =
        row.required(STREAM, "name the stream of the event: one of " + String.join(", ", names));
    if (written.isPresent() && !names.contains(written.get().value())) {
      problems.add(
          written.get(),
          "is not a stream of view " + view.name(),
          Suggestions.nextStep(written.get().value(), names));
      return Optional.empty();
    }
    return written.flatMap(text -> streams.get(text.value()));
  }

  private Optional<Long> at(Section row) {
    return row.required(Names.AT, "write when, as in at: \"10:00\"").flatMap(this::instant);
  }

  private Optional<Long> instant(Text text) {
    String written = text.value();
    try {
      return Optional.of(
          Timestamps.parse(TIME_OF_DAY.matcher(written).matches() ? DAY + written + "Z" : written));
    } catch (IllegalArgumentException e) {
      problems.add(
          text, "is not an instant", "write 2026-01-01T10:00:00Z, or a time of that day as 10:00");
      return Optional.empty();
    }
  }

  private Optional<Expected> expected(Section row, FeatureViewReader.Read view, List<Given> given) {
    FeatureViewDefinition definition = view.definition();
    EntityDefinition entity = entities.get(definition.entity()).orElse(null);
    Optional<Long> at = at(row);
    if (entity == null || at.isEmpty()) {
      return Optional.empty();
    }
    if (entity.key().stream().anyMatch(column -> column.name().equals(Names.AT))) {
      problems.add(
          row.at(Names.AT),
          "is both when the question is asked and a key column of entity " + entity.name(),
          "give the key column another name, and map it in the view's key");
      return Optional.empty();
    }
    List<Object> key = new ArrayList<>();
    Set<String> known = new LinkedHashSet<>(Set.of(Names.AT));
    for (Column column : entity.key()) {
      known.add(column.name());
      if (row.present(column.name(), "say about which " + entity.name())) {
        row.nullableText(column.name())
            .flatMap(text -> notNull(text, column.type()))
            .ifPresent(key::add);
      }
    }
    Optional<Object> about = Optional.empty();
    if (!known.contains(Names.ABOUT) && row.has(Names.ABOUT)) {
      known.add(Names.ABOUT);
      about = about(row, definition, given);
    }
    Map<String, Value> values = new LinkedHashMap<>();
    for (String name : row.keys()) {
      if (known.contains(name)) {
        continue;
      }
      Optional<FeatureDefinition> feature = definition.feature(name);
      if (feature.isPresent()) {
        value(row, name, feature.get().type()).ifPresent(value -> values.put(name, value));
      } else if (!view.broken().contains(name)) {
        problems.add(
            row.at(name),
            "is not a feature of view " + definition.name(),
            Suggestions.nextStep(
                name, definition.features().stream().map(FeatureDefinition::name).toList()));
      }
    }
    if (row.keys().stream().allMatch(known::contains)) {
      problems.add(row.here(), "expects nothing", "write the value of a feature");
    }
    return key.size() < entity.key().size()
        ? Optional.empty()
        : Optional.of(new Expected(row.here().line(), at.get(), key, about, values));
  }

  /**
   * The id of the event that a question is about. Questions are asked in the view's first stream,
   * and an id without a stream is one of that.
   */
  private Optional<Object> about(Section row, FeatureViewDefinition view, List<Given> given) {
    String name = view.streams().get(0);
    StreamDefinition stream = streams.get(name).map(StreamReader.Read::definition).orElse(null);
    if (stream == null) {
      return Optional.empty();
    }
    String id = stream.eventId().orElse("");
    if (stream.schema().indexOf(id) < 0) {
      problems.add(
          row.at(Names.ABOUT), "needs ids of events", "give stream " + name + " an event_id");
      return Optional.empty();
    }
    Optional<Text> written = row.text(Names.ABOUT);
    Optional<Object> about = written.flatMap(text -> scalar(text, type(stream, id)));
    if (about.isPresent()
        && given.stream()
            .filter(event -> event.stream().equals(name))
            .noneMatch(event -> about.get().equals(event.values().get(id)))) {
      problems.add(
          written.orElseThrow(),
          "is not the id of an event that is given in stream " + name,
          "name one, or leave it out: then the question is about no event");
    }
    return about;
  }

  private Optional<Value> value(Section row, String name, ColumnType type) {
    if (type.isList()) {
      return list(row, name, type);
    }
    if (type.isMap() && row.isSection(name)) {
      return map(row.section(name).orElseThrow(), type);
    }
    if (type.isMap() && row.isList(name)) {
      problems.add(row.at(name), "is not a map", "write {a: 1, b: 2}");
      return Optional.empty();
    }
    if (type == ColumnType.DOUBLE && row.isSection(name)) {
      return near(row.section(name).orElseThrow());
    }
    Optional<Text> text = row.nullableText(name);
    if (text.isPresent() && text.get().isNull()) {
      return Optional.of(new Value(null, 0));
    }
    if (type.isMap()) {
      text.ifPresent(written -> problems.add(written, "is not a map", "write {a: 1, b: 2}"));
      return Optional.empty();
    }
    return text.flatMap(written -> scalar(written, type)).map(value -> new Value(value, 0));
  }

  private Optional<Value> near(Section section) {
    section.allowOnly(Grammar.NEAR);
    Optional<Object> value =
        section
            .required("near", "write the value, as in {near: 1.5, by: 1e-9}")
            .flatMap(text -> scalar(text, ColumnType.DOUBLE));
    Optional<Object> by =
        section
            .required("by", "write how far it may be off, as in {near: 1.5, by: 1e-9}")
            .flatMap(text -> scalar(text, ColumnType.DOUBLE));
    if (by.isPresent() && !((Double) by.get() >= 0 && Double.isFinite((Double) by.get()))) {
      problems.add(section.at("by"), "is not a distance", "write a number from 0 on, as in 1e-9");
      return Optional.empty();
    }
    return value.flatMap(found -> by.map(distance -> new Value(found, (Double) distance)));
  }

  private Optional<Value> list(Section row, String name, ColumnType type) {
    if (!row.isList(name)) {
      Optional<Text> text = row.nullableText(name);
      if (text.isPresent() && text.get().isNull()) {
        return Optional.of(new Value(null, 0));
      }
      text.ifPresent(written -> problems.add(written, "is not a list", "write [1, 2]"));
      return Optional.empty();
    }
    List<Object> values = new ArrayList<>();
    List<Text> texts = row.nullableTexts(name);
    if (texts.isEmpty()) {
      problems.add(row.at(name), "is an empty list", "write null: a list of nothing is NULL");
      return Optional.empty();
    }
    for (Text text : texts) {
      notNull(text, type.elementType()).ifPresent(values::add);
    }
    return values.size() < texts.size()
        ? Optional.empty()
        : Optional.of(new Value(List.copyOf(values), 0));
  }

  private Optional<Value> map(Section section, ColumnType type) {
    TreeMap<String, Object> values = new TreeMap<>();
    for (String key : section.keys()) {
      section
          .text(key)
          .flatMap(text -> scalar(text, type.elementType()))
          .ifPresent(value -> values.put(key, value));
    }
    return values.size() < section.keys().size()
        ? Optional.empty()
        : Optional.of(new Value(values, 0));
  }

  /** A value that may be empty text: neither keys nor lists hold NULL. */
  private Optional<Object> notNull(Text text, ColumnType type) {
    if (text.isNull()) {
      problems.add(text, "is NULL, which is no value here", "write a value of type " + type);
      return Optional.empty();
    }
    return scalar(text, type);
  }

  private Optional<Object> scalar(Text text, ColumnType type) {
    try {
      return Optional.of(Literals.parse(text, type));
    } catch (IllegalArgumentException e) {
      problems.add(text, "is not a value of type " + type, "write one, or null for NULL");
      return Optional.empty();
    }
  }
}
