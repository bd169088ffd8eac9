package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake.DeployedView;
import dev.tailwater.plan.ViewPlan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * {@code tailwater bootstrap}, on a cluster as well: new and changed views from history, beside
 * what runs.
 */
final class BootstrapCommand {

  private final Console console;

  BootstrapCommand(Console console) {
    this.console = console;
  }

  /** Where the job runs. */
  interface Flink {

    /** The job of this name, if it runs there already. */
    Optional<FlinkJob> find(String name) throws Exception;

    StreamExecutionEnvironment environment();

    /** The job that was started in the environment. */
    FlinkJob follow(JobClient started);

    /** What to open in a browser to see a job; empty if nobody knows. */
    Optional<String> page(FlinkJob job);

    /** The cluster that this program runs on, which knows no other jobs. */
    static Flink here(StreamExecutionEnvironment environment) {
      return new Flink() {
        @Override
        public Optional<FlinkJob> find(String name) {
          return Optional.empty();
        }

        @Override
        public StreamExecutionEnvironment environment() {
          return environment;
        }

        @Override
        public FlinkJob follow(JobClient started) {
          return FlinkJob.of(started);
        }

        @Override
        public Optional<String> page(FlinkJob job) {
          return Optional.empty();
        }
      };
    }
  }

  /** The views named as {@code A,B}; empty for none named. */
  static List<String> views(LoadedProject project, @Nullable String written) {
    if (written == null) {
      return List.of();
    }
    List<String> names = Arrays.stream(written.split(",")).map(String::strip).distinct().toList();
    names.forEach(
        name -> {
          int unused = project.view(name);
        });
    return names;
  }

  /**
   * Starts the job on the running stack, or finds it there, and sees it through.
   *
   * @param wanted the views; empty for all that are new or changed
   * @param activate whether readers use the new versions then
   */
  int run(
      LoadedProject project,
      List<String> wanted,
      Bootstrap.Stores stores,
      Flink flink,
      boolean activate,
      boolean json)
      throws Exception {
    Set<String> views = changed(project, wanted, stores.lake().deployedViews());
    if (views.isEmpty()) {
      console.say(
          "nothing to bootstrap: readers use the versions that %s defines"
              .formatted(project.directory()));
      if (json) {
        console.print(Json.write(Map.of("views", List.of(), "activated", false)));
      }
      return Main.OK;
    }
    Bootstrap bootstrap = new Bootstrap(project, views, stores, console);
    Optional<FlinkJob> running = flink.find(bootstrap.jobName());
    FlinkJob job;
    if (running.isPresent()) {
      job = running.get();
      console.say("The job runs already: " + bootstrap.jobName());
    } else {
      JobClient started = bootstrap.start(flink.environment());
      job = flink.follow(started);
      console.say("Started " + bootstrap.jobName());
    }
    flink.page(job).ifPresent(page -> console.say("  " + page));
    long start = System.nanoTime();
    List<VersionCheck.Result> checked;
    double seconds;
    try {
      bootstrap.awaitCaughtUp(job);
      seconds = (System.nanoTime() - start) / 1e9;
      console.say(String.format(Locale.ROOT, "Caught up with the log (%.1f s)", seconds));
      checked = bootstrap.compare();
    } catch (Exception e) {
      job.cancel();
      throw e;
    }
    for (VersionCheck.Result result : checked) {
      console.say(
          "%s: %d of %d entities equal in both stores, %d of them with what readers had before%s"
              .formatted(
                  result.view(),
                  result.equal(),
                  result.sampled(),
                  result.equalBefore(),
                  result.notFinal() == 0
                      ? ""
                      : "; the newest rows of %d are not final yet".formatted(result.notFinal())));
    }
    List<ViewVersions.Change> changes = activate ? bootstrap.activate() : List.of();
    if (json) {
      console.print(Json.write(description(project, job, seconds, checked, changes)));
    } else {
      print(changes);
      console.print(
          activate
              ? "The job goes on as their writer. Back: tailwater rollback " + project.directory()
              : "Readers keep what they have; activate with tailwater bootstrap "
                  + project.directory());
    }
    return Main.OK;
  }

  /** Prints which version readers use now. */
  private void print(List<ViewVersions.Change> changes) {
    changes.forEach(change -> console.print(line(change)));
  }

  static String line(ViewVersions.Change change) {
    return "%s: readers use version %s now%s"
        .formatted(
            change.view(),
            change.now(),
            change.before().map(before -> ", " + before + " before").orElse(""));
  }

  /** What is new or changed, of what was named. */
  private Set<String> changed(
      LoadedProject project, List<String> wanted, Map<String, DeployedView> deployed) {
    Set<String> changed = new LinkedHashSet<>(ViewVersions.changed(project, deployed));
    for (String name : wanted) {
      if (!changed.contains(name)) {
        console.say(
            "%s: readers use its version %s already"
                .formatted(name, project.plan().views().get(project.view(name)).version()));
      }
    }
    if (!wanted.isEmpty()) {
      changed.retainAll(wanted);
    }
    for (ViewPlan view : project.plan().views()) {
      Optional<DeployedView> previous =
          Optional.ofNullable(deployed.get(view.name())).flatMap(DeployedView::previous);
      if (changed.contains(view.name())
          && previous.filter(before -> before.version().equals(view.version())).isPresent()) {
        throw new CommandFailedException(
            "version %s of view %s is the one that readers used before, and is still there: tailwater rollback %s --views %s makes them use it again"
                .formatted(view.version(), view.name(), project.directory(), view.name()));
      }
    }
    return changed;
  }

  private static Map<String, @Nullable Object> description(
      LoadedProject project,
      FlinkJob job,
      double seconds,
      List<VersionCheck.Result> checked,
      List<ViewVersions.Change> changes) {
    Map<String, @Nullable Object> description = new LinkedHashMap<>();
    description.put("project", project.plan().project());
    description.put("job", job.id());
    description.put("seconds_to_catch_up", seconds);
    description.put("activated", !changes.isEmpty());
    List<Object> views = new ArrayList<>();
    for (VersionCheck.Result result : checked) {
      Map<String, @Nullable Object> view = new LinkedHashMap<>();
      view.put("view", result.view());
      view.put("version", result.version());
      view.put(
          "version_before",
          changes.stream()
              .filter(change -> change.view().equals(result.view()))
              .findFirst()
              .flatMap(ViewVersions.Change::before)
              .orElse(null));
      view.put("sampled", result.sampled());
      view.put("equal", result.equal());
      view.put("not_final", result.notFinal());
      view.put("equal_before", result.equalBefore());
      views.add(view);
    }
    description.put("views", views);
    return description;
  }

  /** {@code tailwater rollback}. */
  static int rollback(Console console, Bootstrap.Stores stores, List<String> views, boolean json) {
    ViewVersions.Rollback rollback;
    try (ViewVersions versions = new ViewVersions(stores.redis(), stores.lake())) {
      rollback = versions.rollback(views);
    }
    long onlineMs = rollback.online().toMillis();
    if (json) {
      List<Object> described = new ArrayList<>();
      for (ViewVersions.Change change : rollback.changes()) {
        described.add(
            Map.of(
                "view", change.view(),
                "version", change.now(),
                "version_before", change.before().orElse("")));
      }
      console.print(Json.write(Map.of("views", described, "online_after_ms", onlineMs)));
    } else {
      rollback.changes().forEach(change -> console.print(line(change)));
      console.say("(online after %d ms, the tables have followed)".formatted(onlineMs));
    }
    return Main.OK;
  }
}
