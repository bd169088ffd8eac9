package dev.tailwater.connectors.redis;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows of one small view: a count, an average and a city. */
final class Rows {

  static final FeatureViewLayout SPEND =
      layout(
          "spend",
          3_600_000,
          new Column("tx_count_1d", ColumnType.LONG, true),
          new Column("amount_avg_1d", ColumnType.DOUBLE, true),
          new Column("last_city", ColumnType.STRING, true));

  private Rows() {}

  static FeatureViewLayout layout(String view, long timeToLiveMs, Column... features) {
    return new FeatureViewLayout(
        view,
        "abc123",
        "customer",
        List.of(new Column("customer_id", ColumnType.STRING, false)),
        List.of(features),
        timeToLiveMs);
  }

  static FeatureRow row(String key, long generation, long facts, long validFrom) {
    return row(key, generation, facts, validFrom, facts, facts / 8.0, "Zürich");
  }

  static FeatureRow row(
      String key, long generation, long facts, long validFrom, @Nullable Object... values) {
    return new FeatureRow(
        0,
        key,
        validFrom,
        validFrom + 60_000,
        0,
        generation,
        facts,
        values,
        "transactions",
        3,
        facts * 10,
        true,
        true);
  }

  static FeatureRow offlineOnly(String key) {
    return new FeatureRow(
        0, key, 0, 1, 0, 0, 1, new Object[] {1L, 1.0, "x"}, "transactions", 0, 0, false, true);
  }
}
