package dev.tailwater.localstack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RedisServerIT {

  @Test
  void dataIsThereAgainAfterAnOrderlyStop(@TempDir Path directory) throws Exception {
    Path data = directory.resolve("redis with spaces");
    try (RedisServer redis = RedisServer.start(data, 0)) {
      assertThat(ask(redis, "SET customer 7")).isEqualTo("+OK");
    }

    try (RedisServer redis = RedisServer.start(data, 0)) {
      assertThat(ask(redis, "STRLEN customer")).isEqualTo(":1");
    }
  }

  @Test
  void restartsOnTheSamePortAfterACrash(@TempDir Path directory) throws Exception {
    try (RedisServer redis = RedisServer.start(directory, 0, RedisServer.Persistence.NONE)) {
      int port = redis.port();
      ask(redis, "SET customer 7");
      redis.kill();
      redis.onExit().get(10, TimeUnit.SECONDS);
      assertThat(redis.isAlive()).isFalse();
      assertThat(FreePorts.isFree(port)).isTrue();

      redis.restart();

      assertThat(redis.port()).isEqualTo(port);
      assertThat(ask(redis, "EXISTS customer")).isEqualTo(":0");
    }
  }

  @Test
  void listensOnTheLoopbackInterfaceAndNeverEvicts(@TempDir Path directory) throws Exception {
    try (RedisServer redis = RedisServer.start(directory, 0)) {
      assertThat(settings(redis))
          .contains("bind 127.0.0.1", "protected-mode yes", "maxmemory-policy noeviction");
    }
  }

  @Test
  void takenPortAndFolderInUseAreErrorsThatSaySo(@TempDir Path directory) throws Exception {
    try (RedisServer redis = RedisServer.start(directory.resolve("one"), 0)) {
      assertThatThrownBy(() -> RedisServer.start(directory.resolve("two"), redis.port()))
          .isInstanceOf(PortTakenException.class)
          .hasMessageContaining("port " + redis.port());
      assertThatThrownBy(() -> RedisServer.start(directory.resolve("one"), 0))
          .isInstanceOf(ServerStartException.class)
          .hasMessageContaining("in use");
    }
  }

  private static String settings(RedisServer redis) throws IOException {
    return Files.readString(redis.logFile().resolveSibling("redis.conf"));
  }

  private static String ask(RedisServer redis, String command) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), redis.port())) {
      socket.setSoTimeout(5_000);
      socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
      return new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
          .readLine();
    }
  }
}
