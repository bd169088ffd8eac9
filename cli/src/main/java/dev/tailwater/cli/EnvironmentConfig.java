package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.TableCare;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Where a project runs: {@code tailwater.yaml} beside the definitions, or the file given with
 * {@code --environment}. What it does not name is the local stack's.
 *
 * <pre>{@code
 * kafka:
 *   bootstrap: kafka.internal:9092
 *   properties: {security.protocol: SASL_SSL, sasl.jaas.config: {env: KAFKA_JAAS}}
 * redis:
 *   uri: {file: /run/secrets/redis-uri}
 * lake:
 *   catalog: {type: rest, uri: "https://catalog.internal", credential: {env: CATALOG_CREDENTIAL}}
 *   maintenance: {every: 10m, target_file_size: 128mb, keep_snapshots_for: 7d}
 * flink:
 *   parallelism: 2
 *   checkpoint_directory: file:///var/lib/tailwater/checkpoints
 *   checkpoint_interval: 10s
 * local:
 *   kafka_port: 9092
 *   redis_port: 6379
 *   web_port: 8081
 * }</pre>
 *
 * <p>Every text may be written as {@code {env: NAME}} or {@code {file: PATH}}; secrets must be. No
 * text of a value is ever shown by {@link #toString()}.
 *
 * @param kafka the broker to use, or empty for the local one
 * @param redisUri the online store to use, or empty for the local one
 * @param lakeCatalog Iceberg catalog properties, or empty for the local lake
 * @param tableCare how the tables are kept in order
 * @param keepsTables whether {@code up} runs the job that does it
 * @param parallelism of every job, 1 to 128
 * @param checkpointDirectory a URI, or empty for the home folder
 * @param checkpointInterval 100 ms to 1 h
 * @param kafkaPort the local broker's fixed port, or empty for a free one
 * @param redisPort the local Redis server's fixed port, or empty for a free one
 * @param webPort the web page's fixed port, or empty for 8081 or the next free one
 */
public record EnvironmentConfig(
    Optional<Kafka> kafka,
    Optional<String> redisUri,
    Map<String, String> lakeCatalog,
    TableCare tableCare,
    boolean keepsTables,
    int parallelism,
    Optional<String> checkpointDirectory,
    Duration checkpointInterval,
    Optional<Integer> kafkaPort,
    Optional<Integer> redisPort,
    Optional<Integer> webPort) {

  /** The name of the file beside the definitions. */
  public static final String FILE_NAME = "tailwater.yaml";

  private static final long MAX_FILE_BYTES = 1 << 20;
  private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|s|m|h|d)");
  private static final Pattern SIZE = Pattern.compile("([0-9]{1,5})(mb|gb)");
  private static final String CARE = "lake.maintenance";

  /** YAML reads the word as a text or as false. */
  private static final String OFF = "off";

  public EnvironmentConfig {
    lakeCatalog = Map.copyOf(lakeCatalog);
  }

  /** A broker that somebody else runs, with the client's properties. */
  public record Kafka(String bootstrapServers, Map<String, String> properties) {
    public Kafka {
      properties = Map.copyOf(properties);
    }

    @Override
    public String toString() {
      return "Kafka["
          + bootstrapServers
          + ", properties "
          + new TreeSet<>(properties.keySet())
          + "]";
    }
  }

  @Override
  public String toString() {
    return "EnvironmentConfig[kafka="
        + kafka
        + ", redis="
        + (redisUri.isPresent() ? "given" : "local")
        + ", lake="
        + (lakeCatalog.isEmpty() ? "local" : "catalog " + new TreeSet<>(lakeCatalog.keySet()))
        + ", parallelism="
        + parallelism
        + ", checkpointInterval="
        + checkpointInterval
        + "]";
  }

  /** The local stack with its defaults. */
  public static EnvironmentConfig local() {
    return new EnvironmentConfig(
        Optional.empty(),
        Optional.empty(),
        Map.of(),
        TableCare.DEFAULT,
        true,
        2,
        Optional.empty(),
        Duration.ofSeconds(10),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /** The same environment with other checkpoints. */
  public EnvironmentConfig withCheckpointInterval(Duration interval) {
    return new EnvironmentConfig(
        kafka,
        redisUri,
        lakeCatalog,
        tableCare,
        keepsTables,
        parallelism,
        checkpointDirectory,
        interval,
        kafkaPort,
        redisPort,
        webPort);
  }

  /**
   * The environment of a project: the file given, else {@value #FILE_NAME} in the project's folder,
   * else the local stack.
   *
   * @param environment the process's environment variables
   * @throws CommandFailedException naming file, key, value, reason and next step
   */
  public static EnvironmentConfig load(
      Path project, @Nullable Path given, Map<String, String> environment) {
    if (given == null) {
      LoadedProject.requireFolder(project); // Else a mistyped one would stand for the local stack.
    }
    Path file = given == null ? project.resolve(FILE_NAME) : given;
    if (!Files.isRegularFile(file)) {
      if (given == null) {
        return local();
      }
      throw new CommandFailedException(
          file
              + (Files.isDirectory(file) ? " is a folder" : ": there is no such file")
              + "; give --environment the path of an environment file");
    }
    return new Reader(file, environment).read();
  }

  private static final class Reader {

    private final Path file;
    private final Map<String, String> environment;

    private Reader(Path file, Map<String, String> environment) {
      this.file = file;
      this.environment = environment;
    }

    private EnvironmentConfig read() {
      Map<?, ?> root = section(document(), "", Set.of("kafka", "redis", "lake", "flink", "local"));
      Map<?, ?> kafka = section(root.get("kafka"), "kafka", Set.of("bootstrap", "properties"));
      Map<?, ?> redis = section(root.get("redis"), "redis", Set.of("uri"));
      Map<?, ?> lake = section(root.get("lake"), "lake", Set.of("catalog", "maintenance"));
      Map<?, ?> care =
          section(
              lake.get("maintenance"),
              CARE,
              Set.of(
                  "every",
                  "target_file_size",
                  "min_input_files",
                  "keep_snapshots_for",
                  "keep_snapshots",
                  "delete_orphans_after"));
      Map<?, ?> flink =
          section(
              root.get("flink"),
              "flink",
              Set.of("parallelism", "checkpoint_directory", "checkpoint_interval"));
      Map<?, ?> local =
          section(root.get("local"), "local", Set.of("kafka_port", "redis_port", "web_port"));
      EnvironmentConfig defaults = local();
      return new EnvironmentConfig(
          text(kafka, "kafka.", "bootstrap")
              .map(
                  bootstrap ->
                      new Kafka(bootstrap, texts(kafka.get("properties"), "kafka.properties"))),
          redisUri(redis),
          texts(lake.get("catalog"), "lake.catalog"),
          tableCare(care),
          !OFF.equals(care.get("every")) && !Boolean.FALSE.equals(care.get("every")),
          number(flink, "flink.", "parallelism", 1, 128).orElse(defaults.parallelism()),
          text(flink, "flink.", "checkpoint_directory"),
          duration(
              flink,
              "flink.",
              "checkpoint_interval",
              defaults.checkpointInterval(),
              new Range(Duration.ofMillis(100), "100ms", Duration.ofHours(1), "1h")),
          number(local, "local.", "kafka_port", 1, 65_535),
          number(local, "local.", "redis_port", 1, 65_535),
          number(local, "local.", "web_port", 1, 65_535));
    }

    private @Nullable Object document() {
      try {
        if (Files.size(file) > MAX_FILE_BYTES) {
          throw problem("", "the file is larger than 1 MiB", "keep only the environment in it");
        }
        String text = Files.readString(file);
        LoadSettings settings =
            LoadSettings.builder()
                .setLabel(file.toString())
                .setMaxAliasesForCollections(10)
                .setAllowDuplicateKeys(false)
                // The whole text at once: the reader fails on a surrogate pair across two buffers.
                .setBufferSize(text.length() + 2)
                .build();
        return new Load(settings).loadFromString(text);
      } catch (MarkedYamlEngineException e) {
        String place =
            e.getProblemMark()
                .map(mark -> ":%d:%d".formatted(mark.getLine() + 1, mark.getColumn() + 1))
                .orElse("");
        throw new CommandFailedException(
            file + place + " is not valid YAML: " + e.getProblem() + "; correct it and try again",
            e);
      } catch (YamlEngineException e) {
        throw new CommandFailedException(
            file + " is not valid YAML: " + e.getMessage() + "; correct it and try again", e);
      } catch (IOException e) {
        throw new CommandFailedException(
            file + " cannot be read (" + Failures.describe(e) + "); check its permissions", e);
      }
    }

    private Map<?, ?> section(@Nullable Object value, String key, Set<String> known) {
      if (value == null) {
        return Map.of();
      }
      if (!(value instanceof Map<?, ?> map)) {
        throw problem(key, "is not a section", "write its keys indented below it");
      }
      for (Object name : map.keySet()) {
        if (!known.contains(String.valueOf(name))) {
          throw problem(
              key.isEmpty() ? String.valueOf(name) : key + "." + name,
              "is not a known key",
              "use one of " + String.join(", ", new TreeSet<>(known)));
        }
      }
      return map;
    }

    private Optional<String> redisUri(Map<?, ?> redis) {
      Optional<String> uri = text(redis, "redis.", "uri");
      if (uri.isEmpty()) {
        return uri;
      }
      URI parsed;
      try {
        parsed = URI.create(uri.get());
      } catch (IllegalArgumentException e) {
        // The value may hold a password: it is not repeated.
        throw problem("redis.uri", "is not a URI", "write redis://HOST:PORT or rediss://HOST:PORT");
      }
      if (parsed.getHost() == null
          || !("redis".equals(parsed.getScheme()) || "rediss".equals(parsed.getScheme()))) {
        throw problem(
            "redis.uri",
            "is not the address of a Redis server",
            "write redis://HOST:PORT or rediss://HOST:PORT");
      }
      if (parsed.getUserInfo() != null && redis.get("uri") instanceof String) {
        throw problem(
            "redis.uri",
            "holds a password, which does not belong into this file",
            "write {env: NAME} or {file: PATH} and put the whole URI there");
      }
      return uri;
    }

    /** What a duration may be, with the words for it. */
    private record Range(Duration least, String leastWord, Duration most, String mostWord) {}

    private Duration duration(
        Map<?, ?> section, String prefix, String name, Duration otherwise, Range range) {
      Optional<String> written = text(section, prefix, name);
      if (written.isEmpty()) {
        return otherwise;
      }
      Matcher matcher = DURATION.matcher(written.get());
      if (matcher.matches()) {
        long amount = Long.parseLong(matcher.group(1));
        Duration duration =
            switch (matcher.group(2)) {
              case "ms" -> Duration.ofMillis(amount);
              case "s" -> Duration.ofSeconds(amount);
              case "m" -> Duration.ofMinutes(amount);
              case "h" -> Duration.ofHours(amount);
              default -> Duration.ofDays(amount);
            };
        if (duration.compareTo(range.least()) >= 0 && duration.compareTo(range.most()) <= 0) {
          return duration;
        }
      }
      throw problem(
          prefix + name,
          "'"
              + written.get()
              + "' is not a duration from "
              + range.leastWord()
              + " to "
              + range.mostWord(),
          "write a number and a unit, as in 10s");
    }

    private TableCare tableCare(Map<?, ?> care) {
      TableCare defaults = TableCare.DEFAULT;
      String prefix = CARE + ".";
      boolean off = OFF.equals(care.get("every")) || Boolean.FALSE.equals(care.get("every"));
      Duration longest = Duration.ofDays(3650);
      return new TableCare(
          off
              ? defaults.every()
              : duration(
                  care,
                  prefix,
                  "every",
                  defaults.every(),
                  new Range(Duration.ofSeconds(10), "10s", Duration.ofDays(1), "1d (or off)")),
          size(care, prefix, "target_file_size", defaults.targetFileBytes()),
          number(care, prefix, "min_input_files", 2, 10_000).orElse(defaults.minInputFiles()),
          duration(
              care,
              prefix,
              "keep_snapshots_for",
              defaults.keepSnapshotsFor(),
              new Range(Duration.ofMinutes(10), "10m", longest, "3650d")),
          number(care, prefix, "keep_snapshots", 10, 100_000).orElse(defaults.keepSnapshots()),
          duration(
              care,
              prefix,
              "delete_orphans_after",
              defaults.deleteOrphansAfter(),
              new Range(Duration.ofDays(1), "1d", longest, "3650d")));
    }

    private long size(Map<?, ?> section, String prefix, String name, long otherwise) {
      Optional<String> written = text(section, prefix, name);
      if (written.isEmpty()) {
        return otherwise;
      }
      Matcher matcher = SIZE.matcher(written.get());
      if (matcher.matches()) {
        long bytes = Long.parseLong(matcher.group(1)) << ("gb".equals(matcher.group(2)) ? 30 : 20);
        if (bytes >= 1 << 20 && bytes <= 16L << 30) {
          return bytes;
        }
      }
      throw problem(
          prefix + name,
          "'" + written.get() + "' is not a size from 1mb to 16gb",
          "write a number and a unit, as in 128mb");
    }

    private Optional<Integer> number(
        Map<?, ?> section, String prefix, String name, int least, int most) {
      Object value = section.get(name);
      if (value == null) {
        return Optional.empty();
      }
      if (value instanceof Integer number && number >= least && number <= most) {
        return Optional.of(number);
      }
      throw problem(
          prefix + name,
          "'" + value + "' is not a whole number from " + least + " to " + most,
          "write such a number");
    }

    private Optional<String> text(Map<?, ?> section, String prefix, String name) {
      Object value = section.get(name);
      return value == null ? Optional.empty() : Optional.of(resolve(value, prefix + name));
    }

    private Map<String, String> texts(@Nullable Object value, String key) {
      if (value == null) {
        return Map.of();
      }
      if (!(value instanceof Map<?, ?> map)) {
        throw problem(key, "is not a section", "write its keys indented below it");
      }
      Map<String, String> texts = new LinkedHashMap<>();
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        String name = String.valueOf(entry.getKey());
        Object text = entry.getValue();
        if (text == null) {
          throw problem(key + "." + name, "has no value", "write one or remove the key");
        }
        texts.put(name, resolve(text, key + "." + name));
      }
      return texts;
    }

    /** A text as written, or from the variable or the file that it refers to. */
    private String resolve(Object value, String key) {
      if (!(value instanceof Map<?, ?> reference)) {
        if (value instanceof Iterable<?>) {
          throw problem(key, "is a list", "write one text, {env: NAME} or {file: PATH}");
        }
        return value.toString();
      }
      if (reference.size() == 1 && reference.get("env") instanceof String name) {
        String found = environment.get(name);
        if (found == null) {
          throw problem(
              key, "refers to the variable " + name + ", which is not set", "export " + name);
        }
        return found;
      }
      if (reference.size() == 1 && reference.get("file") instanceof String path) {
        try {
          return Files.readString(file.toAbsolutePath().resolveSibling(path)).strip();
        } catch (IOException e) {
          throw new CommandFailedException(
              file
                  + ": "
                  + key
                  + " refers to the file "
                  + path
                  + ", which cannot be read; check that it exists and may be read",
              e);
        }
      }
      throw problem(key, "is not a text", "write a text, {env: NAME} or {file: PATH}");
    }

    private CommandFailedException problem(String key, String reason, String nextStep) {
      return new CommandFailedException(
          file + ": " + (key.isEmpty() ? "" : key + " ") + reason + "; " + nextStep);
    }
  }
}
