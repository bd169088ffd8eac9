package dev.tailwater.plan;

import dev.tailwater.definitions.EntityDefinition;
import dev.tailwater.definitions.Expression;
import dev.tailwater.definitions.FeatureDefinition;
import dev.tailwater.definitions.FeatureHashes;
import dev.tailwater.definitions.FeatureViewDefinition;
import dev.tailwater.definitions.Knowledge;
import dev.tailwater.definitions.ModelDefinition;
import dev.tailwater.definitions.Project;
import dev.tailwater.definitions.StreamDefinition;
import dev.tailwater.expressions.Expressions;
import dev.tailwater.kernel.Aggregation;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Compiles a checked project to a plan.
 *
 * <ul>
 *   <li>Streams, views and models keep their order; entities that no view describes are left out.
 *   <li>A stream computes only the derived columns that something reads, and carries only what
 *       entities, vectors and labels need: the event id first.
 *   <li>The views of one entity from one stream share a state; equal columns and equal conditions
 *       are stored in it once. It accepts facts that are {@code disorder + lateness} behind the
 *       clock, so that a clock that follows the newest event loses none either.
 * </ul>
 */
public final class PlanCompiler {

  private final Project project;
  private final FeatureHashes hashes;
  private final Map<String, StreamLayout> layouts = new LinkedHashMap<>();
  private final List<String> streamNames;
  private final List<EntityDefinition> entities;
  private final List<String> viewNames;
  private final @Nullable ViewPlan[] views;

  private PlanCompiler(Project project) {
    this.project = project;
    this.hashes = FeatureHashes.of(project);
    this.streamNames = project.streams().stream().map(StreamDefinition::name).toList();
    this.entities =
        project.entities().stream()
            .filter(
                entity ->
                    project.views().stream().anyMatch(view -> view.entity().equals(entity.name())))
            .toList();
    this.viewNames = project.views().stream().map(FeatureViewDefinition::name).toList();
    this.views = new ViewPlan[viewNames.size()];
    for (StreamDefinition stream : project.streams()) {
      layouts.put(stream.name(), new StreamLayout(stream, namesRead(stream)));
    }
  }

  /** Compiles a project that {@code ProjectLoader} has checked. Deterministic. */
  public static Plan compile(Project project) {
    return new PlanCompiler(project).compile();
  }

  private Plan compile() {
    List<EntityPlan> entityPlans = new ArrayList<>();
    for (int i = 0; i < entities.size(); i++) {
      entityPlans.add(entity(entities.get(i), i));
    }
    List<ModelPlan> models = project.models().stream().map(this::model).toList();
    List<ViewPlan> viewPlans = new ArrayList<>();
    for (ViewPlan view : views) {
      if (view == null) {
        throw new IllegalStateException("a view of " + viewNames + " has no entity");
      }
      viewPlans.add(view);
    }
    // Last, because everything above adds to what the streams carry.
    List<StreamPlan> streams = layouts.values().stream().map(StreamLayout::plan).toList();
    return new Plan(project.name(), streams, entityPlans, viewPlans, models, List.of());
  }

  /** Names of columns that anything but a derived column reads. */
  private List<String> namesRead(StreamDefinition stream) {
    List<String> names = new ArrayList<>();
    stream.expectations().forEach(expectation -> names.addAll(expectation.that().reads()));
    for (FeatureViewDefinition view : project.views()) {
      if (view.stream().equals(stream.name())) {
        names.addAll(view.keyColumns());
        for (FeatureDefinition feature : view.features()) {
          feature.column().ifPresent(column -> names.addAll(column.reads()));
          feature.where().ifPresent(where -> names.addAll(where.reads()));
        }
      }
    }
    for (ModelDefinition model : project.models()) {
      if (model.ask().equals(stream.name())) {
        model.keyColumns().values().forEach(names::addAll);
        model.vector().forEach(element -> names.addAll(element.expression().reads()));
      }
      model
          .labels()
          .filter(labels -> labels.stream().equals(stream.name()))
          .ifPresent(labels -> names.addAll(List.of(labels.on(), labels.value())));
    }
    return names;
  }

  private EntityPlan entity(EntityDefinition entity, int position) {
    TreeMap<Integer, List<FeatureViewDefinition>> viewsByStream = new TreeMap<>();
    List<int @Nullable []> keyPositions =
        new ArrayList<>(Collections.nCopies(streamNames.size(), null));
    for (FeatureViewDefinition view : project.views()) {
      if (view.entity().equals(entity.name())) {
        int stream = streamNames.indexOf(view.stream());
        viewsByStream.computeIfAbsent(stream, key -> new ArrayList<>()).add(view);
        keyPositions.set(stream, layout(view.stream()).carry(view.keyColumns()));
      }
    }
    for (ModelDefinition model : project.models()) {
      List<String> keyColumns = model.keyColumns().get(entity.name());
      if (keyColumns != null) {
        keyPositions.set(streamNames.indexOf(model.ask()), layout(model.ask()).carry(keyColumns));
      }
    }
    List<EntityPlan.Input> inputs = new ArrayList<>();
    viewsByStream.forEach(
        (stream, ofStream) -> inputs.add(input(stream, ofStream, position, inputs.size())));
    return new EntityPlan(entity.name(), entity.key(), inputs, keyPositions);
  }

  private EntityPlan.Input input(
      int stream, List<FeatureViewDefinition> ofStream, int entity, int input) {
    StreamDefinition definition = project.streams().get(stream);
    StreamLayout layout = layout(definition.name());
    List<Integer> columns = new ArrayList<>();
    List<Integer> filters = new ArrayList<>();
    List<FeatureSpec> specs = new ArrayList<>();
    List<Integer> positions = new ArrayList<>();
    for (FeatureViewDefinition view : ofStream) {
      int firstFeature = specs.size();
      List<Column> features = new ArrayList<>();
      long horizonMs = 0;
      for (FeatureDefinition feature : view.features()) {
        int column =
            feature
                .column()
                .map(value -> shared(columns, layout.carryExpression(value)))
                .orElse(-1);
        int filter =
            feature.where().map(where -> shared(filters, layout.carryExpression(where))).orElse(-1);
        Object empty =
            feature.aggregate().countsFromZero() ? Long.valueOf(0) : feature.empty().orElse(null);
        specs.add(
            new FeatureSpec(
                Aggregation.of(feature.aggregate(), column),
                filter,
                feature.window(),
                feature.excludesSelf(),
                empty));
        features.add(new Column(feature.name(), feature.type(), empty == null));
        horizonMs = Math.max(horizonMs, feature.window().horizonMs());
      }
      int position = viewNames.indexOf(view.name());
      positions.add(position);
      views[position] =
          new ViewPlan(
              view.name(),
              hashes.viewVersion(view.name()),
              entity,
              List.of(
                  new ViewPlan.Part(
                      input, firstFeature, IntStream.range(0, features.size()).toArray())),
              features,
              horizonMs,
              0,
              Knowledge.AS_HAPPENED);
    }
    StateLayout state =
        new StateLayout(
            columns.stream().map(layout::carriedType).toList(),
            filters.size(),
            specs,
            definition.eventId().isPresent() ? Identity.EVENT : Identity.NONE,
            definition.disorder().plus(definition.lateness()).toMillis());
    return new EntityPlan.Input(
        List.of(new EntityPlan.Origin(stream, ints(columns), ints(filters))),
        state,
        ints(positions));
  }

  private ModelPlan model(ModelDefinition model) {
    StreamLayout layout = layout(model.ask());
    List<ModelPlan.Element> vector = new ArrayList<>();
    TreeMap<Integer, Boolean> read = new TreeMap<>();
    for (ModelDefinition.Element element : model.vector()) {
      Expression expression = element.expression();
      String text = expression.text().trim();
      ModelPlan.Source source;
      if (expression.reads().equals(List.of(text))) {
        source = source(text, layout);
      } else {
        List<Column> inputColumns = new ArrayList<>();
        List<ModelPlan.Source> inputs = new ArrayList<>();
        for (String name : expression.reads()) {
          inputs.add(source(name, layout));
          inputColumns.add(new Column(name, type(name, layout), true));
        }
        source = new ModelPlan.Source.Expression(expression.text(), inputColumns, inputs);
      }
      vector.add(new ModelPlan.Element(element.name(), source));
      for (String name : expression.reads()) {
        feature(name).ifPresent(feature -> read.put(feature.view(), true));
      }
    }
    Optional<ModelPlan.Labels> labels =
        model
            .labels()
            .map(
                definition -> {
                  StreamLayout labelled = layout(definition.stream());
                  return new ModelPlan.Labels(
                      streamNames.indexOf(definition.stream()),
                      labelled.carry(definition.on()),
                      labelled.carry(definition.value()),
                      definition.within().toMillis());
                });
    return new ModelPlan(
        model.name(),
        hashes.modelVersion(model.name()),
        streamNames.indexOf(model.ask()),
        model.answer(),
        -1,
        ints(read.keySet().stream().toList()),
        vector,
        model.deadline().toMillis(),
        model.fallback(),
        model.to(),
        model.format(),
        labels);
  }

  private ModelPlan.Source source(String name, StreamLayout layout) {
    Optional<ModelPlan.Source.Feature> feature = feature(name);
    return feature.isPresent()
        ? feature.get()
        : new ModelPlan.Source.CarriedColumn(layout.carry(name));
  }

  private ColumnType type(String name, StreamLayout layout) {
    return feature(name)
        .map(
            feature -> project.views().get(feature.view()).features().get(feature.feature()).type())
        .orElseGet(() -> layout.carriedType(layout.carry(name)));
  }

  /** The feature that {@code view.feature} names; columns have no dots. */
  private Optional<ModelPlan.Source.Feature> feature(String name) {
    int dot = name.indexOf('.');
    if (dot < 0) {
      return Optional.empty();
    }
    int view = viewNames.indexOf(name.substring(0, dot));
    List<FeatureDefinition> features = project.views().get(view).features();
    for (int i = 0; i < features.size(); i++) {
      if (features.get(i).name().equals(name.substring(dot + 1))) {
        return Optional.of(new ModelPlan.Source.Feature(view, i));
      }
    }
    throw new IllegalStateException(name + " was checked but is not a feature");
  }

  private StreamLayout layout(String stream) {
    StreamLayout layout = layouts.get(stream);
    if (layout == null) {
      throw new IllegalStateException(stream + " was checked but is not a stream");
    }
    return layout;
  }

  /** The position of a value in a list, where it is added if new. */
  private static int shared(List<Integer> values, int value) {
    if (!values.contains(value)) {
      values.add(value);
    }
    return values.indexOf(value);
  }

  private static int[] ints(List<Integer> values) {
    return values.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Grows one stream's full row and carried row as things ask for columns. */
  private static final class StreamLayout {

    private final StreamDefinition stream;
    private final List<Column> fullRow = new ArrayList<>();
    private final List<StreamPlan.Computed> computed = new ArrayList<>();
    private final List<StreamPlan.Expectation> expectations = new ArrayList<>();
    private final Map<String, Integer> expressions = new HashMap<>();
    private final List<Integer> carriedFrom = new ArrayList<>();

    StreamLayout(StreamDefinition stream, List<String> namesRead) {
      this.stream = stream;
      fullRow.addAll(stream.schema().columns());
      List<String> read = new ArrayList<>(namesRead);
      List<StreamDefinition.Derived> derived = new ArrayList<>();
      // From the last to the first: each derived column adds what it reads itself.
      for (int i = stream.derived().size() - 1; i >= 0; i--) {
        StreamDefinition.Derived column = stream.derived().get(i);
        if (read.contains(column.name())) {
          read.addAll(column.expression().reads());
          derived.add(0, column);
        }
      }
      for (StreamDefinition.Derived column : derived) {
        compute(column.name(), column.expression());
      }
      for (StreamDefinition.Expectation expectation : stream.expectations()) {
        int condition = compute("expect." + expectation.name(), expectation.that());
        expectations.add(
            new StreamPlan.Expectation(
                expectation.name(),
                condition,
                expectation.that().text(),
                otherwise(expectation.otherwise())));
      }
      stream.eventId().ifPresent(this::carry);
    }

    private static StreamPlan.Otherwise otherwise(StreamDefinition.Otherwise otherwise) {
      return switch (otherwise) {
        case QUARANTINE -> StreamPlan.Otherwise.QUARANTINE;
        case DROP -> StreamPlan.Otherwise.DROP;
        case WARN -> StreamPlan.Otherwise.WARN;
        case FAIL -> StreamPlan.Otherwise.FAIL;
      };
    }

    private int compute(String name, Expression expression) {
      Column column = new Column(name, expression.type(), true);
      computed.add(new StreamPlan.Computed(column, expression.text()));
      fullRow.add(column);
      return fullRow.size() - 1;
    }

    /** The position in the carried row of a column. */
    int carry(String name) {
      for (int i = 0; i < fullRow.size(); i++) {
        if (fullRow.get(i).name().equals(name)) {
          return shared(carriedFrom, i);
        }
      }
      throw new IllegalStateException(
          name + " was checked but is not a column of stream " + stream.name());
    }

    int[] carry(List<String> names) {
      return names.stream().mapToInt(this::carry).toArray();
    }

    /** The position in the carried row of an expression's value; equal texts are computed once. */
    int carryExpression(Expression expression) {
      String text = Expressions.normalized(expression.text());
      if (expression.reads().equals(List.of(text))) {
        return carry(text);
      }
      Integer position = expressions.get(text);
      if (position == null) {
        position = compute("value." + expressions.size(), expression);
        expressions.put(text, position);
      }
      return shared(carriedFrom, position);
    }

    ColumnType carriedType(int position) {
      return fullRow.get(carriedFrom.get(position)).type();
    }

    StreamPlan plan() {
      return new StreamPlan(
          stream.name(),
          stream.topic(),
          stream.format(),
          stream.schema(),
          stream.schema().indexOf(stream.eventTime()),
          stream.eventId().map(stream.schema()::indexOf).orElse(-1),
          stream.key().map(stream.schema()::indexOf).orElse(-1),
          stream.disorder().toMillis(),
          stream.lateness().toMillis(),
          stream.idleAfter().toMillis(),
          stream.ahead().toMillis(),
          computed,
          expectations,
          carriedFrom.stream().map(fullRow::get).toList(),
          ints(carriedFrom));
    }
  }
}
