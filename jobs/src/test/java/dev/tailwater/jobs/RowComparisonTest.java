package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.VerifyReport.Cause;
import dev.tailwater.jobs.VerifyReport.Check;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A view that is refreshed every 10; rows up to 100 are final. */
class RowComparisonTest {

  private static final FeatureViewLayout LAYOUT =
      new FeatureViewLayout(
          "spend",
          "0123456789ab",
          "card",
          List.of(new Column("card", ColumnType.STRING, false)),
          List.of(new Column("sum", ColumnType.DOUBLE, true)),
          1_000);

  private final List<FeatureRow> rows = new ArrayList<>();

  @Test
  void equalRowsAreEqualAndTheNewestRevisionCounts() {
    replayed(10, 20, 1.0);
    stored(10, 20, 9.0, 0);
    stored(10, 20, 1.0, 2);
    online(10, 20, 1.0);

    assertThat(found()).containsExactly("offline equal", "online equal");
  }

  @Test
  void whatIsMissingOrTooMuchIsSaid() {
    replayed(10, 20, 1.0);
    replayed(20, 30, 2.0);
    stored(20, 30, 2.0, 0);
    stored(25, 30, 2.0, 0);
    stored(20, 30, 2.0, 0);

    assertThat(found())
        .containsExactly(
            "offline lost write 10",
            "offline duplicate 20",
            "offline equal",
            "offline extra 25",
            "online lost write 25");
  }

  @Test
  void whatARepairLeftBehindHasToSayWhatCoversIt() {
    replayed(10, 40, 1.0);
    stored(10, 40, 1.0, 0);
    stored(20, 40, 1.0, 1);
    stored(30, 40, 2.0, 1);
    online(20, 40, 1.0);

    assertThat(found())
        .containsExactly(
            "offline equal", "offline equal", "offline extra 30", "online stale 20 valid_from");
  }

  @Test
  void otherValuesHaveACause() {
    replayed(10, 20, 1.0);
    replayed(20, 30, 2.0);
    replayed(30, 40, 0.1);
    replayed(40, 50, 4.0);
    replayed(50, 60, 5.0);
    stored(10, 20, 1.0, 0);
    stored(20, 20, 1.0, 0); // What the row before said.
    stored(30, 40, Math.nextUp(0.1), 0);
    stored(40, 50, 7.0, 3);
    stored(50, 60, null, 0);
    online(50, 60, null);

    assertThat(found())
        .containsExactly(
            "offline equal",
            "offline stale 20 sum valid_until",
            "offline float 30 sum",
            "offline late 40 sum",
            "offline value 50 sum",
            "online equal");
  }

  @Test
  void rowsBehindTheInstantAreOpenAndTheOnlineRowIsTheReplays() {
    replayed(90, 103, 1.0);
    replayed(105, 110, 2.0); // A fact, because it is no refresh.
    replayed(110, 120, 3.0);
    stored(90, 103, 1.0, 0);
    online(110, 120, 3.0);

    assertThat(found()).containsExactly("offline equal", "offline open", "online equal");
  }

  @Test
  void anOnlineRowIsStaleIfAFactIsNewer() {
    replayed(90, 103, 1.0);
    replayed(105, 200, 2.0);
    stored(90, 103, 1.0, 0);
    online(90, 103, 1.0);

    assertThat(found())
        .containsExactly("offline equal", "offline open", "online stale 90 valid_from");
  }

  @Test
  void anOnlineRowThatHistoryDoesNotHaveIsExtraAndOneThatCannotBeReadIsSaid() {
    online(10, 20, 1.0);
    assertThat(found()).containsExactly("online extra 10");

    rows.clear();
    online(RowComparison.UNREADABLE, Long.MAX_VALUE, null);
    replayed(10, 20, 1.0);
    stored(10, 20, 1.0, 0);
    assertThat(found())
        .containsExactly("offline equal", "online unreadable " + RowComparison.UNREADABLE);
  }

  private void replayed(long from, long until, @Nullable Double sum) {
    rows.add(row(from, until, sum, 0, true, true));
  }

  private void stored(long from, long until, @Nullable Double sum, long revision) {
    rows.add(row(from, until, sum, revision, false, true));
  }

  private void online(long from, long until, @Nullable Double sum) {
    rows.add(row(from, until, sum, 0, true, false));
  }

  private static FeatureRow row(
      long from, long until, @Nullable Double sum, long revision, boolean online, boolean offline) {
    @Nullable Object[] values = {sum};
    return new FeatureRow(
        0, "a", from, until, revision, 0, 0, values, "payments", 0, 0, online, offline);
  }

  private List<String> found() {
    List<String> found = new ArrayList<>();
    RowComparison comparison =
        new RowComparison(
            Arrays.asList(
                new RowComparison.Rules(LAYOUT, 10, false, 100, 0, 1_000, Long.MIN_VALUE)),
            new RowComparison.Findings() {
              @Override
              public void equal(int view, Check check) {
                found.add(name(check) + " equal");
              }

              @Override
              public void open(int view, Check check) {
                found.add(name(check) + " open");
              }

              @Override
              public void differs(
                  int view,
                  Check check,
                  Cause cause,
                  String key,
                  long instant,
                  List<RowComparison.Value> features) {
                StringBuilder text =
                    new StringBuilder(name(check) + " " + cause.title() + " " + instant);
                features.forEach(value -> text.append(' ').append(value.feature()));
                found.add(text.toString());
              }
            });
    rows.stream().sorted(RowComparison::compare).forEach(comparison::add);
    comparison.endOfKey();
    return found;
  }

  private static String name(Check check) {
    return check == Check.ONLINE ? "online" : "offline";
  }
}
