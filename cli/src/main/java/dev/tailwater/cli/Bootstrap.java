package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.Lake.DeployedView;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.Topics;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.BootstrapJob;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.LiveJob;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.Column;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * New versions of some views: computed from all of history by a job beside the live one, which goes
 * on as their writer; readers are switched over when the job has caught up with the log and its
 * rows agree with each other. Until then they see nothing of it.
 */
public final class Bootstrap {

  private static final Duration POLL = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  /** A job that fails so often, and commits nothing in between, will not get better. */
  private static final int FAILURES = 5;

  /** Committed offsets are at most so many checkpoints behind the log when a job has caught up. */
  private static final int CHECKPOINTS_BEHIND = 3;

  private static final Duration READ_TIMEOUT = Duration.ofSeconds(10);

  private final LoadedProject project;
  private final Set<String> views;
  private final Stores stores;
  private final Console console;
  private final String name;
  private final String group;

  /**
   * Where versions are read from and written to.
   *
   * @param checkpointInterval of the jobs
   */
  public record Stores(KafkaLog log, RedisAddress redis, Lake lake, Duration checkpointInterval) {}

  /**
   * A bootstrap that has not begun.
   *
   * @param project as it defines the new versions
   * @param views the views whose versions are wanted
   */
  public Bootstrap(LoadedProject project, Set<String> views, Stores stores, Console console) {
    this(
        project.only(views),
        views,
        stores,
        console,
        BootstrapJob.name(project.plan(), views),
        BootstrapJob.group(project.plan(), views));
  }

  private Bootstrap(
      LoadedProject project,
      Set<String> views,
      Stores stores,
      Console console,
      String name,
      String group) {
    this.project = project;
    this.views = Set.copyOf(views);
    this.stores = stores;
    this.console = console;
    this.name = name;
    this.group = group;
  }

  /** The same for versions that the live job writes; it has been started. */
  static Bootstrap byLiveJob(
      LoadedProject project, Set<String> views, Stores stores, Console console) {
    return new Bootstrap(
        project.only(views),
        views,
        stores,
        console,
        project.plan().project() + ": live",
        stores.log().group().orElse(LiveJob.group(project.plan())));
  }

  /** The job's name: it tells the versions. */
  String jobName() {
    return name;
  }

  /**
   * Starts the job.
   *
   * @throws IOException if the log does not answer, or lacks a topic that the views need
   */
  public JobClient start(StreamExecutionEnvironment environment) throws Exception {
    // Whatever an earlier attempt committed says nothing about this one.
    Topics.forgetGroup(stores.log(), group);
    BootstrapJob.build(
        environment,
        project.plan(),
        new BootstrapJob.Config(stores.log(), stores.lake(), stores.redis(), views, generation()));
    return environment.executeAsync(name);
  }

  /** Rows of an attempt that failed may be there: these are told from them by a generation. */
  private long generation() {
    long generation = 0;
    for (ViewPlan view : project.plan().views()) {
      if (views.contains(view.name())) {
        long newest = stores.lake().newestGeneration(view.name(), view.version()).orElse(-1);
        generation = Math.max(generation, newest + 1);
      }
    }
    return generation;
  }

  /**
   * Waits until the job has read the log to its end, which moves on meanwhile: then it is a few
   * checkpoints behind it at most.
   *
   * @throws CommandFailedException if the job ends, fails again and again, or makes no progress for
   *     5 minutes
   */
  public void awaitCaughtUp(JobClient job) throws Exception {
    awaitCaughtUp(FlinkJob.of(job));
  }

  void awaitCaughtUp(FlinkJob job) throws Exception {
    List<String> topics = BootstrapJob.topics(project.plan());
    Map<String, Map<Integer, Long>> beginnings = Topics.beginningOffsets(stores.log(), topics);
    Map<String, Map<Integer, Long>> target = Topics.endOffsets(stores.log(), topics);
    long targetSince = System.nanoTime();
    long bound =
        Math.max(
            stores.checkpointInterval().multipliedBy(CHECKPOINTS_BEHIND).toNanos(),
            POLL.multipliedBy(CHECKPOINTS_BEHIND).toNanos());
    Progress progress = new Progress();
    while (true) {
      Map<String, Map<Integer, Long>> committed = Topics.committedOffsets(stores.log(), group);
      if (behind(committed, target, beginnings) == 0) {
        if (System.nanoTime() - targetSince <= bound) {
          return;
        }
        target = Topics.endOffsets(stores.log(), topics);
        targetSince = System.nanoTime();
        continue;
      }
      requireRunning(job);
      long lag = behind(committed, Topics.endOffsets(stores.log(), topics), beginnings);
      progress.tell(job, committed.isEmpty(), lag);
      LockSupport.parkNanos(POLL.toNanos());
    }
  }

  /**
   * How many records there are between what a group has committed and the ends, by topic and
   * partition.
   *
   * @param beginnings of partitions that do not begin at 0
   */
  static long behind(
      Map<String, Map<Integer, Long>> committed,
      Map<String, Map<Integer, Long>> ends,
      Map<String, Map<Integer, Long>> beginnings) {
    long behind = 0;
    for (Map.Entry<String, Map<Integer, Long>> topic : ends.entrySet()) {
      Map<Integer, Long> known = committed.getOrDefault(topic.getKey(), Map.of());
      for (Map.Entry<Integer, Long> end : topic.getValue().entrySet()) {
        // Of a partition without records nothing is ever committed.
        long first =
            beginnings.getOrDefault(topic.getKey(), Map.of()).getOrDefault(end.getKey(), 0L);
        behind += Math.max(0, end.getValue() - known.getOrDefault(end.getKey(), first));
      }
    }
    return behind;
  }

  private void requireRunning(FlinkJob job) throws Exception {
    if (job.status().isTerminalState()) {
      throw new CommandFailedException(
          "the job %s (%s) ended: %s. Readers see nothing of it; put that right and run bootstrap again"
              .formatted(name, job.id(), job.lastFailure().orElse("it was cancelled")));
    }
  }

  /** How the job gets on, and what a person sees of it. */
  private final class Progress {

    private long lastRead;
    private long lastLag = Long.MAX_VALUE;
    private long lastTold = System.nanoTime();
    private long lastProgress = System.nanoTime();
    private int failuresBefore;

    void tell(FlinkJob job, boolean nothingCommitted, long lag) throws Exception {
      long now = System.nanoTime();
      long read = job.recordsRead();
      int failures = job.failures();
      if (lag < lastLag) {
        failuresBefore = failures;
      }
      if (failures - failuresBefore >= FAILURES) {
        throw stuck(job, "failed %d times".formatted(failures - failuresBefore), lag);
      }
      if (read != lastRead || lag < lastLag) {
        lastProgress = now;
      } else if (now - lastProgress > PATIENCE.toNanos()) {
        throw stuck(job, "made no progress for %d minutes".formatted(PATIENCE.toMinutes()), lag);
      }
      console.live(
          String.format(
              Locale.ROOT,
              "%s: %,d records read, %,.0f/s, %,d behind the end of the log",
              nothingCommitted ? "history" : "log",
              read,
              Math.max(0, read - lastRead) / Math.max(1e-3, (now - lastTold) / 1e9),
              lag));
      lastRead = read;
      lastLag = lag;
      lastTold = now;
    }

    private CommandFailedException stuck(FlinkJob job, String what, long lag) throws Exception {
      return new CommandFailedException(
          "the job %s (%s) %s, %,d records behind the end of the log; its last failure: %s. Readers see nothing of it; put that right and run bootstrap again"
              .formatted(name, job.id(), what, lag, job.lastFailure().orElse("none")));
    }
  }

  /**
   * Compares a sample of the entities of each view: online with offline, and with the version that
   * readers use where the meaning of a feature is the same.
   *
   * @throws CommandFailedException if rows contradict each other
   */
  List<VersionCheck.Result> compare() {
    Map<String, DeployedView> deployed = stores.lake().deployedViews();
    Map<String, Map<String, String>> hashes = project.featureHashes();
    List<VersionCheck.Result> results = new ArrayList<>();
    try (RedisOnlineStore online = new RedisOnlineStore(stores.redis(), READ_TIMEOUT)) {
      for (FeatureViewLayout layout : FeatureGraph.layouts(project.plan())) {
        if (!views.contains(layout.view())) {
          continue;
        }
        console.live("comparing a sample of " + layout.view() + " …");
        VersionCheck.Result result =
            new VersionCheck(
                    stores.lake(),
                    online,
                    layout,
                    shared(
                        layout,
                        Optional.ofNullable(deployed.get(layout.view())),
                        hashes.getOrDefault(layout.view(), Map.of())),
                    stores.checkpointInterval())
                .run();
        results.add(result);
        if (!result.differences().isEmpty()) {
          throw new CommandFailedException(
              "version %s of view %s is not what it should be, so readers keep what they have:\n  %s\nThe job is cancelled; its rows stay, and nobody reads them. Please report this with the log file"
                  .formatted(
                      result.version(), result.view(), String.join("\n  ", result.differences())));
        }
      }
    }
    return results;
  }

  /** The version that readers use, with the features that the new one has as well. */
  private static Optional<FeatureViewLayout> shared(
      FeatureViewLayout layout, Optional<DeployedView> deployed, Map<String, String> hashes) {
    return deployed
        .filter(present -> !present.version().equals(layout.version()))
        .map(
            present -> {
              List<Column> same =
                  layout.features().stream()
                      .filter(feature -> present.features().containsKey(feature.name()))
                      .filter(
                          feature ->
                              present
                                  .features()
                                  .getOrDefault(feature.name(), "")
                                  .equals(hashes.get(feature.name())))
                      .toList();
              return new FeatureViewLayout(
                  layout.view(),
                  present.version(),
                  layout.entity(),
                  layout.key(),
                  same,
                  layout.timeToLiveMs());
            })
        .filter(before -> !before.features().isEmpty());
  }

  /**
   * Compares and, if the rows agree, makes readers use the new versions.
   *
   * @throws CommandFailedException if they do not; readers keep what they have
   */
  public List<ViewVersions.Change> compareAndActivate() {
    List<VersionCheck.Result> unused = compare();
    return activate();
  }

  List<ViewVersions.Change> activate() {
    try (ViewVersions versions = new ViewVersions(stores.redis(), stores.lake())) {
      return versions.activate(project, new TreeSet<>(views));
    }
  }
}
