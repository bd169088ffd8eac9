package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.Prediction;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Small views and their rows. */
final class Rows {

  static final long DAY_MS = 86_400_000;

  /** 2026-01-01T00:00:00.001Z: one millisecond off, so that a lost one shows. */
  static final long START = 1_767_225_600_001L;

  static final Column CUSTOMER = new Column("customer_id", ColumnType.STRING, false);

  static final FeatureViewLayout SPEND =
      layout(
          "spend",
          "v1",
          new Column("tx_count_1d", ColumnType.LONG, true),
          new Column("amount_avg_1d", ColumnType.DOUBLE, true));

  private Rows() {}

  static FeatureViewLayout layout(String view, String version, Column... features) {
    return new FeatureViewLayout(
        view, version, "customer", List.of(CUSTOMER), List.of(features), DAY_MS);
  }

  static FeatureRow row(String key, long validFrom, @Nullable Object... values) {
    return row(0, key, validFrom, 0, 0, values);
  }

  static FeatureRow row(
      int view,
      String key,
      long validFrom,
      long revision,
      long generation,
      @Nullable Object... values) {
    return new FeatureRow(
        view,
        key,
        validFrom,
        validFrom + 60_000,
        revision,
        generation,
        7,
        values,
        "transactions",
        3,
        42,
        true,
        true);
  }

  /** Row number n of the view at this position: one entity each, spread over three days. */
  static FeatureRow numbered(int view, long n) {
    return row(view, "c" + n, START + n % 3 * DAY_MS, 0, 0, n, n / 8.0);
  }

  static Prediction prediction(String questionId, double score, @Nullable String reason) {
    return new Prediction(
        questionId,
        "fraud",
        "3",
        "0123456789ab",
        START,
        score,
        reason == null ? Prediction.Outcome.SCORED : Prediction.Outcome.REJECTED,
        reason,
        1.25,
        new ArrayList<>(List.of("tx_amount", "customer_spend.tx_count_1d")),
        new double[] {12.5, Double.NaN},
        "transactions",
        1,
        99);
  }
}
