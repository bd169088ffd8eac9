package dev.tailwater.jobs;

import dev.tailwater.definitions.Knowledge;
import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.AvroContracts;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import java.util.List;

/** Payments with cards: the number and the sum of a card's payments in the last 10 seconds. */
final class CardPlan {

  static final long WINDOW_MS = 10_000;
  static final long LATENESS_MS = 5_000;

  private CardPlan() {}

  static Plan plan() {
    return on("payments");
  }

  /** The plan whose payments are on this topic. */
  static Plan on(String topic) {
    return on("payments", topic);
  }

  /** The plan whose payments are called this and are on this topic. */
  static Plan on(String stream, String topic) {
    List<Column> columns =
        List.of(
            new Column("payment_id", ColumnType.STRING, false),
            new Column("paid_at", ColumnType.TIMESTAMP, true),
            new Column("card_id", ColumnType.STRING, true),
            new Column("amount", ColumnType.DOUBLE, true));
    List<Column> carried = List.of(columns.get(0), columns.get(2), columns.get(3));
    StreamPlan payments =
        new StreamPlan(
            stream,
            topic,
            RecordFormat.JSON,
            AvroContracts.of("payment", columns),
            1,
            0,
            2,
            1_000,
            LATENESS_MS,
            10_000,
            60_000,
            List.of(),
            List.of(),
            carried,
            new int[] {0, 2, 3});
    StateLayout layout =
        new StateLayout(
            List.of(ColumnType.DOUBLE),
            0,
            List.of(
                FeatureSpec.sliding(Aggregate.COUNT, -1, -1, WINDOW_MS, 0, 0L),
                FeatureSpec.sliding(Aggregate.SUM, 0, -1, WINDOW_MS, 0, null)),
            Identity.EVENT,
            LATENESS_MS);
    EntityPlan card =
        new EntityPlan(
            "card",
            List.of(new Column("card_id", ColumnType.STRING, false)),
            List.of(
                new EntityPlan.Input(
                    List.of(new EntityPlan.Origin(0, new int[] {2}, new int[] {})),
                    layout,
                    new int[] {0})),
            List.of(new int[] {1}));
    ViewPlan spend =
        new ViewPlan(
            "spend",
            "0123456789ab",
            0,
            List.of(new ViewPlan.Part(0, 0, new int[] {0, 1})),
            List.of(
                new Column("count", ColumnType.LONG, false),
                new Column("sum", ColumnType.DOUBLE, true)),
            WINDOW_MS,
            0,
            Knowledge.AS_HAPPENED);
    return new Plan(
        "cards", List.of(payments), List.of(card), List.of(spend), List.of(), List.of());
  }

  /** A payment that is told and asks for the card's spend. */
  static Envelope payment(String card, long paidAt, double amount, long offset) {
    return new Envelope(
        Envelope.FACT | Envelope.QUESTION,
        0,
        paidAt,
        0,
        offset,
        Long.MAX_VALUE,
        IdHash.of("payment-" + offset),
        Double.hashCode(amount),
        IdHash.of("payment-" + offset),
        new Object[] {"payment-" + offset, card, amount},
        new Object[1][]);
  }
}
