package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.localstack.FreePorts;
import dev.tailwater.localstack.PortTakenException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalStackIT {

  private final TailwaterHome home;
  private final ByteArrayOutputStream progress = new ByteArrayOutputStream();

  LocalStackIT(@TempDir Path directory) {
    this.home = new TailwaterHome(directory.resolve("home"));
  }

  @Test
  void runsJobsTellsWhereItIsAndLeavesNothingBehind() throws Exception {
    URI web;
    int kafkaPort;
    try (LocalStack stack = start(EnvironmentConfig.local())) {
      StreamExecutionEnvironment environment = stack.environment();
      environment.fromSequence(1, 100).sinkTo(new DiscardingSink<>());
      environment.execute("a bounded job");

      web = stack.webUrl();
      kafkaPort = stack.kafkaServer().orElseThrow().port();
      RunningStack note = RunningStack.find(home).orElseThrow();
      assertThat(note.webUrl()).isEqualTo(web.toString());
      assertThat(note.bootstrapServers()).isEqualTo("127.0.0.1:" + kafkaPort);
      assertThat(progress.toString(StandardCharsets.UTF_8)).contains("Kafka", "Redis", "Flink");
      assertThatThrownBy(() -> LocalStack.requireNoneRunning(home))
          .isInstanceOf(CommandFailedException.class)
          .hasMessageContaining("a stack already runs in " + home.directory());
    }
    assertThat(FreePorts.isFree(kafkaPort)).isTrue();
    assertThat(FreePorts.isFree(web.getPort())).isTrue();
    assertThat(home.runFile()).doesNotExist();
  }

  @Test
  void aFixedPortThatIsTakenIsAClearErrorAndStopsWhatWasStarted() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Path project = Files.createDirectories(home.directory().resolve("project"));
      Files.writeString(
          project.resolve(EnvironmentConfig.FILE_NAME),
          "local: {kafka_port: %d}".formatted(taken.getLocalPort()));
      EnvironmentConfig environment = EnvironmentConfig.load(project, null, Map.of());

      assertThatThrownBy(() -> start(environment))
          .isInstanceOf(PortTakenException.class)
          .hasMessageContaining("port " + taken.getLocalPort());
      assertThat(home.runFile()).doesNotExist();
    }
  }

  private LocalStack start(EnvironmentConfig environment) throws Exception {
    return LocalStack.start(
        home,
        home.stack(),
        home.directory().resolve("project"),
        home.models(),
        environment,
        new Console(System.out, new PrintStream(progress, true, StandardCharsets.UTF_8), false));
  }
}
