package dev.tailwater.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.expressions.Expressions;
import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.Identity;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** What jobs rely on in every plan. */
final class PlanInvariants {

  private PlanInvariants() {}

  static void check(Plan plan) {
    int derived = plan.streams().size() - plan.chains().size();
    plan.streams().subList(0, derived).forEach(PlanInvariants::checkStream);
    for (int c = 0; c < plan.chains().size(); c++) {
      assertThat(plan.chains().get(c).stream()).isEqualTo(derived + c);
      checkChain(plan, plan.chains().get(c));
    }
    for (int e = 0; e < plan.entities().size(); e++) {
      checkEntity(plan, e);
    }
    plan.views().forEach(view -> checkView(plan, view));
    plan.models().forEach(model -> checkModel(plan, model));
  }

  private static void checkStream(StreamPlan stream) {
    List<Column> fullRow = new ArrayList<>(stream.schema().columns());
    for (int i = 0; i < stream.computed().size(); i++) {
      StreamPlan.Computed computed = stream.computed().get(i);
      assertThat(Expressions.typeOf(computed.expression(), stream.columnsBefore(i)))
          .as("%s over the columns before it", computed)
          .isEqualTo(computed.column().type());
      fullRow.add(computed.column());
    }
    assertThat(fullRow).extracting(Column::name).doesNotHaveDuplicates();
    assertThat(fullRow.get(stream.eventTime()).type()).isEqualTo(ColumnType.TIMESTAMP);
    for (StreamPlan.Expectation expectation : stream.expectations()) {
      assertThat(fullRow.get(expectation.condition()).type()).isEqualTo(ColumnType.BOOLEAN);
    }
    assertThat(stream.carriedFrom()).hasSize(stream.carried().size()).doesNotHaveDuplicates();
    for (int i = 0; i < stream.carried().size(); i++) {
      assertThat(stream.carried().get(i)).isEqualTo(fullRow.get(stream.carriedFrom()[i]));
    }
    if (stream.eventId() >= 0) {
      assertThat(stream.carriedFrom()).contains(stream.eventId());
    }
  }

  /** Its row is that of its stream, then the values; what these read is answered before. */
  private static void checkChain(Plan plan, ChainPlan chain) {
    StreamPlan from = plan.streams().get(chain.from());
    List<Column> carried = plan.streams().get(chain.stream()).carried();
    int own = from.carried().size();
    assertThat(carried).hasSize(own + chain.values().size());
    assertThat(carried.subList(0, own)).isEqualTo(from.carried());
    for (int i = 0; i < chain.values().size(); i++) {
      assertThat(checkSource(plan, chain.from(), chain.views(), chain.values().get(i)))
          .isEqualTo(carried.get(own + i).type());
    }
    for (int view : chain.views()) {
      int entity = plan.views().get(view).entity();
      assertThat(plan.entities().get(entity).keyPositions().get(chain.stream())).isNotNull();
      for (int e = 0; e <= entity; e++) {
        assertThat(plan.entities().get(e).inputs())
            .as("what %s is told comes after what its events ask", plan.entities().get(e).name())
            .flatExtracting(EntityPlan.Input::origins)
            .extracting(EntityPlan.Origin::stream)
            .doesNotContain(chain.stream());
      }
    }
  }

  private static void checkEntity(Plan plan, int position) {
    EntityPlan entity = plan.entities().get(position);
    assertThat(entity.keyPositions()).hasSize(plan.streams().size());
    for (int s = 0; s < plan.streams().size(); s++) {
      int[] keys = entity.keyPositions().get(s);
      if (keys != null) {
        assertThat(keys).hasSize(entity.key().size());
        for (int key : keys) {
          assertThat(key).isLessThan(plan.streams().get(s).carried().size());
        }
      }
    }
    for (int i = 0; i < entity.inputs().size(); i++) {
      EntityPlan.Input input = entity.inputs().get(i);
      for (EntityPlan.Origin origin : input.origins()) {
        checkOrigin(plan, entity, input, origin);
      }
      checkParts(plan, position, i);
    }
  }

  private static void checkOrigin(
      Plan plan, EntityPlan entity, EntityPlan.Input input, EntityPlan.Origin origin) {
    StreamPlan stream = plan.streams().get(origin.stream());
    assertThat(entity.keyPositions().get(origin.stream())).isNotNull();
    assertThat(input.layout().identity())
        .isEqualTo(
            stream.format().isChangelog()
                ? Identity.ROW
                : stream.eventId() >= 0 ? Identity.EVENT : Identity.NONE);
    assertThat(input.layout().latenessMs())
        .isGreaterThanOrEqualTo(stream.disorderMs() + stream.latenessMs());
    assertThat(input.layout().columns()).hasSize(origin.columns().length);
    assertThat(input.layout().filters()).isEqualTo(origin.filters().length);
    for (int c = 0; c < origin.columns().length; c++) {
      assertThat(stream.carried().get(origin.columns()[c]).type())
          .isEqualTo(input.layout().columns().get(c));
    }
    for (int filter : origin.filters()) {
      assertThat(stream.carried().get(filter).type()).isEqualTo(ColumnType.BOOLEAN);
    }
  }

  /** The features of an input are those of its views' parts, one after the other. */
  private static void checkParts(Plan plan, int entity, int position) {
    EntityPlan.Input input = plan.entities().get(entity).inputs().get(position);
    int next = 0;
    for (int v : input.views()) {
      ViewPlan view = plan.views().get(v);
      assertThat(view.entity()).isEqualTo(entity);
      for (ViewPlan.Part part : view.parts()) {
        if (part.input() != position) {
          continue;
        }
        assertThat(part.firstFeature()).isEqualTo(next);
        for (int feature : part.features()) {
          checkFeature(input, input.layout().features().get(next++), view.features().get(feature));
        }
      }
    }
    assertThat(input.layout().features()).hasSize(next);
  }

  private static void checkView(Plan plan, ViewPlan view) {
    List<Integer> answered = new ArrayList<>();
    for (ViewPlan.Part part : view.parts()) {
      for (int feature : part.features()) {
        answered.add(feature);
      }
    }
    assertThat(answered)
        .as("every feature of %s is answered once", view.name())
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(0, view.features().size()).boxed().toList());
    assertThat(view.parts()).extracting(ViewPlan.Part::input).isSorted().doesNotHaveDuplicates();
  }

  private static void checkFeature(EntityPlan.Input input, FeatureSpec spec, Column feature) {
    ColumnType column =
        spec.aggregation().column() < 0
            ? null
            : input.layout().columns().get(spec.aggregation().column());
    ColumnType type = spec.aggregation().function().resultType(column);
    if (spec.aggregation().by() >= 0) {
      assertThat(feature.type())
          .isEqualTo(type == ColumnType.DOUBLE ? ColumnType.DOUBLE_MAP : ColumnType.LONG_MAP);
    } else {
      assertThat(feature.type()).isEqualTo(type);
    }
    assertThat(spec.filter()).isLessThan(input.layout().filters());
    Object empty = spec.empty();
    assertThat(feature.nullable())
        .isEqualTo(empty == null && !spec.aggregation().function().countsFromZero());
    if (empty != null) {
      assertThat(empty).isInstanceOf(feature.type().javaClass());
    }
    if (spec.aggregation().function() == Aggregate.COUNT && spec.aggregation().by() < 0) {
      assertThat(empty).isEqualTo(0L);
    }
  }

  private static void checkModel(Plan plan, ModelPlan model) {
    for (ModelPlan.Element element : model.vector()) {
      checkSource(plan, model.ask(), model.views(), element.source());
    }
    for (int view : model.views()) {
      EntityPlan entity = plan.entities().get(plan.views().get(view).entity());
      assertThat(entity.keyPositions().get(model.ask())).as("key of %s", entity.name()).isNotNull();
    }
  }

  private static ColumnType checkSource(
      Plan plan, int stream, int[] views, ModelPlan.Source source) {
    if (source instanceof ModelPlan.Source.CarriedColumn column) {
      return plan.streams().get(stream).carried().get(column.position()).type();
    }
    if (source instanceof ModelPlan.Source.Feature feature) {
      assertThat(views).contains(feature.view());
      return plan.views().get(feature.view()).features().get(feature.feature()).type();
    }
    if (source instanceof ModelPlan.Source.ListElement element) {
      return checkSource(plan, stream, views, element.list()).elementType();
    }
    ModelPlan.Source.Expression expression = (ModelPlan.Source.Expression) source;
    assertThat(expression.inputs()).hasSize(expression.inputColumns().size());
    for (int i = 0; i < expression.inputs().size(); i++) {
      assertThat(checkSource(plan, stream, views, expression.inputs().get(i)))
          .isEqualTo(expression.inputColumns().get(i).type());
    }
    return Expressions.typeOf(expression.text(), expression.inputColumns());
  }
}
