package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.redis.OnlineRow;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.definitions.Knowledge;
import dev.tailwater.jobs.RowComparison.Rules;
import dev.tailwater.jobs.VerifyReport.Cause;
import dev.tailwater.jobs.VerifyReport.Check;
import dev.tailwater.jobs.VerifyReport.CheckReport;
import dev.tailwater.jobs.VerifyReport.Difference;
import dev.tailwater.jobs.VerifyReport.ViewReport;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.ListAccumulator;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.accumulators.LongMaximum;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Compares the stores with each other and with a replay: the rows of both are joined, key by key,
 * with the rows of a bounded run of the one graph over the same history. Nothing is kept in memory
 * but the rows of one instant; what does not fit there is on disk.
 *
 * <p>It says something about all rows only while nothing is written: what the live job has not
 * committed yet is missing in the offline store.
 */
public final class VerifyJob {

  private static final String NAME = "verify:";
  private static final String COUNT = NAME + "count|";
  private static final String EXAMPLES = NAME + "examples|";
  private static final String NEWEST_ONLINE = NAME + "newest-online";
  private static final String EQUAL = "equal";
  private static final String OPEN = "open";

  /** Of each view, check and cause. */
  private static final int MAX_EXAMPLES = 5;

  /** How far an idle log may let online rows be refreshed until they are compared. */
  private static final long WHILE_IT_RUNS_MS = Duration.ofHours(1).toMillis();

  private static final Duration REDIS_TIMEOUT = Duration.ofSeconds(10);

  private VerifyJob() {}

  /**
   * What is compared.
   *
   * @param history the ends of which are known, see {@link BoundedSources#pinned}
   * @param views the positions of the views
   * @param oneKeyIn 1 for all keys, n for about one key in n
   * @param now online rows that were written so long before that they have expired are not missed
   */
  public record Config(
      BoundedSources history,
      RedisAddress redis,
      Lake lake,
      Set<Integer> views,
      int oneKeyIn,
      Instant now) {

    public Config {
      views = Set.copyOf(views);
      if (oneKeyIn < 1) {
        throw new IllegalArgumentException("one key in " + oneKeyIn + ": it must be at least 1");
      }
    }
  }

  /** Compares; runs two jobs, one after the other. */
  public static VerifyReport run(
      StreamExecutionEnvironment env, Plan plan, Config config, Consumer<String> progress)
      throws Exception {
    List<FeatureViewLayout> layouts = FeatureGraph.layouts(plan);
    Map<Integer, List<Difference>> otherVersions = otherVersions(layouts, config);
    List<Integer> views =
        config.views().stream().sorted().filter(view -> !otherVersions.containsKey(view)).toList();
    List<@Nullable Rules> rules = new ArrayList<>();
    layouts.forEach(layout -> rules.add(null));
    JobExecutionResult result = null;
    if (!views.isEmpty()) {
      progress.accept("reading how far history goes …");
      HowFar howFar = howFar(env, plan, layouts, views, config);
      for (int view : views) {
        rules.set(view, rules(plan, layouts, view, howFar, config));
      }
      progress.accept("replaying history and comparing …");
      result = compare(env, plan, layouts, views, rules, howFar.until(), config);
    }
    return report(layouts, config, otherVersions, rules, result);
  }

  // ---- which version

  /** The views of which the readers of a store use another version than the plan's. */
  private static Map<Integer, List<Difference>> otherVersions(
      List<FeatureViewLayout> layouts, Config config) {
    Map<Integer, List<Difference>> found = new HashMap<>();
    Map<String, Lake.DeployedView> deployed = config.lake().deployedViews();
    try (RedisOnlineStore online = new RedisOnlineStore(config.redis(), REDIS_TIMEOUT)) {
      for (int view : config.views()) {
        FeatureViewLayout layout = layouts.get(view);
        Lake.DeployedView offline = deployed.get(layout.view());
        String offlineVersion = offline == null ? "" : offline.version();
        String onlineVersion = online.currentVersion(layout.view()).orElse("");
        List<Difference> differences = new ArrayList<>();
        if (!offlineVersion.equals(layout.version())) {
          differences.add(version(layout, Check.OFFLINE, offlineVersion));
        }
        // Without any version the online store is empty, and every row of it is missed.
        if (!onlineVersion.isEmpty() && !onlineVersion.equals(layout.version())) {
          differences.add(version(layout, Check.ONLINE, onlineVersion));
        }
        if (!differences.isEmpty()) {
          found.put(view, differences);
        }
      }
    }
    return found;
  }

  private static Difference version(FeatureViewLayout layout, Check check, String found) {
    return new Difference(
        layout.view(),
        check,
        Cause.VERSION,
        "",
        Long.MIN_VALUE,
        "",
        layout.version(),
        found.isEmpty() ? "none" : found);
  }

  // ---- how far

  /**
   * How far to replay.
   *
   * @param clock of the live job
   * @param until later than that and than the newest online row, which may have been refreshed
   *     while the log was idle, and may be again
   */
  private record HowFar(LiveClock clock, long until) {}

  private static HowFar howFar(
      StreamExecutionEnvironment env,
      Plan plan,
      List<FeatureViewLayout> layouts,
      List<Integer> views,
      Config config)
      throws Exception {
    LiveClock.measure(JobSettings.bounded(env), plan, config.history());
    onlineRows(env, layouts, views, config)
        .flatMap(new NewestRow())
        .returns(Types.VOID)
        .uid(NAME + "newest-online")
        .sinkTo(new DiscardingSink<>())
        .uid(NAME + "no-rows");
    JobExecutionResult found = env.execute("verify " + plan.project() + ": how far");
    LiveClock clock = LiveClock.of(plan, found);
    long newest = clock.atMost();
    if (found.getAllAccumulatorResults().get(NEWEST_ONLINE) instanceof Long online) {
      newest = Math.max(newest, online);
    }
    return new HowFar(
        clock,
        newest > Long.MAX_VALUE - WHILE_IT_RUNS_MS ? Long.MAX_VALUE : newest + WHILE_IT_RUNS_MS);
  }

  private static Rules rules(
      Plan plan, List<FeatureViewLayout> layouts, int view, HowFar howFar, Config config) {
    ViewPlan planned = plan.views().get(view);
    return new Rules(
        layouts.get(view),
        planned.refreshMs(),
        planned.knowledge() == Knowledge.AS_KNOWN,
        howFar.clock().proven(config.lake(), layouts.get(view)),
        config.lake().liveGeneration(layouts.get(view)).orElse(Long.MAX_VALUE),
        howFar.until(),
        expiredBefore(layouts.get(view), config));
  }

  /** Rows live on after their last write: before the table is as old, none can have expired. */
  private static long expiredBefore(FeatureViewLayout layout, Config config) {
    long now = config.now().toEpochMilli();
    long timeToLive = layout.timeToLiveMs();
    OptionalLong created = config.lake().firstWritten(layout.view());
    boolean canHaveExpired =
        timeToLive < now && created.isPresent() && created.getAsLong() < now - timeToLive;
    return canHaveExpired ? now - timeToLive : Long.MIN_VALUE;
  }

  // ---- the comparison

  private static JobExecutionResult compare(
      StreamExecutionEnvironment env,
      Plan plan,
      List<FeatureViewLayout> layouts,
      List<Integer> views,
      List<@Nullable Rules> rules,
      long until,
      Config config)
      throws Exception {
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.bounded(env),
            plan,
            stream -> config.history().of(plan.streams().get(stream)),
            new FeatureGraph.Options(List.of(), true, 0, Set.of(), until, config.oneKeyIn()));
    TypeInformation<FeatureRow> type = FeatureRowSerializer.typeInfo(layouts);
    Set<Integer> wanted = Set.copyOf(views);
    int oneKeyIn = config.oneKeyIn();
    List<DataStream<FeatureRow>> all = new ArrayList<>();
    all.add(sampled(onlineRows(env, layouts, views, config), oneKeyIn, "online"));
    for (Map.Entry<Integer, DataStream<FeatureRow>> rows : graph.featureRows().entrySet()) {
      String entity = plan.entities().get(rows.getKey()).name();
      all.add(
          sampled(rows.getValue(), oneKeyIn, "replay:" + entity)
              .filter(row -> wanted.contains(row.view()))
              .uid(NAME + "wanted:" + entity)
              .map(row -> row.forStores(true, true))
              .returns(type)
              .uid(NAME + "replayed:" + entity)
              .name(NAME + "replayed:" + entity));
    }
    for (int view : views) {
      String name = layouts.get(view).view();
      all.add(sampled(config.lake().features(env, view, layouts, NAME + name), oneKeyIn, name));
    }
    OrderOperator.inOrder(
            all,
            type.createSerializer(env.getConfig().getSerializerConfig()),
            new ByKeyAndInstant(),
            "verify")
        .transform(NAME + "compare", Types.VOID, new Compare(rules))
        .uid(NAME + "compare")
        .sinkTo(new DiscardingSink<>())
        .uid(NAME + "no-output");
    return env.execute("verify " + plan.project());
  }

  private static DataStream<FeatureRow> sampled(
      DataStream<FeatureRow> rows, int oneKeyIn, String name) {
    return oneKeyIn == 1
        ? rows
        : rows.filter(row -> KeySample.contains(row.key(), oneKeyIn))
            .uid(NAME + "sample:" + name)
            .name(NAME + "sample:" + name);
  }

  /** Every online row, marked for the online store only. */
  private static DataStream<FeatureRow> onlineRows(
      StreamExecutionEnvironment env,
      List<FeatureViewLayout> layouts,
      List<Integer> views,
      Config config) {
    return env.fromData(Types.INT, views.toArray(Integer[]::new))
        .uid(NAME + "views")
        .flatMap(new ReadOnline(config.redis(), layouts))
        .returns(FeatureRowSerializer.typeInfo(layouts))
        .uid(NAME + "online")
        .name(NAME + "online");
  }

  /** A row of the online store, marked for it only. */
  static FeatureRow online(int view, OnlineRow row) {
    return new FeatureRow(
        view,
        row.key(),
        row.validFrom(),
        row.validUntil(),
        0,
        row.generation(),
        row.factsApplied(),
        row.values(),
        row.topic(),
        row.partition(),
        row.offset(),
        true,
        false);
  }

  /** In place of a row of the online store that cannot be read. */
  static FeatureRow unreadable(FeatureViewLayout layout, int view, String key) {
    @Nullable Object[] nothing = new Object[layout.features().size()];
    long never = Long.MAX_VALUE;
    return online(
        view, new OnlineRow(key, RowComparison.UNREADABLE, never, 0, 0, nothing, "", 0, 0));
  }

  private static final class ReadOnline extends RichFlatMapFunction<Integer, FeatureRow> {

    private final RedisAddress redis;
    private final List<FeatureViewLayout> layouts;

    private transient @Nullable RedisOnlineStore store;

    ReadOnline(RedisAddress redis, List<FeatureViewLayout> layouts) {
      this.redis = redis;
      this.layouts = List.copyOf(layouts);
    }

    @Override
    public void flatMap(Integer view, Collector<FeatureRow> out) {
      RedisOnlineStore opened = store;
      if (opened == null) {
        opened = new RedisOnlineStore(redis, REDIS_TIMEOUT);
        store = opened;
      }
      opened.forEachRow(
          layouts.get(view),
          row -> out.collect(online(view, row)),
          (key, reason) -> out.collect(unreadable(layouts.get(view), view, key)));
    }

    @Override
    public void close() {
      RedisOnlineStore opened = store;
      if (opened != null) {
        opened.close();
      }
    }
  }

  private static final class NewestRow extends RichFlatMapFunction<FeatureRow, Void> {

    private transient LongMaximum newest;

    @Override
    public void open(OpenContext context) {
      newest = new LongMaximum();
      getRuntimeContext().addAccumulator(NEWEST_ONLINE, newest);
    }

    @Override
    public void flatMap(FeatureRow row, Collector<Void> out) {
      newest.add(row.validFrom());
    }
  }

  private static final class ByKeyAndInstant implements OrderOperator.By<FeatureRow> {

    private record Key(int view, String key) {}

    @Override
    public Object key(FeatureRow row) {
      return new Key(row.view(), row.key());
    }

    @Override
    public long time(FeatureRow row) {
      return row.validFrom();
    }

    @Override
    public int compare(FeatureRow one, FeatureRow other) {
      return RowComparison.compare(one, other);
    }
  }

  private static final class Compare extends AbstractStreamOperator<Void>
      implements OneInputStreamOperator<FeatureRow, Void>, BoundedOneInput, RowComparison.Findings {

    private final List<@Nullable Rules> rules;

    private transient RowComparison comparison;
    private transient Map<String, LongCounter> counters;
    private transient Map<String, ListAccumulator<Difference>> examples;

    Compare(List<@Nullable Rules> rules) {
      this.rules = new ArrayList<>(rules);
    }

    @Override
    public void open() throws Exception {
      super.open();
      comparison = new RowComparison(rules, this);
      counters = new HashMap<>();
      examples = new HashMap<>();
    }

    @Override
    public void processElement(StreamRecord<FeatureRow> element) {
      comparison.add(element.getValue());
    }

    @Override
    public void endInput() {
      comparison.endOfKey();
    }

    private void count(int view, Check check, String what, String feature) {
      counters
          .computeIfAbsent(
              COUNT + view + "|" + check + "|" + what + "|" + feature,
              name -> {
                LongCounter counter = new LongCounter();
                getRuntimeContext().addAccumulator(name, counter);
                return counter;
              })
          .add(1);
    }

    @Override
    public void equal(int view, Check check) {
      count(view, check, EQUAL, "");
    }

    @Override
    public void open(int view, Check check) {
      count(view, check, OPEN, "");
    }

    @Override
    public void differs(
        int view,
        Check check,
        Cause cause,
        String key,
        long instant,
        List<RowComparison.Value> features) {
      count(view, check, cause.name(), "");
      features.forEach(value -> count(view, check, cause.name(), value.feature()));
      ListAccumulator<Difference> some =
          examples.computeIfAbsent(
              EXAMPLES + view + "|" + check + "|" + cause,
              name -> {
                ListAccumulator<Difference> list = new ListAccumulator<>();
                getRuntimeContext().addAccumulator(name, list);
                return list;
              });
      if (some.getLocalValue().size() >= MAX_EXAMPLES) {
        return;
      }
      Rules compared = rules.get(view);
      String name = compared == null ? "" : compared.layout().view();
      RowComparison.Value first =
          features.isEmpty() ? new RowComparison.Value("", "", "") : features.get(0);
      some.add(
          new Difference(
              name, check, cause, key, instant, first.feature(), first.expected(), first.found()));
    }
  }

  // ---- the report

  private static VerifyReport report(
      List<FeatureViewLayout> layouts,
      Config config,
      Map<Integer, List<Difference>> otherVersions,
      List<@Nullable Rules> rules,
      @Nullable JobExecutionResult result)
      throws IOException {
    Map<String, Object> found = result == null ? Map.of() : result.getAllAccumulatorResults();
    List<ViewReport> views = new ArrayList<>();
    Map<String, Long> finalFrom = new TreeMap<>();
    for (int view : config.views().stream().sorted().toList()) {
      FeatureViewLayout layout = layouts.get(view);
      Rules compared = rules.get(view);
      if (compared != null) {
        finalFrom.put(layout.view(), compared.finalUntil());
      }
      List<CheckReport> checks = new ArrayList<>();
      for (Check check : Check.values()) {
        List<Difference> versions =
            otherVersions.getOrDefault(view, List.of()).stream()
                .filter(difference -> difference.check() == check)
                .toList();
        checks.add(check(view, check, versions, found));
      }
      views.add(new ViewReport(layout.view(), layout.version(), List.copyOf(checks)));
    }
    return new VerifyReport(views, finalFrom);
  }

  private static CheckReport check(
      int view, Check check, List<Difference> versions, Map<String, Object> found) {
    long equal = 0;
    long open = 0;
    Map<Cause, Long> different = new EnumMap<>(Cause.class);
    Map<String, Map<Cause, Long>> features = new TreeMap<>();
    List<Difference> examples = new ArrayList<>(versions);
    if (!versions.isEmpty()) {
      different.put(Cause.VERSION, (long) versions.size());
    }
    String counted = COUNT + view + "|" + check + "|";
    String shown = EXAMPLES + view + "|" + check + "|";
    for (Map.Entry<String, Object> entry : found.entrySet()) {
      if (entry.getKey().startsWith(counted) && entry.getValue() instanceof Long count) {
        String[] parts = entry.getKey().substring(counted.length()).split("\\|", -1);
        switch (parts[0]) {
          case EQUAL -> equal = count;
          case OPEN -> open = count;
          default -> {
            Cause cause = Cause.valueOf(parts[0]);
            if (parts[1].isEmpty()) {
              different.put(cause, count);
            } else {
              features
                  .computeIfAbsent(parts[1], feature -> new EnumMap<>(Cause.class))
                  .put(cause, count);
            }
          }
        }
      } else if (entry.getKey().startsWith(shown) && entry.getValue() instanceof List<?> some) {
        some.stream()
            .map(Difference.class::cast)
            .sorted(Comparator.comparing(Difference::key).thenComparingLong(Difference::instant))
            .limit(MAX_EXAMPLES)
            .forEach(examples::add);
      }
    }
    long compared = equal + open + different.values().stream().mapToLong(Long::longValue).sum();
    return new CheckReport(check, compared, equal, open, different, features, examples);
  }
}
