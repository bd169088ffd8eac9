package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.redis.OnlineRow;
import dev.tailwater.connectors.redis.RedisOnlineStore;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.apache.iceberg.data.Record;
import org.jspecify.annotations.Nullable;

/**
 * Compares the newest row of every entity of a view in the online store with the newest one in the
 * offline store.
 */
public final class TwinStoreCheck {

  private static final int KEYS_PER_READ = 500;

  private final Lake lake;
  private final RedisOnlineStore online;

  public TwinStoreCheck(Lake lake, RedisOnlineStore online) {
    this.lake = lake;
    this.online = online;
  }

  /**
   * What was found for one view.
   *
   * @param keys entities that have a row in either store
   * @param equal the same event time and the same bits in both
   * @param newerOnline the online row is of a later event: the offline one is not final yet,
   *     because the watermark has not passed it
   * @param differences at most 20 sentences, one per entity whose rows contradict each other
   * @param different how many entities those are
   */
  public record Result(
      String view,
      long keys,
      long equal,
      long newerOnline,
      long different,
      List<String> differences) {}

  /** Compares one view; meaningful only while nothing is written. */
  public Result compare(FeatureViewLayout layout) {
    Map<String, Record> offline = lake.newestFeatures(layout);
    TreeSet<String> keys = new TreeSet<>(offline.keySet());
    online.forEachKey(layout, keys::add);
    Counts counts = new Counts();
    List<String> batch = new ArrayList<>(KEYS_PER_READ);
    for (String key : keys) {
      batch.add(key);
      if (batch.size() == KEYS_PER_READ) {
        compare(layout, batch, offline, counts);
        batch.clear();
      }
    }
    compare(layout, batch, offline, counts);
    return new Result(
        layout.view(),
        keys.size(),
        counts.equal,
        counts.newerOnline,
        counts.different,
        counts.differences);
  }

  private static final class Counts {
    private long equal;
    private long newerOnline;
    private long different;
    private final List<String> differences = new ArrayList<>();

    private void differ(String difference) {
      different++;
      if (differences.size() < 20) {
        differences.add(difference);
      }
    }
  }

  private void compare(
      FeatureViewLayout layout, List<String> keys, Map<String, Record> offline, Counts counts) {
    List<Optional<OnlineRow>> rows = online.mget(layout, keys);
    for (int i = 0; i < keys.size(); i++) {
      Record stored = offline.get(keys.get(i));
      OnlineRow row = rows.get(i).orElse(null);
      if (row == null) {
        counts.differ("%s has no online row".formatted(keys.get(i)));
      } else if (stored == null || row.validFrom() > validFrom(stored)) {
        counts.newerOnline++;
      } else if (row.validFrom() < validFrom(stored)) {
        counts.differ(
            "%s is of %d online, of %d offline"
                .formatted(keys.get(i), row.validFrom(), validFrom(stored)));
      } else {
        compareValues(layout, row, stored, counts);
      }
    }
  }

  private static void compareValues(
      FeatureViewLayout layout, OnlineRow row, Record stored, Counts counts) {
    for (int i = 0; i < layout.features().size(); i++) {
      Column feature = layout.features().get(i);
      Object offline = comparable(stored.getField(feature.name()));
      if (!Objects.equals(row.values()[i], offline)) {
        counts.differ(
            "%s: %s is %s online, %s offline"
                .formatted(row.key(), feature.name(), row.values()[i], offline));
        return;
      }
    }
    counts.equal++;
  }

  private static long validFrom(Record stored) {
    return (Long) Objects.requireNonNull(comparable(stored.getField("valid_from")));
  }

  private static @Nullable Object comparable(@Nullable Object value) {
    return value instanceof OffsetDateTime time ? time.toInstant().toEpochMilli() : value;
  }
}
