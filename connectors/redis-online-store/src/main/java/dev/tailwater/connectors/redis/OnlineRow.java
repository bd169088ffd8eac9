package dev.tailwater.connectors.redis;

import org.jspecify.annotations.Nullable;

/**
 * One entity's newest row, as the online store holds it.
 *
 * @param key the entity key in its canonical text form
 * @param validFrom the event time the values are as of, in milliseconds since the epoch
 * @param validUntil when a value next changes because time passes, exclusive; {@link
 *     Long#MAX_VALUE} if never
 * @param generation of the replay that wrote the row
 * @param factsApplied how many facts the entity had seen
 * @param values one value per feature of the view's layout
 * @param topic the topic of the newest fact that the row reflects
 * @param partition that fact's partition
 * @param offset that fact's offset
 */
public record OnlineRow(
    String key,
    long validFrom,
    long validUntil,
    long generation,
    long factsApplied,
    @Nullable Object[] values,
    String topic,
    int partition,
    long offset) {}
