package dev.tailwater.definitions;

import dev.tailwater.definitions.ModelDefinition.Element;
import dev.tailwater.definitions.ModelDefinition.Labels;
import dev.tailwater.expressions.Suggestions;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.PredictionFormat;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads {@code kind: model}. */
final class ModelReader {

  private static final Duration DEADLINE = Duration.ofMillis(100);
  private static final Duration TICK = Duration.ofMillis(1);
  private static final int MAX_INPUTS = 2000;
  private static final Set<ColumnType> IDS =
      Set.of(ColumnType.STRING, ColumnType.INT, ColumnType.LONG);

  /** What the topic of a stream's dead letters ends with. */
  private static final String DEAD_LETTERS = ".dead-letters";

  private static final Pattern PLAIN = Pattern.compile("\\w+(\\.\\w+)?");
  private static final Pattern ALL_OF_VIEW = Pattern.compile("(\\w+)\\.\\*");
  private static final Pattern NAMED = Pattern.compile("(\\w+)\\s*:\\s*(.+)", Pattern.DOTALL);

  private final Registry<StreamReader.Read> streams;
  private final Registry<EntityDefinition> entities;
  private final Registry<FeatureViewReader.Read> views;
  private final EntityReader entityReader;
  private final FeatureViewReader viewReader;
  private final Map<String, Text> topics;
  private final Problems problems;

  /** By entity and stream: how models find the one in the other. */
  private final Map<List<String>, List<String>> asked = new HashMap<>();

  /** By stream: when the first model that asks it wants its answers. */
  private final Map<String, AnswerMode> answers = new HashMap<>();

  /** By topic: where the first model says that it writes to it. */
  private final Map<String, Text> predictions = new HashMap<>();

  /** By stream: what the questions of the first model that asks it are about. */
  private final Map<String, Optional<String>> abouts = new HashMap<>();

  ModelReader(
      Registry<StreamReader.Read> streams,
      Registry<EntityDefinition> entities,
      Registry<FeatureViewReader.Read> views,
      EntityReader entityReader,
      FeatureViewReader viewReader,
      Map<String, Text> topics,
      Problems problems) {
    this.streams = streams;
    this.entities = entities;
    this.views = views;
    this.entityReader = entityReader;
    this.viewReader = viewReader;
    this.topics = topics;
    this.problems = problems;
  }

  /** Absent if its stream is unknown; every reason is reported. */
  Optional<ModelDefinition> read(Text name, Section document) {
    document.allowOnly(Grammar.MODEL);
    Optional<Text> ask = document.required("ask", "name the stream whose events ask");
    Optional<StreamReader.Read> stream = ask.flatMap(streams::find);
    if (stream.isPresent() && stream.get().definition().isChangelog()) {
      problems.add(
          ask.orElse(name),
          "is a changelog, whose records are changes and not questions",
          "ask a stream of events");
    }
    AnswerMode answer = answer(name, document, stream);
    Optional<String> about = about(name, document, stream);
    Duration deadline = Durations.read(document, "deadline", TICK, DEADLINE, problems);
    double fallback = fallback(document);
    String to = to(name, document);
    PredictionFormat format =
        document
            .text("format")
            .map(text -> choice(text, PredictionFormat.values(), PredictionFormat.JSON))
            .orElse(PredictionFormat.JSON);
    Optional<Labels> labels = labels(document, stream);
    document.present("vector", "list the inputs of the model, as in [tx_amount, view.*]");
    if (stream.isEmpty()) {
      return Optional.empty();
    }
    List<Element> vector = vector(document, stream.get());
    Map<String, List<String>> keyColumns =
        keyColumns(document, vector, stream.get(), ask.orElse(document.here()));
    return Optional.of(
        new ModelDefinition(
            name.value(),
            stream.get().definition().name(),
            answer,
            about,
            keyColumns,
            vector,
            deadline,
            fallback,
            to,
            format,
            labels));
  }

  /** All models that ask one stream get their answers at the same time: it is one question. */
  private AnswerMode answer(Text name, Section document, Optional<StreamReader.Read> stream) {
    Optional<Text> written = document.text("answer");
    AnswerMode answer =
        written
            .map(text -> choice(text, AnswerMode.values(), AnswerMode.ON_ARRIVAL))
            .orElse(AnswerMode.ON_ARRIVAL);
    if (stream.isPresent()) {
      String asked = stream.get().definition().name();
      AnswerMode first = answers.putIfAbsent(asked, answer);
      if (first != null && first != answer) {
        problems.add(
            written.orElse(name),
            "differs from another model that asks stream " + asked + ", which has " + text(first),
            "give both models the same answer");
      }
    }
    return answer;
  }

  /** All models that ask one stream ask about the same event. */
  private Optional<String> about(Text name, Section document, Optional<StreamReader.Read> stream) {
    Optional<Text> written = document.text("about");
    if (stream.isEmpty()) {
      return Optional.empty();
    }
    Optional<Column> column = written.flatMap(stream.get().columns()::find);
    if (column.isPresent() && !IDS.contains(column.get().type())) {
      problems.add(
          written.orElse(name),
          "is a " + column.get().type() + " column",
          "name the one that holds an event id: INT, LONG or STRING");
    }
    String asked = stream.get().definition().name();
    Optional<String> about = written.map(Text::value);
    Optional<String> first = abouts.putIfAbsent(asked, about);
    if (first != null && !first.equals(about)) {
      problems.add(
          written.orElse(name),
          "differs from another model that asks stream "
              + asked
              + ", which asks about "
              + first.orElse("the asking event"),
          "give both models the same about");
    }
    return about;
  }

  private <T extends Enum<T>> T choice(Text written, T[] known, T otherwise) {
    for (T constant : known) {
      if (written.value().equals(text(constant))) {
        return constant;
      }
    }
    problems.add(
        written,
        "is not known here",
        "write one of " + Arrays.stream(known).map(ModelReader::text).toList());
    return otherwise;
  }

  private static String text(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private double fallback(Section document) {
    Optional<Text> text =
        document.required("fallback", "write the score to give when there is none in time");
    if (text.isEmpty()) {
      return 0;
    }
    Optional<Double> fallback = text.get().number();
    if (fallback.isEmpty()) {
      problems.add(text.get(), "is not a number", "write a probability, as in 0.5");
    } else if (fallback.get() < 0 || fallback.get() > 1) {
      problems.add(text.get(), "is not between 0 and 1", "a score is a probability");
    }
    return fallback.orElse(0.0);
  }

  private String to(Text name, Section document) {
    Optional<Text> written = document.text("to").filter(text -> Names.isTopic(text, problems));
    String to = written.map(Text::value).orElse("predictions." + name.value());
    Text stream = topics.get(to);
    if (stream != null) {
      problems.add(
          written.orElse(name),
          "is the topic of the stream in " + stream.file() + ":" + stream.line(),
          "write predictions to a topic of their own");
    }
    Text letters =
        to.endsWith(DEAD_LETTERS)
            ? topics.get(to.substring(0, to.length() - DEAD_LETTERS.length()))
            : null;
    if (letters != null) {
      problems.add(
          written.orElse(name),
          "is where the dead letters of the stream in "
              + letters.file()
              + ":"
              + letters.line()
              + " are",
          "write predictions to a topic of their own");
    }
    Text earlier = predictions.putIfAbsent(to, written.orElse(name));
    if (earlier != null) {
      problems.add(
          written.orElse(name),
          "is already where the model in "
              + earlier.file()
              + ":"
              + earlier.line()
              + " writes its predictions",
          "give each model a topic of its own");
    }
    return to;
  }

  private Optional<Labels> labels(Section document, Optional<StreamReader.Read> asking) {
    Section labels = document.section("labels").orElse(null);
    if (labels == null) {
      return Optional.empty();
    }
    labels.allowOnly(Grammar.LABELS);
    Optional<StreamReader.Read> stream =
        labels.required("stream", "name the stream that brings the truth").flatMap(streams::find);
    Optional<Text> on =
        labels.required("on", "name its column that holds the event id of the question");
    Optional<Text> value = labels.required("value", "name its column that holds the label");
    Optional<Duration> within =
        labels
            .required("within", "write how long a label may take, as in 30d")
            .flatMap(text -> Durations.read(text, TICK, problems));
    Optional<Column> eventId = Optional.empty();
    if (asking.isPresent()) {
      StreamDefinition definition = asking.get().definition();
      if (definition.eventId().isEmpty()) {
        problems.add(
            labels.here(),
            "stream " + definition.name() + " has no event_id that a label could name",
            "give the stream an event_id");
      }
      eventId = definition.eventId().flatMap(asking.get().columns()::get);
    }
    Optional<Columns> columns = stream.map(StreamReader.Read::columns);
    Optional<Column> onColumn = columns.flatMap(known -> on.flatMap(known::find));
    if (onColumn.isPresent()
        && eventId.isPresent()
        && onColumn.get().type() != eventId.get().type()) {
      problems.add(
          on.get(),
          "is "
              + onColumn.get().type()
              + " but the event id "
              + eventId.get().name()
              + " is "
              + eventId.get().type(),
          "name the column that holds the question's event id");
    }
    columns
        .flatMap(known -> value.flatMap(known::find))
        .filter(column -> !column.type().isNumeric())
        .ifPresent(
            column ->
                problems.add(
                    value.get(),
                    "is a " + column.type() + " column",
                    "name a BOOLEAN or numeric one, or derive it"));
    if (stream.isEmpty() || on.isEmpty() || value.isEmpty() || within.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new Labels(
            stream.get().definition().name(), on.get().value(), value.get().value(), within.get()));
  }

  private List<Element> vector(Section document, StreamReader.Read stream) {
    Columns inputs = inputs(stream);
    List<Element> vector = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Text text : document.elements("vector")) {
      for (Element element : elements(text, inputs, stream)) {
        if (!names.add(element.name())) {
          problems.add(text, element.name() + " is in the vector twice", "keep one of them");
        } else if (!isInput(element)) {
          problems.add(
              text,
              element.name() + " is " + element.expression().type() + ", and a model reads numbers",
              asNumber(element.expression()));
        } else {
          vector.add(element);
        }
      }
    }
    if (document.isList("vector") && document.elements("vector").isEmpty()) {
      problems.add(document.at("vector"), "is empty", "list the inputs of the model");
    }
    if (vector.size() > MAX_INPUTS) {
      problems.add(
          document.at("vector"),
          "has " + vector.size() + " inputs, more than " + MAX_INPUTS,
          "leave some out");
    }
    return vector;
  }

  /** Whether an element is one number. */
  private static boolean isInput(Element element) {
    ColumnType type = element.expression().type();
    return element.element() > 0 ? type.elementType().isNumeric() : type.isNumeric();
  }

  /** How a value that is not a number becomes one. */
  private static String asNumber(Expression expression) {
    ColumnType type = expression.type();
    if (type.isMap()) {
      return "name a key in an expression, as in \"x: " + expression.text().trim() + "['a']\"";
    }
    if (type == ColumnType.TIMESTAMP) {
      return "turn it into a number, as in \"x: UNIX_MILLIS(" + expression.text().trim() + ")\"";
    }
    return type.isList()
        ? "name an element in an expression, as in \"x: " + expression.text().trim() + "[1]\""
        : "turn it into a number, as in CASE WHEN x = 'a' THEN 1 ELSE 0 END";
  }

  /** One element for each place of a list of numbers that is a feature; else the one itself. */
  private List<Element> spread(String name, Expression expression) {
    Optional<FeatureDefinition> feature = feature(expression);
    if (feature.isEmpty()
        || !feature.get().type().isList()
        || feature.get().type() == ColumnType.STRING_LIST) {
      return List.of(new Element(name, expression, 0));
    }
    List<Element> elements = new ArrayList<>();
    for (int i = 1; i <= feature.get().limit(); i++) {
      elements.add(new Element(name + "_" + i, expression, i));
    }
    return elements;
  }

  /** The feature that an expression is, if it is no more than one. */
  private Optional<FeatureDefinition> feature(Expression expression) {
    String text = expression.text().trim();
    int dot = text.indexOf('.');
    return dot < 0 || !expression.reads().equals(List.of(text))
        ? Optional.empty()
        : views
            .get(text.substring(0, dot))
            .flatMap(view -> view.definition().feature(text.substring(dot + 1)));
  }

  /** The asking stream's columns, and every feature as {@code view.feature}. */
  private Columns inputs(StreamReader.Read stream) {
    List<Column> columns = new ArrayList<>(stream.definition().columns());
    Set<String> broken = new HashSet<>(stream.columns().broken());
    for (FeatureViewReader.Read view : views.all()) {
      for (FeatureDefinition feature : view.definition().features()) {
        columns.add(
            new Column(view.definition().name() + "." + feature.name(), feature.type(), true));
      }
      for (String feature : view.broken()) {
        broken.add(view.definition().name() + "." + feature);
      }
    }
    return new Columns(
        "stream " + stream.definition().name() + ", nor a feature", columns, broken, problems);
  }

  private List<Element> elements(Text text, Columns inputs, StreamReader.Read stream) {
    Matcher allOfView = ALL_OF_VIEW.matcher(text.value().trim());
    if (allOfView.matches()) {
      List<Element> elements = new ArrayList<>();
      String view = allOfView.group(1);
      views
          .find(text.withValue(view))
          .ifPresent(
              found -> {
                for (FeatureDefinition feature : found.definition().features()) {
                  String name = view + "." + feature.name();
                  elements.addAll(
                      spread(name, new Expression(name, feature.type(), List.of(name))));
                }
              });
      return elements;
    }
    String plain = text.value().trim();
    if (PLAIN.matcher(plain).matches()) {
      return plain(text.withValue(plain), inputs, stream);
    }
    Matcher named = NAMED.matcher(plain);
    if (!named.matches()) {
      problems.add(
          text, "is not an input", "write a column, view.feature, view.*, or \"name: expression\"");
      return List.of();
    }
    String name = named.group(1);
    if (!Names.isName(text.withValue(name), problems)) {
      return List.of();
    }
    return inputs
        .expression(text.withValue(named.group(2)))
        .map(expression -> spread(name, expression))
        .orElse(List.of());
  }

  private List<Element> plain(Text text, Columns inputs, StreamReader.Read stream) {
    String name = text.value();
    int dot = name.indexOf('.');
    if (dot >= 0) {
      String view = name.substring(0, dot);
      Optional<FeatureViewReader.Read> found = views.find(text.withValue(view));
      if (found.isPresent() && !inputs.isKnown(name)) {
        List<String> features =
            found.get().definition().features().stream().map(FeatureDefinition::name).toList();
        problems.add(
            text,
            "is not a feature of view " + view,
            Suggestions.nextStep(name.substring(dot + 1), features));
      }
    } else if (!stream.columns().isKnown(name)) {
      problems.add(
          text,
          views.isDeclared(name)
              ? "is a view, not an input"
              : "is not a column of stream " + stream.definition().name(),
          views.isDeclared(name)
              ? "write " + name + ".* for all its features"
              : Suggestions.nextStep(name, stream.columns().names()));
    }
    return inputs
        .get(name)
        .map(column -> spread(name, new Expression(name, column.type(), List.of(name))))
        .orElse(List.of());
  }

  /** How the asking stream's events find each entity whose features the vector reads. */
  private Map<String, List<String>> keyColumns(
      Section document, List<Element> vector, StreamReader.Read stream, Text ask) {
    Map<String, Text> written = new LinkedHashMap<>();
    document
        .section("key")
        .ifPresent(
            key -> {
              for (String column : key.keys()) {
                key.text(column).ifPresent(text -> written.put(column, text));
              }
            });
    Map<String, Text> unused = new LinkedHashMap<>(written);
    Map<String, List<String>> keyColumns = new LinkedHashMap<>();
    for (String entityName : entitiesOf(vector)) {
      EntityDefinition entity = entities.get(entityName).orElse(null);
      if (entity == null) {
        continue;
      }
      Map<String, Text> mapped = new LinkedHashMap<>();
      for (Column key : entity.key()) {
        for (String form : List.of(key.name(), entityName + "." + key.name())) {
          Text text = written.get(form);
          if (text != null) {
            mapped.put(key.name(), text);
            unused.remove(form);
          }
        }
      }
      String streamName = stream.definition().name();
      Optional<List<String>> usual =
          viewReader
              .keyColumns(entityName, streamName)
              .or(() -> Optional.ofNullable(asked.get(List.of(entityName, streamName))));
      entityReader
          .keyColumns(entity, stream.columns(), mapped, usual, ask)
          .ifPresent(
              columns -> {
                keyColumns.put(entityName, columns);
                asked.putIfAbsent(List.of(entityName, streamName), columns);
                usual
                    .filter(other -> !other.equals(columns))
                    .ifPresent(
                        other ->
                            problems.add(
                                document.at("key"),
                                "entity "
                                    + entityName
                                    + " is found in stream "
                                    + streamName
                                    + " by "
                                    + columns
                                    + " here and by "
                                    + other
                                    + " elsewhere",
                                "define a second entity for the other role"));
              });
    }
    for (Text text : unused.values()) {
      problems.add(
          text.withoutValue(),
          "is not a key column of an entity that the vector reads",
          "leave it out");
    }
    return keyColumns;
  }

  private Set<String> entitiesOf(List<Element> vector) {
    Set<String> names = new LinkedHashSet<>();
    for (Element element : vector) {
      for (String read : element.expression().reads()) {
        int dot = read.indexOf('.');
        if (dot >= 0) {
          views
              .get(read.substring(0, dot))
              .ifPresent(view -> names.add(view.definition().entity()));
        }
      }
    }
    return names;
  }
}
