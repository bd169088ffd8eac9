package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.redis.OnlineRow;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import org.apache.iceberg.data.Record;
import org.jspecify.annotations.Nullable;

/**
 * Compares a sample of the entities of a new version of a view, while it is being written: the
 * online row with the final row as of the same instant in the offline store; and where the version
 * before has a final row as of that instant too, the features that mean the same in both versions.
 *
 * <p>A row may be read between two facts that belong together, or before the repair that a late
 * fact caused is committed; so a difference counts when it was found in {@value #DIFFERENT_ROUNDS}
 * rounds, each a checkpoint after the other.
 */
final class VersionCheck {

  private static final int SAMPLE = 200;
  private static final int ROUNDS = 6;
  private static final int DIFFERENT_ROUNDS = 3;
  private static final long SEED = 1;
  private static final int DIFFERENCES_TOLD = 5;

  private final Lake lake;
  private final RedisOnlineStore online;
  private final FeatureViewLayout layout;
  private final Optional<FeatureViewLayout> shared;
  private final Duration checkpointInterval;

  /**
   * A check of one view.
   *
   * @param layout of the new version
   * @param shared the version before, with the features that mean the same in both
   */
  VersionCheck(
      Lake lake,
      RedisOnlineStore online,
      FeatureViewLayout layout,
      Optional<FeatureViewLayout> shared,
      Duration checkpointInterval) {
    this.lake = lake;
    this.online = online;
    this.layout = layout;
    this.shared = shared;
    this.checkpointInterval = checkpointInterval;
  }

  /**
   * What was found.
   *
   * @param sampled entities that were looked at
   * @param equal entities whose rows are the same bits in both stores
   * @param notFinal entities whose online row is not final yet, so that there is nothing to compare
   * @param equalBefore entities whose shared features are the same bits in both versions
   * @param differences one sentence per entity whose rows contradict each other, at most {@value
   *     #DIFFERENCES_TOLD}
   */
  record Result(
      String view,
      String version,
      int sampled,
      int equal,
      int notFinal,
      int equalBefore,
      List<String> differences) {}

  /** Compares; ends as soon as half of the sample was equal and nothing contradicts. */
  Result run() {
    Map<String, OnlineRow> pending = new HashMap<>();
    Map<String, Integer> roundsDifferent = new HashMap<>();
    Map<String, String> differences = new TreeMap<>();
    List<String> sample = sample();
    List<String> unread = new ArrayList<>(sample);
    int equal = 0;
    int equalBefore = 0;
    for (int round = 1; ; round++) {
      List<Optional<OnlineRow>> rows = online.mget(layout, unread);
      for (int i = 0; i < unread.size(); i++) {
        String key = unread.get(i);
        rows.get(i).ifPresent(row -> pending.put(key, row));
      }
      unread.clear();
      Map<String, Long> instants = new HashMap<>();
      pending.forEach((key, row) -> instants.put(key, row.validFrom()));
      Map<String, Record> written = lake.featuresAt(layout, instants);
      Map<String, Record> before =
          shared.isPresent() ? lake.featuresAt(shared.get(), instants) : Map.of();
      for (String key : List.copyOf(pending.keySet())) {
        OnlineRow row = Objects.requireNonNull(pending.get(key));
        Record stored = written.get(key);
        if (stored == null) {
          continue;
        }
        pending.remove(key);
        Optional<String> difference =
            difference(row, stored).or(() -> differenceBefore(key, stored, before.get(key)));
        if (difference.isEmpty()) {
          equal++;
          equalBefore += before.containsKey(key) ? 1 : 0;
          roundsDifferent.remove(key);
        } else if (roundsDifferent.merge(key, 1, Integer::sum) < DIFFERENT_ROUNDS) {
          unread.add(key);
        } else {
          differences.put(key, difference.get());
        }
      }
      boolean enough = unread.isEmpty() && 2 * equal >= sample.size();
      if (enough || !differences.isEmpty() || round == ROUNDS) {
        return new Result(
            layout.view(),
            layout.version(),
            sample.size(),
            equal,
            pending.size(),
            equalBefore,
            differences.values().stream().limit(DIFFERENCES_TOLD).toList());
      }
      LockSupport.parkNanos(checkpointInterval.toNanos());
    }
  }

  /** Some of the entities that have an online row, every one as likely as any other. */
  private List<String> sample() {
    Random random = new Random(SEED);
    List<String> sample = new ArrayList<>(SAMPLE);
    int[] seen = {0};
    online.forEachKey(
        layout,
        key -> {
          int place = random.nextInt(++seen[0]);
          if (sample.size() < SAMPLE) {
            sample.add(key);
          } else if (place < SAMPLE) {
            sample.set(place, key);
          }
        });
    return sample.stream().distinct().toList();
  }

  private Optional<String> difference(OnlineRow row, Record stored) {
    for (int i = 0; i < layout.features().size(); i++) {
      Column feature = layout.features().get(i);
      Object offline = comparable(stored.getField(feature.name()));
      if (!Objects.equals(row.values()[i], offline)) {
        return Optional.of(
            "%s %s as of %d: %s is %s online, %s offline"
                .formatted(
                    layout.entity(),
                    row.key(),
                    row.validFrom(),
                    feature.name(),
                    row.values()[i],
                    offline));
      }
    }
    return Optional.empty();
  }

  private Optional<String> differenceBefore(String key, Record stored, @Nullable Record before) {
    if (before == null) {
      return Optional.empty();
    }
    for (Column feature : shared.orElseThrow().features()) {
      Object now = comparable(stored.getField(feature.name()));
      Object then = comparable(before.getField(feature.name()));
      if (!Objects.equals(now, then)) {
        return Optional.of(
            "%s %s as of %s: %s is %s in version %s, %s in version %s, though its definition is the same"
                .formatted(
                    layout.entity(),
                    key,
                    stored.getField("valid_from"),
                    feature.name(),
                    now,
                    layout.version(),
                    then,
                    shared.orElseThrow().version()));
      }
    }
    return Optional.empty();
  }

  private static @Nullable Object comparable(@Nullable Object value) {
    return value instanceof OffsetDateTime time ? time.toInstant().toEpochMilli() : value;
  }
}
