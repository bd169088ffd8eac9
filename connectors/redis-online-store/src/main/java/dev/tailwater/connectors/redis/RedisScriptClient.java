package dev.tailwater.connectors.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tailwater.connectors.store.FeatureRow;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Connection;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/**
 * One connection to Redis that puts rows through the script and outlives the server: it reconnects,
 * loads the script again and sends again what was not acknowledged. Used by one thread.
 */
final class RedisScriptClient implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(RedisScriptClient.class);

  private static final String CLIENT_NAME = "tailwater-online-store";
  private static final String SCRIPT_FILE = "put-if-newer.lua";
  private static final byte[] SCRIPT = readScript();
  private static final byte[] SCRIPT_SHA = sha1Hex(SCRIPT);

  private static final long FIRST_WAIT_MS = 50;
  private static final long LONGEST_WAIT_MS = 5_000;

  /** Error replies that pass by themselves: starting up, failing over, out of memory, busy. */
  private static final List<String> TRANSIENT_ERRORS =
      List.of(
          "LOADING",
          "READONLY",
          "MASTERDOWN",
          "CLUSTERDOWN",
          "TRYAGAIN",
          "BUSY",
          "OOM",
          "MISCONF",
          "NOREPLICAS",
          "NOSCRIPT");

  private final RedisAddress address;
  private final RedisLayout[] layouts;
  private final RedisWriteSettings settings;
  private final boolean firstOfView;
  private final Counter written;
  private final Counter stale;
  private final Counter reconnects;

  private @Nullable Connection connection;
  private boolean wasConnected;

  RedisScriptClient(
      RedisAddress address,
      RedisLayout[] layouts,
      RedisWriteSettings settings,
      boolean firstOfView,
      MetricGroup metrics) {
    this.address = address;
    this.layouts = layouts.clone();
    this.settings = settings;
    this.firstOfView = firstOfView;
    this.written = metrics.counter(RedisMetric.ROWS_WRITTEN.metricName());
    this.stale = metrics.counter(RedisMetric.ROWS_STALE.metricName());
    this.reconnects = metrics.counter(RedisMetric.RECONNECTS.metricName());
  }

  /**
   * Puts every row, each unless Redis holds a newer one; waits out an outage.
   *
   * @throws IOException if Redis stayed unusable for too long, or refuses a row for good
   */
  void put(List<FeatureRow> rows) throws IOException, InterruptedException {
    List<FeatureRow> remaining = rows;
    Outage outage = null;
    boolean scriptReloaded = false;
    while (true) {
      try {
        Replies replies = send(remaining);
        remaining = replies.unwritten;
        if (remaining.isEmpty()) {
          if (outage != null) {
            LOG.info("Redis at {} is back after {}; no row was lost", address, outage.age());
          }
          return;
        }
        if (replies.scriptMissing && !scriptReloaded) {
          // SCRIPT FLUSH, or a failover to a server that never saw the script: not an outage yet.
          scriptReloaded = true;
          loadScript(connected());
          continue;
        }
        outage = waited(outage, replies.lastProblem);
      } catch (JedisConnectionException e) {
        outage = waited(outage, e);
      } catch (JedisDataException e) {
        if (!isTransient(e)) {
          throw refused(e);
        }
        outage = waited(outage, e);
      }
    }
  }

  private Replies send(List<FeatureRow> rows) throws IOException {
    Connection connected = connected();
    for (FeatureRow row : rows) {
      connected.sendCommand(
          Protocol.Command.EVALSHA, layouts[row.view()].putIfNewer(SCRIPT_SHA, row));
    }
    List<Object> answers = connected.getMany(rows.size());
    Replies replies = new Replies();
    for (int i = 0; i < answers.size(); i++) {
      if (answers.get(i) instanceof JedisDataException problem) {
        if (!isTransient(problem)) {
          FeatureRow row = rows.get(i);
          throw new IOException(
              "Redis at "
                  + address
                  + " refuses the row at key "
                  + layouts[row.view()].key(row.key())
                  + ": "
                  + problem.getMessage()
                  + ". If something else wrote that key, delete it; the job then restarts from its"
                  + " last checkpoint and writes the row.",
              problem);
        }
        replies.unwritten.add(rows.get(i));
        replies.lastProblem = problem;
        replies.scriptMissing |= problem instanceof JedisNoScriptException;
      } else if (Long.valueOf(1).equals(answers.get(i))) {
        written.inc();
      } else {
        stale.inc();
      }
    }
    return replies;
  }

  /** What came back for one batch. */
  private static final class Replies {
    final List<FeatureRow> unwritten = new ArrayList<>();
    boolean scriptMissing;
    @Nullable JedisException lastProblem;
  }

  private Connection connected() {
    Connection current = connection;
    if (current != null && !current.isBroken()) {
      return current;
    }
    disconnect();
    Connection opened =
        new Connection(
            address.hostAndPort(), address.clientConfig(settings.timeout(), CLIENT_NAME));
    connection = opened;
    if (wasConnected) {
      reconnects.inc();
    }
    wasConnected = true;
    loadScript(opened);
    if (!firstOfView) {
      return opened;
    }
    // Only where there is none: a pointer is moved by activation alone. A server that lost its data
    // needs them again, too.
    for (RedisLayout layout : layouts) {
      opened.sendCommand(
          Protocol.Command.HSETNX,
          RedisLayout.VIEWS_KEY,
          layout.view().view(),
          layout.view().version());
    }
    for (Object answer : opened.getMany(layouts.length)) {
      if (answer instanceof JedisDataException problem) {
        throw problem;
      }
    }
    return opened;
  }

  private static void loadScript(Connection connection) {
    connection.sendCommand(Protocol.Command.SCRIPT, "LOAD".getBytes(UTF_8), SCRIPT);
    connection.getOne();
  }

  /** Waits before the next attempt, longer each time, or gives up. */
  private Outage waited(@Nullable Outage ongoing, @Nullable JedisException problem)
      throws IOException, InterruptedException {
    disconnect();
    String reason = problem == null ? "no reason given" : String.valueOf(problem.getMessage());
    Outage outage = ongoing;
    if (outage == null) {
      outage = new Outage();
      LOG.warn(
          "Redis at {} is not usable ({}). The job is held back, nothing is lost; it fails if this"
              + " lasts {}",
          address,
          reason,
          settings.retryFor());
    }
    long remainingMs = settings.retryFor().minus(outage.age()).toMillis();
    if (remainingMs <= 0) {
      throw new IOException(
          "Redis at "
              + address
              + " was not usable for "
              + settings.retryFor()
              + " (last reason: "
              + reason
              + "). No row is lost: the job restarts from its last checkpoint. Check that Redis runs"
              + " and that the task managers can reach it.",
          problem);
    }
    Thread.sleep(Math.min(outage.nextWaitMs, remainingMs));
    outage.nextWaitMs = Math.min(2 * outage.nextWaitMs, LONGEST_WAIT_MS);
    return outage;
  }

  /** A time during which Redis was not usable. */
  private static final class Outage {
    private final long start = System.nanoTime();
    private long nextWaitMs = FIRST_WAIT_MS;

    Duration age() {
      return Duration.ofNanos(System.nanoTime() - start);
    }
  }

  private IOException refused(JedisDataException problem) {
    return new IOException(
        "Redis at "
            + address
            + " refuses the connection: "
            + problem.getMessage()
            + ". Check user, password and their permissions (EVALSHA, SCRIPT LOAD, HSET, HSETNX,"
            + " HGET, DEL, PEXPIRE) in the address.",
        problem);
  }

  /** An error inside a script is reported as "ERR ... -CODE message": the code may be anywhere. */
  private static boolean isTransient(JedisDataException problem) {
    String message = String.valueOf(problem.getMessage());
    return TRANSIENT_ERRORS.stream()
        .anyMatch(
            code ->
                message.startsWith(code + " ")
                    || message.contains(" -" + code + " ")
                    || message.contains(": " + code + " "));
  }

  private void disconnect() {
    Connection current = connection;
    connection = null;
    if (current != null) {
      try {
        current.forceDisconnect();
      } catch (IOException | JedisException e) {
        LOG.debug("Closing a connection to Redis at {} failed", address, e);
      }
    }
  }

  @Override
  public void close() {
    disconnect();
  }

  private static byte[] readScript() {
    try (InputStream script = RedisScriptClient.class.getResourceAsStream(SCRIPT_FILE)) {
      if (script == null) {
        throw new IllegalStateException(SCRIPT_FILE + " is missing from the jar: rebuild it");
      }
      return script.readAllBytes();
    } catch (IOException e) {
      throw new IllegalStateException(SCRIPT_FILE + " cannot be read from the jar", e);
    }
  }

  private static byte[] sha1Hex(byte[] script) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-1").digest(script))
          .getBytes(UTF_8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }
}
