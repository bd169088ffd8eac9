package dev.tailwater.connectors.redis;

import dev.tailwater.connectors.store.FeatureViewLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * Reads the online store. Thread-safe; at most 16 calls are on their way at once, others wait.
 *
 * <p>Every method throws {@link UncheckedIOException}, naming the address, if Redis cannot be
 * reached in time, and {@link IllegalStateException}, naming the key, if something else wrote it.
 */
public final class RedisOnlineStore implements AutoCloseable {

  private static final int CONNECTIONS = 16;
  private static final int KEYS_PER_SCAN = 1_000;

  private final RedisAddress address;
  private final RedisClient redis;

  /**
   * Opens the store; connections are made when they are first needed.
   *
   * @param timeout the limit of waiting for a connection, of connecting and of every call
   */
  public RedisOnlineStore(RedisAddress address, Duration timeout) {
    this.address = address;
    ConnectionPoolConfig pool = new ConnectionPoolConfig();
    pool.setMaxTotal(CONNECTIONS);
    pool.setMaxIdle(CONNECTIONS);
    pool.setMaxWait(timeout);
    this.redis =
        RedisClient.builder()
            .hostAndPort(address.hostAndPort())
            .clientConfig(address.clientConfig(timeout, "tailwater-reader"))
            .poolConfig(pool)
            .build();
  }

  /** The newest row of one entity; empty if it has none or the row's time to live has passed. */
  public Optional<OnlineRow> get(FeatureViewLayout view, String entityKey) {
    RedisLayout layout = new RedisLayout(view);
    return row(layout, entityKey, call(() -> redis.hgetAll(layout.key(entityKey))));
  }

  /** The newest rows of several entities, in the order of their keys, in one round trip. */
  public List<Optional<OnlineRow>> mget(FeatureViewLayout view, List<String> entityKeys) {
    RedisLayout layout = new RedisLayout(view);
    List<Map<String, String>> hashes = hashes(layout, entityKeys);
    List<Optional<OnlineRow>> rows = new ArrayList<>(entityKeys.size());
    for (int i = 0; i < entityKeys.size(); i++) {
      rows.add(row(layout, entityKeys.get(i), hashes.get(i)));
    }
    return rows;
  }

  private List<Map<String, String>> hashes(RedisLayout layout, List<String> entityKeys) {
    List<Response<Map<String, String>>> responses = new ArrayList<>(entityKeys.size());
    call(
        () -> {
          try (AbstractPipeline pipeline = redis.pipelined()) {
            for (String entityKey : entityKeys) {
              responses.add(pipeline.hgetAll(layout.key(entityKey)));
            }
            pipeline.sync();
          }
          return responses;
        });
    List<Map<String, String>> hashes = new ArrayList<>(entityKeys.size());
    for (Response<Map<String, String>> response : responses) {
      hashes.add(call(response::get));
    }
    return hashes;
  }

  /**
   * Calls the consumer with the key of every entity that has a row. A row that is written or
   * expires meanwhile may or may not be seen; a key may be seen twice. Does not block the server.
   */
  public void forEachKey(FeatureViewLayout view, Consumer<String> entityKey) {
    RedisLayout layout = new RedisLayout(view);
    ScanParams pattern =
        new ScanParams().match(escaped(layout.keyPrefix()) + "*").count(KEYS_PER_SCAN);
    String cursor = ScanParams.SCAN_POINTER_START;
    do {
      String from = cursor;
      ScanResult<String> page = call(() -> redis.scan(from, pattern));
      for (String key : page.getResult()) {
        entityKey.accept(key.substring(layout.keyPrefix().length()));
      }
      cursor = page.getCursor();
    } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
  }

  /**
   * Calls the consumer with the row of every entity that has one, as {@link #forEachKey} finds
   * them.
   *
   * @param unreadable called with the key of a row instead, and the reason, where something else
   *     wrote it
   */
  public void forEachRow(
      FeatureViewLayout view, Consumer<OnlineRow> row, BiConsumer<String, String> unreadable) {
    RedisLayout layout = new RedisLayout(view);
    List<String> keys = new ArrayList<>(KEYS_PER_SCAN);
    forEachKey(
        view,
        key -> {
          keys.add(key);
          if (keys.size() == KEYS_PER_SCAN) {
            readRows(layout, keys, row, unreadable);
            keys.clear();
          }
        });
    readRows(layout, keys, row, unreadable);
  }

  private void readRows(
      RedisLayout layout,
      List<String> keys,
      Consumer<OnlineRow> row,
      BiConsumer<String, String> unreadable) {
    List<Map<String, String>> hashes = hashes(layout, keys);
    for (int i = 0; i < hashes.size(); i++) {
      if (hashes.get(i).isEmpty()) {
        continue;
      }
      OnlineRow found;
      try {
        found = layout.row(keys.get(i), hashes.get(i));
      } catch (IllegalStateException e) {
        unreadable.accept(keys.get(i), String.valueOf(e.getMessage()));
        continue;
      }
      row.accept(found);
    }
  }

  /** The version of the view that readers use, see {@link ViewPointers}. */
  public Optional<String> currentVersion(String view) {
    return Optional.ofNullable(call(() -> redis.hmget(RedisLayout.VIEWS_KEY, view)).get(0));
  }

  /**
   * The features of one entity's newest row as the text that is stored, by name, for a reader that
   * knows the view's features under another version only. A feature that is NULL is not there.
   *
   * @return empty if there is no such row
   */
  public Map<String, String> features(String view, String version, String entityKey) {
    Map<String, String> fields =
        new TreeMap<>(call(() -> redis.hgetAll(RedisLayout.keyPrefix(view, version) + entityKey)));
    fields.keySet().removeIf(field -> field.startsWith(RedisLayout.OWN_FIELD));
    return fields;
  }

  private static Optional<OnlineRow> row(
      RedisLayout layout, String entityKey, Map<String, String> fields) {
    return fields.isEmpty() ? Optional.empty() : Optional.of(layout.row(entityKey, fields));
  }

  /** In SCAN's patterns {@code *?[]\} have a meaning. */
  private static String escaped(String text) {
    return text.replaceAll("([*?\\[\\]\\\\^])", "\\\\$1");
  }

  private <T> T call(Supplier<T> command) {
    try {
      return command.get();
    } catch (JedisException e) {
      throw new UncheckedIOException(
          new IOException(
              "Reading from Redis at "
                  + address
                  + " failed: "
                  + e.getMessage()
                  + ". Check that it runs and can be reached from here.",
              e));
    }
  }

  @Override
  public void close() {
    redis.close();
  }
}
