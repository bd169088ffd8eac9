package dev.tailwater.jobs;

import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Timestamps;

/**
 * Dead letters about accepted events that an entity cannot count. Their bytes are not at hand here:
 * the place in the log tells the record.
 */
final class RefusedFacts {

  private final Plan plan;
  private final EventId[] ids;
  private final int[] baseStreams;

  RefusedFacts(Plan plan) {
    this.plan = plan;
    this.ids = plan.streams().stream().map(EventId::of).toArray(EventId[]::new);
    this.baseStreams = Chains.baseStreams(plan);
  }

  /**
   * An event with the id and event time of another, but another payload, at this place in the log:
   * the other comes first there and counts.
   *
   * @param event one of the two
   */
  OutgoingRecord conflict(Envelope event, int partition, long offset) {
    boolean own = partition == event.partition && offset == event.offset;
    return letter(
        event,
        partition,
        offset,
        own ? event.appendTime : Long.MAX_VALUE,
        DeadLetter.Code.CONFLICT,
        named(event)
            + " has another payload than "
            + (own
                ? "the one of that id and time that"
                : "the one at partition "
                    + event.partition
                    + ", offset "
                    + event.offset
                    + ", of that id and time, which")
            + " comes first in the log and counts; give each event an id of its own");
  }

  /** An event older than everything that the entity still remembers. */
  OutgoingRecord forgotten(Envelope event, String entity) {
    return letter(
        event,
        event.partition,
        event.offset,
        event.appendTime,
        DeadLetter.Code.LATE,
        named(event)
            + " came after entity "
            + entity
            + " had forgotten the events of its time, because the other partitions were far ahead;"
            + " a replay includes it");
  }

  private String named(Envelope event) {
    return "event " + ids[event.stream].of(event) + " of " + Timestamps.format(event.eventTime);
  }

  private OutgoingRecord letter(
      Envelope event,
      int partition,
      long offset,
      long appendTime,
      DeadLetter.Code code,
      String reason) {
    StreamPlan stream = plan.streams().get(baseStreams[event.stream]);
    return new DeadLetter(
            stream.name(), stream.topic(), partition, offset, appendTime, code, reason, null, null)
        .toRecord();
  }
}
