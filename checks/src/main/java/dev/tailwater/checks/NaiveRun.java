package dev.tailwater.checks;

import dev.tailwater.checks.FeatureRun.Arrival;
import dev.tailwater.checks.NaiveFeatures.NaiveFact;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.definitions.Knowledge;
import dev.tailwater.expressions.Expressions;
import dev.tailwater.expressions.RowExpression;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.Identity;
import dev.tailwater.plan.ChainPlan;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The naive reference over a whole plan: rows, facts and answers from the list of accepted records,
 * each worked out from scratch.
 */
final class NaiveRun {

  private final Plan plan;

  /** The accepted rows of each stream, in the order of the log; of derived streams too. */
  private final List<List<Row>> rows = new ArrayList<>();

  /**
   * One event, or one version of a row.
   *
   * @param id of the event
   * @param deleted whether the row is gone from there
   * @param knownFrom when a view that counts what is known counts it: from its append time on, but
   *     not before its own
   */
  private record Row(
      long time,
      int partition,
      long offset,
      Object id,
      @Nullable Object[] carried,
      boolean deleted,
      long knownFrom) {}

  /**
   * Takes the events.
   *
   * @param accepted what the engine did not refuse
   */
  NaiveRun(Plan plan, List<Arrival> accepted) {
    this.plan = plan;
    for (int stream = 0; stream < plan.streams().size(); stream++) {
      List<Row> ofStream = new ArrayList<>();
      for (Arrival arrival : accepted) {
        if (arrival.stream() == stream) {
          ofStream.addAll(rows(plan.streams().get(stream), arrival.record()));
        }
      }
      rows.add(ofStream);
    }
    for (ChainPlan chain : plan.chains()) {
      for (Row row : rows.get(chain.from())) {
        rows.get(chain.stream()).add(derived(chain, row));
      }
    }
  }

  /**
   * The features of a view about one entity at an instant.
   *
   * @param about the id of the event that the question is about, if it is about one: of the first
   *     stream of the view
   */
  @Nullable Object[] answer(int view, String key, long instant, Optional<Object> about) {
    return answer(view, key, instant, about, -1);
  }

  /** As above, about an event of a stream; -1 for the first of the view. */
  private @Nullable Object[] answer(
      int view, String key, long instant, Optional<Object> about, int stream) {
    ViewPlan asked = plan.views().get(view);
    EntityPlan entity = plan.entities().get(asked.entity());
    @Nullable Object[] answer = new Object[asked.features().size()];
    for (ViewPlan.Part part : asked.parts()) {
      EntityPlan.Input input = entity.inputs().get(part.input());
      long known = asked.knowledge() == Knowledge.AS_KNOWN ? instant : Long.MAX_VALUE;
      List<NaiveFact> facts = facts(entity, input, key, known);
      Optional<NaiveFact> self =
          about.flatMap(id -> identity(input, id, stream)).flatMap(id -> self(id, facts, instant));
      for (int i = 0; i < part.features().length; i++) {
        int feature = part.features()[i];
        FeatureSpec spec = input.layout().features().get(part.firstFeature() + i);
        List<NaiveFact> counted =
            facts.stream()
                .filter(fact -> fact != self.orElse(null) || !spec.leavesOut(fact.time(), instant))
                .toList();
        answer[feature] =
            NaiveFeatures.value(spec, asked.features().get(feature).type(), counted, instant);
      }
    }
    return answer;
  }

  /** The fact that a question is about: the newest until its instant. */
  private static Optional<NaiveFact> self(Object id, List<NaiveFact> facts, long instant) {
    return facts.stream()
        .filter(fact -> fact.id().equals(id) && fact.time() <= instant)
        .max(Comparator.comparingLong(NaiveFact::time));
  }

  /** What a record tells: where the row is no more, and where it is now. */
  private static List<Row> rows(StreamPlan stream, LogRecord record) {
    Row after = record.values == null ? null : row(stream, record, record.values, false);
    if (record.values != null && after == null) {
      return List.of();
    }
    List<Row> rows = new ArrayList<>();
    Row before = record.before == null ? null : row(stream, record, record.before, true);
    if (before != null) {
      rows.add(before);
    }
    if (after != null) {
      rows.add(after);
    }
    return rows;
  }

  /** The carried row, or null if it breaks an expectation that keeps it out. */
  private static @Nullable Row row(
      StreamPlan stream, LogRecord record, @Nullable Object[] values, boolean deleted) {
    @Nullable Object[] full = Arrays.copyOf(values, values.length + stream.computed().size());
    for (int i = 0; i < stream.computed().size(); i++) {
      RowExpression expression =
          Expressions.compile(stream.computed().get(i).expression(), stream.columnsBefore(i));
      int position = values.length + i;
      boolean isExpectation =
          stream.expectations().stream().anyMatch(e -> e.condition() == position);
      full[position] = valueOr(isExpectation ? false : null, expression, full);
    }
    for (StreamPlan.Expectation expectation : stream.expectations()) {
      boolean keepsOut =
          expectation.otherwise() == StreamPlan.Otherwise.QUARANTINE
              || expectation.otherwise() == StreamPlan.Otherwise.DROP;
      if (!deleted && keepsOut && Boolean.FALSE.equals(full[expectation.condition()])) {
        return null;
      }
    }
    @Nullable Object[] carried = new Object[stream.carriedFrom().length];
    for (int i = 0; i < carried.length; i++) {
      carried[i] = full[stream.carriedFrom()[i]];
    }
    Object written = stream.eventId() < 0 ? null : full[stream.eventId()];
    Object id = written == null ? List.of(record.partition, record.offset) : written;
    long time = (Long) Objects.requireNonNull(full[stream.eventTime()]);
    return new Row(
        time,
        record.partition,
        record.offset,
        id,
        carried,
        deleted,
        Math.max(time, record.appendTime));
  }

  /** An event together with what views say at it, the event included. */
  private Row derived(ChainPlan chain, Row row) {
    int width = plan.streams().get(chain.stream()).carried().size();
    @Nullable Object[] carried = Arrays.copyOf(row.carried(), width);
    int first = width - chain.values().size();
    for (int i = 0; i < chain.values().size(); i++) {
      carried[first + i] = value(chain, chain.values().get(i), row);
    }
    return new Row(
        row.time(),
        row.partition(),
        row.offset(),
        row.id(),
        carried,
        row.deleted(),
        row.knownFrom());
  }

  private @Nullable Object value(ChainPlan chain, ModelPlan.Source source, Row row) {
    if (source instanceof ModelPlan.Source.CarriedColumn column) {
      return row.carried()[column.position()];
    }
    if (source instanceof ModelPlan.Source.Feature feature) {
      EntityPlan entity = plan.entities().get(plan.views().get(feature.view()).entity());
      String key = key(entity, chain.stream(), row);
      return key == null
          ? null
          : answer(feature.view(), key, row.time(), Optional.of(row.id()), chain.from())[
              feature.feature()];
    }
    if (source instanceof ModelPlan.Source.ListElement element) {
      Object list = value(chain, element.list(), row);
      return list instanceof List<?> values && element.element() < values.size()
          ? values.get(element.element())
          : null;
    }
    ModelPlan.Source.Expression expression = (ModelPlan.Source.Expression) source;
    @Nullable Object[] inputs = new Object[expression.inputs().size()];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = value(chain, expression.inputs().get(i), row);
    }
    return valueOr(null, Expressions.compile(expression.text(), expression.inputColumns()), inputs);
  }

  /** What does not exist, as a quotient by zero, is NULL, and an expectation of it broken. */
  private static @Nullable Object valueOr(
      @Nullable Object otherwise, RowExpression expression, @Nullable Object[] row) {
    try {
      return expression.evaluate(row);
    } catch (ArithmeticException e) {
      return otherwise;
    }
  }

  /** What the facts of an input call an event of a stream, if that tells the input. */
  private Optional<Object> identity(EntityPlan.Input input, Object id, int stream) {
    for (int origin = 0; origin < input.origins().size(); origin++) {
      if (stream < 0 || source(input.origins().get(origin).stream()) == source(stream)) {
        return Optional.of(List.of(origin, id));
      }
    }
    return Optional.empty();
  }

  /** The stream whose records the events of a stream are. */
  private int source(int stream) {
    return plan.chains().stream()
        .filter(chain -> chain.stream() == stream)
        .map(chain -> source(chain.from()))
        .findFirst()
        .orElse(stream);
  }

  private static @Nullable String key(EntityPlan entity, int stream, Row row) {
    int[] positions = entity.keyPositions().get(stream);
    return positions == null ? null : EntityKeys.encode(row.carried(), positions);
  }

  /**
   * The facts about one entity in the order of the log, each event or row once.
   *
   * @param known what is known only later is none of them
   */
  private List<NaiveFact> facts(EntityPlan entity, EntityPlan.Input input, String key, long known) {
    record Told(int origin, Row row) {}
    Comparator<Told> logOrder =
        Comparator.comparingLong((Told told) -> told.row().time())
            .thenComparingInt(Told::origin)
            .thenComparingInt(told -> told.row().partition())
            .thenComparingLong(told -> told.row().offset());
    List<Told> all = new ArrayList<>();
    for (int origin = 0; origin < input.origins().size(); origin++) {
      int stream = input.origins().get(origin).stream();
      for (Row row : rows.get(stream)) {
        if (row.knownFrom() <= known && key.equals(key(entity, stream, row))) {
          all.add(new Told(origin, row));
        }
      }
    }
    all.sort(logOrder);
    Map<List<Object>, Told> once = new LinkedHashMap<>();
    for (Told told : all) {
      List<Object> identity =
          input.layout().identity() == Identity.NONE
              ? List.of(once.size())
              : List.of(told.origin(), told.row().time(), told.row().id());
      if (input.layout().identity() == Identity.ROW) {
        once.put(identity, told);
      } else {
        once.putIfAbsent(identity, told);
      }
    }
    return once.values().stream()
        .filter(told -> !told.row().deleted())
        .sorted(logOrder)
        .map(told -> fact(input, told.origin(), told.row()))
        .toList();
  }

  private static NaiveFact fact(EntityPlan.Input input, int position, Row row) {
    EntityPlan.Origin origin = input.origins().get(position);
    boolean[] passes = new boolean[origin.filters().length];
    for (int i = 0; i < passes.length; i++) {
      passes[i] = Boolean.TRUE.equals(row.carried()[origin.filters()[i]]);
    }
    @Nullable Object[] values =
        IntStream.of(origin.columns()).mapToObj(column -> row.carried()[column]).toArray();
    return new NaiveFact(row.time(), List.of(position, row.id()), passes, values);
  }
}
