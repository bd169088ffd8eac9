package dev.tailwater.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.definitions.Knowledge;
import dev.tailwater.definitions.ProjectLoader;
import dev.tailwater.kernel.Identity;
import dev.tailwater.plan.ModelPlan.Source.CarriedColumn;
import dev.tailwater.plan.ModelPlan.Source.Feature;
import dev.tailwater.plan.ModelPlan.Source.ListElement;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanOfManySourcesTest {

  private static final String CONTRACT =
      """
      {"type": "record", "name": "Payment", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "card", "type": "string"},
        {"name": "shop", "type": "string"},
        {"name": "amount", "type": "double"},
        {"name": "fee", "type": "double"}]}
      """;

  private static final String BASE =
      """
      {kind: stream, name: payments, schema: payment.avsc, event_time: at, event_id: id, lateness: 0s}
      ---
      {kind: stream, name: refunds, schema: payment.avsc, event_time: at, event_id: id, lateness: 1m}
      ---
      {kind: entity, name: card, key: {card: string}}
      ---
      {kind: entity, name: shop, key: {shop: string}}
      ---
      """;

  private final Path folder;

  PlanOfManySourcesTest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    Files.writeString(folder.resolve("payment.avsc"), CONTRACT);
  }

  private Plan plan(String views) throws IOException {
    Files.writeString(folder.resolve("project.yaml"), BASE + views);
    Plan plan = PlanCompiler.compile(ProjectLoader.load(folder));
    PlanInvariants.check(plan);
    return plan;
  }

  @Test
  void severalStreamsTellOneState() throws IOException {
    Plan plan =
        plan(
            """
            kind: feature-view
            name: moved
            entity: card
            from:
              - {stream: payments, map: {amount: amount, cost: fee}}
              - {stream: refunds, map: {amount: -amount, cost: amount * 0.01}}
            features:
              total: {sum: amount, over: 1d}
              costly: {count: "*", where: cost > amount, over: 1d}
              twice: {sum: 2 * amount, over: 1d}
            """);

    EntityPlan.Input input = plan.entities().get(0).inputs().get(0);
    assertThat(input.origins()).extracting(EntityPlan.Origin::stream).containsExactly(0, 1);
    assertThat(input.layout().latenessMs()).isEqualTo(65_000);
    StreamPlan refunds = plan.streams().get(1);
    assertThat(refunds.computed())
        .extracting(StreamPlan.Computed::expression)
        .as("what names mean first, then what is made of them")
        .containsExactlyInAnyOrder("-amount", "amount * 0.01", "cost > amount", "2 * amount");
    StreamPlan.Computed costly =
        refunds.computed().stream()
            .filter(computed -> computed.expression().equals("cost > amount"))
            .findFirst()
            .orElseThrow();
    assertThat(costly.names().keySet()).containsExactlyInAnyOrder("amount", "cost");
    assertThat(costly.names().get("amount"))
        .as("the mapped amount, not the stream's column of that name")
        .isGreaterThanOrEqualTo(refunds.schema().columns().size());
  }

  @Test
  void oldFactsOfCoarseFeaturesAreKeptApart() throws IOException {
    Plan plan =
        plan(
            """
            kind: feature-view
            name: spend
            entity: card
            from: payments
            features:
              a: {sum: amount, over: 30d, resolution: 1d}
              b: {sum: amount, over: 1d}
              c: {approx_distinct: shop, over: lifetime}
              d: {last: shop, over: last 3 events}
            """);

    ViewPlan view = plan.views().get(0);
    assertThat(view.parts()).hasSize(2);
    assertThat(view.parts().get(0).features()).containsExactly(1, 3);
    assertThat(view.parts().get(1).features()).containsExactly(0, 2);
    List<EntityPlan.Input> inputs = plan.entities().get(0).inputs();
    assertThat(inputs.get(0).origins().get(0).columns()).hasSize(2);
    assertThat(inputs.get(1).layout().columns())
        .containsExactly(ColumnType.DOUBLE, ColumnType.STRING);
    assertThat(view.refreshMs()).isEqualTo(864_000);
  }

  @Test
  void viewsOfOtherKnowledgeDoNotShareAState() throws IOException {
    Plan plan =
        plan(
            """
            {kind: feature-view, name: a, entity: card, from: payments, features: {n: {count: "*", over: 1d}}}
            ---
            {kind: feature-view, name: b, entity: card, from: payments, knowledge: as_known, features: {n: {count: "*", over: 1d}}}
            ---
            {kind: feature-view, name: c, entity: card, from: payments, features: {m: {count: "*", over: 1d}}}
            """);

    List<EntityPlan.Input> inputs = plan.entities().get(0).inputs();
    assertThat(inputs).hasSize(2);
    assertThat(inputs.get(0).views()).containsExactly(0, 2);
    assertThat(inputs.get(1).views()).containsExactly(1);
    assertThat(plan.views().get(1).knowledge()).isEqualTo(Knowledge.AS_KNOWN);
  }

  @Test
  void anEventGoesOnWithWhatTheViewSaysOfIt() throws IOException {
    Plan plan =
        plan(
            """
            kind: feature-view
            name: crowd
            entity: shop
            from: spend
            features:
              heavy: {count: "*", where: amount > spend.average, over: 1d}
              averages: {avg: average, where: fee > 1, over: 1d}
            ---
            kind: feature-view
            name: traffic
            entity: shop
            from: payments
            features: {n: {count: "*", over: 1d}}
            ---
            kind: feature-view
            name: spend
            entity: card
            from: payments
            features: {average: {avg: amount, over: 7d}}
            """);

    assertThat(plan.entities())
        .extracting(EntityPlan::name)
        .as("the shop waits for the card")
        .containsExactly("card", "shop");
    assertThat(plan.streams())
        .extracting(StreamPlan::name)
        .containsExactly("payments", "refunds", "payments.spend");
    ChainPlan chain = plan.chains().get(0);
    assertThat(chain.stream()).isEqualTo(2);
    assertThat(chain.from()).isZero();
    assertThat(chain.views()).containsExactly(2);
    StreamPlan payments = plan.streams().get(0);
    int amount = position(payments, "amount");
    assertThat(chain.values())
        .containsExactly(
            new Feature(2, 0),
            new ModelPlan.Source.Expression(
                "amount > spend.average",
                List.of(
                    new Column("amount", ColumnType.DOUBLE, true),
                    new Column("spend.average", ColumnType.DOUBLE, true)),
                List.of(new CarriedColumn(amount), new Feature(2, 0))));
    EntityPlan.Origin told = plan.entities().get(1).inputs().get(1).origins().get(0);
    int own = payments.carried().size();
    assertThat(told.stream()).isEqualTo(2);
    assertThat(told.columns()).as("average").containsExactly(own);
    assertThat(told.filters()).as("fee > 1, heavy").contains(own + 1).hasSize(2);
    assertThat(plan.entities().get(0).keyPositions().get(2))
        .isEqualTo(plan.entities().get(0).keyPositions().get(0));
    assertThat(plan.streams().get(2).carriedFrom()).endsWith(-1, -1);
  }

  @Test
  void aChainThatComesBackToAnEntityHasASecondPlace() throws IOException {
    Plan plan =
        plan(
            """
            {kind: feature-view, name: a, entity: card, from: payments, features: {x: {avg: amount, over: 1d}}}
            ---
            {kind: feature-view, name: b, entity: shop, from: a, features: {y: {max: x, over: 1d}}}
            ---
            {kind: feature-view, name: c, entity: card, from: b, features: {z: {sum: x + y + a.x, over: 1d}, w: {count: "*", over: 1d}}}
            ---
            {kind: model, name: fraud, ask: payments, vector: [c.z], fallback: 0}
            """);

    assertThat(plan.entities())
        .extracting(EntityPlan::name)
        .containsExactly("card", "shop", "card.2");
    assertThat(plan.streams())
        .extracting(StreamPlan::name)
        .containsExactly("payments", "refunds", "payments.a", "payments.b");
    assertThat(plan.chains()).extracting(ChainPlan::from).containsExactly(0, 0);
    assertThat(plan.recordedStreams()).isEqualTo(plan.streams().subList(0, 2));
    assertThat(plan.chains().get(1).views()).as("a chain asks all it reads").containsExactly(0, 1);
    assertThat(plan.views().get(2).entity()).isEqualTo(2);
    assertThat(plan.entities().get(0).keyPositions().get(0)).as("told").isNotNull();
    assertThat(plan.entities().get(1).keyPositions().get(0)).as("neither told nor asked").isNull();
    assertThat(plan.entities().get(2).keyPositions().get(0)).as("asked").isNotNull();
  }

  @Test
  void theEventsOfAViewOfSeveralStreamsAreAStreamForEachOfThem() throws IOException {
    Plan plan =
        plan(
            """
            {kind: stream, name: fees, schema: payment.avsc, event_time: at, event_id: id, lateness: 0s}
            ---
            kind: feature-view
            name: moved
            entity: card
            from: [{stream: fees, map: {sum: -fee}}, {stream: payments, key: {card: shop}, map: {sum: amount}}]
            features: {average: {avg: '"sum"', over: 1d}}
            ---
            {kind: feature-view, name: seen, entity: shop, key: {shop: id}, from: moved, features: {x: {max: average, over: 1d}, y: {sum: '"sum" - average', over: 1d}, z: {last: '"sum"', over: 1d}}}
            ---
            {kind: feature-view, name: again, entity: card, from: seen, features: {w: {sum: x + average, over: 1d}}}
            """);

    assertThat(plan.streams())
        .extracting(StreamPlan::name)
        .containsExactly(
            "payments",
            "refunds",
            "fees",
            "fees.moved",
            "payments.moved",
            "fees.seen",
            "payments.seen");
    assertThat(plan.chains()).extracting(ChainPlan::from).containsExactly(2, 0, 2, 0);
    assertThat(plan.chains()).extracting(chain -> chain.views()[0]).containsOnly(0);
    EntityPlan shop = plan.entities().get(1);
    EntityPlan.Input seen = shop.inputs().get(0);
    assertThat(seen.origins())
        .extracting(EntityPlan.Origin::stream)
        .as("in the order of the list")
        .containsExactly(3, 4);
    StreamPlan fees = plan.streams().get(3);
    EntityPlan.Origin origin = seen.origins().get(0);
    assertThat(seen.layout().columns()).hasSize(3);
    assertThat(fees.carried().subList(fees.carried().size() - 2, fees.carried().size()))
        .extracting(Column::name)
        .as("what it saw is behind what it carries")
        .containsExactly("sees.average", "sees.\"sum\" - average");
    assertThat(origin.columns())
        .as("what is mapped is carried as it is")
        .containsExactly(fees.carried().size() - 2, fees.carried().size() - 1, origin.columns()[2])
        .satisfies(columns -> assertThat(columns[2]).isLessThan(fees.carried().size() - 2));
    EntityPlan card = plan.entities().get(0);
    assertThat(plan.streams().get(4).carried().get(key(card, 4)).name())
        .as("asks about whom the other view describes")
        .isEqualTo("shop");
    assertThat(plan.streams().get(6).carried().get(key(plan.entities().get(2), 6)).name())
        .as("the same entity is found as it was")
        .isEqualTo("shop");
  }

  @Test
  void aViewOfAViewReadsElementsOfListsAndMaps() throws IOException {
    Plan plan =
        plan(
            """
            {kind: feature-view, name: a, entity: card, from: payments, features: {l: {last_k: amount, k: 2, over: 1d}, m: {count: "*", by: shop, over: 1d}}}
            ---
            {kind: feature-view, name: b, entity: shop, from: a, features: {x: {sum: "l[1] - a.l[2]", over: 1d}, y: {max: "m['home']", over: 1d}, z: {count: "*", where: CARDINALITY(l) > 1, over: 1d}}}
            """);

    assertThat(plan.chains().get(0).values())
        .extracting(value -> ((ModelPlan.Source.Expression) value).text())
        .containsExactlyInAnyOrder("l[1] - a.l[2]", "m['home']", "CARDINALITY(l) > 1");
  }

  private static int key(EntityPlan entity, int stream) {
    int[] positions = entity.keyPositions().get(stream);
    assertThat(positions).hasSize(1);
    return positions == null ? -1 : positions[0];
  }

  @Test
  void rowsThatChangeHaveAnIdentityOfTheirOwn() throws IOException {
    Files.writeString(
        folder.resolve("rows.yaml"),
        """
        {kind: stream, name: rows, schema: payment.avsc, format: debezium-json, event_time: at, event_id: id}
        ---
        {kind: feature-view, name: v, entity: card, from: rows, features: {n: {count: "*", over: 1d}}}
        """);
    Plan plan = plan("{kind: entity, name: unused, key: {x: string}}");

    assertThat(plan.entities().get(0).inputs().get(0).layout().identity()).isEqualTo(Identity.ROW);
  }

  @Test
  void aVectorReadsListsPlaceByPlace() throws IOException {
    Plan plan =
        plan(
            """
            {kind: feature-view, name: v, entity: card, from: payments, features: {l: {last_k: amount, k: 2, over: 1d}, m: {histogram: shop, over: 1d}}}
            ---
            {kind: model, name: fraud, ask: payments, about: id, vector: [v.l, "x: v.m['a']", "y: v.l[1]"], fallback: 0}
            """);

    ModelPlan model = plan.models().get(0);
    assertThat(model.vector())
        .extracting(ModelPlan.Element::name)
        .containsExactly("v.l_1", "v.l_2", "x", "y");
    assertThat(model.vector().get(1).source()).isEqualTo(new ListElement(new Feature(0, 0), 1));
    assertThat(model.about()).isZero();
    assertThat(plan.views().get(0).features().get(1).type()).isEqualTo(ColumnType.LONG_MAP);
  }

  private static int position(StreamPlan stream, String column) {
    return stream.carried().stream().map(Column::name).toList().indexOf(column);
  }
}
