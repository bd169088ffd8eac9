package dev.tailwater.jobs;

import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.schemas.Column;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Why the features of one entity are what they are at an instant.
 *
 * @param at milliseconds since the epoch
 * @param facts every fact about the entity up to then that counts, in the order of the log, those
 *     that no window covers included
 * @param later how many facts are newer than that
 * @param features in the order of the view
 * @param refused records about the entity that became dead letters or count for nothing, or not yet
 * @param unreadable records of these streams that cannot be read, and so may be about the entity
 */
public record Explanation(
    long at,
    List<Place> facts,
    long later,
    List<Feature> features,
    List<Refused> refused,
    long unreadable) {

  public Explanation {
    facts = List.copyOf(facts);
    features = List.copyOf(features);
    refused = List.copyOf(refused);
  }

  /**
   * Where a fact stands in the log, and its event time.
   *
   * @param knownFrom the instant from which it counts, if the view's facts count only once they are
   *     known
   */
  public record Place(
      String topic, int partition, long offset, long time, OptionalLong knownFrom) {}

  /**
   * One feature.
   *
   * @param spec what it computes; positions are those of its state
   * @param value at the instant
   * @param covered what it is computed from, in the order of the log
   * @param nulls the numbers, from 0, of the facts in its window that it skips because a value that
   *     it needs is NULL
   */
  public record Feature(
      Column column,
      FeatureSpec spec,
      @Nullable Object value,
      List<Covered> covered,
      List<Integer> nulls) {

    public Feature {
      covered = List.copyOf(covered);
      nulls = List.copyOf(nulls);
    }
  }

  /**
   * A fact that a feature is computed from.
   *
   * @param fact its number among the facts, from 0
   * @param value what is aggregated; null where facts are only counted
   */
  public record Covered(int fact, @Nullable Object value) {}

  /** A record that does not count, and why. */
  public record Refused(String topic, int partition, long offset, String code, String reason) {}
}
