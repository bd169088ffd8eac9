package dev.tailwater.localstack;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParentDeathIT {

  @Test
  void serversEndWhenTheJvmThatStartedThemIsKilled(@TempDir Path directory) throws Exception {
    Process parent =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                ServersUntilKilled.class.getName(),
                directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader output =
        new BufferedReader(
            new InputStreamReader(parent.getInputStream(), StandardCharsets.UTF_8))) {
      int kafkaPort = Integer.parseInt(output.readLine());
      int redisPort = Integer.parseInt(output.readLine());
      try (Socket kafka = connect(kafkaPort);
          Socket redis = connect(redisPort)) {
        List<ProcessHandle> servers = parent.descendants().toList();
        parent.destroyForcibly();

        assertThat(endsWithin20Seconds(kafka)).isTrue();
        assertThat(endsWithin20Seconds(redis)).isTrue();
        for (ProcessHandle server : servers) {
          // A broker closes its connections first, and its files last.
          assertThat(server.onExit()).succeedsWithin(Duration.ofSeconds(20));
        }
      }
      assertThat(FreePorts.isFree(kafkaPort)).isTrue();
      assertThat(FreePorts.isFree(redisPort)).isTrue();
    } finally {
      parent.destroyForcibly();
    }
  }

  private static Socket connect(int port) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(20_000);
    return socket;
  }

  /** A connection ends with its server: waiting for that needs no polling. */
  private static boolean endsWithin20Seconds(Socket connection) throws IOException {
    try {
      return connection.getInputStream().read() == -1;
    } catch (SocketException reset) {
      return true;
    }
  }
}
