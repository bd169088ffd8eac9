package dev.tailwater.cli;

import dev.tailwater.connectors.redis.OnlineRow;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.JsonCollections;
import dev.tailwater.schemas.Timestamps;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code tailwater get}: the online row of one entity, and how fresh it is. */
final class GetCommand {

  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  private final Console console;

  GetCommand(Console console) {
    this.console = console;
  }

  /**
   * Prints one row.
   *
   * @param key the entity's key columns, as {@code name=value}
   * @param now the time that freshness is told by
   */
  int run(
      LoadedProject project,
      RedisAddress redis,
      String view,
      List<String> key,
      boolean json,
      Instant now) {
    FeatureViewLayout layout = project.layout(project.view(view));
    String entityKey = entityKey(layout, key);
    try (RedisOnlineStore store = new RedisOnlineStore(redis, TIMEOUT)) {
      Optional<String> version = store.currentVersion(view);
      if (version.isPresent() && !version.get().equals(layout.version())) {
        return printOther(layout, version.get(), entityKey, store, json);
      }
      Optional<OnlineRow> row = store.get(layout, entityKey);
      if (row.isEmpty()) {
        throw new CommandFailedException(missing(layout, entityKey, store));
      }
      if (json) {
        console.print(Json.write(description(layout, row.get(), now)));
      } else {
        print(layout, row.get(), now);
      }
    }
    return Main.OK;
  }

  private static String missing(
      FeatureViewLayout layout, String entityKey, RedisOnlineStore store) {
    if (store.currentVersion(layout.view()).isEmpty()) {
      return "view %s has no rows in the online store yet; start it with tailwater up"
          .formatted(layout.view());
    }
    return noRow(layout, entityKey);
  }

  private static String noRow(FeatureViewLayout layout, String entityKey) {
    return "%s %s has no row in view %s: it was never seen, or its last event is out of every window; check the key"
        .formatted(layout.entity(), entityKey, layout.view());
  }

  /** Prints the row of the version that readers use, which is not the one that is defined here. */
  private int printOther(
      FeatureViewLayout layout,
      String version,
      String entityKey,
      RedisOnlineStore store,
      boolean json) {
    Map<String, String> features = store.features(layout.view(), version, entityKey);
    if (features.isEmpty()) {
      throw new CommandFailedException(noRow(layout, entityKey));
    }
    console.say(
        "readers use version %s of view %s, the project defines version %s; tailwater bootstrap makes them use it"
            .formatted(version, layout.view(), layout.version()));
    if (json) {
      Map<String, @Nullable Object> description = new LinkedHashMap<>();
      description.put("view", layout.view());
      description.put("version", version);
      description.put("key", entityKey);
      description.put("features", features);
      console.print(Json.write(description));
    } else {
      console.print("%s of %s %s".formatted(layout.view(), layout.entity(), entityKey));
      features.forEach((name, text) -> console.print("  %s  %s".formatted(name, text)));
    }
    return Main.OK;
  }

  /**
   * The key that was written as {@code name=value}, in its canonical text form.
   *
   * @throws WrongUsageException if it is not the key of the view's entity
   */
  static String entityKey(FeatureViewLayout layout, List<String> written) {
    Map<String, String> given = new LinkedHashMap<>();
    for (String part : written) {
      int equals = part.indexOf('=');
      if (equals < 1) {
        throw new WrongUsageException("'" + part + "' is not a key; write name=value");
      }
      given.put(part.substring(0, equals), part.substring(equals + 1));
    }
    List<String> names = layout.key().stream().map(Column::name).toList();
    if (!given.keySet().equals(java.util.Set.copyOf(names))) {
      throw new WrongUsageException(
          "view %s is about %s; give its key as %s"
              .formatted(
                  layout.view(),
                  layout.entity(),
                  String.join(" ", names.stream().map(name -> name + "=VALUE").toList())));
    }
    @Nullable Object[] values = new Object[names.size()];
    int[] positions = new int[names.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = given.get(names.get(i));
      positions[i] = i;
    }
    String encoded = EntityKeys.encode(values, positions);
    if (encoded == null) {
      throw new WrongUsageException("the key is not complete");
    }
    return encoded;
  }

  private void print(FeatureViewLayout layout, OnlineRow row, Instant now) {
    console.print("%s of %s %s".formatted(layout.view(), layout.entity(), row.key()));
    int width =
        layout.features().stream().mapToInt(feature -> feature.name().length()).max().orElse(0);
    for (int i = 0; i < layout.features().size(); i++) {
      Column feature = layout.features().get(i);
      console.print(
          "  %s  %s"
              .formatted(
                  feature.name() + " ".repeat(width - feature.name().length()),
                  text(feature, row.values()[i])));
    }
    console.print(
        "as of %s (%s ago), %s, from %s/%d/%d"
            .formatted(
                Timestamps.format(row.validFrom()),
                shown(age(row, now)),
                row.validUntil() == Long.MAX_VALUE
                    ? "unchanged by time"
                    : row.validUntil() > now.toEpochMilli()
                        ? "valid until " + Timestamps.format(row.validUntil())
                        : "not valid since "
                            + Timestamps.format(row.validUntil())
                            + ": an event has left a window since",
                row.topic(),
                row.partition(),
                row.offset()));
  }

  private static Duration age(OnlineRow row, Instant now) {
    return Duration.between(Instant.ofEpochMilli(row.validFrom()), now);
  }

  /** The two largest units, as in 18 h 54 min. */
  static String shown(Duration age) {
    if (age.isNegative()) {
      return "0 s";
    }
    if (age.toDays() > 0) {
      return age.toDays() + " d " + age.toHoursPart() + " h";
    }
    if (age.toHours() > 0) {
      return age.toHours() + " h " + age.toMinutesPart() + " min";
    }
    return age.toMinutes() > 0
        ? age.toMinutes() + " min " + age.toSecondsPart() + " s"
        : age.toSecondsPart() + " s";
  }

  private static Map<String, @Nullable Object> description(
      FeatureViewLayout layout, OnlineRow row, Instant now) {
    Map<String, @Nullable Object> features = new LinkedHashMap<>();
    for (int i = 0; i < layout.features().size(); i++) {
      Column feature = layout.features().get(i);
      features.put(feature.name(), shown(feature, row.values()[i]));
    }
    Map<String, @Nullable Object> description = new LinkedHashMap<>();
    description.put("view", layout.view());
    description.put("version", layout.version());
    description.put("entity", layout.entity());
    description.put("key", row.key());
    description.put("features", features);
    description.put("valid_from", Timestamps.format(row.validFrom()));
    description.put(
        "valid_until",
        row.validUntil() == Long.MAX_VALUE ? null : Timestamps.format(row.validUntil()));
    description.put("valid", row.validUntil() > now.toEpochMilli());
    description.put("age_seconds", age(row, now).toSeconds());
    description.put("cause", row.topic() + "/" + row.partition() + "/" + row.offset());
    return description;
  }

  /** A value as it is printed for a person. */
  static String text(Column feature, @Nullable Object value) {
    if (value == null) {
      return "NULL";
    }
    return feature.type().isScalar()
        ? String.valueOf(shown(feature, value))
        : JsonCollections.write(value);
  }

  /** A value as it is printed in JSON. */
  static @Nullable Object shown(Column feature, @Nullable Object value) {
    return feature.type() == ColumnType.TIMESTAMP && value instanceof Long time
        ? Timestamps.format(time)
        : value;
  }
}
