package dev.tailwater.connectors.redis;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;

/**
 * Where the online store is: {@code redis://[user:password@]host[:port][/database]}, or {@code
 * rediss://} for TLS. The password never appears in {@link #toString} or in an error.
 */
public record RedisAddress(URI uri) implements java.io.Serializable {

  private static final int DEFAULT_PORT = 6379;

  public RedisAddress {
    String scheme = uri.getScheme();
    if (!"redis".equals(scheme) && !"rediss".equals(scheme)) {
      throw invalid(uri, "its scheme must be redis or, for TLS, rediss");
    }
    if (uri.getHost() == null) {
      throw invalid(uri, "it names no host");
    }
    String path = uri.getPath();
    if (path != null && !path.matches("(/(\\d{1,4})?)?")) {
      throw invalid(uri, "its path must be a database number, as in /0");
    }
  }

  /**
   * Reads an address.
   *
   * @throws IllegalArgumentException if it is not one; the message does not contain the password
   */
  public static RedisAddress parse(String text) {
    try {
      return new RedisAddress(new URI(text));
    } catch (URISyntaxException e) {
      // The syntax error quotes its input, password included: it is not passed on.
      throw new IllegalArgumentException(
          "The Redis address is not a URI ("
              + e.getReason()
              + "). Write it as redis://[user:password@]host:port[/database], with special"
              + " characters of the password percent-encoded.");
    }
  }

  private static IllegalArgumentException invalid(URI uri, String reason) {
    return new IllegalArgumentException(
        "The Redis address "
            + withoutCredentials(uri)
            + " is not valid: "
            + reason
            + ". Write it as redis://[user:password@]host:port[/database].");
  }

  HostAndPort hostAndPort() {
    return new HostAndPort(uri.getHost(), port(uri));
  }

  /** Connection settings with one time limit for connecting and for every call. */
  JedisClientConfig clientConfig(Duration timeout, String clientName) {
    int timeoutMs = Math.toIntExact(timeout.toMillis());
    DefaultJedisClientConfig.Builder config =
        DefaultJedisClientConfig.builder()
            .connectionTimeoutMillis(timeoutMs)
            .socketTimeoutMillis(timeoutMs)
            .ssl("rediss".equals(uri.getScheme()))
            .database(database())
            .clientName(clientName);
    String user = userInfo(0);
    String password = userInfo(1);
    if (user != null && !user.isEmpty()) {
      config.user(user);
    }
    if (password != null) {
      config.password(password);
    }
    return config.build();
  }

  private int database() {
    String path = uri.getPath();
    return path == null || path.length() < 2 ? 0 : Integer.parseInt(path.substring(1));
  }

  /** The user (0) or the password (1), or null. */
  private @Nullable String userInfo(int part) {
    String userInfo = uri.getUserInfo();
    if (userInfo == null) {
      return null;
    }
    int colon = userInfo.indexOf(':');
    if (part == 0) {
      return colon < 0 ? userInfo : userInfo.substring(0, colon);
    }
    return colon < 0 ? null : userInfo.substring(colon + 1);
  }

  private static int port(URI uri) {
    return uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
  }

  private static String withoutCredentials(URI uri) {
    String database = uri.getPath() == null || uri.getPath().length() < 2 ? "" : uri.getPath();
    String host = uri.getHost() == null ? "" : uri.getHost() + ":" + port(uri);
    return uri.getScheme() + "://" + host + database;
  }

  /** The address without user and password. */
  @Override
  public String toString() {
    return withoutCredentials(uri);
  }
}
