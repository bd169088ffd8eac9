package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.files.SpineFile;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.definitions.InvalidProjectException;
import dev.tailwater.jobs.ConformanceCase.Question;
import dev.tailwater.jobs.ConformanceCase.Refusal;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.Timestamps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
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
import java.util.stream.IntStream;
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
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
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
 *
 * <p>Cases with rows, and those that are asked at the end of the log, run live once more, each
 * record at the clock to which those before it bring the job: late ones repair what was final. What
 * the bounded replay stores is exactly the expected rows. What the live run stores is the same, but
 * for rows by time alone whose reason a late event took away: these say what the row says that
 * covers their instant.
 */
class ConformanceIT {

  /** Cases that share a job: a job of its own for each would take minutes to deploy them all. */
  private static final int CASES_OF_A_JOB = 40;

  private static final int PARALLEL_JOBS = 2;

  /** A part of the names of the files to run, for whoever works on one; all if it is not set. */
  private static final String FILES = System.getProperty("conformance.files", "");

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
      if (!topic.contains(FILES)) {
        continue;
      }
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
    for (Way way : List.of(Way.LIVE, Way.BOUNDED, Way.TRAINING_SET)) {
      seen.add(run(way, compiled));
    }
    run(
        Way.RECORD_BY_RECORD,
        compiled.stream()
            .filter(each -> each.one().askedAtEnd() || each.one().rows().isPresent())
            .toList());
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
      ConformanceProject project = compiled.project();
      switch (way) {
        case LIVE -> live(env, run, project, compiled.one());
        case BOUNDED -> bounded(env, run, project, compiled.one());
        case TRAINING_SET -> trainingSet(env, run, project, compiled.one());
        case RECORD_BY_RECORD -> recordByRecord(env, run, project, compiled.one());
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
    /** Answers wait for every event that may still come. */
    LIVE,
    BOUNDED,
    TRAINING_SET,
    /** Rows are stored, and late ones repaired; questions come when the log has been read. */
    RECORD_BY_RECORD
  }

  /**
   * What a run answered, refused and stored.
   *
   * @param answers by the question's number, then by view
   * @param rejected the numbers of questions that some view does not answer
   * @param rows those for the offline store
   */
  private record Seen(
      Map<Long, Map<String, Map<String, @Nullable Object>>> answers,
      Set<Long> rejected,
      ConcurrentLinkedQueue<String> deadLetters,
      ConcurrentLinkedQueue<FeatureRow> rows,
      LogProgress progress) {

    Seen() {
      this(
          new ConcurrentHashMap<>(),
          ConcurrentHashMap.newKeySet(),
          new ConcurrentLinkedQueue<>(),
          new ConcurrentLinkedQueue<>(),
          new LogProgress());
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
      if (way == Way.RECORD_BY_RECORD) {
        boolean refused = answer.isEmpty() && seen.rejected().contains((long) i);
        if (one.askedAtEnd() && !refused && question.refusal() == Refusal.ALWAYS) {
          compiled
              .differences()
              .add(
                  "%s: at %s is answered with %s, expected to be rejected"
                      .formatted(way, question.at(), answer));
        }
        if (!one.askedAtEnd()
            || question.refusal() == Refusal.ALWAYS
            || (refused && question.refusal() == Refusal.MAYBE)) {
          continue;
        }
      }
      compareValues(
          "%s: at %s".formatted(way, question.at()),
          question.expected(),
          answer,
          compiled.differences());
    }
    if (one.rows().isPresent() && (way == Way.BOUNDED || way == Way.RECORD_BY_RECORD)) {
      compareRows(way, compiled, seen);
    }
  }

  private static void compareValues(
      String what,
      Map<String, @Nullable Object> expected,
      Map<String, @Nullable Object> found,
      List<String> differences) {
    for (String feature : union(expected.keySet(), found.keySet())) {
      if (!found.containsKey(feature)
          || !expected.containsKey(feature)
          || !isSame(expected.get(feature), found.get(feature))) {
        differences.add(
            "%s %s is %s, expected %s"
                .formatted(what, feature, found.get(feature), expected.get(feature)));
      }
    }
  }

  /** The features of the view that a question asks, by name. */
  private static Map<String, @Nullable Object> answer(
      Seen seen, ConformanceCase one, int question) {
    return seen.answers()
        .getOrDefault((long) question, Map.of())
        .getOrDefault(one.view(one.questions().get(question).asked()), Map.of());
  }

  /** Which row: of which view and entity, as of which instant. */
  private record RowId(String view, String key, long from) implements Comparable<RowId> {

    boolean isOfSameEntity(RowId other) {
      return view.equals(other.view) && key.equals(other.key);
    }

    @Override
    public int compareTo(RowId other) {
      return Comparator.comparing(RowId::view)
          .thenComparing(RowId::key)
          .thenComparing(RowId::from)
          .compare(this, other);
    }

    @Override
    public String toString() {
      return view + " of " + key + " as of " + Timestamps.format(from);
    }
  }

  private static void compareRows(Way way, Compiled compiled, Seen seen) {
    ConformanceProject project = compiled.project();
    List<String> differences = compiled.differences();
    TreeMap<RowId, ConformanceCase.Row> expected = new TreeMap<>();
    for (ConformanceCase.Row row : compiled.one().rows().orElseThrow()) {
      expected.put(rowId(compiled.one(), project.plan(), row), row);
    }
    TreeMap<RowId, FeatureRow> stored = new TreeMap<>();
    for (FeatureRow row : seen.rows()) {
      RowId id =
          new RowId(project.plan().views().get(row.view()).name(), row.key(), row.validFrom());
      FeatureRow before = stored.put(id, row);
      if (before != null && before.revision() >= row.revision()) {
        differences.add(
            "%s: %s: revision %d after %d".formatted(way, id, row.revision(), before.revision()));
      }
    }
    boolean maybeOrphans = way == Way.RECORD_BY_RECORD && project.someAreLate();
    stored.forEach(
        (id, row) -> {
          RowId covering = expected.floorKey(id);
          if (covering == null || !covering.isOfSameEntity(id)) {
            differences.add("%s: no row is expected so early: %s".formatted(way, id));
          } else if (covering.equals(id)
              || (maybeOrphans && isByTimeAlone(project.plan().views().get(row.view()), row))) {
            compareRow(
                "%s: %s:".formatted(way, id),
                project.plan().views().get(row.view()),
                Objects.requireNonNull(expected.get(covering)),
                row,
                differences);
          } else {
            differences.add("%s: no row is expected: %s".formatted(way, id));
          }
        });
    expected.keySet().stream()
        .filter(id -> !stored.containsKey(id))
        .forEach(id -> differences.add("%s: there is no row: %s".formatted(way, id)));
  }

  private static boolean isByTimeAlone(ViewPlan view, FeatureRow row) {
    return view.refreshMs() > 0 && row.validFrom() % view.refreshMs() == 0 && row.revision() > 0;
  }

  private static void compareRow(
      String what,
      ViewPlan view,
      ConformanceCase.Row expected,
      FeatureRow found,
      List<String> differences) {
    Map<String, @Nullable Object> values = new TreeMap<>();
    for (int i = 0; i < found.values().length; i++) {
      values.put(view.features().get(i).name(), found.values()[i]);
    }
    compareValues(what, expected.values(), values, differences);
    String written = expected.until();
    long until = written == null ? Long.MAX_VALUE : ConformanceProject.instant(written);
    if (until != found.validUntil()) {
      differences.add(
          "%s is valid until %s, expected %s"
              .formatted(
                  what,
                  found.validUntil() == Long.MAX_VALUE
                      ? "ever"
                      : Timestamps.format(found.validUntil()),
                  written));
    }
  }

  private static RowId rowId(ConformanceCase one, Plan plan, ConformanceCase.Row row) {
    String name = one.view(row.entity());
    ViewPlan view =
        plan.views().stream().filter(each -> each.name().equals(name)).findFirst().orElseThrow();
    List<Column> key = plan.entities().get(view.entity()).key();
    @Nullable Object[] values =
        key.stream()
            .map(column -> ConformanceProject.value(row.entity().get(column.name()), column.type()))
            .toArray();
    String text = EntityKeys.encode(values, IntStream.range(0, values.length).toArray());
    return new RowId(name, Objects.requireNonNull(text), ConformanceProject.instant(row.from()));
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

  private static void live(
      StreamExecutionEnvironment env, long run, ConformanceProject project, ConformanceCase one) {
    SpinePlan plan = spine(project.waitingForLate(), project);
    List<LogRecord> questions = questions(plan, one);
    LogProgress progress = seenBy(run).progress();
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.asking(env),
            plan.plan(),
            stream ->
                stream == plan.spine()
                    ? new GivenRecords(questions, GivenRecords.Pace.NONE)
                    : new GivenRecords(project.records().get(stream), progress.afterQuestions()),
            options(plan, project, false));
    see(graph, run, project);
    seeClock(graph, run);
  }

  private static void bounded(
      StreamExecutionEnvironment env, long run, ConformanceProject project, ConformanceCase one) {
    SpinePlan plan = spine(project.plan(), project);
    List<LogRecord> questions = questions(plan, one);
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.bounded(env),
            plan.plan(),
            stream ->
                new GivenRecords(
                    stream == plan.spine() ? questions : project.records().get(stream),
                    GivenRecords.Pace.NONE),
            options(plan, project, one.rows().isPresent()));
    see(graph, run, project);
  }

  private static void recordByRecord(
      StreamExecutionEnvironment env, long run, ConformanceProject project, ConformanceCase one) {
    SpinePlan plan = spine(project.plan(), project);
    List<LogRecord> questions = one.askedAtEnd() ? questions(plan, one) : List.of();
    List<long[]> clocks = new ArrayList<>();
    for (int stream = 0; stream < project.records().size(); stream++) {
      clocks.add(
          LogProgress.clocks(plan.plan().streams().get(stream), project.records().get(stream)));
    }
    long[] ends =
        clocks.stream()
            .filter(ofOne -> ofOne.length > 1)
            .mapToLong(ofOne -> ofOne[ofOne.length - 1])
            .toArray();
    for (long[] ofOne : clocks) {
      // Nothing that is behind the clock can be waited for, but by what comes after it.
      if (one.askedAtEnd()
          && ofOne.length > 1
          && ofOne[ofOne.length - 1] <= ofOne[ofOne.length - 2]) {
        throw new IllegalArgumentException(
            one.name() + ": the last event of a stream must move its clock; add one that does");
      }
    }
    long end = Arrays.stream(ends).min().orElse(Long.MIN_VALUE);
    int answers = (int) questions.stream().filter(question -> question.eventTime <= end).count();
    LogProgress progress = seenBy(run).progress();
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.asking(env),
            plan.plan(),
            stream ->
                stream == plan.spine()
                    ? new GivenRecords(questions, progress.allAt(end))
                    : new GivenRecords(
                        project.records().get(stream),
                        ends.length == 1
                            ? progress.eachInItsTime(clocks.get(stream), answers)
                            : progress.besideOthers(project.records().get(stream).size(), answers)),
            options(plan, project, one.rows().isPresent()));
    see(graph, run, project);
    seeClock(graph, run);
  }

  private static void seeClock(FeatureGraph graph, long run) {
    graph
        .answers()
        .transform("clock", Types.BOOLEAN, new SeeClock(run))
        .sinkTo(new DiscardingSink<>());
  }

  private static SpinePlan spine(Plan plan, ConformanceProject project) {
    return SpinePlan.of(plan, project.views(), SpinePlan.excludesSelf(plan, project.views()));
  }

  private static FeatureGraph.Options options(
      SpinePlan plan, ConformanceProject project, boolean rows) {
    return new FeatureGraph.Options(List.of(plan.ask(project.views())), rows, 0, Set.of());
  }

  private static void see(FeatureGraph graph, long run, ConformanceProject project) {
    graph
        .answers()
        .filter(Envelope::isQuestion)
        .map(new SeeAnswer(run, names(project), project.views()))
        .returns(Types.BOOLEAN)
        .sinkTo(new DiscardingSink<>());
    for (DataStream<OutgoingRecord> letters : graph.deadLetters()) {
      letters.map(new SeeDeadLetter(run)).returns(Types.BOOLEAN).sinkTo(new DiscardingSink<>());
    }
    for (DataStream<FeatureRow> rows : graph.featureRows().values()) {
      rows.map(new SeeStored(run)).returns(Types.BOOLEAN).sinkTo(new DiscardingSink<>());
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
            stream -> new GivenRecords(project.records().get(stream), GivenRecords.Pace.NONE),
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
      if (question.rejection() != null) {
        seenBy(run).rejected().add(question.offset);
      }
      seenBy(run).progress().answered();
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

  private record SeeStored(long run) implements MapFunction<FeatureRow, Boolean> {
    @Override
    public Boolean map(FeatureRow row) {
      if (row.offline()) {
        seenBy(run).rows().add(row);
      }
      return true;
    }
  }

  /** Sees how far all operators before it have come. */
  private static final class SeeClock extends AbstractStreamOperator<Boolean>
      implements OneInputStreamOperator<Envelope, Boolean> {

    private final long run;

    SeeClock(long run) {
      this.run = run;
    }

    @Override
    public void processElement(StreamRecord<Envelope> element) {}

    @Override
    public void processWatermark(Watermark mark) throws Exception {
      super.processWatermark(mark);
      seenBy(run).progress().reached(mark.getTimestamp());
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
