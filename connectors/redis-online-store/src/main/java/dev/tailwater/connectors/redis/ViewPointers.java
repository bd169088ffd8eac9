package dev.tailwater.connectors.redis;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Which version of each view readers of the online store use: the hash {@code tailwater:views}, and
 * {@code tailwater:views:previous} for the versions before. Thread-safe.
 *
 * <p>The rows of several versions of a view are there at once. Sinks name theirs only where none is
 * named; {@link #activate} alone changes what is. Every method throws {@link UncheckedIOException},
 * naming the address, if Redis cannot be reached in time.
 */
public final class ViewPointers implements AutoCloseable {

  /**
   * One step for all views, also for readers: no other command runs while a script does. An equal
   * version is left alone, so that activating twice does not forget the version before.
   */
  private static final String ACTIVATE =
      """
      for i = 1, #ARGV, 2 do
        local present = redis.call('HGET', KEYS[1], ARGV[i])
        if present ~= ARGV[i + 1] then
          if present then
            redis.call('HSET', KEYS[2], ARGV[i], present)
          end
          redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
        end
        redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
      end
      return 1
      """;

  private final RedisAddress address;
  private final RedisClient redis;

  /**
   * Opens the pointers; connections are made when they are first needed.
   *
   * @param timeout the limit of waiting for a connection, of connecting and of every call
   */
  public ViewPointers(RedisAddress address, Duration timeout) {
    this.address = address;
    ConnectionPoolConfig pool = new ConnectionPoolConfig();
    pool.setMaxTotal(2);
    pool.setMaxWait(timeout);
    this.redis =
        RedisClient.builder()
            .hostAndPort(address.hostAndPort())
            .clientConfig(address.clientConfig(timeout, "tailwater-pointers"))
            .poolConfig(pool)
            .build();
  }

  /** The version of each view that readers use. */
  public Map<String, String> current() {
    return new TreeMap<>(call(() -> redis.hgetAll(RedisLayout.VIEWS_KEY)));
  }

  /** The version of each view that readers used before; views that have had one only are absent. */
  public Map<String, String> previous() {
    return new TreeMap<>(call(() -> redis.hgetAll(RedisLayout.PREVIOUS_VIEWS_KEY)));
  }

  /** What was activated here, but not {@link #finish finished}. */
  public Map<String, String> unfinished() {
    return new TreeMap<>(call(() -> redis.hgetAll(RedisLayout.UNFINISHED_VIEWS_KEY)));
  }

  /** Notes that whatever follows the activation of these views has happened. */
  public void finish(Collection<String> views) {
    if (!views.isEmpty()) {
      Object unused =
          call(() -> redis.hdel(RedisLayout.UNFINISHED_VIEWS_KEY, views.toArray(String[]::new)));
    }
  }

  /**
   * Makes readers use these versions from now on, all at once, and keeps those before. It is
   * unfinished until it is told otherwise.
   *
   * @param versions by view
   */
  public void activate(Map<String, String> versions) {
    if (versions.isEmpty()) {
      return;
    }
    List<String> arguments = new ArrayList<>();
    new TreeMap<>(versions)
        .forEach(
            (view, version) -> {
              arguments.add(view);
              arguments.add(version);
            });
    Object unused =
        call(
            () ->
                redis.eval(
                    ACTIVATE,
                    List.of(
                        RedisLayout.VIEWS_KEY,
                        RedisLayout.PREVIOUS_VIEWS_KEY,
                        RedisLayout.UNFINISHED_VIEWS_KEY),
                    arguments));
  }

  /** Forgets the version before, which is no longer written: there is no way back to it. */
  public void forgetPrevious(String view) {
    Object unused = call(() -> redis.hdel(RedisLayout.PREVIOUS_VIEWS_KEY, view));
  }

  private <T> T call(Supplier<T> command) {
    try {
      return command.get();
    } catch (JedisException e) {
      throw new UncheckedIOException(
          new IOException(
              "The versions that readers use could not be read or changed in Redis at "
                  + address
                  + ": "
                  + e.getMessage()
                  + ". Check that it runs and can be reached from here; a change happens as a whole or not at all.",
              e));
    }
  }

  @Override
  public void close() {
    redis.close();
  }
}
