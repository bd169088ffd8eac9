package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.cli.Bootstrap;
import dev.tailwater.cli.Console;
import dev.tailwater.cli.LoadedProject;
import dev.tailwater.cli.ViewVersions;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.Lake.DeployedView;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.redis.OnlineRow;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.JobSettings;
import dev.tailwater.jobs.ServedModel;
import dev.tailwater.plan.Plan;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A changed view is computed from history beside the one that is read, while events keep arriving
 * and a TaskManager is killed: readers never see it half built, change over and back at once, and
 * in the end every interval of both versions is there exactly once.
 */
class BootstrapIT {

  private static final int PARTITIONS = 2;
  private static final int HISTORY = 20_000;
  private static final int CUSTOMERS = 50;
  private static final int EVENTS_PER_SECOND = 500;
  private static final long START = 1_767_225_600_000L;
  private static final long STEP_MS = 30_000;
  private static final long DISORDER_MS = 300_000;
  private static final long SEED = 20_261_123;

  private static final String VIEW = "spend";

  private static final String STREAM =
      """
      kind: stream
      name: payments
      topic: payments
      format: json
      schema: payment.avsc
      event_time: paid_at
      event_id: payment_id
      key: customer_id
      disorder: 5m
      ---
      kind: entity
      name: customer
      key: {customer_id: string}
      ---
      kind: model
      name: fraud
      ask: payments
      answer: on_watermark
      vector: [amount, spend.*]
      deadline: 50ms
      fallback: 0.5
      to: predictions.fraud
      ---
      """;

  private static final String VIEWS =
      """
      kind: feature-view
      name: spend
      entity: customer
      from: payments
      refresh: {every: 6h}
      features:
        paid_count: {count: "*", over: %s}
        paid_avg: {avg: amount, over: 1d}
      ---
      kind: feature-view
      name: largest
      entity: customer
      from: payments
      refresh: never
      features:
        amount_max: {max: amount, over: 1d}
      """;

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Payment", "fields": [
        {"name": "payment_id", "type": "string"},
        {"name": "paid_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "customer_id", "type": "string"},
        {"name": "amount", "type": "double"}]}
      """;

  @Test
  void readersChangeOverToACompleteVersionAndBackWhileEventsArriveAndATaskManagerDies(
      @TempDir Path folder) throws Exception {
    System.out.println("seed " + SEED);
    LoadedProject first = project(folder.resolve("shop"), "[1d]");
    LoadedProject second = project(folder.resolve("changed/shop"), "[1h, 1d]");
    FeatureViewLayout before = layout(first);
    FeatureViewLayout after = layout(second);
    assertThat(after.version()).isNotEqualTo(before.version());

    try (LiveSystem system = LiveSystem.start(folder, first.plan(), PARTITIONS);
        Payments payments = new Payments(system.log())) {
      payments.send(HISTORY);
      JobClient live = system.startLive(ServedModel.none(0), "");
      payments.goOn();
      Bootstrap.Stores stores =
          new Bootstrap.Stores(
              system.log(), system.redisAddress(), system.lake(), Duration.ofSeconds(1));
      try (RedisOnlineStore online =
              new RedisOnlineStore(system.redisAddress(), Duration.ofSeconds(10));
          ViewVersions versions = new ViewVersions(system.redisAddress(), system.lake())) {
        awaitHistory(system, online, before);
        Reader reader = new Reader(online, before, after);

        Bootstrap bootstrap = new Bootstrap(second, Set.of(VIEW), stores, console());
        JobClient job = bootstrap.start(system.environment(""));
        system.awaitRunning(job);
        system.killTaskManager();
        bootstrap.awaitCaughtUp(job);

        assertThat(online.currentVersion(VIEW)).contains(before.version());
        assertThat(deployed(system.lake(), VIEW).version()).isEqualTo(before.version());
        assertThat(bootstrap.compareAndActivate())
            .containsExactly(
                new ViewVersions.Change(VIEW, Optional.of(before.version()), after.version()));
        assertUsed(system.lake(), online, after.version(), before.version());
        assertThat(deployed(system.lake(), "largest").previous()).isEmpty();
        reader.awaitReads(after.version());

        System.out.println("rollback, online after " + versions.rollback(Set.of()).online());
        assertUsed(system.lake(), online, before.version(), after.version());
        reader.awaitReads(before.version());
        assertThat(versions.rollback(Set.of(VIEW)).changes()).hasSize(1);
        assertUsed(system.lake(), online, after.version(), before.version());

        payments.stop();
        reader.stop();
        system.stop(job, true);
        system.stop(live, true);

        assertEveryIntervalOnce(system, first, before);
        assertEveryIntervalOnce(system, second, after);
        system.assertOnlineEqualsOffline(List.of(before, after));
      }
    }
  }

  private static LoadedProject project(Path folder, String windows) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("payment.avsc"), SCHEMA);
    Files.writeString(folder.resolve("shop.yaml"), STREAM + VIEWS.formatted(windows));
    return LoadedProject.load(folder);
  }

  private static FeatureViewLayout layout(LoadedProject project) {
    return FeatureGraph.layouts(project.plan()).stream()
        .filter(layout -> layout.view().equals(VIEW))
        .findFirst()
        .orElseThrow();
  }

  private static Console console() {
    return new Console(System.out, System.out, false);
  }

  /** Until the live job has worked off what was there when it started. */
  private static void awaitHistory(
      LiveSystem system, RedisOnlineStore online, FeatureViewLayout layout) {
    system.await(
        () ->
            online.mget(layout, customers()).stream()
                    .mapToLong(row -> row.map(OnlineRow::factsApplied).orElse(0L))
                    .sum()
                >= HISTORY,
        "the history of " + layout.view());
  }

  private static void assertUsed(
      Lake lake, RedisOnlineStore online, String version, String previous) {
    assertThat(online.currentVersion(VIEW)).contains(version);
    DeployedView deployed = deployed(lake, VIEW);
    assertThat(deployed.version()).isEqualTo(version);
    assertThat(deployed.previous()).map(DeployedView::version).contains(previous);
  }

  private static DeployedView deployed(Lake lake, String view) {
    return Objects.requireNonNull(lake.deployedViews().get(view), view);
  }

  private static List<String> customers() {
    List<String> customers = new ArrayList<>();
    for (int customer = 0; customer < CUSTOMERS; customer++) {
      customers.add("c" + customer);
    }
    return customers;
  }

  /** The table has the rows of a bounded run over the whole log, each once. */
  private static void assertEveryIntervalOnce(
      LiveSystem system, LoadedProject project, FeatureViewLayout layout) throws Exception {
    Map<String, String> bounded = boundedRows(system.log(), project.plan());
    Map<String, String> found = new HashMap<>();
    List<String> repeated = new ArrayList<>();
    try (CloseableIterable<Record> rows = system.lake().readFeatures(VIEW)) {
      for (Record row : rows) {
        if (row.getField("definition_version").equals(layout.version())) {
          String place =
              row.getField("customer_id") + "@" + LiveSystem.epochMillis(row, "valid_from");
          if (found.put(place, LiveSystem.values(row, layout)) != null) {
            repeated.add(place);
          }
        }
      }
    }
    assertThat(repeated).as("intervals of %s that are there twice", layout.version()).isEmpty();
    assertThat(found).as("rows of %s", layout.version()).isEqualTo(bounded);
  }

  private static Map<String, String> boundedRows(KafkaLog log, Plan plan) throws Exception {
    StreamExecutionEnvironment env =
        JobSettings.bounded(StreamExecutionEnvironment.createLocalEnvironment(PARTITIONS));
    BoundedSources sources = new BoundedSources(Optional.of(log), Map.of());
    FeatureGraph graph =
        FeatureGraph.build(
            env,
            plan,
            stream -> sources.of(plan.streams().get(stream)),
            new FeatureGraph.Options(List.of(), true, 0, Set.of()));
    DataStream<FeatureRow> all =
        graph.featureRows().values().stream()
            .reduce((some, more) -> some.union(more))
            .orElseThrow();
    Map<String, String> rows = new HashMap<>();
    try (CloseableIterator<FeatureRow> results = all.executeAndCollect()) {
      results.forEachRemaining(
          row -> {
            if (row.offline() && plan.views().get(row.view()).name().equals(VIEW)) {
              rows.put(row.key() + "@" + row.validFrom(), Arrays.toString(row.values()));
            }
          });
    }
    return rows;
  }

  /** Reads all customers through the pointer, again and again: each has its whole history. */
  private static final class Reader {

    private final Map<String, FeatureViewLayout> layouts = new HashMap<>();
    private final RedisOnlineStore online;
    private final Map<String, Long> readsByVersion = new ConcurrentHashMap<>();
    private final Map<String, Long> least = new HashMap<>();
    private final AtomicBoolean stopped = new AtomicBoolean();
    private final CompletableFuture<Void> run;

    /** A reader that knows what each customer's row has to reflect at least: what it does now. */
    Reader(RedisOnlineStore online, FeatureViewLayout... layouts) {
      this.online = online;
      for (FeatureViewLayout layout : layouts) {
        this.layouts.put(layout.version(), layout);
      }
      online
          .mget(layouts[0], customers())
          .forEach(row -> least.put(row.orElseThrow().key(), row.orElseThrow().factsApplied()));
      run = CompletableFuture.runAsync(this::read);
    }

    private void read() {
      while (!stopped.get()) {
        String version = online.currentVersion(VIEW).orElseThrow();
        FeatureViewLayout layout = Objects.requireNonNull(layouts.get(version), version);
        List<Optional<OnlineRow>> rows = online.mget(layout, customers());
        assertThat(rows).as("rows of %s", version).allMatch(Optional::isPresent);
        for (Optional<OnlineRow> row : rows) {
          assertThat(row.orElseThrow().factsApplied())
              .as("facts of %s in %s", row, version)
              .isGreaterThanOrEqualTo(least.get(row.orElseThrow().key()));
        }
        readsByVersion.merge(version, 1L, Long::sum);
        LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
      }
    }

    /** Until this version was read a few times more. */
    void awaitReads(String version) {
      long enough = readsByVersion.getOrDefault(version, 0L) + 20;
      while (readsByVersion.getOrDefault(version, 0L) < enough && !run.isDone()) {
        LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
      }
      assertThat(run).isNotCompletedExceptionally();
    }

    void stop() {
      stopped.set(true);
      run.join();
    }
  }

  /** Payments in about the order of their times, first as fast as possible and then paced. */
  private static final class Payments implements AutoCloseable {

    private final ObservedProducer producer;
    private final Random random = new Random(SEED);
    private final AtomicBoolean stopped = new AtomicBoolean();
    private CompletableFuture<Void> paced = CompletableFuture.completedFuture(null);
    private int sent;

    Payments(KafkaLog log) {
      producer = new ObservedProducer(log);
    }

    void send(int count) {
      for (int end = sent + count; sent < end; sent++) {
        String customer = "c" + random.nextInt(CUSTOMERS);
        long time = START + sent * STEP_MS - random.nextLong(DISORDER_MS);
        String json =
            "{\"payment_id\":\"%d\",\"paid_at\":%d,\"customer_id\":\"%s\",\"amount\":%d}"
                .formatted(sent, time, customer, 1 + random.nextInt(1_000));
        // By the key: only then is a row of a later instant never one of fewer facts, even while a
        // job
        // that has lost its TaskManager reads one partition again faster than the other.
        producer.send(
            new ProducerRecord<>(
                "payments",
                customer.getBytes(StandardCharsets.UTF_8),
                json.getBytes(StandardCharsets.UTF_8)));
      }
      producer.flush();
    }

    /** Sends on at a steady pace. */
    void goOn() {
      paced =
          CompletableFuture.runAsync(
              () -> {
                while (!stopped.get()) {
                  send(EVENTS_PER_SECOND / 20);
                  LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
                }
              });
    }

    void stop() {
      stopped.set(true);
      paced.join();
      System.out.println(sent + " payments");
    }

    @Override
    public void close() {
      stop();
      producer.close();
    }
  }
}
