package dev.tailwater.definitions;

import dev.tailwater.definitions.StreamDefinition.Derived;
import dev.tailwater.definitions.StreamDefinition.Expectation;
import dev.tailwater.definitions.StreamDefinition.Otherwise;
import dev.tailwater.expressions.Suggestions;
import dev.tailwater.schemas.AvroContracts;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RecordSchema;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads {@code kind: stream}. */
final class StreamReader {

  private static final Duration DISORDER = Duration.ofSeconds(5);
  private static final Duration LATENESS = Duration.ofHours(1);
  private static final Duration IDLE_AFTER = Duration.ofSeconds(10);
  private static final Duration AHEAD = Duration.ofMinutes(1);
  private static final Duration TICK = Duration.ofMillis(1);

  private static final Map<String, RecordFormat> FORMATS =
      Map.of(
          "json", RecordFormat.JSON,
          "avro", RecordFormat.AVRO,
          "debezium-json", RecordFormat.DEBEZIUM_JSON);

  private final ProjectFiles files;
  private final Problems problems;
  private final Map<String, Text> topics = new HashMap<>();

  StreamReader(ProjectFiles files, Problems problems) {
    this.files = files;
    this.problems = problems;
  }

  /**
   * A stream as far as it can be read.
   *
   * @param columns what others may refer to, the columns with problems included
   */
  record Read(StreamDefinition definition, Columns columns) {}

  /** Absent if even its columns are unknown; every reason is reported. */
  Optional<Read> read(Text name, Section document) {
    document.allowOnly(Grammar.STREAM);
    String topic = topic(name, document);
    RecordFormat format = format(document);
    Duration disorder = duration(document, "disorder", Duration.ZERO, DISORDER);
    Duration lateness = duration(document, "lateness", Duration.ZERO, LATENESS);
    Duration idleAfter = duration(document, "idle_after", TICK, IDLE_AFTER);
    Duration ahead = duration(document, "ahead", Duration.ZERO, AHEAD);
    Optional<Text> eventTime =
        document.required("event_time", "name the column that says when the event happened");
    Optional<RecordSchema> schema =
        document
            .required("schema", "name the .avsc file, relative to the project folder")
            .flatMap(this::schema);
    if (schema.isEmpty()) {
      return Optional.empty();
    }

    Columns columns =
        new Columns("stream " + name.value(), schema.get().columns(), Set.of(), problems);
    // The columns of the record itself: derived ones do not exist yet when a record is identified.
    eventTime.ifPresent(text -> requireType(text, columns, Set.of(ColumnType.TIMESTAMP)));
    Optional<Text> eventId = document.text("event_id");
    eventId.ifPresent(
        text ->
            requireType(text, columns, Set.of(ColumnType.STRING, ColumnType.INT, ColumnType.LONG)));
    if (format.isChangelog()) {
      document.present("event_id", "name the primary key of the row, by which changes find it");
    }
    Optional<Text> key = document.text("key");
    key.ifPresent(columns::find);
    List<Derived> derived = derived(document, columns);
    List<Expectation> expectations = expectations(document, columns);

    StreamDefinition definition =
        new StreamDefinition(
            name.value(),
            topic,
            format,
            schema.get(),
            eventTime.map(Text::value).orElse(""),
            eventId.map(Text::value),
            key.map(Text::value),
            disorder,
            lateness,
            idleAfter,
            ahead,
            derived,
            expectations);
    return Optional.of(new Read(definition, columns));
  }

  /** The streams' topics, and where each is named. */
  Map<String, Text> topics() {
    return topics;
  }

  private String topic(Text name, Section document) {
    Text topic = document.text("topic").filter(text -> Names.isTopic(text, problems)).orElse(name);
    Text earlier = topics.putIfAbsent(topic.value(), topic);
    if (earlier != null) {
      problems.add(
          topic,
          "is already the topic of the stream in " + earlier.file() + ":" + earlier.line(),
          "read a topic as one stream");
    }
    return topic.value();
  }

  private RecordFormat format(Section document) {
    Optional<Text> written = document.text("format");
    if (written.isEmpty()) {
      return RecordFormat.JSON;
    }
    RecordFormat format = FORMATS.get(written.get().value());
    if (format == null) {
      problems.add(
          written.get(), "is not a format that can be read", "write json, avro or debezium-json");
      return RecordFormat.JSON;
    }
    return format;
  }

  private Duration duration(Section document, String key, Duration atLeast, Duration otherwise) {
    return Durations.read(document, key, atLeast, otherwise, problems);
  }

  private Optional<RecordSchema> schema(Text file) {
    return files
        .readReferenced(file)
        .flatMap(
            avsc -> {
              try {
                return Optional.of(AvroContracts.parse(avsc));
              } catch (IllegalArgumentException e) {
                problems.add(file, "is not a contract that can be read: " + e.getMessage(), "");
                return Optional.empty();
              }
            });
  }

  private void requireType(Text text, Columns columns, Set<ColumnType> types) {
    columns
        .find(text)
        .filter(column -> !types.contains(column.type()))
        .ifPresent(
            column ->
                problems.add(
                    text,
                    "is a " + column.type() + " column",
                    "name one that is "
                        + String.join(
                            " or ", types.stream().map(ColumnType::name).sorted().toList())));
  }

  private List<Derived> derived(Section document, Columns columns) {
    List<Derived> derived = new ArrayList<>();
    Section section = document.section("derive").orElse(null);
    if (section == null) {
      return derived;
    }
    columns.announce(section.keys());
    for (String key : section.keys()) {
      columns.reach(key);
      Optional<Text> text = section.text(key);
      Text at = section.at(key);
      boolean named = Names.isName(at.withValue(key), problems);
      if (columns.isKnown(key)) {
        problems.add(at, "is already a column of the stream", "choose another name");
        continue;
      }
      Optional<Expression> expression = text.flatMap(columns::expression);
      if (named && expression.isPresent()) {
        derived.add(new Derived(key, expression.get()));
        columns.add(new Column(key, expression.get().type(), true));
      } else {
        columns.addBroken(key);
      }
    }
    return derived;
  }

  private List<Expectation> expectations(Section document, Columns columns) {
    List<Expectation> expectations = new ArrayList<>();
    Section section = document.section("expect").orElse(null);
    if (section == null) {
      return expectations;
    }
    for (String key : section.keys()) {
      Names.isName(section.at(key).withValue(key), problems);
      Section expectation = section.section(key).orElse(null);
      if (expectation == null) {
        continue;
      }
      expectation.allowOnly(Grammar.EXPECTATION);
      Otherwise otherwise =
          expectation.text("else").map(this::otherwise).orElse(Otherwise.QUARANTINE);
      expectation
          .required("that", "write a condition, as in \"tx_amount >= 0\"")
          .flatMap(columns::condition)
          .ifPresent(that -> expectations.add(new Expectation(key, that, otherwise)));
    }
    return expectations;
  }

  private Otherwise otherwise(Text text) {
    Map<String, Otherwise> known = new LinkedHashMap<>();
    for (Otherwise otherwise : Otherwise.values()) {
      known.put(otherwise.name().toLowerCase(Locale.ROOT), otherwise);
    }
    Otherwise otherwise = known.get(text.value());
    if (otherwise == null) {
      problems.add(
          text,
          "is not what can become of a record",
          Suggestions.nextStep(text.value(), known.keySet()));
      return Otherwise.QUARANTINE;
    }
    return otherwise;
  }
}
