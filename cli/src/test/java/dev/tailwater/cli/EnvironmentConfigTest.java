package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.connectors.iceberg.TableCare;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnvironmentConfigTest {

  private final Path project;

  EnvironmentConfigTest(@TempDir Path project) {
    this.project = project;
  }

  @Test
  void withoutAFileItIsTheLocalStack() {
    assertThat(load("", Map.of("UNUSED", "1"))).isEqualTo(EnvironmentConfig.local());
    assertThat(EnvironmentConfig.load(project, null, Map.of()))
        .isEqualTo(EnvironmentConfig.local());
  }

  @Test
  void secretsComeFromVariablesAndFilesAndAreNeverShown() throws Exception {
    Files.writeString(project.resolve("redis-uri"), "redis://:hunter2@cache:6379\n");
    EnvironmentConfig config =
        load(
            """
            kafka:
              bootstrap: broker:9092
              properties: {sasl.jaas.config: {env: JAAS}}
            redis: {uri: {file: redis-uri}}
            lake: {catalog: {type: rest, credential: {env: JAAS}}}
            flink: {parallelism: 4, checkpoint_interval: 250ms}
            """,
            Map.of("JAAS", "swordfish"));

    assertThat(config.kafka().orElseThrow().properties())
        .containsEntry("sasl.jaas.config", "swordfish");
    assertThat(config.redisUri()).contains("redis://:hunter2@cache:6379");
    assertThat(config.lakeCatalog()).containsEntry("credential", "swordfish");
    assertThat(config.parallelism()).isEqualTo(4);
    assertThat(config.checkpointInterval()).isEqualTo(Duration.ofMillis(250));
    assertThat(config.toString()).doesNotContain("hunter2").doesNotContain("swordfish");
  }

  @Test
  void tablesAreKeptInOrderAsTheFileSaysOrNotAtAll() {
    EnvironmentConfig config =
        load(
            "lake: {maintenance: {every: 1h, target_file_size: 1gb, keep_snapshots_for: 30d}}",
            Map.of());

    assertThat(config.keepsTables()).isTrue();
    assertThat(config.tableCare().every()).isEqualTo(Duration.ofHours(1));
    assertThat(config.tableCare().targetFileBytes()).isEqualTo(1 << 30);
    assertThat(config.tableCare().keepSnapshotsFor()).isEqualTo(Duration.ofDays(30));
    assertThat(config.tableCare().keepSnapshots()).isEqualTo(TableCare.DEFAULT.keepSnapshots());
    assertThat(load("lake: {maintenance: {every: off}}", Map.of()).keepsTables()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          kafka: {bootstrp: x}               | kafka.bootstrp is not a known key; use one of bootstrap, properties
          redis: {uri: 'redis://:p@cache:1'} | redis.uri holds a password, which does not belong into this file
          redis: {uri: cache}                | redis.uri is not the address of a Redis server
          redis: {uri: {env: MISSING}}       | redis.uri refers to the variable MISSING, which is not set
          redis: {uri: {file: missing}}      | redis.uri refers to the file missing, which cannot be read
          flink: {parallelism: 0}            | flink.parallelism '0' is not a whole number from 1 to 128
          flink: {checkpoint_interval: 2d}   | flink.checkpoint_interval '2d' is not a duration
          local: {web_port: 99999}           | local.web_port '99999' is not a whole number from 1 to 65535
          kafka: [                           | is not valid YAML
          lake: {maintenance: {every: 1s}}   | lake.maintenance.every '1s' is not a duration from 10s
          lake: {maintenance: {keep_snapshots: 1}} | lake.maintenance.keep_snapshots '1' is not a whole number from 10
          lake: {maintenance: {target_file_size: 5}} | lake.maintenance.target_file_size '5' is not a size from 1mb
          lake: {maintenance: {delete_orphans_after: 1h}} | lake.maintenance.delete_orphans_after '1h' is not a duration from 1d
          kafka: text                        | kafka is not a section
          """)
  void aMistakeNamesFileKeyValueReasonAndNextStep(String yaml, String message) {
    assertThatThrownBy(() -> load(yaml, Map.of()))
        .isInstanceOf(CommandFailedException.class)
        .hasMessageContaining("tailwater.yaml")
        .hasMessageContaining(message)
        .hasMessageContaining(";");
  }

  @Test
  void aNamedFileThatIsMissingIsAnError() {
    assertThatThrownBy(
            () -> EnvironmentConfig.load(project, project.resolve("production.yaml"), Map.of()))
        .hasMessageContaining("production.yaml: there is no such file");
  }

  private EnvironmentConfig load(String yaml, Map<String, String> environment) {
    try {
      Files.writeString(project.resolve(EnvironmentConfig.FILE_NAME), yaml);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return EnvironmentConfig.load(project, null, environment);
  }
}
