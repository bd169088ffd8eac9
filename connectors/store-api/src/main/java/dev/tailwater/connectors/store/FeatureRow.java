package dev.tailwater.connectors.store;

import org.jspecify.annotations.Nullable;

/**
 * One entity's values of one feature view as of one event time.
 *
 * @param view the view's position in the plan
 * @param key the entity key in its canonical text form, see {@link EntityKeys}
 * @param validFrom the event time the values are as of, in milliseconds since the epoch
 * @param validUntil when a value next changes because time passes, exclusive; {@link
 *     Long#MAX_VALUE} if never
 * @param revision 0 for the first row of an interval, higher when late facts repaired it
 * @param generation grows only with a replay or a rehydration of the online store
 * @param factsApplied how many facts the entity had seen since its state began; orders the online
 *     rows of one entity that are as of the same instant, after generation and validFrom
 * @param values one value per feature of the view's layout
 * @param topic the topic of the newest fact that the row reflects
 * @param partition that fact's partition
 * @param offset that fact's offset
 * @param online whether the row is for the online store
 * @param offline whether the row is for the offline store: it is final
 */
public record FeatureRow(
    int view,
    String key,
    long validFrom,
    long validUntil,
    long revision,
    long generation,
    long factsApplied,
    @Nullable Object[] values,
    String topic,
    int partition,
    long offset,
    boolean online,
    boolean offline) {

  /** The same row, for these stores. */
  public FeatureRow forStores(boolean inOnline, boolean inOffline) {
    return new FeatureRow(
        view,
        key,
        validFrom,
        validUntil,
        revision,
        generation,
        factsApplied,
        values,
        topic,
        partition,
        offset,
        inOnline,
        inOffline);
  }
}
