package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * New versions of some views, from the beginning of history, and on: the same graph as the live
 * job's, without questions, into both stores beside the versions that readers use. It never ends;
 * when it has caught up it is the writer of these versions.
 *
 * <p>It writes no dead letters: those of its streams are the live job's.
 */
public final class BootstrapJob {

  private BootstrapJob() {}

  /**
   * Where the job reads and writes.
   *
   * @param log its committed offsets, in the group {@link #group}, tell how far the job is
   * @param lake the rest of history, and the offline store
   * @param views the names of the views that are stored; the plan's others are only computed
   *     because these are based on them
   * @param generation of the rows, greater than that of any row of the same versions
   */
  public record Config(
      KafkaLog log, Lake lake, RedisAddress redis, Set<String> views, long generation) {
    public Config {
      views = Set.copyOf(views);
    }
  }

  /** Adds the job; the topics exist, the versions stay invisible until they are activated. */
  public static void build(StreamExecutionEnvironment env, Plan plan, Config config) {
    LiveSources sources =
        new LiveSources(
            config.log().withGroup(group(plan, config.views())), Optional.of(config.lake()));
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.streaming(env),
            plan,
            stream -> sources.of(plan.streams().get(stream)),
            new FeatureGraph.Options(List.of(), true, config.generation(), Set.of()));
    new TwinStore(config.redis(), config.lake(), config.generation(), true)
        .store(plan, graph.featureRows(), config.views());
  }

  /** The Kafka group under which the job commits its offsets: of the project and the versions. */
  public static String group(Plan plan, Set<String> views) {
    return "tailwater-bootstrap-"
        + plan.project()
        + "-"
        + Integer.toHexString(name(plan, views).hashCode());
  }

  /** The topics that the job reads. */
  public static List<String> topics(Plan plan) {
    int[] baseStreams = Chains.baseStreams(plan);
    return plan.entities().stream()
        .flatMap(entity -> entity.inputs().stream())
        .flatMap(input -> input.origins().stream())
        .map(origin -> plan.streams().get(baseStreams[origin.stream()]).topic())
        .distinct()
        .toList();
  }

  /** What the job is called: the project and the versions that it writes. */
  public static String name(Plan plan, Set<String> views) {
    return plan.project()
        + ": bootstrap "
        + String.join(
            ",",
            plan.views().stream()
                .filter(view -> views.contains(view.name()))
                .map(BootstrapJob::versioned)
                .sorted()
                .toList());
  }

  private static String versioned(ViewPlan view) {
    return view.name() + "@" + view.version();
  }
}
