package dev.tailwater.checks;

import dev.tailwater.checks.FeatureRun.Arrival;
import dev.tailwater.checks.FeatureRun.Letter;
import dev.tailwater.checks.FeatureRun.Outcome;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.definitions.Project;
import dev.tailwater.definitions.TestDefinition;
import dev.tailwater.definitions.TestDefinition.Expected;
import dev.tailwater.definitions.TestDefinition.Given;
import dev.tailwater.jobs.SpinePlan;
import dev.tailwater.kernel.Aggregate;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.JsonCollections;
import dev.tailwater.schemas.RowChange;
import dev.tailwater.schemas.Timestamps;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs the tests of a project on its real graph. Each is run in the order that was written; again
 * in another order of arrival; again in a third order, restored from a checkpoint half way; and
 * worked out by a naive reference. All four must say the same of every feature, and what the test
 * expects of those it names. Not thread-safe.
 */
public final class ProjectCheck {

  /** Of the orders of arrival, so that a failure can be seen again. */
  private static final long SEED = 20260101;

  /** How far numbers that need a root, a power or a quotient may be from the reference. */
  private static final double REFERENCE_TOLERANCE = 1e-12;

  /** Four times the standard error that the sketch states. */
  private static final double SKETCH_TOLERANCE = 4 * 0.01625;

  private static final int MAX_LINES = 60;

  private static final byte[] NO_BYTES = {};

  private final Plan plan;

  /** Checks the tests of a project that compiles to this plan. */
  public ProjectCheck(Plan plan) {
    this.plan = plan;
  }

  /**
   * What became of one test.
   *
   * @param problems what was wrong, in lines for a person; empty if the test passed
   * @param refused records that the graph refused, each with its reason: no problem as such
   */
  public record Result(TestDefinition test, List<String> problems, List<String> refused) {

    public Result {
      problems = List.copyOf(problems);
      refused = List.copyOf(refused);
    }

    /** Whether everything was as expected. */
    public boolean passed() {
      return problems.isEmpty();
    }
  }

  /** Runs every test, in the order of the project. */
  public List<Result> run(Project project) throws Exception {
    List<Result> results = new ArrayList<>();
    for (TestDefinition test : project.tests()) {
      results.add(run(test));
    }
    return results;
  }

  /** Runs one test. */
  Result run(TestDefinition test) throws Exception {
    int view =
        IntStream.range(0, plan.views().size())
            .filter(v -> plan.views().get(v).name().equals(test.view()))
            .findFirst()
            .orElseThrow();
    FeatureRun runs =
        new FeatureRun(
            plan,
            view,
            test.expected().stream().anyMatch(expected -> expected.about().isPresent()));
    List<Arrival> questions = new ArrayList<>();
    for (Expected expected : test.expected()) {
      questions.add(
          runs.question(questions.size(), expected.at(), expected.key(), expected.about()));
    }
    List<Arrival> events = events(test, 0);
    Outcome outcome = runs.run(inTime(events, questions), FeatureRun.NEVER);
    List<String> problems = new ArrayList<>();
    compareWithExpected(test, view, outcome, problems);

    // A record that is too late stays so in any order: only then is it left out of the others.
    Set<Long> tooLate = new HashSet<>();
    Set<Long> unusable = new HashSet<>();
    for (Letter letter : outcome.letters()) {
      if (letter.stream().equals(SpinePlan.STREAM)) {
        continue;
      }
      if (letter.code() == DeadLetter.Code.LATE) {
        tooLate.add(letter.offset());
      }
      if (letter.code() != DeadLetter.Code.CONFLICT) {
        unusable.add(letter.offset());
      }
    }
    Random random = new Random(SEED);
    List<Arrival> others = new ArrayList<>(events(test, 1));
    others.removeIf(event -> tooLate.contains((long) event.record().partition));
    others.addAll(questions);
    Collections.shuffle(others, random);
    compareRuns(
        test,
        view,
        outcome,
        runs.run(others, FeatureRun.NEVER),
        "the same events in another order of arrival",
        problems);
    Collections.shuffle(others, random);
    compareRuns(
        test,
        view,
        outcome,
        runs.run(others, others.size() / 2),
        "restored from a checkpoint half way",
        problems);
    compareWithReference(
        test,
        view,
        outcome,
        events.stream().filter(event -> !unusable.contains(event.record().offset)).toList(),
        problems);
    if (problems.size() > MAX_LINES) {
      int left = problems.size() - MAX_LINES;
      problems.subList(MAX_LINES, problems.size()).clear();
      problems.add("and " + left + " more lines");
    }
    return new Result(test, problems, refused(test, outcome.letters()));
  }

  // What is sent

  /**
   * The given events.
   *
   * @param perPartition 0: all in one partition, in the order that was written; else each in a
   *     partition of its own, which orders ties in the same way, in whatever order they arrive
   */
  private List<Arrival> events(TestDefinition test, int perPartition) {
    List<Arrival> events = new ArrayList<>();
    Map<List<Object>, @Nullable Object[]> rows = new HashMap<>();
    for (Given given : test.given()) {
      int position =
          IntStream.range(0, plan.streams().size())
              .filter(s -> plan.streams().get(s).name().equals(given.stream()))
              .findFirst()
              .orElseThrow();
      StreamPlan stream = plan.streams().get(position);
      int number = events.size();
      LogRecord record = new LogRecord();
      record.partition = perPartition == 0 ? 0 : number;
      record.offset = perPartition == 0 ? number : 0;
      record.eventTime = given.eventTime();
      record.appendTime = given.appended();
      tell(record, stream, given, values(stream, given, number), rows);
      record.bytes = NO_BYTES; // Where it was refused, the test's own line shows it.
      events.add(new Arrival(position, record));
    }
    return events;
  }

  /**
   * Makes the record tell a row, or how it changed.
   *
   * @param rows the rows of changelogs as they are before the record, by stream and id
   */
  private static void tell(
      LogRecord record,
      StreamPlan stream,
      Given given,
      @Nullable Object[] row,
      Map<List<Object>, @Nullable Object[]> rows) {
    record.values = row;
    if (!stream.format().isChangelog()) {
      return;
    }
    List<Object> id = List.of(stream.name(), Objects.requireNonNull(row[stream.eventId()]));
    record.before = given.deleted() ? rows.remove(id) : rows.put(id, row);
    if (given.deleted()) {
      record.change = RowChange.Kind.DELETE;
      record.values = null;
    } else if (record.before != null) {
      record.change = RowChange.Kind.UPDATE;
    }
  }

  private static @Nullable Object[] values(StreamPlan stream, Given given, int number) {
    List<Column> columns = stream.schema().columns();
    @Nullable Object[] values = new Object[columns.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = given.values().get(columns.get(i).name());
    }
    int id = stream.eventId();
    if (id >= 0 && values[id] == null) {
      values[id] =
          switch (columns.get(id).type()) {
            case INT -> Integer.MIN_VALUE + number;
            case LONG -> Long.MIN_VALUE + number;
            default -> "event " + number + " of the test";
          };
    }
    return values;
  }

  /** The events as they were written, each question behind the events of its instant. */
  private static List<Arrival> inTime(List<Arrival> events, List<Arrival> questions) {
    List<Arrival> all = new ArrayList<>(events);
    for (Arrival question : questions) {
      int place = all.size();
      while (place > 0 && all.get(place - 1).record().eventTime > question.record().eventTime) {
        place--;
      }
      all.add(place, question);
    }
    return all;
  }

  // What is compared

  private void compareWithExpected(
      TestDefinition test, int view, Outcome outcome, List<String> problems) {
    List<Column> features = plan.views().get(view).features();
    for (int i = 0; i < test.expected().size(); i++) {
      Expected expected = test.expected().get(i);
      @Nullable Object[] answer = answer(outcome, i, features.size());
      List<String> lines = new ArrayList<>();
      for (Map.Entry<String, TestDefinition.Value> named : expected.values().entrySet()) {
        int feature = features.stream().map(Column::name).toList().indexOf(named.getKey());
        TestDefinition.Value wanted = named.getValue();
        if (!isNear(wanted.value(), answer[feature], wanted.by())) {
          lines.add(
              difference(
                  features.get(feature),
                  "expected "
                      + shown(features.get(feature), wanted.value())
                      + (wanted.by() > 0 ? " ±" + wanted.by() : ""),
                  "was " + shown(features.get(feature), answer[feature])));
        }
      }
      report(test, view, expected, lines, "", problems);
    }
  }

  private void compareRuns(
      TestDefinition test,
      int view,
      Outcome first,
      Outcome other,
      String how,
      List<String> problems) {
    List<Column> features = plan.views().get(view).features();
    for (int i = 0; i < test.expected().size(); i++) {
      @Nullable Object[] before = answer(first, i, features.size());
      @Nullable Object[] after = answer(other, i, features.size());
      List<String> lines = new ArrayList<>();
      for (int f = 0; f < features.size(); f++) {
        if (!Objects.equals(before[f], after[f])) {
          lines.add(
              difference(
                  features.get(f),
                  "was " + shown(features.get(f), before[f]),
                  "now " + shown(features.get(f), after[f])));
        }
      }
      report(test, view, test.expected().get(i), lines, how, problems);
    }
  }

  private void compareWithReference(
      TestDefinition test,
      int view,
      Outcome outcome,
      List<Arrival> accepted,
      List<String> problems) {
    ViewPlan asked = plan.views().get(view);
    List<Column> features = asked.features();
    NaiveRun reference = new NaiveRun(plan, accepted);
    for (int i = 0; i < test.expected().size(); i++) {
      Expected expected = test.expected().get(i);
      int[] all = IntStream.range(0, expected.key().size()).toArray();
      String key = EntityKeys.encode(expected.key().toArray(), all);
      if (key == null) {
        continue; // An event without a key is about nobody, and so is a question.
      }
      @Nullable Object[] answer = answer(outcome, i, features.size());
      @Nullable Object[] naive = reference.answer(view, key, expected.at(), expected.about());
      List<String> lines = new ArrayList<>();
      for (int f = 0; f < features.size(); f++) {
        if (!agrees(aggregate(asked, f), naive[f], answer[f])) {
          lines.add(
              difference(
                  features.get(f),
                  "reference " + shown(features.get(f), naive[f]),
                  "was " + shown(features.get(f), answer[f])));
        }
      }
      report(test, view, expected, lines, "the naive reference", problems);
    }
  }

  private Aggregate aggregate(ViewPlan view, int feature) {
    EntityPlan entity = plan.entities().get(view.entity());
    for (ViewPlan.Part part : view.parts()) {
      for (int i = 0; i < part.features().length; i++) {
        if (part.features()[i] == feature) {
          return entity
              .inputs()
              .get(part.input())
              .layout()
              .features()
              .get(part.firstFeature() + i)
              .aggregation()
              .function();
        }
      }
    }
    throw new IllegalStateException("no input answers feature " + feature + " of " + view.name());
  }

  private static boolean agrees(
      Aggregate aggregate, @Nullable Object naive, @Nullable Object engine) {
    return switch (aggregate) {
      case APPROX_QUANTILE -> (naive == null) == (engine == null);
      case APPROX_DISTINCT ->
          naive instanceof Long exact
              && engine instanceof Long estimate
              && Math.abs(exact - estimate) <= Math.max(1, SKETCH_TOLERANCE * exact);
      case VARIANCE, VARIANCE_POP, STDDEV, STDDEV_POP, SKEWNESS, KURTOSIS, RATIO, RATE ->
          isNear(
              naive,
              engine,
              naive instanceof Double number && Double.isFinite(number)
                  ? REFERENCE_TOLERANCE * Math.max(1, Math.abs(number))
                  : 0);
      default -> Objects.equals(naive, engine);
    };
  }

  private static boolean isNear(@Nullable Object wanted, @Nullable Object found, double by) {
    return Objects.equals(wanted, found)
        || (by > 0
            && wanted instanceof Double left
            && found instanceof Double right
            && Math.abs(left - right) <= by);
  }

  private static @Nullable Object[] answer(Outcome outcome, long question, int features) {
    @Nullable Object[] answer = outcome.answers().get(question);
    return answer == null ? new Object[features] : answer;
  }

  // What is said

  private void report(
      TestDefinition test,
      int view,
      Expected expected,
      List<String> lines,
      String how,
      List<String> problems) {
    if (lines.isEmpty()) {
      return;
    }
    List<Column> key = plan.entities().get(plan.views().get(view).entity()).key();
    StringBuilder entity = new StringBuilder();
    for (int i = 0; i < key.size(); i++) {
      entity.append(i == 0 ? "" : " ").append(key.get(i).name()).append('=');
      entity.append(expected.key().get(i));
    }
    problems.add(
        "%s:%d: at %s, %s%s"
            .formatted(
                test.file(),
                expected.line(),
                Timestamps.format(expected.at()),
                entity,
                how.isEmpty() ? "" : " (" + how + ")"));
    lines.forEach(line -> problems.add("  " + line));
  }

  private static String difference(Column feature, String left, String right) {
    return feature.name() + ": " + left + ", " + right;
  }

  private static String shown(Column feature, @Nullable Object value) {
    if (value == null) {
      return "NULL";
    }
    if (!feature.type().isScalar()) {
      return JsonCollections.write(value);
    }
    if (feature.type() == ColumnType.STRING) {
      // As in a list: so the text NULL is none, and an empty one is seen.
      String list = JsonCollections.write(List.of(value));
      return list.substring(1, list.length() - 1);
    }
    return feature.type() == ColumnType.TIMESTAMP
        ? Timestamps.format((Long) value)
        : value.toString();
  }

  private static List<String> refused(TestDefinition test, List<Letter> letters) {
    List<String> lines = new ArrayList<>();
    for (Letter letter : letters) {
      if (letter.stream().equals(SpinePlan.STREAM)) {
        continue; // Its answer shows as NULL.
      }
      lines.add(
          "%s:%d: %s: %s"
              .formatted(
                  test.file(),
                  test.given().get((int) letter.offset()).line(),
                  letter.code(),
                  letter.reason()));
    }
    return lines;
  }

  /** The names of the views that no test is about. */
  public List<String> untested(Project project) {
    Set<String> tested = new HashSet<>();
    project.tests().forEach(test -> tested.add(test.view()));
    return plan.views().stream()
        .map(ViewPlan::name)
        .filter(name -> !tested.contains(name))
        .toList();
  }
}
