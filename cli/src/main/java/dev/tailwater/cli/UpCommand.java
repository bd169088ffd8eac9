package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.jobs.LiveJob;
import dev.tailwater.jobs.ServedModel;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.serving.ModelRepository;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * {@code tailwater up}: a project running on the local stack until it is stopped. The log, what the
 * lake remembers of it, the predictions and the models are kept from run to run; the features in
 * both stores are derived from history, and rebuilt from it.
 */
final class UpCommand {

  /** Events of one key stay in order in any number of partitions; two show that it is so. */
  private static final int PARTITIONS = 2;

  private final Session session;

  UpCommand(Session session) {
    this.session = session;
  }

  /** Runs until Ctrl-C, or until a job fails. */
  int run(LoadedProject project, EnvironmentConfig environment) throws Exception {
    LocalStack.requireNoneRunning(session.home());
    Path directory = session.home().stack();
    for (String derived : List.of("redis", "flink", "checkpoints")) {
      Folders.delete(directory.resolve(derived));
    }
    session.console().say("Starting " + project.plan().project());
    try (LocalStack stack =
        LocalStack.start(
            session.home(),
            directory,
            project.directory(),
            session.home().models(),
            environment,
            session.console())) {
      try {
        Lake lake = Lakes.of(environment, stack.lakeDirectory());
        if (environment.lakeCatalog().isEmpty()) {
          lake.dropFeatureTables();
        }
        ProjectJobs jobs =
            new ProjectJobs(
                project,
                stack.log(),
                stack.redis(),
                lake,
                ModelRepository.open(session.home().models()));
        jobs.ensureTopics(PARTITIONS).forEach(session.console()::say);
        List<JobClient> running = start(stack, jobs, environment);
        describe(project, jobs, stack);
        activate(jobs, running.get(0), environment);
        awaitEnd(running);
        return Main.OK;
      } catch (ExecutionException | InterruptedException | RuntimeException | IOException e) {
        awaitEndIfStopping(stack);
        throw e;
      }
    }
  }

  private static List<JobClient> start(
      LocalStack stack, ProjectJobs jobs, EnvironmentConfig environment) throws Exception {
    String name = jobs.project().plan().project();
    boolean storesAreKept =
        environment.redisUri().isPresent() || !environment.lakeCatalog().isEmpty();
    StreamExecutionEnvironment live = stack.environment();
    Topics.forgetGroup(jobs.log(), LiveJob.group(jobs.project().plan()));
    jobs.buildLive(
        live, ends(jobs.log(), jobs.project()), storesAreKept ? Instant.now().getEpochSecond() : 0);
    List<JobClient> running = new ArrayList<>();
    running.add(live.executeAsync(name + ": live"));
    StreamExecutionEnvironment archive = stack.environment();
    jobs.buildArchive(archive);
    running.add(archive.executeAsync(name + ": archive"));
    if (environment.keepsTables()) {
      // After the others, which make the tables. One task each, that mostly wait.
      StreamExecutionEnvironment maintenance = stack.environment();
      maintenance.setParallelism(1);
      jobs.buildMaintenance(maintenance, environment.tableCare());
      running.add(maintenance.executeAsync(name + ": maintain"));
    }
    return running;
  }

  /** In stores that were kept, readers use the versions of an earlier run until these are ready. */
  private void activate(ProjectJobs jobs, JobClient live, EnvironmentConfig environment)
      throws Exception {
    try (ViewVersions versions = new ViewVersions(jobs.redis(), jobs.lake())) {
      Set<String> changed = versions.changed(jobs.project());
      if (changed.isEmpty()) {
        return;
      }
      session
          .console()
          .say("Readers of %s change over when all of history is read".formatted(changed));
      Bootstrap bootstrap =
          Bootstrap.byLiveJob(
              jobs.project(),
              changed,
              new Bootstrap.Stores(
                  jobs.log(), jobs.redis(), jobs.lake(), environment.checkpointInterval()),
              session.console());
      bootstrap.awaitCaughtUp(live);
      bootstrap
          .compareAndActivate()
          .forEach(change -> session.console().say(BootstrapCommand.line(change)));
    }
  }

  /** What is in the log already was asked before: it is replayed as facts only. */
  private static Map<String, Map<Integer, Long>> ends(KafkaLog log, LoadedProject project)
      throws IOException {
    List<StreamPlan> streams = project.plan().recordedStreams();
    Map<String, Map<Integer, Long>> byTopic =
        Topics.endOffsets(log, streams.stream().map(StreamPlan::topic).toList());
    Map<String, Map<Integer, Long>> byStream = new HashMap<>();
    for (StreamPlan stream : streams) {
      byStream.put(stream.name(), byTopic.getOrDefault(stream.topic(), Map.of()));
    }
    return byStream;
  }

  private void describe(LoadedProject project, ProjectJobs jobs, LocalStack stack)
      throws Exception {
    Console console = session.console();
    console.say("Running. Write to the topics:");
    for (StreamPlan stream : project.plan().recordedStreams()) {
      console.say(
          "  %s (%s, %s)"
              .formatted(stream.topic(), stream.format(), stack.log().bootstrapServers()));
    }
    for (ServedModel served : jobs.served()) {
      String model = project.plan().models().get(served.model()).name();
      console.say(
          served.version().isEmpty()
              ? "Model %s has no version yet: every answer is the fallback. Run tailwater train %s %s, then restart."
                  .formatted(model, project.directory(), model)
              : "Model %s serves version %s; predictions go to the topic %s"
                  .formatted(
                      model, served.version(), project.plan().models().get(served.model()).to()));
    }
    console.say("Jobs: " + stack.webUrl() + "   Stop: Ctrl-C");
  }

  /** Live jobs never end by themselves: the first that does has failed. */
  private static void awaitEnd(List<JobClient> jobs)
      throws ExecutionException, InterruptedException {
    Object unused =
        CompletableFuture.anyOf(
                jobs.stream()
                    .map(JobClient::getJobExecutionResult)
                    .toArray(CompletableFuture[]::new))
            .get();
  }

  /** On Ctrl-C the jobs fail because they are stopped: that is not news. */
  private static void awaitEndIfStopping(LocalStack stack) throws InterruptedException {
    if (stack.isStopping()) {
      new CountDownLatch(1).await();
    }
  }
}
