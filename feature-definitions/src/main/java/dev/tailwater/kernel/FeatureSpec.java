package dev.tailwater.kernel;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * One feature: an aggregate over the facts with event time in (t − delay − window, t − delay].
 *
 * @param column position in the state layout's columns, or -1 for {@code count: "*"}
 * @param filter position in the state layout's filters, or -1 if every fact counts
 * @param windowMs at least 1
 * @param delayMs at least 0
 * @param empty the value when the window holds nothing, in the feature's type; null is NULL. COUNT
 *     has 0 here
 */
public record FeatureSpec(
    Aggregate aggregate,
    int column,
    int filter,
    long windowMs,
    long delayMs,
    @Nullable Object empty)
    implements Serializable {}
