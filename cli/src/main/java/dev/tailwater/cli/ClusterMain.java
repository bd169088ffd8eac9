package dev.tailwater.cli;

import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.jobs.LiveSources;
import dev.tailwater.jobs.SampledVerifyJob;
import dev.tailwater.serving.ModelRepository;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The entry class of a job on a Flink cluster: {@code live|archive|maintain|bootstrap|verify
 * PROJECT --environment=FILE [--models=DIR] [--views=A,B] [--no-activate] [--sample=1/N]}. The
 * cluster decides parallelism, state and checkpoints; the environment file names log and stores;
 * the topics must exist.
 */
@Command(name = "tailwater-job", sortOptions = false)
public final class ClusterMain implements Callable<Integer> {

  /** Which of the project's jobs, named as they are typed. */
  enum Job {
    live,
    archive,
    maintain,
    bootstrap,
    verify
  }

  @Parameters(index = "0", description = "live, archive, maintain, bootstrap or verify.")
  private Job job = Job.live;

  @Parameters(index = "1", description = "The project's folder.")
  private Path project = Path.of("");

  @Option(names = "--environment", required = true, description = "The environment file.")
  private Path environment = Path.of("");

  @Option(names = "--models", description = "The folder of the registered models.")
  private @Nullable Path models;

  @Option(
      names = "--views",
      description = "Of a bootstrap: these views; else all that are new or changed.")
  private @Nullable String views;

  @Option(
      names = "--no-activate",
      description = "Of a bootstrap: leave readers with what they have.")
  private boolean noActivate;

  @Option(
      names = "--sample",
      description = "What verify watches: one key in N (default ${DEFAULT-VALUE}).")
  private String sample = "1/100";

  private ClusterMain() {}

  public static void main(String[] arguments) throws Exception {
    CommandLine commandLine =
        new CommandLine(new ClusterMain())
            .setExecutionExceptionHandler(
                (failure, command, result) -> {
                  throw failure; // Flink shows it in the job's status and log.
                });
    int code = commandLine.execute(arguments);
    if (code != Main.OK) {
      // An exit would end Flink's own process: the failure is thrown instead.
      throw new CommandFailedException(
          "the arguments " + List.of(arguments) + " cannot be used; see the usage above");
    }
  }

  @Override
  public Integer call() throws Exception {
    EnvironmentConfig config = EnvironmentConfig.load(project, environment, System.getenv());
    KafkaLog log =
        config
            .kafka()
            .map(kafka -> new KafkaLog(kafka.bootstrapServers(), kafka.properties()))
            .orElseThrow(() -> missing("kafka.bootstrap"));
    RedisAddress redis =
        config.redisUri().map(RedisAddress::parse).orElseThrow(() -> missing("redis.uri"));
    if (config.lakeCatalog().isEmpty()) {
      throw missing("lake.catalog");
    }
    Path registered = models;
    if (job == Job.live && registered == null) {
      throw new CommandFailedException(
          "--models is missing: name the folder of the registered models");
    }
    LoadedProject loaded = LoadedProject.load(project);
    ProjectJobs jobs =
        new ProjectJobs(
            loaded,
            log,
            redis,
            Lakes.of(config, project),
            ModelRepository.open(registered == null ? project : registered));
    StreamExecutionEnvironment flink = StreamExecutionEnvironment.getExecutionEnvironment();
    switch (job) {
      case bootstrap -> {
        return bootstrap(loaded, jobs, flink);
      }
      case live -> jobs.buildLive(flink, Map.of(), 0);
      case archive -> jobs.buildArchive(flink);
      case maintain -> jobs.buildMaintenance(flink, config.tableCare());
      case verify ->
          SampledVerifyJob.build(
              flink,
              loaded.plan(),
              new SampledVerifyJob.Config(
                  new LiveSources(log, Optional.of(Lakes.of(config, project))),
                  redis,
                  VerifyCommand.oneKeyIn(sample),
                  SampledVerifyJob.PATIENCE));
    }
    Object unused = flink.execute(loaded.plan().project() + ": " + job);
    return Main.OK;
  }

  /** Returns when readers are switched over; the job goes on. */
  private int bootstrap(LoadedProject loaded, ProjectJobs jobs, StreamExecutionEnvironment flink)
      throws Exception {
    long checkpointMs = flink.getCheckpointConfig().getCheckpointInterval();
    if (checkpointMs < 1) {
      throw new CommandFailedException(
          "a bootstrap needs checkpoints: set execution.checkpointing.interval for the job");
    }
    return new BootstrapCommand(new Console(System.out, System.err, false))
        .run(
            loaded,
            BootstrapCommand.views(loaded, views),
            new Bootstrap.Stores(
                jobs.log(), jobs.redis(), jobs.lake(), Duration.ofMillis(checkpointMs)),
            BootstrapCommand.Flink.here(flink),
            !noActivate,
            false);
  }

  private CommandFailedException missing(String key) {
    return new CommandFailedException(
        environment + ": " + key + " is missing; a cluster has no local stack, so name it");
  }
}
