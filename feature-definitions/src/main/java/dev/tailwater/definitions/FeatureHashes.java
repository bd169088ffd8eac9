package dev.tailwater.definitions;

import dev.tailwater.definitions.StreamDefinition.Derived;
import dev.tailwater.definitions.StreamDefinition.Expectation;
import dev.tailwater.definitions.StreamDefinition.Otherwise;
import dev.tailwater.expressions.Expressions;
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
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What features mean, as SHA-256 in hexadecimal digits: equal hashes, equal values on the same log.
 *
 * <p>A feature's hash covers the stream's topic, event time, event id and the expectations that
 * keep records out; the entity's key and where the stream has it; the aggregate, its column,
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
      StreamDefinition stream = project.stream(view.stream()).orElseThrow();
      EntityDefinition entity = project.entity(view.entity()).orElseThrow();
      TreeMap<String, String> byName = new TreeMap<>();
      for (FeatureDefinition feature : view.features()) {
        String hash = hash(meaning(feature, view, entity, stream));
        features.put(view.name() + "." + feature.name(), hash);
        byName.put(feature.name(), hash);
      }
      List<String> meaning = new ArrayList<>(List.of("view 1"));
      byName.forEach((name, hash) -> meaning.add(field("feature", name, hash)));
      views.put(view.name(), hash(meaning));
    }
    for (ModelDefinition model : project.models()) {
      models.put(model.name(), hash(meaning(model, project, features)));
    }
    return new FeatureHashes(features, views, models);
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

  private static List<String> meaning(
      FeatureDefinition feature,
      FeatureViewDefinition view,
      EntityDefinition entity,
      StreamDefinition stream) {
    TreeSet<String> reads = new TreeSet<>(view.keyColumns());
    List<String> meaning = new ArrayList<>();
    meaning.add("feature 1");
    meaning.add(field("entity", entity.name()));
    for (int i = 0; i < entity.key().size(); i++) {
      Column key = entity.key().get(i);
      meaning.add(field("key", key.name(), key.type().name(), view.keyColumns().get(i)));
    }
    meaning.add(
        field(
            "aggregate",
            feature.aggregate().name(),
            feature.column().map(column -> Expressions.normalized(column.text())).orElse("*")));
    feature.column().ifPresent(column -> reads.addAll(column.reads()));
    meaning.add(field("window", feature.window().toString()));
    feature
        .where()
        .ifPresent(
            where -> {
              meaning.add(field("where", Expressions.normalized(where.text())));
              reads.addAll(where.reads());
            });
    feature.empty().ifPresent(empty -> meaning.add(field("empty", String.valueOf(empty))));
    addStream(meaning, stream, reads);
    return meaning;
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
          field("input", element.name(), Expressions.normalized(element.expression().text())));
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
    addStream(meaning, stream, reads);
    return meaning;
  }

  /** What the stream contributes: which events there are, and the columns that are read. */
  private static void addStream(
      List<String> meaning, StreamDefinition stream, Collection<String> names) {
    TreeSet<String> reads = new TreeSet<>(names);
    meaning.add(field("topic", stream.topic()));
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
