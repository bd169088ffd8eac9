package dev.tailwater.jobs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/**
 * One case of the conformance suite; {@code conformance/README.md} has the format.
 *
 * @param definition the documents of the project; a stream's columns stand in place of its schema
 * @param events in the order of the log
 * @param askedAtEnd whether a live run that has read the whole log is asked, too
 * @param rows what is written of each view; none if that is not looked at
 */
record ConformanceCase(
    String name,
    List<Map<String, @Nullable Object>> definition,
    List<Map<String, @Nullable Object>> events,
    List<Question> questions,
    boolean askedAtEnd,
    Optional<List<Row>> rows,
    TreeSet<String> deadLetters) {

  /**
   * What is asked, and what is expected then.
   *
   * @param asked the entity's key and what else the question says
   * @param refusal what a live run does that has read the whole log
   */
  record Question(
      Map<String, @Nullable Object> asked,
      String at,
      Map<String, @Nullable Object> expected,
      Refusal refusal) {}

  /** Whether a question is refused. */
  enum Refusal {
    NEVER,
    ALWAYS,
    /** Refused, or answered exactly. */
    MAYBE
  }

  /**
   * A row of a view.
   *
   * @param entity the entity's key and what else the row says
   * @param until null for ever
   */
  record Row(
      Map<String, @Nullable Object> entity,
      String from,
      @Nullable String until,
      Map<String, @Nullable Object> values) {}

  private static final Path FOLDER = Path.of("../conformance/cases");

  /** The files of the suite, by name. */
  static List<Path> files() {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The cases of one file. */
  static List<ConformanceCase> read(Path file) throws IOException {
    LoadSettings settings = LoadSettings.builder().setCodePointLimit(16 << 20).build();
    Map<String, @Nullable Object> content =
        map(new Load(settings).loadFromString(Files.readString(file)));
    List<Map<String, @Nullable Object>> shared = maps(content.get("definition"));
    return maps(content.get("cases")).stream().map(found -> of(shared, found)).toList();
  }

  private static ConformanceCase of(
      List<Map<String, @Nullable Object>> shared, Map<String, @Nullable Object> found) {
    Map<List<@Nullable Object>, Map<String, @Nullable Object>> documents = new LinkedHashMap<>();
    for (var documentsOfOne : List.of(shared, maps(found.get("definition")))) {
      for (Map<String, @Nullable Object> document : documentsOfOne) {
        documents
            .computeIfAbsent(
                List.of(String.valueOf(document.get("kind")), String.valueOf(document.get("name"))),
                key -> new LinkedHashMap<>())
            .putAll(document);
      }
    }
    Object features = found.get("features");
    if (features != null) {
      Map<String, @Nullable Object> last = Map.of();
      for (Map<String, @Nullable Object> document : documents.values()) {
        last = "feature-view".equals(document.get("kind")) ? document : last;
      }
      last.put("features", features);
    }
    List<Question> questions = new ArrayList<>();
    for (Map<String, @Nullable Object> question : maps(found.get("questions"))) {
      questions.add(
          new Question(
              question,
              String.valueOf(question.get("at")),
              map(question.get("expected")),
              refusal(question.getOrDefault("rejected", false))));
    }
    List<Row> rows = new ArrayList<>();
    for (Map<String, @Nullable Object> row : maps(found.get("rows"))) {
      rows.add(
          new Row(
              row,
              String.valueOf(row.get("from")),
              (String) row.get("until"),
              map(row.get("values"))));
    }
    TreeSet<String> letters = new TreeSet<>();
    for (Map<String, @Nullable Object> letter : maps(found.get("dead_letters"))) {
      letters.add(
          "%s/%s/%s %s"
              .formatted(
                  letter.get("stream"),
                  letter.get("partition"),
                  letter.get("offset"),
                  letter.get("reason")));
    }
    return new ConformanceCase(
        String.valueOf(found.get("name")),
        List.copyOf(documents.values()),
        maps(found.get("events")),
        questions,
        Boolean.TRUE.equals(found.get("asked_at_end")),
        found.containsKey("rows") ? Optional.of(rows) : Optional.empty(),
        letters);
  }

  private static Refusal refusal(@Nullable Object rejected) {
    return "maybe".equals(rejected)
        ? Refusal.MAYBE
        : Boolean.TRUE.equals(rejected) ? Refusal.ALWAYS : Refusal.NEVER;
  }

  /** The documents of one kind. */
  List<Map<String, @Nullable Object>> documents(String kind) {
    return definition.stream().filter(document -> kind.equals(document.get("kind"))).toList();
  }

  /** The view that questions ask which name none. */
  String lastView() {
    List<Map<String, @Nullable Object>> views = documents("feature-view");
    return String.valueOf(views.get(views.size() - 1).get("name"));
  }

  /** The view of a question or a row, which may name it. */
  String view(Map<String, @Nullable Object> object) {
    return String.valueOf(object.getOrDefault("view", lastView()));
  }

  /** A JSON object. */
  static Map<String, @Nullable Object> map(@Nullable Object json) {
    Map<String, @Nullable Object> object = new LinkedHashMap<>();
    if (json instanceof Map<?, ?> entries) {
      entries.forEach((key, value) -> object.put(String.valueOf(key), value));
    }
    return object;
  }

  /** A JSON array of objects. */
  static List<Map<String, @Nullable Object>> maps(@Nullable Object json) {
    List<Map<String, @Nullable Object>> objects = new ArrayList<>();
    if (json instanceof List<?> elements) {
      elements.forEach(element -> objects.add(map(element)));
    }
    return objects;
  }
}
