package dev.tailwater.definitions;

import dev.tailwater.definitions.FeatureViewDefinition.Source;
import dev.tailwater.definitions.StreamDefinition.Derived;
import dev.tailwater.definitions.StreamDefinition.Expectation;
import dev.tailwater.definitions.StreamDefinition.Otherwise;
import dev.tailwater.expressions.Expressions;
import dev.tailwater.kernel.Window;
import dev.tailwater.schemas.AvroContracts;
import dev.tailwater.schemas.Column;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What features mean, as SHA-256 in hexadecimal digits: equal hashes, equal values on the same log.
 *
 * <p>A feature's hash covers the stream's topic, event time, event id and the expectations that
 * keep records out; the entity's key and where the stream has it; the aggregate with its arguments,
 * window, delay, condition and value when empty; and the types and derivations of the columns these
 * read. A view's covers its features and their names, a model's the inputs in order. Names of
 * files, streams and views, order of keys, comments, white space, and how records are delivered
 * (format, disorder, lateness) are left out.
 *
 * @param features by {@code view.feature}
 * @param views by name
 * @param models by name
 */
public record FeatureHashes(
    Map<String, String> features, Map<String, String> views, Map<String, String> models) {

  private static final int VERSION_DIGITS = 12;

  public FeatureHashes {
    features = Map.copyOf(features);
    views = Map.copyOf(views);
    models = Map.copyOf(models);
  }

  /** The hashes of a project that was loaded. */
  public static FeatureHashes of(Project project) {
    Map<String, String> features = new LinkedHashMap<>();
    Map<String, String> views = new LinkedHashMap<>();
    Map<String, String> models = new LinkedHashMap<>();
    for (FeatureViewDefinition view : project.views()) {
      add(view, project, features, views);
    }
    for (ModelDefinition model : project.models()) {
      models.put(model.name(), hash(meaning(model, project, features)));
    }
    return new FeatureHashes(features, views, models);
  }

  /** Adds the hashes of a view, after those of the view it is based on. */
  private static void add(
      FeatureViewDefinition view,
      Project project,
      Map<String, String> features,
      Map<String, String> views) {
    if (views.containsKey(view.name())) {
      return;
    }
    view.basedOn().flatMap(project::view).ifPresent(base -> add(base, project, features, views));
    TreeMap<String, String> byName = new TreeMap<>();
    for (FeatureDefinition feature : view.features()) {
      String hash = hash(meaning(feature, view, project, features));
      features.put(view.name() + "." + feature.name(), hash);
      byName.put(feature.name(), hash);
    }
    List<String> meaning = new ArrayList<>(List.of("view 1"));
    byName.forEach((name, hash) -> meaning.add(field("feature", name, hash)));
    views.put(view.name(), hash(meaning));
  }

  /** The first digits of a view's hash: part of every stored key and table name. */
  public String viewVersion(String view) {
    return version(views, view);
  }

  /** The first digits of a model's hash: it changes when its inputs do. */
  public String modelVersion(String model) {
    return version(models, model);
  }

  private static String version(Map<String, String> hashes, String name) {
    String hash = hashes.get(name);
    if (hash == null) {
      throw new IllegalArgumentException(name + " is not defined; there are " + hashes.keySet());
    }
    return hash.substring(0, VERSION_DIGITS);
  }

  /** What is usual is left out, so that a feature keeps its hash when the language grows. */
  private static List<String> meaning(
      FeatureDefinition feature,
      FeatureViewDefinition view,
      Project project,
      Map<String, String> features) {
    EntityDefinition entity = project.entity(view.entity()).orElseThrow();
    List<String> meaning = new ArrayList<>();
    meaning.add("feature 1");
    meaning.add(field("entity", entity.name()));
    Source first = view.sources().get(0);
    addKey(meaning, entity, first);
    meaning.add(
        field(
            "aggregate",
            feature.aggregate().name(),
            feature.column().map(FeatureHashes::text).orElse("*")));
    feature.second().ifPresent(second -> meaning.add(field("second", text(second))));
    feature.by().ifPresent(by -> meaning.add(field("by", text(by))));
    if (feature.limit() > 0) {
      meaning.add(field("limit", String.valueOf(feature.limit())));
    }
    if (feature.parameter() != 0) {
      meaning.add(field("parameter", String.valueOf(feature.parameter())));
    }
    addWindow(meaning, feature.window());
    feature.where().ifPresent(where -> meaning.add(field("where", text(where))));
    feature.empty().ifPresent(empty -> meaning.add(field("empty", String.valueOf(empty))));
    if (feature.excludesSelf()) {
      meaning.add(field("self", "exclude"));
    }
    if (view.knowledge() == Knowledge.AS_KNOWN) {
      meaning.add(field("knowledge", "as_known"));
    }

    TreeSet<String> reads = new TreeSet<>();
    TreeSet<String> seen = new TreeSet<>();
    feature.arguments().forEach(argument -> reads.addAll(argument.reads()));
    feature.where().ifPresent(where -> reads.addAll(where.reads()));
    for (String name : List.copyOf(reads)) {
      Optional<String> base = project.featureNamed(name, view);
      if (base.isPresent()) {
        reads.remove(name);
        seen.add(field("sees", name, String.valueOf(features.get(base.get()))));
      }
    }
    view.basedOn().ifPresent(base -> meaning.add(field("chain")));
    meaning.addAll(seen);
    for (Source source : view.sources()) {
      if (source != first) {
        addKey(meaning, entity, source);
      }
      TreeSet<String> ownReads = new TreeSet<>(source.keyColumns());
      for (String name : reads) {
        Expression mapped = source.mapped().get(name);
        if (mapped == null) {
          ownReads.add(name);
        } else {
          meaning.add(field("map", name, text(mapped)));
          ownReads.addAll(mapped.reads());
        }
      }
      addStream(meaning, project.stream(source.stream()).orElseThrow(), ownReads);
    }
    return meaning;
  }

  private static String text(Expression expression) {
    return Expressions.normalized(expression.text());
  }

  private static void addKey(List<String> meaning, EntityDefinition entity, Source source) {
    for (int i = 0; i < entity.key().size(); i++) {
      Column key = entity.key().get(i);
      meaning.add(field("key", key.name(), key.type().name(), source.keyColumns().get(i)));
    }
  }

  private static void addWindow(List<String> meaning, Window window) {
    if (window instanceof Window.Sliding sliding) {
      meaning.add(field("window", String.valueOf(sliding.windowMs())));
    } else if (window instanceof Window.LastEvents last) {
      meaning.add(field("window", "last", String.valueOf(last.count())));
    } else if (window instanceof Window.Lifetime) {
      meaning.add(field("window", "lifetime"));
    } else if (window instanceof Window.Calendar calendar) {
      meaning.add(
          field(
              "window",
              calendar.period().name(),
              calendar.zone().getId(),
              String.valueOf(calendar.previous())));
    } else if (window instanceof Window.Session session) {
      meaning.add(field("window", "session", String.valueOf(session.gapMs())));
    }
    meaning.add(field("delay", String.valueOf(window.delayMs())));
    if (window instanceof Window.Sliding sliding) {
      if (sliding.resolutionMs() > 0) {
        meaning.add(field("resolution", String.valueOf(sliding.resolutionMs())));
      }
      if (sliding.bounds() != Window.Bounds.OPEN_CLOSED) {
        meaning.add(field("bounds", sliding.bounds().text()));
      }
    }
  }

  private static List<String> meaning(
      ModelDefinition model, Project project, Map<String, String> features) {
    StreamDefinition stream = project.stream(model.ask()).orElseThrow();
    TreeSet<String> reads = new TreeSet<>();
    TreeMap<String, String> featureHashes = new TreeMap<>();
    List<String> meaning = new ArrayList<>();
    meaning.add("model 1");
    for (ModelDefinition.Element element : model.vector()) {
      meaning.add(
          element.element() == 0
              ? field("input", element.name(), text(element.expression()))
              : field(
                  "input",
                  element.name(),
                  text(element.expression()),
                  String.valueOf(element.element())));
      for (String read : element.expression().reads()) {
        String hash = features.get(read);
        if (hash == null) {
          reads.add(read);
        } else {
          featureHashes.put(read, hash);
        }
      }
    }
    featureHashes.forEach((name, hash) -> meaning.add(field("feature", name, hash)));
    for (Map.Entry<String, List<String>> key : new TreeMap<>(model.keyColumns()).entrySet()) {
      List<String> parts = new ArrayList<>(List.of(key.getKey()));
      parts.addAll(key.getValue());
      reads.addAll(key.getValue());
      meaning.add(field("key", parts.toArray(String[]::new)));
    }
    model
        .about()
        .ifPresent(
            about -> {
              meaning.add(field("about", about));
              reads.add(about);
            });
    addStream(meaning, stream, reads);
    return meaning;
  }

  /** What the stream contributes: which events there are, and the columns that are read. */
  private static void addStream(
      List<String> meaning, StreamDefinition stream, Collection<String> names) {
    TreeSet<String> reads = new TreeSet<>(names);
    meaning.add(field("topic", stream.topic()));
    if (stream.isChangelog()) {
      meaning.add(field("changelog"));
    }
    meaning.add(field("event_time", stream.eventTime()));
    reads.add(stream.eventTime());
    stream
        .eventId()
        .ifPresent(
            id -> {
              meaning.add(field("event_id", id));
              reads.add(id);
            });
    TreeSet<String> kept = new TreeSet<>();
    for (Expectation expectation : stream.expectations()) {
      boolean keepsOut =
          expectation.otherwise() == Otherwise.QUARANTINE
              || expectation.otherwise() == Otherwise.DROP;
      if (keepsOut) {
        kept.add(field("expect", Expressions.normalized(expectation.that().text())));
        reads.addAll(expectation.that().reads());
      }
    }
    meaning.addAll(kept);
    // From the last derived column to the first: each adds what it reads to what is left.
    TreeSet<String> columns = new TreeSet<>();
    for (int i = stream.derived().size() - 1; i >= 0; i--) {
      Derived derived = stream.derived().get(i);
      if (reads.contains(derived.name())) {
        columns.add(
            field("derived", derived.name(), Expressions.normalized(derived.expression().text())));
        reads.addAll(derived.expression().reads());
      }
    }
    for (Column column : stream.schema().columns()) {
      if (reads.contains(column.name())) {
        columns.add(field("column", column.name(), column.type().name()));
      }
    }
    if (stream.isChangelog()) {
      // The same whole number is another time if the contract says so.
      Set<String> microseconds = new TreeSet<>(AvroContracts.inMicroseconds(stream.schema()));
      microseconds.retainAll(reads);
      microseconds.forEach(name -> columns.add(field("microseconds", name)));
    }
    meaning.addAll(columns);
  }

  /** One line that no other name and values can make: every part says its length. */
  private static String field(String name, String... values) {
    StringBuilder line = new StringBuilder(name);
    for (String value : values) {
      line.append(' ').append(value.length()).append(':').append(value);
    }
    return line.toString();
  }

  private static String hash(List<String> meaning) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(String.join("\n", meaning).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
