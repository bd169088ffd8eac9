package dev.tailwater.jobs;

import dev.tailwater.connectors.redis.OnlineRow;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.VerifyReport.Cause;
import dev.tailwater.plan.Plan;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches the online store beside a live job: computes the rows of a sample of the keys by a graph
 * of its own over the same log, and compares what readers see with them once they are final.
 *
 * <p>An online row that is ahead of the watermark is remembered, and judged when the watermark has
 * passed its instant; if late facts have changed it by then, it is read again. One that is behind,
 * or missing, is given some time first: the live job may read the log later than this one.
 */
public final class SampledVerifyJob {

  /** How long an online row may be behind unless something else is said. */
  public static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final Logger LOG = LoggerFactory.getLogger(SampledVerifyJob.class);
  private static final String CHECKED = "sampled-verify:checked";
  private static final String DIFFERENT = "sampled-verify:different:";
  private static final int MOST_LOGGED = 100;
  private static final Duration REDIS_TIMEOUT = Duration.ofSeconds(10);

  private SampledVerifyJob() {}

  /**
   * What is watched.
   *
   * @param oneKeyIn about one key in so many is watched
   * @param patience how long an online row may be behind
   */
  public record Config(LiveSources history, RedisAddress redis, int oneKeyIn, Duration patience) {}

  /**
   * What has been found so far.
   *
   * @param checked rows that were compared
   * @param different those that differ, by cause
   */
  public record Found(long checked, Map<Cause, Long> different) {

    /** As the accumulators of the job tell it, while it runs or at its end. */
    public static Found of(Map<String, Object> accumulators) {
      Map<Cause, Long> different = new EnumMap<>(Cause.class);
      accumulators.forEach(
          (name, value) -> {
            if (name.startsWith(DIFFERENT) && value instanceof Long count) {
              different.put(Cause.valueOf(name.substring(DIFFERENT.length())), count);
            }
          });
      return new Found(accumulators.get(CHECKED) instanceof Long count ? count : 0, different);
    }

    /** At the end of a job. */
    public static Found of(JobExecutionResult result) {
      return of(result.getAllAccumulatorResults());
    }
  }

  /** Adds the job. */
  public static void build(StreamExecutionEnvironment env, Plan plan, Config config) {
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.streaming(env),
            plan,
            stream -> config.history().of(plan.streams().get(stream)),
            new FeatureGraph.Options(
                List.of(), true, 0, Set.of(), Long.MAX_VALUE, config.oneKeyIn()));
    List<FeatureViewLayout> layouts = FeatureGraph.layouts(plan);
    int oneKeyIn = config.oneKeyIn();
    for (Map.Entry<Integer, DataStream<FeatureRow>> rows : graph.featureRows().entrySet()) {
      String entity = plan.entities().get(rows.getKey()).name();
      rows.getValue()
          .filter(row -> row.offline() && KeySample.contains(row.key(), oneKeyIn))
          .uid("final:" + entity)
          .name("final:" + entity)
          .keyBy(row -> row.view() + "|" + row.key(), Types.STRING)
          .process(new Watch(layouts, config.redis(), config.patience()))
          .returns(Types.VOID)
          .uid("watch:" + entity)
          .name("watch:" + entity)
          .sinkTo(new DiscardingSink<>())
          .uid("nothing:" + entity);
    }
  }

  private static final class Watch extends KeyedProcessFunction<String, FeatureRow, Void> {

    private final List<FeatureViewLayout> layouts;
    private final RedisAddress redis;
    private final long patienceMs;

    private transient ValueState<FeatureRow> truths;
    private transient ValueState<FeatureRow> ahead;
    private transient RedisOnlineStore store;
    private transient Counter checked;
    private transient LongCounter checkedSoFar;
    private transient Map<Cause, Counter> different;
    private transient Map<Cause, LongCounter> differentSoFar;
    private transient int logged;

    Watch(List<FeatureViewLayout> layouts, RedisAddress redis, Duration patience) {
      this.layouts = List.copyOf(layouts);
      this.redis = redis;
      this.patienceMs = patience.toMillis();
    }

    @Override
    public void open(OpenContext context) {
      TypeInformation<FeatureRow> type = FeatureRowSerializer.typeInfo(layouts);
      truths = getRuntimeContext().getState(new ValueStateDescriptor<>("truth", type));
      ahead = getRuntimeContext().getState(new ValueStateDescriptor<>("ahead", type));
      store = new RedisOnlineStore(redis, REDIS_TIMEOUT);
      checked = Metric.VERIFY_ROWS_CHECKED.counter(getRuntimeContext());
      checkedSoFar = new LongCounter();
      getRuntimeContext().addAccumulator(CHECKED, checkedSoFar);
      different = new EnumMap<>(Cause.class);
      differentSoFar = new EnumMap<>(Cause.class);
      for (Cause cause : List.of(Cause.LOST_WRITE, Cause.STALE, Cause.VALUE, Cause.UNREADABLE)) {
        different.put(
            cause,
            Metric.VERIFY_ROWS_DIFFERENT.counter(
                getRuntimeContext(), cause.title().replace(' ', '_')));
        LongCounter count = new LongCounter();
        getRuntimeContext().addAccumulator(DIFFERENT + cause, count);
        differentSoFar.put(cause, count);
      }
    }

    @Override
    public void processElement(FeatureRow row, Context context, Collector<Void> out)
        throws Exception {
      FeatureRow before = truths.value();
      if (before != null && row.validFrom() < before.validFrom()) {
        return; // A repair of the past: readers of the online store do not see it.
      }
      FeatureRow seen = ahead.value();
      if (seen != null && seen.validFrom() < row.validFrom()) {
        judge(before, seen);
        ahead.clear();
        seen = null;
      }
      truths.update(row);
      if (seen == null) {
        look(row, context);
      } else if (seen.validFrom() == row.validFrom()) {
        judge(row, seen);
        ahead.clear();
      }
    }

    /** Compares what readers have seen with the final row that covers its instant. */
    private void judge(@Nullable FeatureRow truth, FeatureRow seen) {
      if (truth == null || truth.validUntil() <= seen.validFrom()) {
        return; // Refreshed while the log was idle, by what is now known to be another instant.
      }
      if (isEqual(truth, seen)) {
        equal();
        return;
      }
      // Late facts may have changed it since: what counts is what readers see now.
      FeatureRow now = read(seen.view(), seen.key());
      if (now != null && now.validFrom() == seen.validFrom()) {
        if (isEqual(truth, now)) {
          equal();
        } else {
          differs(Cause.VALUE, truth, now);
        }
      }
    }

    private void look(FeatureRow truth, Context context) throws Exception {
      FeatureRow now = read(truth.view(), truth.key());
      if (now != null && now.validFrom() > truth.validFrom()) {
        ahead.update(now);
      } else if (now != null && now.validFrom() == truth.validFrom() && isEqual(truth, now)) {
        equal();
      } else {
        // One timer of a key is enough: they are at multiples of the patience.
        long time = context.timerService().currentProcessingTime();
        context.timerService().registerProcessingTimeTimer((time / patienceMs + 2) * patienceMs);
      }
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<Void> out)
        throws Exception {
      FeatureRow truth = truths.value();
      if (truth == null || ahead.value() != null) {
        return;
      }
      FeatureRow now = read(truth.view(), truth.key());
      if (now == null) {
        long expiry = layouts.get(truth.view()).timeToLiveMs();
        if (truth.validFrom() >= context.timerService().currentProcessingTime() - expiry) {
          differs(Cause.LOST_WRITE, truth, null);
        }
      } else if (now.validFrom() < truth.validFrom()) {
        differs(
            now.validFrom() == RowComparison.UNREADABLE ? Cause.UNREADABLE : Cause.STALE,
            truth,
            now);
      } else if (now.validFrom() > truth.validFrom()) {
        ahead.update(now);
      } else if (isEqual(truth, now)) {
        equal();
      } else {
        differs(Cause.VALUE, truth, now);
      }
    }

    private boolean isEqual(FeatureRow truth, FeatureRow seen) {
      return RowComparison.differences(layouts.get(truth.view()), truth, seen).isEmpty();
    }

    private @Nullable FeatureRow read(int view, String key) {
      FeatureViewLayout layout = layouts.get(view);
      try {
        Optional<OnlineRow> row = store.get(layout, key);
        return row.map(found -> VerifyJob.online(view, found)).orElse(null);
      } catch (IllegalStateException e) {
        return VerifyJob.unreadable(layout, view, key);
      }
    }

    private void equal() {
      checked.inc();
      checkedSoFar.add(1);
    }

    private void differs(Cause cause, FeatureRow truth, @Nullable FeatureRow found) {
      equal();
      Counter counter = different.get(cause);
      LongCounter count = differentSoFar.get(cause);
      if (counter != null && count != null) {
        counter.inc();
        count.add(1);
      }
      if (logged < MOST_LOGGED) {
        logged++;
        LOG.warn(
            "Online row of {} {} as of {}: {}: {}",
            layouts.get(truth.view()).view(),
            truth.key(),
            truth.validFrom(),
            cause.title(),
            found == null
                ? "there is none"
                : RowComparison.differences(layouts.get(truth.view()), truth, found));
      }
    }

    @Override
    public void close() {
      if (store != null) {
        store.close();
      }
    }
  }
}
