package dev.tailwater.jobs;

import dev.tailwater.kernel.Fact;
import dev.tailwater.plan.EntityPlan;
import java.io.Serializable;
import java.util.List;

/**
 * Where the facts of one state come from. Where that is several streams, the kernel's partition of
 * a fact is the stream's place among them in the upper bits and its own partition in the lower
 * {@value #PARTITION_BITS}: so facts of one instant are ordered by stream, partition and offset,
 * and a fact's record is found again. Ids of different streams are kept apart.
 */
final class Origins implements Serializable {

  private static final int PARTITION_BITS = 24;
  private static final int MAX_ORIGINS = 1 << 31 - PARTITION_BITS;

  private final List<EntityPlan.Origin> origins;

  Origins(List<EntityPlan.Origin> origins) {
    if (origins.size() > MAX_ORIGINS) {
      throw new IllegalArgumentException(
          "a view is computed from %d streams, but at most %d can be told apart: union them before"
                  .formatted(origins.size(), MAX_ORIGINS)
              + " they come to the log");
    }
    this.origins = origins;
  }

  private boolean several() {
    return origins.size() > 1;
  }

  /** Makes the fact that an event of the stream tells. */
  void fill(Fact fact, int origin, Envelope event) {
    EntityPlan.Origin from = origins.get(origin);
    fact.time = event.eventTime;
    fact.partition = several() ? origin << PARTITION_BITS | event.partition : event.partition;
    fact.offset = event.offset;
    fact.idHash = idHash(event.idHash, origin);
    fact.payloadHash = event.payloadHash;
    fact.deleted = event.isDeletion();
    int[] columns = from.columns();
    for (int i = 0; i < columns.length; i++) {
      fact.values[i] = event.values[columns[i]];
    }
    int[] filters = from.filters();
    long filterBits = 0;
    for (int i = 0; i < filters.length; i++) {
      if (Boolean.TRUE.equals(event.values[filters[i]])) {
        filterBits |= 1L << i;
      }
    }
    fact.filterBits = filterBits;
  }

  /** The id hash of a stream's event, as the kernel knows it. */
  long idHash(long idHash, int origin) {
    return several() ? IdHash.ofOrigin(idHash, origin) : idHash;
  }

  /** The position in the plan of the stream that a fact came from. */
  int stream(int placed) {
    return origins.get(placed < 0 || !several() ? 0 : placed >> PARTITION_BITS).stream();
  }

  /** The partition of a fact in its stream; -1 for none. */
  int partition(int placed) {
    return placed < 0 || !several() ? placed : placed & (1 << PARTITION_BITS) - 1;
  }
}
