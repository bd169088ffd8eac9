package dev.tailwater.benchmarks;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.redis.OnlineRow;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.definitions.ProjectLoader;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.plan.PlanCompiler;
import dev.tailwater.plan.StreamPlan;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.jspecify.annotations.Nullable;

/**
 * Is a changed view complete when readers are switched over to it, while transactions keep coming?
 *
 * <p>The commands are run as a person would: {@code tailwater up}, then, with the view changed,
 * {@code bootstrap} and {@code rollback}. Meanwhile transactions come at a steady pace, and a
 * reader looks up customers through the pointer, again and again. In the end the new version must
 * have one row for every instant at which a customer paid. It exits with 1 if anything is missing,
 * is there twice, or was seen half built. Usage: see {@link #USAGE}.
 */
public final class BootstrapBench {

  static final String USAGE =
      """
      usage: bootstrap.sh TRANSACTIONS.csv[.gz] [--transactions 200000] [--rate 5000] [--seconds 30]
        --transactions  in the log before the view is changed
        --rate          transactions per second after that
        --seconds       for which they go on at least once readers are switched over
      """;

  private static final String VIEW = "customer_spend";
  private static final int READ_CUSTOMERS = 200;
  private static final long NEVER = Long.MIN_VALUE;
  private static final Duration PATIENCE = Duration.ofMinutes(15);

  /** Of event time: what the tasks of the job may be apart in what they have made final. */
  private static final long SETTLING_MS = Duration.ofDays(2).toMillis();

  private final Path work;
  private final Path home;
  private final Path project;
  private final String definitions;

  private BootstrapBench(Path work) throws IOException {
    this.work = work;
    this.home = work.resolve("home");
    this.project = Files.createDirectories(work.resolve("shop"));
    copy("transaction.avsc");
    copy("project.yaml");
    String whole = Files.readString(project.resolve("project.yaml"));
    // Without rows as time passes there is one row per customer and instant, which can be counted.
    this.definitions =
        whole
            .substring(0, whole.indexOf("---\nkind: model"))
            .replace("\nfeatures:", "\nrefresh: never\nfeatures:");
    Files.writeString(project.resolve("project.yaml"), definitions);
  }

  private void copy(String file) throws IOException {
    String resource = "/projects/fraud-handbook/" + file;
    try (InputStream in = BootstrapBench.class.getResourceAsStream(resource)) {
      Files.copy(Objects.requireNonNull(in, resource), project.resolve(file));
    }
  }

  /** Exits with 0, with 1 if the run failed, with 2 for wrong usage. */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length == 1 && arguments[0].equals("--help")) {
      System.out.print(USAGE);
      return;
    }
    Arguments given;
    int transactions;
    int rate;
    int seconds;
    try {
      given = Arguments.parse(arguments, List.of("--transactions", "--rate", "--seconds"));
      transactions = given.positive("--transactions", 200_000);
      rate = given.positive("--rate", 5_000);
      seconds = given.positive("--seconds", 30);
    } catch (IllegalArgumentException e) {
      System.err.println("bootstrap.sh: " + e.getMessage());
      System.err.print(USAGE);
      System.exit(2);
      return;
    }
    Path work = Files.createTempDirectory("bootstrap-bench");
    boolean complete = false;
    try {
      complete = new BootstrapBench(work).run(given.file(), transactions, rate, seconds);
    } catch (IOException e) {
      System.err.println("bootstrap.sh: " + e.getMessage());
    } finally {
      LiveBench.delete(work);
    }
    System.exit(complete ? 0 : 1);
  }

  private boolean run(Path csv, int transactions, int rate, int seconds) throws Exception {
    FeatureViewLayout before = layout();
    Process up = start(work.resolve("up.out"), "up", project.toString());
    try {
      Path note = home.resolve("run.json");
      await(() -> Files.exists(note), up, "the stack");
      String stack = Files.readString(note);
      KafkaLog log = KafkaLog.at(field(stack, "bootstrap_servers"));
      Lake lake = Lake.local(Path.of(field(stack, "lake")));
      RedisAddress redis = RedisAddress.parse(field(stack, "redis_uri"));
      await(() -> lake.count("features." + VIEW) >= 0 && ready(), up, "the jobs");
      StreamPlan stream = PlanCompiler.compile(ProjectLoader.load(project)).streams().get(0);
      AtomicBoolean enough = new AtomicBoolean();
      try (Sent sent = new Sent(log, stream, csv);
          RedisOnlineStore online = new RedisOnlineStore(redis, Duration.ofSeconds(10))) {
        for (int i = 0; i < transactions; i++) {
          sent.send();
        }
        sent.flush();
        List<String> customers = sent.someCustomers();
        Map<String, Long> least = new HashMap<>(sent.newestOf);
        await(
            () -> complete(online, before, customers, least),
            up,
            "the backlog in the online store");
        CompletableFuture<Void> paced = CompletableFuture.runAsync(() -> pace(sent, rate, enough));

        Files.writeString(
            project.resolve("project.yaml"), definitions.replaceFirst("\\[1d,", "[1h, 1d,"));
        FeatureViewLayout after = layout();
        Reader reader = new Reader(online, List.of(before, after), customers, least);
        int sentBefore = sent.sent();
        long start = System.nanoTime();
        String outcome = command("bootstrap", project.toString(), "--views", VIEW, "--json");
        double bootstrapSeconds = (System.nanoTime() - start) / 1e9;
        int sentMeanwhile = sent.sent() - sentBefore;
        report(
            "bootstrap %.1f s, caught up after %s s, %,d transactions meanwhile (%,.0f/s)%n",
            bootstrapSeconds,
            figure(outcome, "seconds_to_catch_up"),
            sentMeanwhile,
            sentMeanwhile / bootstrapSeconds);
        reader.awaitReads(after.version());
        String back = command("rollback", project.toString(), "--json");
        reader.awaitReads(before.version());
        report("rollback  online after %s ms%n", figure(back, "online_after_ms"));
        String forth = command("rollback", project.toString(), "--json");
        reader.awaitReads(after.version());
        report("forward   online after %s ms%n", figure(forth, "online_after_ms"));
        LockSupport.parkNanos(Duration.ofSeconds(seconds).toNanos());
        enough.set(true);
        paced.join();
        sent.flush();
        reader.stop();
        report(
            "reader    %s rounds of %d customers by version, %d customers seen half built%n",
            reader.readsByVersion, customers.size(), reader.halfBuilt);
        long wrong = 0;
        for (FeatureViewLayout layout : List.of(before, after)) {
          wrong += check(lake, layout, sent, up);
        }
        return wrong == 0 && reader.halfBuilt == 0;
      }
    } finally {
      up.destroy();
      up.waitFor();
    }
  }

  /** The stack says so when its jobs have been submitted. */
  private boolean ready() {
    try {
      return Files.readString(work.resolve("up.out")).contains("Running. Write to the topics:");
    } catch (IOException e) {
      return false;
    }
  }

  private FeatureViewLayout layout() {
    return FeatureGraph.layouts(PlanCompiler.compile(ProjectLoader.load(project))).stream()
        .filter(layout -> layout.view().equals(VIEW))
        .findFirst()
        .orElseThrow();
  }

  private static boolean complete(
      RedisOnlineStore online,
      FeatureViewLayout layout,
      List<String> customers,
      Map<String, Long> least) {
    return online.mget(layout, customers).stream()
        .allMatch(
            row ->
                row.filter(found -> found.validFrom() >= least.getOrDefault(found.key(), NEVER))
                    .isPresent());
  }

  /** Sends at a steady pace, catching up after a pause. */
  private static void pace(Sent sent, int rate, AtomicBoolean enough) {
    try {
      long start = System.nanoTime();
      for (long i = 0; !enough.get(); i++) {
        sent.sendInTurn(start, i, rate);
      }
    } catch (IOException e) {
      throw new CompletionException(e);
    }
  }

  /** Counts what is there twice, missing, or not from a transaction. */
  private long check(Lake lake, FeatureViewLayout layout, Sent sent, Process up) throws Exception {
    Map<String, Set<Long>> rows = new HashMap<>();
    // What was sent is final two days of transactions later; these were sent in the last second.
    long wanted = sent.newest - SETTLING_MS;
    await(() -> newest(lake, layout) > wanted, up, "final rows of version " + layout.version());
    long twice = 0;
    long count = 0;
    long last = Long.MIN_VALUE;
    try (CloseableIterable<Record> records = lake.readFeatures(VIEW)) {
      for (Record record : records) {
        if (layout.version().equals(record.getField("definition_version"))) {
          long instant = instant(record);
          String key = String.valueOf(record.getField("CUSTOMER_ID"));
          last = Math.max(last, instant);
          count++;
          if (!rows.computeIfAbsent(key, k -> new HashSet<>()).add(instant)) {
            twice++;
          }
        }
      }
    }
    long end = last - SETTLING_MS;
    long missing = 0;
    long strange = 0;
    for (Map.Entry<String, Set<Long>> customer : sent.instants.entrySet()) {
      Set<Long> found = rows.getOrDefault(customer.getKey(), Set.of());
      missing +=
          customer.getValue().stream()
              .filter(instant -> instant <= end && !found.contains(instant))
              .count();
      strange += found.stream().filter(instant -> !customer.getValue().contains(instant)).count();
    }
    report(
        "rows      version %s: %,d, %d of them twice, %d missing, %d of no transaction%n",
        layout.version(), count, twice, missing, strange);
    return twice + missing + strange;
  }

  private static long newest(Lake lake, FeatureViewLayout layout) {
    return lake.newestFeatures(layout).values().stream()
        .mapToLong(BootstrapBench::instant)
        .max()
        .orElse(Long.MIN_VALUE);
  }

  private static long instant(Record record) {
    return ((OffsetDateTime) record.getField("valid_from")).toInstant().toEpochMilli();
  }

  // ---- the commands

  private String command(String... arguments) throws Exception {
    Path out = work.resolve(arguments[0] + ".out");
    Process process = start(out, arguments);
    if (process.waitFor() != 0) {
      throw new IOException("tailwater " + arguments[0] + " failed: see above");
    }
    return Files.readString(out);
  }

  private Process start(Path out, String... arguments) throws IOException {
    Path classes =
        Path.of(
            System.getProperty("java.class.path").split(System.getProperty("path.separator"))[0]);
    Path root = Objects.requireNonNull(classes.toAbsolutePath().getParent()).resolve("../..");
    List<String> command = new ArrayList<>();
    command.add(root.normalize().resolve("tailwater").toString());
    command.addAll(List.of(arguments));
    command.add("--home=" + home);
    ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out.toFile());
    if (arguments[0].equals("up")) {
      builder.redirectErrorStream(true);
    } else {
      builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    }
    return builder.start();
  }

  private static String field(String json, String name) throws IOException {
    Matcher matcher = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
    if (!matcher.find()) {
      throw new IOException("no " + name + " in " + json);
    }
    return matcher.group(1);
  }

  private static String figure(String json, String name) throws IOException {
    Matcher matcher = Pattern.compile("\"" + name + "\":([0-9.]+)").matcher(json);
    if (!matcher.find()) {
      throw new IOException("no " + name + " in " + json);
    }
    return matcher.group(1);
  }

  private void await(BooleanSupplier condition, Process up, String what) throws IOException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (!up.isAlive()) {
        throw new IOException(
            "tailwater up ended: "
                + Files.readString(work.resolve("up.out"), StandardCharsets.UTF_8));
      }
      if (System.nanoTime() > deadline) {
        throw new IOException("waited " + PATIENCE + " for " + what);
      }
      LockSupport.parkNanos(Duration.ofSeconds(1).toNanos());
    }
  }

  private static void report(String format, Object... values) {
    System.out.printf(Locale.ROOT, format, values);
    System.out.flush();
  }

  // ---- what was sent, and what a reader sees

  /** Transactions that remember when each customer paid. */
  private static final class Sent extends LiveBench.Questions {

    private final int eventTime;
    private final int customer;
    private final Map<String, Set<Long>> instants = new HashMap<>();
    private final Map<String, Long> newestOf = new TreeMap<>();
    private volatile long newest = Long.MIN_VALUE;

    Sent(KafkaLog log, StreamPlan stream, Path csv) throws IOException {
      super(log, stream, csv);
      this.eventTime = stream.eventTime();
      this.customer = stream.messageKey();
    }

    @Override
    void sending(@Nullable Object[] values) {
      String key = String.valueOf(values[customer]);
      long instant = (Long) Objects.requireNonNull(values[eventTime]);
      instants.computeIfAbsent(key, k -> new HashSet<>()).add(instant);
      newestOf.merge(key, instant, Math::max);
      newest = Math.max(newest, instant);
    }

    List<String> someCustomers() {
      return newestOf.keySet().stream().limit(READ_CUSTOMERS).toList();
    }
  }

  /**
   * Looks customers up through the pointer, again and again. A row that is older than the newest
   * transaction before the bootstrap is of a version that is not complete.
   */
  private static final class Reader {

    private final RedisOnlineStore online;
    private final Map<String, FeatureViewLayout> layouts = new HashMap<>();
    private final List<String> customers;
    private final Map<String, Long> least;
    private final Map<String, Long> readsByVersion = new ConcurrentHashMap<>();
    private final AtomicBoolean stopped = new AtomicBoolean();
    private final CompletableFuture<Void> run;
    private volatile long halfBuilt;

    Reader(
        RedisOnlineStore online,
        List<FeatureViewLayout> layouts,
        List<String> customers,
        Map<String, Long> least) {
      this.online = online;
      layouts.forEach(layout -> this.layouts.put(layout.version(), layout));
      this.customers = customers;
      this.least = least;
      this.run = CompletableFuture.runAsync(this::read);
    }

    private void read() {
      while (!stopped.get()) {
        String version = online.currentVersion(VIEW).orElseThrow();
        long missing = 0;
        List<Optional<OnlineRow>> rows =
            online.mget(Objects.requireNonNull(layouts.get(version), version), customers);
        for (int i = 0; i < customers.size(); i++) {
          long wanted = least.getOrDefault(customers.get(i), NEVER);
          missing += rows.get(i).filter(row -> row.validFrom() >= wanted).isPresent() ? 0 : 1;
        }
        halfBuilt = Math.max(halfBuilt, missing);
        readsByVersion.merge(version, 1L, Long::sum);
        LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
      }
    }

    void awaitReads(String version) {
      long enough = readsByVersion.getOrDefault(version, 0L) + 20;
      while (readsByVersion.getOrDefault(version, 0L) < enough && !run.isDone()) {
        LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
      }
    }

    void stop() {
      stopped.set(true);
      run.join();
    }
  }
}
