package dev.tailwater.jobs;

import dev.tailwater.connectors.files.SpineFile;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RecordSchema;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A plan with a spine: one more stream whose events are questions only, one per row of the spine,
 * at offset = row number.
 *
 * @param plan the project's plan with the spine as its last stream
 * @param spine the spine's position among the streams
 * @param columns the spine's columns: the keys of all entities that the views are about, then
 *     {@value #ABOUT} if its rows name the events that they are about
 */
public record SpinePlan(Plan plan, int spine, List<Column> columns) {

  /** The spine's column with the id of the event that a row is about. */
  public static final String ABOUT = "about";

  /** The name of the spine's stream. */
  public static final String STREAM = "spine";

  /** A spine row is a question of any age: no row is too late. */
  private static final long ANY_LATENESS_MS = Long.MAX_VALUE / 4;

  /**
   * Adds the spine to a plan.
   *
   * @param views positions of the views that each row asks for
   */
  public static SpinePlan of(Plan project, int[] views) {
    return of(project, views, false);
  }

  /**
   * Adds the spine to a plan.
   *
   * @param views positions of the views that each row asks for
   * @param about whether the spine has the column {@value #ABOUT}
   * @throws IllegalArgumentException if the column cannot be read, because the views' first streams
   *     have event ids of different types
   */
  public static SpinePlan of(Plan project, int[] views, boolean about) {
    Map<String, Column> keys = new LinkedHashMap<>();
    for (int view : views) {
      ViewPlan asked = project.views().get(view);
      for (Column key : project.entities().get(asked.entity()).key()) {
        keys.putIfAbsent(key.name(), new Column(key.name(), key.type(), true));
      }
    }
    if (about) {
      keys.putIfAbsent(ABOUT, new Column(ABOUT, eventIdType(project, views), true));
    }
    List<Column> columns = List.copyOf(keys.values());
    List<Column> read = new ArrayList<>(columns);
    read.add(new Column(SpineFile.ROW, ColumnType.LONG, false));
    int[] all = new int[columns.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = i;
    }
    StreamPlan spine =
        new StreamPlan(
            STREAM,
            STREAM,
            RecordFormat.JSON,
            new RecordSchema("spine", read, ""),
            -1,
            -1,
            -1,
            0,
            ANY_LATENESS_MS,
            1_000,
            0,
            List.of(),
            List.of(),
            columns,
            all);
    List<StreamPlan> streams = new ArrayList<>(project.streams());
    streams.add(spine);
    List<EntityPlan> entities = new ArrayList<>();
    for (EntityPlan entity : project.entities()) {
      entities.add(withSpine(entity, columns));
    }
    return new SpinePlan(
        new Plan(
            project.project(),
            streams,
            entities,
            project.views(),
            project.models(),
            project.chains()),
        streams.size() - 1,
        columns);
  }

  /** What every row of the spine asks. */
  Ask ask(int[] views) {
    int about = columns.stream().map(Column::name).toList().indexOf(ABOUT);
    return Ask.always(spine, views).about(about);
  }

  /** Whether some feature of these views does not count the event that a question is about. */
  static boolean excludesSelf(Plan project, int[] views) {
    return Arrays.stream(views)
        .mapToObj(project.views()::get)
        .anyMatch(
            view ->
                view.parts().stream()
                    .flatMap(part -> features(project, view, part).stream())
                    .anyMatch(FeatureSpec::excludesSelf));
  }

  private static List<FeatureSpec> features(Plan project, ViewPlan view, ViewPlan.Part part) {
    return project
        .entities()
        .get(view.entity())
        .inputs()
        .get(part.input())
        .layout()
        .features()
        .subList(part.firstFeature(), part.firstFeature() + part.features().length);
  }

  private static ColumnType eventIdType(Plan project, int[] views) {
    Map<ColumnType, String> types = new TreeMap<>();
    int[] baseStreams = Chains.baseStreams(project);
    for (int v : views) {
      ViewPlan view = project.views().get(v);
      EntityPlan.Input facts = project.entities().get(view.entity()).inputs().get(view.lastInput());
      // An id that a row of the spine names is one of the view's first stream.
      StreamPlan stream = project.streams().get(baseStreams[facts.origins().get(0).stream()]);
      if (stream.eventId() >= 0) {
        types.put(stream.schema().columns().get(stream.eventId()).type(), stream.name());
      }
    }
    if (types.size() > 1) {
      throw new IllegalArgumentException(
          "the spine's column "
              + ABOUT
              + " cannot be read: the event ids of streams "
              + String.join(" and ", types.values())
              + " have different types; ask for their views with one spine each");
    }
    return types.isEmpty() ? ColumnType.STRING : types.keySet().iterator().next();
  }

  private static EntityPlan withSpine(EntityPlan entity, List<Column> columns) {
    List<String> names = columns.stream().map(Column::name).toList();
    int[] key = entity.key().stream().mapToInt(column -> names.indexOf(column.name())).toArray();
    boolean complete = Arrays.stream(key).allMatch(position -> position >= 0);
    List<int @Nullable []> positions = new ArrayList<>(entity.keyPositions());
    positions.add(complete ? key : null);
    return new EntityPlan(entity.name(), entity.key(), entity.inputs(), positions);
  }
}
