package dev.tailwater.plan;

import dev.tailwater.definitions.EntityDefinition;
import dev.tailwater.definitions.Expression;
import dev.tailwater.definitions.FeatureDefinition;
import dev.tailwater.definitions.FeatureHashes;
import dev.tailwater.definitions.FeatureViewDefinition;
import dev.tailwater.definitions.FeatureViewDefinition.Source;
import dev.tailwater.definitions.ModelDefinition;
import dev.tailwater.definitions.Project;
import dev.tailwater.definitions.StreamDefinition;
import dev.tailwater.definitions.Windows;
import dev.tailwater.kernel.Aggregation;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Compiles a checked project to a plan.
 *
 * <ul>
 *   <li>Streams, views and models keep their order; entities that no view describes are left out.
 *       An entity has a second plan, named as in {@code customer.2}, if some of its views are based
 *       on others that have to be answered before.
 *   <li>A stream computes only the derived columns that something reads, and carries only what
 *       entities, vectors and labels need: the event id first.
 *   <li>The events of a view that others are based on are a stream behind those of the project, for
 *       each stream that the view is computed from.
 *   <li>The views of one entity from the same streams with the same knowledge share a state; equal
 *       columns and equal conditions are stored in it once. Features whose old facts can be kept as
 *       summaries have a state of their own. It accepts facts that are {@code disorder + lateness}
 *       behind the clock, so that a clock that follows the newest event loses none either.
 * </ul>
 */
public final class PlanCompiler {

  private final Project project;
  private final FeatureHashes hashes;
  private final List<String> streamNames;
  private final List<String> viewNames;
  private final List<StreamLayout> layouts = new ArrayList<>();

  /** The events of each view that others are based on, of each of its streams. */
  private final Map<Chained, ChainLayout> chains = new LinkedHashMap<>();

  private final List<Placed> placed;
  private final @Nullable ViewPlan[] views;

  /** The events of one stream, with what a view says at each of them. */
  private record Chained(String view, String stream) {}

  /** The views of one entity that are answered at one place. */
  private record Placed(String name, EntityDefinition entity, List<FeatureViewDefinition> views) {}

  private PlanCompiler(Project project) {
    this.project = project;
    this.hashes = FeatureHashes.of(project);
    this.streamNames = project.streams().stream().map(StreamDefinition::name).toList();
    this.viewNames = project.views().stream().map(FeatureViewDefinition::name).toList();
    this.views = new ViewPlan[viewNames.size()];
    for (StreamDefinition stream : project.streams()) {
      layouts.add(new StreamLayout(stream, namesRead(stream)));
    }
    this.placed = place();
    for (Placed place : placed) {
      for (FeatureViewDefinition view : place.views()) {
        for (String stream : view.streams()) {
          view.basedOn()
              .ifPresent(base -> chains.computeIfAbsent(new Chained(base, stream), this::chain));
        }
      }
    }
  }

  /**
   * A plan with the events of one stream and nothing that is told or asks: all columns are carried,
   * the derived ones included.
   */
  public static Plan events(Project project, StreamDefinition stream) {
    List<String> names = stream.columns().stream().map(Column::name).toList();
    StreamLayout layout = new StreamLayout(stream, names);
    int[] unused = layout.carry(names);
    return new Plan(
        project.name(), List.of(layout.plan()), List.of(), List.of(), List.of(), List.of());
  }

  /** Compiles a project that {@code ProjectLoader} has checked. Deterministic. */
  public static Plan compile(Project project) {
    return new PlanCompiler(project).compile();
  }

  private Plan compile() {
    List<EntityPlan> entities = new ArrayList<>();
    for (int i = 0; i < placed.size(); i++) {
      entities.add(entity(placed.get(i), i));
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
    List<StreamPlan> streams = new ArrayList<>();
    layouts.forEach(layout -> streams.add(layout.plan()));
    List<ChainPlan> chainPlans = new ArrayList<>();
    for (ChainLayout chain : chains.values()) {
      chainPlans.add(chain.chain(streams.size()));
      streams.add(chain.plan());
    }
    return new Plan(
        project.name(),
        streams,
        entities.stream().map(this::resolved).toList(),
        viewPlans,
        models,
        chainPlans);
  }

  /** Names of columns that anything but a derived column reads. */
  private List<String> namesRead(StreamDefinition stream) {
    List<String> names = new ArrayList<>();
    stream.expectations().forEach(expectation -> names.addAll(expectation.that().reads()));
    for (FeatureViewDefinition view : project.views()) {
      for (Source source : view.sources()) {
        if (source.stream().equals(stream.name())) {
          names.addAll(source.keyColumns());
          namesRead(view).stream()
              .filter(name -> project.featureNamed(name, view).isEmpty())
              .forEach(
                  name -> {
                    Expression mapped = source.mapped().get(name);
                    names.addAll(mapped == null ? List.of(name) : mapped.reads());
                  });
        }
      }
    }
    for (ModelDefinition model : project.models()) {
      if (model.ask().equals(stream.name())) {
        model.keyColumns().values().forEach(names::addAll);
        model.about().ifPresent(names::add);
        model.vector().forEach(element -> names.addAll(element.expression().reads()));
      }
      model
          .labels()
          .filter(labels -> labels.stream().equals(stream.name()))
          .ifPresent(labels -> names.addAll(List.of(labels.on(), labels.value())));
    }
    return names;
  }

  private static Set<String> namesRead(FeatureViewDefinition view) {
    Set<String> names = new TreeSet<>();
    for (FeatureDefinition feature : view.features()) {
      feature.arguments().forEach(argument -> names.addAll(argument.reads()));
      feature.where().ifPresent(where -> names.addAll(where.reads()));
    }
    return names;
  }

  /**
   * Where an event goes, in this order: the views of an entity together where possible, and every
   * view behind the one it is based on.
   */
  private List<Placed> place() {
    List<Placed> places = new ArrayList<>();
    Set<String> answered = new HashSet<>();
    List<FeatureViewDefinition> left = new ArrayList<>(project.views());
    while (!left.isEmpty()) {
      EntityDefinition next = null;
      List<FeatureViewDefinition> nextViews = List.of();
      boolean isLast = false;
      for (EntityDefinition entity : project.entities()) {
        List<FeatureViewDefinition> ofEntity =
            left.stream().filter(view -> view.entity().equals(entity.name())).toList();
        List<FeatureViewDefinition> ready =
            ofEntity.stream()
                .filter(view -> view.basedOn().map(answered::contains).orElse(true))
                .toList();
        boolean complete = ready.size() == ofEntity.size();
        if (!ready.isEmpty() && (next == null || (complete && !isLast))) {
          next = entity;
          nextViews = ready;
          isLast = complete;
        }
      }
      if (next == null) {
        throw new IllegalStateException("views were checked but are based on each other: " + left);
      }
      String entity = next.name();
      long earlier = places.stream().filter(p -> p.entity().name().equals(entity)).count();
      places.add(new Placed(earlier == 0 ? entity : entity + "." + (earlier + 1), next, nextViews));
      nextViews.forEach(view -> answered.add(view.name()));
      left.removeAll(nextViews);
    }
    return places;
  }

  private ChainLayout chain(Chained chained) {
    String stream = chained.stream();
    return new ChainLayout(
        stream + "." + chained.view(),
        streamNames.indexOf(stream),
        layout(stream),
        viewNames.indexOf(chained.view()));
  }

  private EntityPlan entity(Placed place, int position) {
    int streams = streamNames.size() + chains.size();
    List<int @Nullable []> keyPositions = new ArrayList<>(Collections.nCopies(streams, null));
    Map<List<Integer>, List<FeatureViewDefinition>> byFacts =
        new TreeMap<>(PlanCompiler::compareLists);
    for (FeatureViewDefinition view : place.views()) {
      for (Source source : view.sources()) {
        keyPositions.set(stream(view, source), layout(source.stream()).carry(source.keyColumns()));
      }
      for (FeatureDefinition feature : view.features()) {
        List<FeatureViewDefinition> ofFacts =
            byFacts.computeIfAbsent(facts(view, feature), key -> new ArrayList<>());
        if (!ofFacts.contains(view)) {
          ofFacts.add(view);
        }
      }
    }
    addKeysOfQuestions(place, keyPositions);
    List<EntityPlan.Input> inputs = new ArrayList<>();
    byFacts.forEach((facts, ofFacts) -> inputs.add(input(facts, ofFacts, position, inputs.size())));
    return new EntityPlan(place.name(), place.entity().key(), inputs, keyPositions);
  }

  /** Where streams that ask for the views of a place have the entity's key. */
  private void addKeysOfQuestions(Placed place, List<int @Nullable []> keyPositions) {
    for (ModelDefinition model : project.models()) {
      List<String> keyColumns = model.keyColumns().get(place.entity().name());
      boolean asks =
          place.views().stream().anyMatch(view -> viewsRead(model).contains(view.name()));
      if (keyColumns != null && asks) {
        keyPositions.set(streamNames.indexOf(model.ask()), layout(model.ask()).carry(keyColumns));
      }
    }
    int stream = streamNames.size();
    for (Chained chained : chains.keySet()) {
      // Its events may ask any view that the base is based on itself.
      for (FeatureViewDefinition view : withBases(chained.view())) {
        for (Source source : view.sources()) {
          if (place.views().contains(view) && source.stream().equals(chained.stream())) {
            keyPositions.set(stream, layout(source.stream()).carry(source.keyColumns()));
          }
        }
      }
      stream++;
    }
  }

  private List<FeatureViewDefinition> withBases(String name) {
    List<FeatureViewDefinition> bases = new ArrayList<>();
    for (Optional<FeatureViewDefinition> view = project.view(name);
        view.isPresent();
        view = view.get().basedOn().flatMap(project::view)) {
      bases.add(view.get());
    }
    return bases;
  }

  private Set<String> viewsRead(ModelDefinition model) {
    Set<String> read = new TreeSet<>();
    for (ModelDefinition.Element element : model.vector()) {
      for (String name : element.expression().reads()) {
        feature(name).ifPresent(feature -> read.add(viewNames.get(feature.view())));
      }
    }
    return read;
  }

  /** The position in the plan of a view's stream: the events of another view have their own. */
  private int stream(FeatureViewDefinition view, Source source) {
    return view.basedOn()
        .map(base -> new Chained(base, source.stream()))
        .map(chained -> streamNames.size() + List.copyOf(chains.keySet()).indexOf(chained))
        .orElse(streamNames.indexOf(source.stream()));
  }

  /** Features for which this is equal share a state: their streams, and what is kept of them. */
  private List<Integer> facts(FeatureViewDefinition view, FeatureDefinition feature) {
    List<Integer> facts = new ArrayList<>();
    view.sources().forEach(source -> facts.add(stream(view, source)));
    facts.add(-1);
    facts.add(view.knowledge().ordinal());
    facts.add(Windows.isCoarse(feature.window()) ? 1 : 0);
    return facts;
  }

  private static int compareLists(List<Integer> a, List<Integer> b) {
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      int order = Integer.compare(a.get(i), b.get(i));
      if (order != 0) {
        return order;
      }
    }
    return Integer.compare(a.size(), b.size());
  }

  private EntityPlan.Input input(
      List<Integer> facts, List<FeatureViewDefinition> ofFacts, int entity, int input) {
    // Each column and filter is one position per origin.
    List<List<Integer>> columns = new ArrayList<>();
    List<ColumnType> types = new ArrayList<>();
    List<List<Integer>> filters = new ArrayList<>();
    List<FeatureSpec> specs = new ArrayList<>();
    List<Integer> positions = new ArrayList<>();
    for (FeatureViewDefinition view : ofFacts) {
      int firstFeature = specs.size();
      List<Integer> answered = new ArrayList<>();
      for (int f = 0; f < view.features().size(); f++) {
        FeatureDefinition feature = view.features().get(f);
        if (!facts(view, feature).equals(facts)) {
          continue;
        }
        answered.add(f);
        int[] arguments = {
          column(feature.column(), view, columns, types),
          column(feature.second(), view, columns, types),
          column(feature.by(), view, columns, types)
        };
        specs.add(
            new FeatureSpec(
                new Aggregation(
                    feature.aggregate(),
                    arguments[0],
                    arguments[1],
                    arguments[2],
                    feature.limit(),
                    feature.parameter()),
                feature
                    .where()
                    .map(where -> StreamLayout.shared(filters, carry(where, view)))
                    .orElse(-1),
                feature.window(),
                feature.excludesSelf(),
                empty(feature)));
      }
      int position = viewNames.indexOf(view.name());
      positions.add(position);
      addPart(view, position, entity, new ViewPlan.Part(input, firstFeature, ints(answered)));
    }
    FeatureViewDefinition first = ofFacts.get(0);
    List<EntityPlan.Origin> origins = new ArrayList<>();
    for (int i = 0; i < first.sources().size(); i++) {
      int origin = i;
      origins.add(
          new EntityPlan.Origin(
              facts.get(i),
              columns.stream().mapToInt(column -> column.get(origin)).toArray(),
              filters.stream().mapToInt(filter -> filter.get(origin)).toArray()));
    }
    return new EntityPlan.Input(
        origins,
        new StateLayout(types, filters.size(), specs, identity(first), latenessMs(first)),
        ints(positions));
  }

  private void addPart(FeatureViewDefinition view, int position, int entity, ViewPlan.Part part) {
    ViewPlan known = views[position];
    List<ViewPlan.Part> parts = new ArrayList<>(known == null ? List.of() : known.parts());
    parts.add(part);
    views[position] =
        new ViewPlan(
            view.name(),
            hashes.viewVersion(view.name()),
            entity,
            parts,
            view.features().stream()
                .map(feature -> new Column(feature.name(), feature.type(), isNullable(feature)))
                .toList(),
            view.features().stream()
                .mapToLong(feature -> feature.window().horizonMs())
                .max()
                .orElse(0),
            view.refresh().toMillis(),
            view.knowledge());
  }

  private static @Nullable Object empty(FeatureDefinition feature) {
    return feature.aggregate().countsFromZero() && feature.by().isEmpty()
        ? Long.valueOf(0)
        : feature.empty().orElse(null);
  }

  /** Counts of nothing are 0, and where they are kept apart a map of nothing. */
  private static boolean isNullable(FeatureDefinition feature) {
    return !feature.aggregate().countsFromZero() && feature.empty().isEmpty();
  }

  private Identity identity(FeatureViewDefinition view) {
    StreamDefinition stream = project.stream(view.streams().get(0)).orElseThrow();
    return stream.isChangelog()
        ? Identity.ROW
        : stream.eventId().isPresent() ? Identity.EVENT : Identity.NONE;
  }

  private long latenessMs(FeatureViewDefinition view) {
    return view.streams().stream()
        .map(name -> project.stream(name).orElseThrow())
        .mapToLong(stream -> stream.disorder().plus(stream.lateness()).toMillis())
        .max()
        .orElse(0);
  }

  private int column(
      Optional<Expression> expression,
      FeatureViewDefinition view,
      List<List<Integer>> columns,
      List<ColumnType> types) {
    if (expression.isEmpty()) {
      return -1;
    }
    int position = StreamLayout.shared(columns, carry(expression.get(), view));
    if (position == types.size()) {
      types.add(expression.get().type());
    }
    return position;
  }

  /** The position of an expression's value in the carried row of each of a view's streams. */
  private List<Integer> carry(Expression expression, FeatureViewDefinition view) {
    List<Integer> positions = new ArrayList<>();
    for (Source source : view.sources()) {
      positions.add(
          view.basedOn()
              .map(base -> carryFromChain(expression, view, base, source))
              .orElseGet(() -> carry(expression, source)));
    }
    return positions;
  }

  private int carry(Expression expression, Source source) {
    StreamLayout layout = layout(source.stream());
    return source.mapped().isEmpty()
        ? layout.carry(expression)
        : layout.carry(expression, source.mapped());
  }

  private int carryFromChain(
      Expression expression, FeatureViewDefinition view, String base, Source source) {
    StreamLayout layout = layout(source.stream());
    ChainLayout chain = chains.get(new Chained(base, source.stream()));
    if (chain == null) {
      throw new IllegalStateException("there are no events of " + base);
    }
    List<Column> inputColumns = new ArrayList<>();
    List<ModelPlan.Source> inputs = new ArrayList<>();
    boolean readsFeatures = false;
    for (String name : expression.reads()) {
      Optional<ModelPlan.Source.Feature> feature =
          project.featureNamed(name, view).flatMap(this::feature);
      readsFeatures |= feature.isPresent();
      if (feature.isPresent()) {
        inputs.add(feature.get());
        inputColumns.add(new Column(name, type(feature.get()), true));
      } else {
        Expression mapped = source.mapped().get(name);
        int position = mapped == null ? layout.carry(name) : layout.carry(mapped);
        inputs.add(new ModelPlan.Source.CarriedColumn(position));
        inputColumns.add(new Column(name, layout.carriedType(position), true));
      }
    }
    if (!readsFeatures) {
      return carry(expression, source);
    }
    ModelPlan.Source value =
        expression.isColumn()
            ? inputs.get(0)
            : new ModelPlan.Source.Expression(expression.text(), inputColumns, inputs);
    return chain.carry(value, new Column("sees." + expression.text(), expression.type(), true));
  }

  /** The positions of derived streams' values, once all streams carry what they do. */
  private EntityPlan resolved(EntityPlan entity) {
    List<ChainLayout> layoutsOfChains = List.copyOf(chains.values());
    List<EntityPlan.Input> inputs = new ArrayList<>();
    for (EntityPlan.Input input : entity.inputs()) {
      List<EntityPlan.Origin> origins = new ArrayList<>();
      for (EntityPlan.Origin origin : input.origins()) {
        int chain = origin.stream() - streamNames.size();
        origins.add(
            chain < 0
                ? origin
                : new EntityPlan.Origin(
                    origin.stream(),
                    layoutsOfChains.get(chain).resolved(origin.columns()),
                    layoutsOfChains.get(chain).resolved(origin.filters())));
      }
      inputs.add(new EntityPlan.Input(origins, input.layout(), input.views()));
    }
    return new EntityPlan(entity.name(), entity.key(), inputs, entity.keyPositions());
  }

  private ModelPlan model(ModelDefinition model) {
    StreamLayout layout = layout(model.ask());
    List<ModelPlan.Element> vector = new ArrayList<>();
    for (ModelDefinition.Element element : model.vector()) {
      vector.add(new ModelPlan.Element(element.name(), source(element, layout)));
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
        model.about().map(layout::carry).orElse(-1),
        viewsRead(model).stream().mapToInt(viewNames::indexOf).sorted().toArray(),
        vector,
        model.deadline().toMillis(),
        model.fallback(),
        model.to(),
        model.format(),
        labels);
  }

  private ModelPlan.Source source(ModelDefinition.Element element, StreamLayout layout) {
    Expression expression = element.expression();
    if (expression.isColumn()) {
      String name = expression.reads().get(0);
      return element.element() == 0
          ? source(name, layout)
          : new ModelPlan.Source.ListElement(feature(name).orElseThrow(), element.element() - 1);
    }
    List<Column> inputColumns = new ArrayList<>();
    List<ModelPlan.Source> inputs = new ArrayList<>();
    for (String name : expression.reads()) {
      inputs.add(source(name, layout));
      inputColumns.add(new Column(name, type(name, layout), true));
    }
    return new ModelPlan.Source.Expression(expression.text(), inputColumns, inputs);
  }

  private ModelPlan.Source source(String name, StreamLayout layout) {
    Optional<ModelPlan.Source.Feature> feature = feature(name);
    return feature.isPresent()
        ? feature.get()
        : new ModelPlan.Source.CarriedColumn(layout.carry(name));
  }

  private ColumnType type(String name, StreamLayout layout) {
    return feature(name).map(this::type).orElseGet(() -> layout.carriedType(layout.carry(name)));
  }

  private ColumnType type(ModelPlan.Source.Feature feature) {
    return project.views().get(feature.view()).features().get(feature.feature()).type();
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
    int position = streamNames.indexOf(stream);
    if (position < 0) {
      throw new IllegalStateException(stream + " was checked but is not a stream");
    }
    return layouts.get(position);
  }

  private static int[] ints(Collection<Integer> values) {
    return values.stream().mapToInt(Integer::intValue).toArray();
  }
}
