package dev.tailwater.connectors.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.JsonCollections;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where the rows of one view are in Redis and what they look like. The key is {@code
 * view@version:entitykey}; a feature is a field with plain text, absent when it is NULL, a list or
 * a map as JSON; fields that begin with {@code _} say what the row reflects.
 */
final class RedisLayout {

  /** The hash that names the version of every view that readers use: {@link ViewPointers}. */
  static final String VIEWS_KEY = "tailwater:views";

  /** The hash that names the version of every view that readers used before that. */
  static final String PREVIOUS_VIEWS_KEY = "tailwater:views:previous";

  /** The hash that names what was activated here and perhaps nowhere else yet. */
  static final String UNFINISHED_VIEWS_KEY = "tailwater:views:unfinished";

  /** What the fields begin with that are no features. */
  static final String OWN_FIELD = "_";

  static final String VALID_FROM = "_valid_from";
  static final String VALID_UNTIL = "_valid_until";
  static final String VERSION = "_version";
  static final String CAUSE = "_cause";

  private static final byte[] VALID_FROM_BYTES = VALID_FROM.getBytes(UTF_8);
  private static final byte[] VALID_UNTIL_BYTES = VALID_UNTIL.getBytes(UTF_8);
  private static final byte[] VERSION_BYTES = VERSION.getBytes(UTF_8);
  private static final byte[] CAUSE_BYTES = CAUSE.getBytes(UTF_8);
  private static final byte[] ONE_KEY = "1".getBytes(UTF_8);
  private static final byte[] TRUE = "true".getBytes(UTF_8);
  private static final byte[] FALSE = "false".getBytes(UTF_8);

  /** A longer time to live than this is kept for ever: Redis refuses times it cannot represent. */
  private static final long LONGEST_TIME_TO_LIVE_MS = 1L << 53;

  /** Script, number of keys, key, three parts of the version, time to live. */
  private static final int FIRST_FIELD = 7;

  private final FeatureViewLayout view;
  private final String keyPrefix;
  private final byte[][] featureNames;
  private final byte[] timeToLive;

  RedisLayout(FeatureViewLayout view) {
    this.view = view;
    this.keyPrefix = keyPrefix(view.view(), view.version());
    this.featureNames = new byte[view.features().size()][];
    for (int i = 0; i < featureNames.length; i++) {
      String name = view.features().get(i).name();
      if (name.startsWith(OWN_FIELD)) {
        throw new IllegalArgumentException(
            "Feature "
                + view.view()
                + "."
                + name
                + " cannot be stored in Redis: names that begin with _ are kept for what the row"
                + " reflects. Rename the feature.");
      }
      featureNames[i] = name.getBytes(UTF_8);
    }
    if (view.timeToLiveMs() < 1) {
      throw new IllegalArgumentException(
          "View "
              + view.view()
              + " has a time to live of "
              + view.timeToLiveMs()
              + " ms, but it must be positive: its rows would never be seen.");
    }
    this.timeToLive =
        bytes(view.timeToLiveMs() > LONGEST_TIME_TO_LIVE_MS ? 0 : view.timeToLiveMs());
  }

  static String keyPrefix(String view, String version) {
    return view + "@" + version + ":";
  }

  FeatureViewLayout view() {
    return view;
  }

  String keyPrefix() {
    return keyPrefix;
  }

  String key(String entityKey) {
    return keyPrefix + entityKey;
  }

  /** The arguments of EVALSHA that put this row. */
  byte[][] putIfNewer(byte[] scriptSha, FeatureRow row) {
    @Nullable Object[] values = row.values();
    if (values.length != featureNames.length) {
      throw new IllegalArgumentException(
          "A row of view "
              + view.view()
              + " has "
              + values.length
              + " values, but the view has "
              + featureNames.length
              + " features: pass the layouts of the plan that emits the rows.");
    }
    int fields = 3;
    for (Object value : values) {
      if (value != null) {
        fields++;
      }
    }
    boolean changes = row.validUntil() != Long.MAX_VALUE;
    byte[][] arguments = new byte[FIRST_FIELD + 2 * (changes ? fields + 1 : fields)][];
    arguments[0] = scriptSha;
    arguments[1] = ONE_KEY;
    arguments[2] = key(row.key()).getBytes(UTF_8);
    arguments[3] = bytes(row.generation());
    arguments[4] = bytes(row.validFrom());
    arguments[5] = bytes(row.factsApplied());
    arguments[6] = timeToLive;
    int next = FIRST_FIELD;
    arguments[next++] = VERSION_BYTES;
    arguments[next++] =
        (row.generation() + "|" + row.validFrom() + "|" + row.factsApplied()).getBytes(UTF_8);
    arguments[next++] = VALID_FROM_BYTES;
    arguments[next++] = arguments[4];
    if (changes) {
      arguments[next++] = VALID_UNTIL_BYTES;
      arguments[next++] = bytes(row.validUntil());
    }
    arguments[next++] = CAUSE_BYTES;
    arguments[next++] = (row.topic() + "/" + row.partition() + "/" + row.offset()).getBytes(UTF_8);
    for (int i = 0; i < values.length; i++) {
      Object value = values[i];
      if (value != null) {
        arguments[next++] = featureNames[i];
        arguments[next++] = text(view.features().get(i).type(), value);
      }
    }
    return arguments;
  }

  private static byte[] text(ColumnType type, Object value) {
    return switch (type) {
      case BOOLEAN -> (Boolean) value ? TRUE : FALSE;
      case INT, LONG, DOUBLE, STRING, TIMESTAMP -> value.toString().getBytes(UTF_8);
      case LONG_LIST, DOUBLE_LIST, STRING_LIST, LONG_MAP, DOUBLE_MAP ->
          JsonCollections.write(value).getBytes(UTF_8);
    };
  }

  private static byte[] bytes(long number) {
    return Long.toString(number).getBytes(UTF_8);
  }

  /** Reads one hash back. */
  OnlineRow row(String entityKey, Map<String, String> fields) {
    String version = required(entityKey, fields, VERSION);
    String cause = required(entityKey, fields, CAUSE);
    String validUntil = fields.get(VALID_UNTIL);
    try {
      String[] parts = version.split("\\|", -1);
      int offsetSlash = cause.lastIndexOf('/');
      int partitionSlash = cause.lastIndexOf('/', offsetSlash - 1);
      @Nullable Object[] values = new Object[featureNames.length];
      for (int i = 0; i < values.length; i++) {
        Column feature = view.features().get(i);
        String text = fields.get(feature.name());
        values[i] = text == null ? null : value(feature.type(), text);
      }
      return new OnlineRow(
          entityKey,
          Long.parseLong(required(entityKey, fields, VALID_FROM)),
          validUntil == null ? Long.MAX_VALUE : Long.parseLong(validUntil),
          Long.parseLong(parts[0]),
          Long.parseLong(parts[2]),
          values,
          cause.substring(0, partitionSlash),
          Integer.parseInt(cause.substring(partitionSlash + 1, offsetSlash)),
          Long.parseLong(cause.substring(offsetSlash + 1)));
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw corrupt(entityKey, "holds a field that is not what was written (" + e + ")");
    }
  }

  private static Object value(ColumnType type, String text) {
    return switch (type) {
      case BOOLEAN -> Boolean.valueOf(text);
      case INT -> Integer.valueOf(text);
      case LONG, TIMESTAMP -> Long.valueOf(text);
      case DOUBLE -> Double.valueOf(text);
      case STRING -> text;
      case LONG_LIST, DOUBLE_LIST, STRING_LIST, LONG_MAP, DOUBLE_MAP ->
          JsonCollections.read(type, text);
    };
  }

  private String required(String entityKey, Map<String, String> fields, String field) {
    String value = fields.get(field);
    if (value == null) {
      throw corrupt(entityKey, "has no field " + field);
    }
    return value;
  }

  private IllegalStateException corrupt(String entityKey, String reason) {
    return new IllegalStateException(
        "The online row at key "
            + key(entityKey)
            + " "
            + reason
            + ": something else wrote it. Delete the key; the next fact or a rehydration writes it"
            + " again.");
  }
}
