package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.RawEnd;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.HistoryEnds;
import dev.tailwater.plan.StreamPlan;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a training set was made of, as the properties of its snapshot: enough to make it again, and
 * to say why it cannot be.
 *
 * @param properties by name; they stand in docs/tables.md
 */
record TrainingSetRecord(Map<String, String> properties) {

  private static final String PROJECT = "tailwater.project";
  private static final String VERSION = "tailwater.version";
  private static final String KNOWLEDGE = "tailwater.knowledge";
  private static final String ROWS = "tailwater.rows";
  private static final String VIEWS = "tailwater.views";
  private static final String FEATURE = "tailwater.feature.";
  private static final String STREAM = "tailwater.stream.";
  private static final String HISTORY = "tailwater.history";
  private static final String FILE = "tailwater.history-file.";
  private static final String RAW = "tailwater.raw-snapshot.";
  private static final String SPINE = "tailwater.spine";
  private static final String SPINE_HASH = "tailwater.spine-sha256";

  private static final String AS_SERVED = "as-served";

  /** Longer statements are cut; their hash is of all. */
  private static final int MAX_SPINE_CHARACTERS = 4_000;

  TrainingSetRecord {
    properties = Map.copyOf(properties);
  }

  /** Where the rows came from: a file, or a statement. */
  record Spine(String text, String sha256) {

    static Spine file(Path file) throws IOException {
      return new Spine(file.getFileName().toString(), sha256Of(file));
    }

    static Spine sql(String statement) {
      return new Spine(
          statement.length() > MAX_SPINE_CHARACTERS
              ? statement.substring(0, MAX_SPINE_CHARACTERS) + " …"
              : statement,
          HexFormat.of().formatHex(digest().digest(statement.getBytes(StandardCharsets.UTF_8))));
    }
  }

  /**
   * The record of a set that was just made.
   *
   * @param views positions of the views it has the features of
   * @param streams those whose history it read
   * @param history what it read of them, its ends known
   * @param asServed whether it holds the vectors that were served
   */
  static TrainingSetRecord of(
      LoadedProject project,
      int[] views,
      Set<String> streams,
      BoundedSources history,
      Spine spine,
      long rows,
      boolean asServed)
      throws IOException {
    Map<String, String> properties = new TreeMap<>(definitions(project, views, streams));
    properties.put(PROJECT, project.plan().project());
    properties.put(VERSION, TailwaterCommand.VERSION);
    properties.put(KNOWLEDGE, asServed ? AS_SERVED : "as-true");
    properties.put(ROWS, Long.toString(rows));
    properties.put(SPINE, spine.text());
    properties.put(SPINE_HASH, spine.sha256());
    Map<String, Map<Integer, Long>> ends = new HashMap<>();
    for (String stream : streams) {
      Path file = history.files().get(stream);
      if (file != null) {
        properties.put(FILE + stream, sha256Of(file));
        continue;
      }
      history.ends().ifPresent(known -> ends.put(stream, known.of(stream)));
      Optional<RawEnd> raw = history.lake().flatMap(lake -> lake.rawEnd(stream));
      raw.ifPresent(end -> properties.put(RAW + stream, Long.toString(end.snapshotId())));
    }
    properties.put(HISTORY, new HistoryEnds(ends).toString());
    return new TrainingSetRecord(properties);
  }

  /** What the definitions say now of everything that the values depend on. */
  private static Map<String, String> definitions(
      LoadedProject project, int[] views, Set<String> streams) {
    Map<String, String> definitions = new TreeMap<>();
    List<String> names = new ArrayList<>();
    for (int view : views) {
      String name = project.plan().views().get(view).name();
      names.add(name);
      project
          .featureHashes()
          .getOrDefault(name, Map.of())
          .forEach((feature, hash) -> definitions.put(FEATURE + name + "." + feature, hash));
    }
    definitions.put(VIEWS, String.join(",", names));
    // The hashes leave out how records are delivered, but which of them are too late decides too.
    for (StreamPlan stream : project.plan().recordedStreams()) {
      if (streams.contains(stream.name())) {
        definitions.put(
            STREAM + stream.name(),
            "topic %s, %s, disorder %d ms, lateness %d ms, ahead %d ms"
                .formatted(
                    stream.topic(),
                    stream.format(),
                    stream.disorderMs(),
                    stream.latenessMs(),
                    stream.aheadMs()));
      }
    }
    return definitions;
  }

  /** How many rows the set had. */
  long rows() {
    return Long.parseLong(properties.getOrDefault(ROWS, "-1"));
  }

  /**
   * The views of the project that the set was made of.
   *
   * @throws CommandFailedException if the set cannot be computed with the definitions of now
   */
  int[] requireSame(LoadedProject project, String set) {
    if (AS_SERVED.equals(properties.get(KNOWLEDGE))) {
      throw new CommandFailedException(
          "%s holds vectors as they were served: they are in the predictions table, and nothing computes them again; compare them with tailwater verify"
              .formatted(set));
    }
    String made = properties.getOrDefault(PROJECT, "");
    if (!made.equals(project.plan().project())) {
      throw new CommandFailedException(
          "%s was made of project %s, not of %s; name the folder of that project"
              .formatted(set, made, project.plan().project()));
    }
    List<String> changed = new ArrayList<>();
    List<Integer> views = new ArrayList<>();
    for (String view : properties.getOrDefault(VIEWS, "").split(",", -1)) {
      int position = project.plan().views().stream().map(v -> v.name()).toList().indexOf(view);
      if (position < 0) {
        changed.add("view " + view + " is gone");
      } else {
        views.add(position);
      }
    }
    int[] found = views.stream().mapToInt(Integer::intValue).toArray();
    Map<String, String> now = definitions(project, found, streams());
    Set<String> names = new TreeSet<>(now.keySet());
    names.addAll(properties.keySet());
    for (String name : names) {
      String before = properties.get(name);
      String after = now.get(name);
      if (name.startsWith(FEATURE)) {
        String feature = "feature " + name.substring(FEATURE.length());
        if (before == null) {
          changed.add(feature + " is new");
        } else if (after == null) {
          changed.add(feature + " is gone");
        } else if (!before.equals(after)) {
          changed.add(feature + " means something else");
        }
      } else if (name.startsWith(STREAM) && before != null && !before.equals(after)) {
        changed.add(
            "stream %s was (%s), and is %s"
                .formatted(
                    name.substring(STREAM.length()),
                    before,
                    after == null ? "gone" : "(" + after + ")"));
      }
    }
    if (!changed.isEmpty()) {
      throw new CommandFailedException(
          "%s was made with other definitions, so it cannot be rebuilt with these: %s. Check out the definitions of then, or make a new set"
              .formatted(set, String.join("; ", changed)));
    }
    return found;
  }

  /** The streams whose history the set was made of. */
  private Set<String> streams() {
    Set<String> streams = new TreeSet<>();
    for (String name : properties.keySet()) {
      if (name.startsWith(STREAM)) {
        streams.add(name.substring(STREAM.length()));
      }
    }
    return streams;
  }

  /**
   * The history that the set was made of.
   *
   * @param present where history is read now; files that the set was made of must be among it
   * @throws CommandFailedException if a file is missing or is another one
   */
  BoundedSources history(BoundedSources present, String set) throws IOException {
    for (String stream : streams()) {
      String hash = properties.get(FILE + stream);
      Path file = present.files().get(stream);
      if (hash == null && file != null) {
        throw new CommandFailedException(
            "%s was made of the lake and the log for stream %s, not of a file; leave out --history %s"
                .formatted(set, stream, stream));
      }
      if (hash != null && file == null) {
        throw new CommandFailedException(
            "%s was made of a file for stream %s; give the same one with --history %s=FILE (SHA-256 %s)"
                .formatted(set, stream, stream, hash));
      }
      if (file != null && !sha256Of(file).equals(hash)) {
        throw new CommandFailedException(
            "%s is not the file that %s was made of: its SHA-256 is not %s"
                .formatted(file, set, hash));
      }
    }
    return present.upTo(HistoryEnds.parse(properties.getOrDefault(HISTORY, "")));
  }

  private static String sha256Of(Path file) throws IOException {
    MessageDigest digest = digest();
    try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
      in.transferTo(OutputStream.nullOutputStream());
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every Java has it.
    }
  }
}
