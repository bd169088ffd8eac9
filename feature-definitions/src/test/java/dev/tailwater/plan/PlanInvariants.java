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
    plan.streams().forEach(PlanInvariants::checkStream);
    for (int e = 0; e < plan.entities().size(); e++) {
      checkEntity(plan, e);
    }
    plan.views().forEach(view -> checkView(plan, view));
    plan.models().forEach(model -> checkModel(plan, model));
  }

  private static void checkStream(StreamPlan stream) {
    List<Column> fullRow = new ArrayList<>(stream.schema().columns());
    for (StreamPlan.Computed computed : stream.computed()) {
      assertThat(Expressions.typeOf(computed.expression(), fullRow))
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
      EntityPlan.Origin origin = input.origins().get(0);
      StreamPlan stream = plan.streams().get(origin.stream());
      assertThat(entity.keyPositions().get(origin.stream())).isNotNull();
      assertThat(input.layout().identity() == Identity.EVENT).isEqualTo(stream.eventId() >= 0);
      assertThat(input.layout().latenessMs()).isEqualTo(stream.disorderMs() + stream.latenessMs());
      assertThat(input.layout().columns()).hasSize(origin.columns().length);
      assertThat(input.layout().filters()).isEqualTo(origin.filters().length);
      for (int c = 0; c < origin.columns().length; c++) {
        assertThat(stream.carried().get(origin.columns()[c]).type())
            .isEqualTo(input.layout().columns().get(c));
      }
      for (int filter : origin.filters()) {
        assertThat(stream.carried().get(filter).type()).isEqualTo(ColumnType.BOOLEAN);
      }
      checkParts(plan, position, i);
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
    assertThat(feature.type()).isEqualTo(spec.aggregation().function().resultType(column));
    assertThat(spec.filter()).isLessThan(input.layout().filters());
    Object empty = spec.empty();
    assertThat(feature.nullable()).isEqualTo(empty == null);
    if (empty != null) {
      assertThat(empty).isInstanceOf(feature.type().javaClass());
    }
    if (spec.aggregation().function() == Aggregate.COUNT) {
      assertThat(empty).isEqualTo(0L);
    }
  }

  private static void checkModel(Plan plan, ModelPlan model) {
    for (ModelPlan.Element element : model.vector()) {
      checkSource(plan, model, element.source());
    }
    for (int view : model.views()) {
      EntityPlan entity = plan.entities().get(plan.views().get(view).entity());
      assertThat(entity.keyPositions().get(model.ask())).as("key of %s", entity.name()).isNotNull();
    }
  }

  private static ColumnType checkSource(Plan plan, ModelPlan model, ModelPlan.Source source) {
    if (source instanceof ModelPlan.Source.CarriedColumn column) {
      return plan.streams().get(model.ask()).carried().get(column.position()).type();
    }
    if (source instanceof ModelPlan.Source.Feature feature) {
      assertThat(model.views()).contains(feature.view());
      return plan.views().get(feature.view()).features().get(feature.feature()).type();
    }
    ModelPlan.Source.Expression expression = (ModelPlan.Source.Expression) source;
    assertThat(expression.inputs()).hasSize(expression.inputColumns().size());
    for (int i = 0; i < expression.inputs().size(); i++) {
      assertThat(checkSource(plan, model, expression.inputs().get(i)))
          .isEqualTo(expression.inputColumns().get(i).type());
    }
    return Expressions.typeOf(expression.text(), expression.inputColumns());
  }
}
