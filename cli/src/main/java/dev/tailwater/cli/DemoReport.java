package dev.tailwater.cli;

import dev.tailwater.jobs.VerifyReport;
import dev.tailwater.jobs.VerifyReport.Check;
import dev.tailwater.jobs.VerifyReport.CheckReport;
import dev.tailwater.jobs.VerifyReport.ViewReport;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.ToLongFunction;

/**
 * What the demo did and measured.
 *
 * @param transactions appended to the log, history and live
 * @param reports fraud reports appended
 * @param deadLetters records that were refused
 * @param liveTransactions those that asked for a prediction
 * @param ratePerSecond transactions appended per second while live
 * @param onlineRows rows in Redis, by view
 * @param offlineRows rows in Iceberg, by view
 * @param stores the rows of a sample of the entities, compared with each other and with a replay
 * @param oneKeyIn of how many entities one is in the sample
 * @param predictions distinct questions answered on the predictions topic
 * @param scored of these, answered by the model in time
 * @param archivedPredictions rows of the predictions table
 * @param measured live transactions whose latency was measured, those after the first seconds
 * @param p50Ms latency from the transaction's append to its prediction's append
 * @param p99Ms likewise
 * @param labelled scored predictions whose label came back
 * @param fraud of these, fraud
 * @param auc of these; empty if there is only one class
 */
record DemoReport(
    long transactions,
    long reports,
    long deadLetters,
    long liveTransactions,
    double ratePerSecond,
    Map<String, Long> onlineRows,
    Map<String, Long> offlineRows,
    VerifyReport stores,
    int oneKeyIn,
    long predictions,
    long scored,
    long archivedPredictions,
    long measured,
    long p50Ms,
    long p99Ms,
    long labelled,
    long fraud,
    OptionalDouble auc) {

  List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(
        line(
            "events",
            text(
                "%,d transactions, %,d fraud reports, %,d dead letters",
                transactions, reports, deadLetters)));
    lines.add(line("live", text("%,d transactions at %,.0f/s", liveTransactions, ratePerSecond)));
    lines.add(line("online rows", rows(onlineRows) + "  (Redis)"));
    lines.add(line("offline rows", rows(offlineRows) + "  (Iceberg)"));
    lines.add(
        line(
            "predictions",
            text(
                "%,d of %,d asked; %,d scored in time, %,d fallback; %,d rows in the lake",
                predictions, liveTransactions, scored, predictions - scored, archivedPredictions)));
    lines.add(
        line(
            "latency",
            text(
                "p50 %d ms, p99 %d ms from the event to its prediction (%,d after the warm-up)",
                p50Ms, p99Ms, measured)));
    for (Check check : Check.values()) {
      String name = check.title();
      for (ViewReport view : stores.views()) {
        lines.add(line(name, checked(view, check)));
        name = "";
      }
    }
    lines.add(
        line("", text("(one entity in %d was compared; tailwater verify takes all)", oneKeyIn)));
    lines.add(
        line(
            "AUC",
            auc.isPresent()
                ? text(
                    "%.3f on %,d scored live transactions, %,d of them fraud",
                    auc.getAsDouble(), labelled, fraud)
                : text(
                    "none: the model answered %,d transactions in time, %,d of them fraud",
                    labelled, fraud)));
    if (scored < predictions / 2) {
      lines.add("  This machine was too busy: most answers missed the deadline of the model.");
    }
    return lines;
  }

  Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("transactions", transactions);
    fields.put("fraud_reports", reports);
    fields.put("dead_letters", deadLetters);
    fields.put("live_transactions", liveTransactions);
    fields.put("rate_per_second", ratePerSecond);
    fields.put("online_rows", onlineRows);
    fields.put("offline_rows", offlineRows);
    fields.put("predictions", predictions);
    fields.put("scored", scored);
    fields.put("archived_predictions", archivedPredictions);
    fields.put("latency_p50_ms", p50Ms);
    fields.put("latency_p99_ms", p99Ms);
    fields.put("one_entity_in", oneKeyIn);
    fields.put("entities_equal", sum(Check.ONLINE, CheckReport::equal));
    fields.put("entities_open", sum(Check.ONLINE, CheckReport::open));
    fields.put("entities_different", sum(Check.ONLINE, CheckReport::differing));
    fields.put("rows_equal", sum(Check.OFFLINE, CheckReport::equal));
    fields.put("rows_open", sum(Check.OFFLINE, CheckReport::open));
    fields.put("rows_different", sum(Check.OFFLINE, CheckReport::differing));
    fields.put("labelled_predictions", labelled);
    fields.put("labelled_fraud", fraud);
    fields.put("auc", auc.orElse(Double.NaN));
    return fields;
  }

  private static String rows(Map<String, Long> byView) {
    return String.join(
        ", ",
        byView.entrySet().stream()
            .map(view -> text("%s %,d", view.getKey(), view.getValue()))
            .toList());
  }

  private static String checked(ViewReport view, Check check) {
    CheckReport found = view.check(check);
    return text(
        "%s: %,d %s equal, %,d different%s",
        view.view(),
        found.equal(),
        check == Check.ONLINE ? "entities" : "rows",
        found.differing(),
        found.open() == 0 ? "" : text(", %,d not final yet", found.open()));
  }

  private long sum(Check check, ToLongFunction<CheckReport> figure) {
    return stores.views().stream().map(view -> view.check(check)).mapToLong(figure).sum();
  }

  private static String line(String name, String value) {
    return text("  %-17s %s", name, value);
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
