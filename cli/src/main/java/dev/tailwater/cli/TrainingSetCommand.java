package dev.tailwater.cli;

import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.RefusedRecords;
import dev.tailwater.jobs.TrainingSetJob;
import dev.tailwater.schemas.Column;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/** {@code tailwater training-set}: the features of each row of a spine as of its event time. */
final class TrainingSetCommand {

  private final Console console;

  TrainingSetCommand(Console console) {
    this.console = console;
  }

  /**
   * Which views were asked for: those of a model, or those named.
   *
   * @param views separated by commas
   */
  static int[] views(LoadedProject project, @Nullable String model, @Nullable String views) {
    if ((model == null) == (views == null)) {
      throw new WrongUsageException("give either --model M or --views A,B");
    }
    if (model != null) {
      int[] read = project.plan().models().get(project.model(model)).views();
      if (read.length == 0) {
        throw new CommandFailedException(
            "model " + model + " reads no feature view; name views with --views");
      }
      return read;
    }
    return Arrays.stream(String.valueOf(views).split(",", -1))
        .map(String::strip)
        .mapToInt(project::view)
        .distinct()
        .sorted()
        .toArray();
  }

  /** Writes the training set to {@code out}, replacing what is there once it is complete. */
  int run(
      StreamExecutionEnvironment environment,
      LoadedProject project,
      int[] views,
      Path spine,
      BoundedSources history,
      Path out)
      throws Exception {
    Path folder = out.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new CommandFailedException(
          "--out %s: there is no folder %s; create it first".formatted(out, folder));
    }
    console.live("replaying history …");
    TrainingSetJob.build(
        environment, project.plan(), views, spine, history, TrainingSetJob.Output.file(out));
    RefusedRecords refused =
        RefusedRecords.of(environment.execute("training set of " + project.plan().project()));
    refused.lines().forEach(console::say);
    List<Column> features = TrainingSetJob.features(project.plan(), views);
    console.say("%s: the rows of %s with %d features".formatted(out, spine, features.size()));
    return Main.OK;
  }
}
