package dev.tailwater.jobs;

import dev.tailwater.plan.ChainPlan;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Views over views: an event that has asked the views of a chain becomes a fact of the derived
 * stream, with the answers as values. A question that came too late to be answered becomes a fact
 * without them. If further chains go on from the derived stream, the event asks those views too.
 * Everything else passes.
 */
final class ChainFunction extends RichFlatMapFunction<Envelope, Envelope> {

  private final Plan plan;
  private final ChainPlan chain;
  private final boolean isFact;
  private final List<ChainPlan> next;
  private final long until;

  private transient SourceValues values;

  /**
   * Creates the step of one chain.
   *
   * @param isFact whether an entity is told the derived stream
   * @param next the chains that go on from the derived stream
   * @param until an event after this instant is not derived from: the clock does not pass it
   */
  ChainFunction(Plan plan, ChainPlan chain, boolean isFact, List<ChainPlan> next, long until) {
    this.plan = plan;
    this.chain = chain;
    this.isFact = isFact;
    this.next = List.copyOf(next);
    this.until = until;
  }

  @Override
  public void open(OpenContext context) {
    List<ModelPlan.Source> sources = chain.values();
    values = new SourceValues(sources);
  }

  @Override
  public void flatMap(Envelope event, Collector<Envelope> out) {
    if (event.stream != chain.stream() || !event.isChained()) {
      out.collect(event);
      return;
    }
    if (event.eventTime > until) {
      return;
    }
    @Nullable Object[] row = event.values.clone();
    int first = row.length - values.count();
    for (int i = 0; i < values.count(); i++) {
      row[first + i] = values.value(i, event);
    }
    if (isFact) {
      out.collect(event.as(Envelope.FACT, event.stream, row, CheckOperator.NO_ANSWERS));
    }
    for (ChainPlan following : next) {
      out.collect(question(plan, following, event, row));
    }
  }

  /** What an event of a stream asks on its way into a chain. */
  static Envelope question(
      Plan plan, ChainPlan chain, Envelope event, @Nullable Object[] sourceRow) {
    int width = plan.streams().get(chain.stream()).carried().size();
    @Nullable Object[] row = Arrays.copyOf(sourceRow, width);
    return event.as(
        Envelope.QUESTION | Envelope.CHAINED,
        chain.stream(),
        row,
        new Object[plan.views().size()][]);
  }
}
