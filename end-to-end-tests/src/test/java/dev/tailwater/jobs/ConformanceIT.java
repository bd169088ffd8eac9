package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.files.SpineFile;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.definitions.InvalidProjectException;
import dev.tailwater.jobs.ConformanceCase.Question;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.Timestamps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.dag.Transformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.runtime.client.JobExecutionException;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every case of the conformance suite, and the table of docs/semantics.md, three ways: live, with
 * each partition's records in arrival order and watermarks between them; as a bounded replay; and
 * as a training set. Each gives the expected values bit for bit, and the expected dead letters.
 */
class ConformanceIT {

  /** Cases that share a job: a job of its own for each would take minutes to deploy them all. */
  private static final int CASES_OF_A_JOB = 40;

  private static final int PARALLEL_JOBS = 2;

  /** What the tasks have seen of each case; they run in this JVM. */
  private static final Map<Long, Seen> SEEN = new ConcurrentHashMap<>();

  private static final AtomicLong RUNS = new AtomicLong();

  private static Path folder;
  private static MiniCluster cluster;
  private static ExecutorService workers;

  @BeforeAll
  static void start(@TempDir Path temporary) throws Exception {
    folder = temporary;
    Configuration settings = new Configuration();
    settings.setString("rest.bind-address", "127.0.0.1");
    settings.setString("rest.port", "0");
    settings.setString("taskmanager.memory.network.max", "256mb");
    settings.setString("taskmanager.memory.network.min", "256mb");
    settings.setString("taskmanager.memory.managed.size", "256mb");
    settings.setString("taskmanager.network.sort-shuffle.min-buffers", "8");
    // A job may start before the one before has given its slot back. Flink waits for it only as
    // long
    // as a cluster is starting, five minutes, which a busy machine needs for all cases.
    settings.setString("resourcemanager.standalone.start-up-time", "3600000");
    cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(settings)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(PARALLEL_JOBS)
                .build());
    cluster.start();
    workers = Executors.newFixedThreadPool(PARALLEL_JOBS);
  }

  @AfterAll
  static void stop() throws Exception {
    workers.shutdownNow();
    cluster.close();
  }

  @TestFactory
  Stream<DynamicContainer> everyCaseThreeWays() throws IOException {
    List<DynamicContainer> files = new ArrayList<>();
    for (Path file : ConformanceCase.files()) {
      String topic = file.getFileName().toString().replace(".json", "");
      List<ConformanceCase> cases = ConformanceCase.read(file);
      List<DynamicTest> tests = new ArrayList<>();
      for (int from = 0; from < cases.size(); from += CASES_OF_A_JOB) {
        List<ConformanceCase> some =
            cases.subList(from, Math.min(cases.size(), from + CASES_OF_A_JOB));
        Future<List<List<String>>> differences = workers.submit(() -> differences(some));
        for (int i = 0; i < some.size(); i++) {
          int position = i;
          tests.add(
              DynamicTest.dynamicTest(
                  some.get(i).name(),
                  () ->
                      assertThat(differences.get().get(position))
                          .as(topic + ": " + some.get(position).name())
                          .isEmpty()));
        }
      }
      files.add(DynamicContainer.dynamicContainer(topic, tests));
    }
    return files.stream();
  }

  @Test
  void theTableOfTheDocumentIsTrue() throws Exception {
    assertThat(differences(List.of(SemanticsTable.read())).get(0)).isEmpty();
  }

  /** A case whose project is compiled, and what was found to differ. */
  private record Compiled(
      ConformanceCase one, ConformanceProject project, List<String> differences) {}

  /** Runs the cases together, each in a graph of its own, and says per case what differs. */
  private static List<List<String>> differences(List<ConformanceCase> cases) throws Exception {
    List<List<String>> differences = new ArrayList<>();
    List<Compiled> compiled = new ArrayList<>();
    for (ConformanceCase one : cases) {
      List<String> found = new ArrayList<>();
      differences.add(found);
      try {
        Path project = Files.createTempDirectory(folder, "project");
        compiled.add(new Compiled(one, ConformanceProject.of(one, project), found));
      } catch (InvalidProjectException e) {
        found.add(String.valueOf(e.getMessage()));
      }
    }
    List<List<Seen>> seen = new ArrayList<>();
    for (Way way : Way.values()) {
      seen.add(run(way, compiled));
    }
    for (int i = 0; i < compiled.size(); i++) {
      ConformanceCase one = compiled.get(i).one();
      for (int question = 0; question < one.questions().size(); question++) {
        Map<String, @Nullable Object> live = answer(seen.get(0).get(i), one, question);
        for (List<Seen> ofOneWay : seen) {
          if (!answer(ofOneWay.get(i), one, question).equals(live)) {
            compiled
                .get(i)
                .differences()
                .add("the ways differ at " + one.questions().get(question).at());
          }
        }
      }
    }
    return differences;
  }

  private static List<Seen> run(Way way, List<Compiled> cases) throws Exception {
    if (cases.isEmpty()) {
      return List.of();
    }
    StreamExecutionEnvironment env = environment();
    List<Seen> seen = new ArrayList<>();
    long expectedLetters = 0;
    for (Compiled compiled : cases) {
      long run = RUNS.getAndIncrement();
      Seen seenOfOne = new Seen();
      SEEN.put(run, seenOfOne);
      seen.add(seenOfOne);
      if (way == Way.TRAINING_SET) {
        trainingSet(env, run, compiled.project(), compiled.one());
      } else {
        asked(env, run, compiled.project(), compiled.one(), way == Way.LIVE);
      }
      makeUidsUnique(env, run);
      expectedLetters += compiled.one().deadLetters().size();
    }
    JobExecutionResult result;
    try {
      result = cluster.executeJobBlocking(env.getStreamGraph().getJobGraph());
    } catch (JobExecutionException e) {
      if (cases.size() == 1) {
        cases.get(0).differences().add(way + " fails: " + rootOf(e));
        return seen;
      }
      // One of them fails: which?
      List<Seen> oneByOne = new ArrayList<>();
      for (Compiled compiled : cases) {
        oneByOne.addAll(run(way, List.of(compiled)));
      }
      return oneByOne;
    }
    long refused = RefusedRecords.of(result).count();
    for (int i = 0; i < seen.size(); i++) {
      Compiled compiled = cases.get(i);
      compare(way, compiled, seen.get(i));
      if (way == Way.TRAINING_SET && i == 0 && refused != expectedLetters) {
        // A training set only counts what it leaves out: of all these cases together.
        compiled
            .differences()
            .add(
                "%s: %d records left out of these cases, expected %d"
                    .formatted(way, refused, expectedLetters));
      }
    }
    return seen;
  }

  private static Throwable rootOf(Throwable failure) {
    Throwable root = failure;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      root = cause;
    }
    return root;
  }

  /** Operators are called after their definitions, which are alike in many cases. */
  private static void makeUidsUnique(StreamExecutionEnvironment env, long run) {
    for (Transformation<?> sink : env.getTransformations()) {
      for (Transformation<?> transformation : sink.getTransitivePredecessors()) {
        String uid = transformation.getUid();
        if (uid != null && !uid.startsWith("case-")) {
          transformation.setUid("case-" + run + ":" + uid);
        }
      }
    }
  }

  // ---- what a run gives

  private enum Way {
    LIVE,
    BOUNDED,
    TRAINING_SET
  }

  /**
   * What a run answered and refused.
   *
   * @param answers by the question's number, then by view
   */
  private record Seen(
      Map<Long, Map<String, Map<String, @Nullable Object>>> answers,
      ConcurrentLinkedQueue<String> deadLetters) {

    Seen() {
      this(new ConcurrentHashMap<>(), new ConcurrentLinkedQueue<>());
    }
  }

  private static void compare(Way way, Compiled compiled, Seen seen) {
    ConformanceCase one = compiled.one();
    List<String> letters = seen.deadLetters().stream().sorted().toList();
    if (way != Way.TRAINING_SET && !letters.equals(List.copyOf(one.deadLetters()))) {
      compiled
          .differences()
          .add("%s: dead letters %s, expected %s".formatted(way, letters, one.deadLetters()));
    }
    for (int i = 0; i < one.questions().size(); i++) {
      Question question = one.questions().get(i);
      Map<String, @Nullable Object> answer = answer(seen, one, i);
      for (String feature : union(question.expected().keySet(), answer.keySet())) {
        Object expected = question.expected().get(feature);
        Object found = answer.get(feature);
        if (!answer.containsKey(feature)
            || !question.expected().containsKey(feature)
            || !isSame(expected, found)) {
          compiled
              .differences()
              .add(
                  "%s: %s at %s is %s, expected %s"
                      .formatted(way, feature, question.at(), found, expected));
        }
      }
    }
  }

  /** The features of the view that a question asks, by name. */
  private static Map<String, @Nullable Object> answer(
      Seen seen, ConformanceCase one, int question) {
    Object view = one.questions().get(question).asked().getOrDefault("view", one.lastView());
    return seen.answers()
        .getOrDefault((long) question, Map.of())
        .getOrDefault(String.valueOf(view), Map.of());
  }

  private static Set<String> union(Set<String> some, Set<String> more) {
    Set<String> union = new TreeSet<>(some);
    union.addAll(more);
    return union;
  }

  /** Whether a value is the one that stands in a file, in the value's type, bit for bit. */
  private static boolean isSame(@Nullable Object written, @Nullable Object found) {
    if (found instanceof Double number && written instanceof Map<?, ?> range) {
      // A value that has an error bound; the three ways are compared with each other elsewhere.
      double by = ((Number) Objects.requireNonNull(range.get("by"))).doubleValue();
      double near = ((Number) Objects.requireNonNull(range.get("near"))).doubleValue();
      return Math.abs(number - near) <= by;
    }
    if (found instanceof Double number) {
      boolean isNumber =
          written instanceof Double || (written instanceof String text && !text.isEmpty());
      return isNumber
          && Double.doubleToLongBits(number)
              == Double.doubleToLongBits(Double.parseDouble(String.valueOf(written)));
    }
    if (found instanceof Integer || found instanceof Long) {
      return (written instanceof Integer || written instanceof Long)
          && ((Number) written).longValue() == ((Number) found).longValue();
    }
    if (found instanceof List<?> elements) {
      boolean same = written instanceof List<?> list && list.size() == elements.size();
      for (int i = 0; same && i < elements.size(); i++) {
        same = isSame(((List<?>) Objects.requireNonNull(written)).get(i), elements.get(i));
      }
      return same;
    }
    if (found instanceof Map<?, ?> entries) {
      // The order of the keys is part of the value.
      return written instanceof Map<?, ?> map
          && List.copyOf(map.keySet()).equals(List.copyOf(entries.keySet()))
          && map.keySet().stream().allMatch(key -> isSame(map.get(key), entries.get(key)));
    }
    return Objects.equals(written, found);
  }

  // ---- the three ways

  private static void asked(
      StreamExecutionEnvironment env,
      long run,
      ConformanceProject project,
      ConformanceCase one,
      boolean live) {
    Plan asked = live ? project.waitingForLate() : project.plan();
    SpinePlan plan =
        SpinePlan.of(asked, project.views(), SpinePlan.excludesSelf(asked, project.views()));
    List<LogRecord> questions = questions(plan, one);
    FeatureGraph graph =
        FeatureGraph.build(
            live ? JobSettings.streaming(env) : JobSettings.bounded(env),
            plan.plan(),
            stream ->
                stream == plan.spine()
                    ? new GivenRecords(questions, false)
                    : new GivenRecords(project.records().get(stream), live),
            new FeatureGraph.Options(List.of(plan.ask(project.views())), false, 0, Set.of()));
    graph
        .answers()
        .filter(Envelope::isQuestion)
        .map(new SeeAnswer(run, names(project), project.views()))
        .returns(Types.BOOLEAN)
        .sinkTo(new DiscardingSink<>());
    for (DataStream<OutgoingRecord> letters : graph.deadLetters()) {
      letters.map(new SeeDeadLetter(run)).returns(Types.BOOLEAN).sinkTo(new DiscardingSink<>());
    }
  }

  private static List<LogRecord> questions(SpinePlan plan, ConformanceCase one) {
    List<LogRecord> records = new ArrayList<>();
    List<Column> columns = plan.plan().streams().get(plan.spine()).schema().columns();
    for (Question question : one.questions()) {
      LogRecord record = new LogRecord();
      record.offset = records.size();
      record.eventTime = ConformanceProject.instant(question.at());
      record.values = new Object[columns.size()];
      for (int i = 0; i < columns.size(); i++) {
        Column column = columns.get(i);
        record.values[i] =
            column.name().equals(SpineFile.ROW)
                ? record.offset
                : ConformanceProject.value(question.asked().get(column.name()), column.type());
      }
      records.add(record);
    }
    return records;
  }

  private static void trainingSet(
      StreamExecutionEnvironment env, long run, ConformanceProject project, ConformanceCase one)
      throws IOException {
    Path spine = Files.createTempFile(folder, "spine", ".csv");
    boolean about = SpinePlan.excludesSelf(project.plan(), project.views());
    List<String> keys =
        SpinePlan.of(project.plan(), project.views(), about).columns().stream()
            .map(Column::name)
            .toList();
    List<String> lines = new ArrayList<>();
    lines.add("event_time," + String.join(",", keys));
    for (Question question : one.questions()) {
      StringBuilder line = new StringBuilder();
      line.append(Timestamps.format(ConformanceProject.instant(question.at())));
      for (String key : keys) {
        Object value = question.asked().get(key);
        line.append(',')
            .append(
                value instanceof String text
                    ? "\"" + text.replace("\"", "\"\"") + "\""
                    : value == null ? "" : value);
      }
      lines.add(line.toString());
    }
    Files.write(spine, lines);
    TrainingSetJob.answers(
            env,
            project.plan(),
            project.views(),
            spine,
            stream -> new GivenRecords(project.records().get(stream), false),
            Map.of())
        .map(new SeeRow(run, names(project), project.views()))
        .returns(Types.BOOLEAN)
        .sinkTo(new DiscardingSink<>());
  }

  private static StreamExecutionEnvironment environment() {
    Configuration settings = new Configuration();
    settings.set(PipelineOptions.AUTO_WATERMARK_INTERVAL, Duration.ofMillis(1));
    return StreamExecutionEnvironment.createLocalEnvironment(1, settings);
  }

  /** Per view its name, then those of its features. */
  private static String[][] names(ConformanceProject project) {
    Plan plan = project.plan();
    return plan.views().stream()
        .map(
            view ->
                Stream.concat(Stream.of(view.name()), view.features().stream().map(Column::name))
                    .toArray(String[]::new))
        .toArray(String[][]::new);
  }

  private static void see(
      long run, long question, String[] names, @Nullable Object @Nullable [] values) {
    if (values == null) {
      return;
    }
    Map<String, @Nullable Object> answer = new TreeMap<>();
    for (int i = 0; i < values.length; i++) {
      answer.put(names[i + 1], values[i]);
    }
    Map<String, Map<String, @Nullable Object>> views =
        seenBy(run).answers().computeIfAbsent(question, key -> new ConcurrentHashMap<>());
    if (views.put(names[0], answer) != null) {
      throw new IllegalStateException("question " + question + " was answered twice");
    }
  }

  private static Seen seenBy(long run) {
    return Objects.requireNonNull(SEEN.get(run));
  }

  private record SeeAnswer(long run, String[][] names, int[] views)
      implements MapFunction<Envelope, Boolean> {
    @Override
    public Boolean map(Envelope question) {
      for (int view : views) {
        see(run, question.offset, names[view], question.answers[view]);
      }
      return true;
    }
  }

  private record SeeRow(long run, String[][] names, int[] views)
      implements MapFunction<TrainingSetRow, Boolean> {
    @Override
    public Boolean map(TrainingSetRow row) {
      int from = 0;
      for (int view : views) {
        int to = from + names[view].length - 1;
        see(run, row.row(), names[view], Arrays.copyOfRange(row.features(), from, to));
        from = to;
      }
      return true;
    }
  }

  private record SeeDeadLetter(long run) implements MapFunction<OutgoingRecord, Boolean> {
    @Override
    public Boolean map(OutgoingRecord letter) {
      Map<String, String> headers = letter.headers();
      seenBy(run)
          .deadLetters()
          .add(
              "%s/%s/%s %s"
                  .formatted(
                      headers.get(DeadLetter.STREAM_HEADER),
                      headers.get(DeadLetter.PARTITION_HEADER),
                      headers.get(DeadLetter.OFFSET_HEADER),
                      headers.get(DeadLetter.CODE_HEADER)));
      return true;
    }
  }
}
