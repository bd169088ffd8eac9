package dev.tailwater.jobs;

import dev.tailwater.definitions.Knowledge;
import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.Aggregation;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.kernel.Window;
import dev.tailwater.plan.ChainPlan;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.AvroContracts;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Plans over streams of one shape: an id, a time, two keys and an amount. Carried are id, first
 * key, second key and amount; every view has a count and a sum of amounts over 10 seconds.
 */
final class TestPlans {

  static final long WINDOW_MS = 10_000;
  static final long DISORDER_MS = 1_000;

  static final List<Column> COLUMNS =
      List.of(
          new Column("id", ColumnType.STRING, false),
          new Column("at", ColumnType.TIMESTAMP, false),
          new Column("card", ColumnType.STRING, true),
          new Column("shop", ColumnType.STRING, true),
          new Column("amount", ColumnType.DOUBLE, true));

  static final List<Column> CARRIED =
      List.of(COLUMNS.get(0), COLUMNS.get(2), COLUMNS.get(3), COLUMNS.get(4));

  static final int CARD = 1;
  static final int SHOP = 2;
  static final int AMOUNT = 3;

  static final List<Column> FEATURES =
      List.of(
          new Column("count", ColumnType.LONG, false), new Column("sum", ColumnType.DOUBLE, true));

  private TestPlans() {}

  static StreamPlan stream(String name, RecordFormat format, long latenessMs) {
    return new StreamPlan(
        name,
        name,
        format,
        AvroContracts.of(name, COLUMNS),
        1,
        0,
        -1,
        DISORDER_MS,
        latenessMs,
        10_000,
        60_000,
        List.of(),
        List.of(),
        CARRIED,
        new int[] {0, 2, 3, 4});
  }

  /** The stream that a chain derives: the carried row of the other with one more value. */
  static StreamPlan derived(StreamPlan from, String name, Column value) {
    List<Column> carried =
        IntStream.rangeClosed(0, CARRIED.size())
            .mapToObj(i -> i < CARRIED.size() ? CARRIED.get(i) : value)
            .toList();
    return new StreamPlan(
        name,
        from.topic(),
        from.format(),
        from.schema(),
        from.eventTime(),
        from.eventId(),
        -1,
        from.disorderMs(),
        from.latenessMs(),
        from.idleAfterMs(),
        from.aheadMs(),
        List.of(),
        List.of(),
        carried,
        new int[] {0, 2, 3, 4, -1});
  }

  /** Count and sum of the one column. */
  static StateLayout layout(Identity identity, long latenessMs, boolean excludesSelf) {
    Window window = Window.sliding(WINDOW_MS, 0);
    return new StateLayout(
        List.of(ColumnType.DOUBLE),
        0,
        List.of(
            new FeatureSpec(Aggregation.of(Aggregate.COUNT, -1), -1, window, excludesSelf, 0L),
            new FeatureSpec(Aggregation.of(Aggregate.SUM, 0), -1, window, excludesSelf, null)),
        identity,
        latenessMs);
  }

  /** A state of facts from these streams, whose column is at this position of their rows. */
  static EntityPlan.Input input(StateLayout layout, int view, int column, int... streams) {
    return new EntityPlan.Input(
        IntStream.of(streams)
            .mapToObj(stream -> new EntityPlan.Origin(stream, new int[] {column}, new int[0]))
            .toList(),
        layout,
        new int[] {view});
  }

  static EntityPlan entity(String name, EntityPlan.Input input, int key, int streams) {
    return new EntityPlan(
        name,
        List.of(new Column(name, ColumnType.STRING, false)),
        List.of(input),
        IntStream.range(0, streams).mapToObj(stream -> new int[] {key}).toList());
  }

  static ViewPlan view(String name, int entity, long refreshMs, Knowledge knowledge) {
    return new ViewPlan(
        name,
        "0123456789ab",
        entity,
        List.of(new ViewPlan.Part(0, 0, new int[] {0, 1})),
        FEATURES,
        WINDOW_MS,
        refreshMs,
        knowledge);
  }

  /** One view of cards from these streams. */
  static Plan cards(ViewPlan view, StateLayout layout, StreamPlan... streams) {
    int[] all = IntStream.range(0, streams.length).toArray();
    return new Plan(
        "cards",
        List.of(streams),
        List.of(entity("card", input(layout, 0, AMOUNT, all), CARD, streams.length)),
        List.of(view),
        List.of(),
        List.<ChainPlan>of());
  }
}
