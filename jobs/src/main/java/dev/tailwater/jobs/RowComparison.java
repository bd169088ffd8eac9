package dev.tailwater.jobs;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.jobs.VerifyReport.Cause;
import dev.tailwater.jobs.VerifyReport.Check;
import dev.tailwater.schemas.Column;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Compares the rows of the stores with those of a replay, key by key: rows come in the order of
 * {@link #ORDER}. What a row is says for which stores it is marked: the replay's for both, those of
 * a store for that one. Keeps a few rows of one key.
 *
 * <p>An offline row at an instant at which the replay has none may be what a repair left behind:
 * then it says the same as the replay's row that covers the instant. So may an online row, which
 * also is refreshed while the log is idle: it is compared with the replay's row that covers it.
 */
final class RowComparison {

  /** An instant that only an online row has which cannot be read. */
  static final long UNREADABLE = Long.MIN_VALUE;

  private static final long FLOAT_ULPS = 4;
  private static final String VALID_UNTIL = "valid_until";
  private static final String VALID_FROM = "valid_from";

  /**
   * What is expected of one view.
   *
   * @param refreshMs of the view
   * @param asKnown whether its facts count from their append time on
   * @param finalUntil rows up to this instant must be in the offline store; also the online row of
   *     an entity is not older than the newest of them
   * @param liveGeneration of the live writer: rows of a greater one are a replay's, which may be
   *     ahead of it
   * @param replayedUntil how far the replay goes: what is as of a later instant cannot be judged
   * @param expiredBefore an online row as of an earlier instant may have expired
   */
  record Rules(
      FeatureViewLayout layout,
      long refreshMs,
      boolean asKnown,
      long finalUntil,
      long liveGeneration,
      long replayedUntil,
      long expiredBefore)
      implements Serializable {}

  /** Where findings go. */
  interface Findings {

    void equal(int view, Check check);

    /** A row that cannot be judged. */
    void open(int view, Check check);

    /**
     * A row is not as it should be.
     *
     * @param features what differs in it; empty if it is about the row as a whole
     */
    void differs(
        int view, Check check, Cause cause, String key, long instant, List<Value> features);
  }

  /** A feature of a row that differs, or its validity. */
  record Value(String feature, String expected, String found) {}

  private final List<@Nullable Rules> rules;
  private final Findings findings;

  private int view = -1;
  private String key = "";

  // The instant whose rows are coming.
  private long instant;
  private @Nullable FeatureRow replayedHere;
  private @Nullable FeatureRow storedHere;
  private @Nullable FeatureRow onlineHere;

  // What came before.
  private @Nullable FeatureRow replayed;
  private @Nullable FeatureRow replayedBefore;
  private @Nullable FeatureRow stored;
  private @Nullable FeatureRow newestDue;
  private boolean unreadable;
  private @Nullable FeatureRow online;
  private @Nullable FeatureRow storedAtOnline;
  private @Nullable FeatureRow replayedAtOnline;
  private @Nullable FeatureRow replayedBeforeOnline;

  /**
   * A comparison of nothing yet.
   *
   * @param rules by the view's position in the plan; null for views that are not compared
   */
  RowComparison(List<@Nullable Rules> rules, Findings findings) {
    this.rules = rules;
    this.findings = findings;
  }

  /** The order in which the rows of a key come: by instant, at an instant the replay's first. */
  static int compare(FeatureRow one, FeatureRow other) {
    int order = Long.compare(one.validFrom(), other.validFrom());
    order = order != 0 ? order : Integer.compare(side(one), side(other));
    order = order != 0 ? order : Long.compare(one.generation(), other.generation());
    return order != 0 ? order : Long.compare(one.revision(), other.revision());
  }

  private static int side(FeatureRow row) {
    return row.online() ? row.offline() ? 0 : 2 : 1;
  }

  /** Takes the next row; all of a key come behind each other. */
  void add(FeatureRow row) {
    if (row.view() != view || !row.key().equals(key)) {
      endOfKey();
      view = row.view();
      key = row.key();
      instant = row.validFrom();
    } else if (row.validFrom() != instant) {
      endOfInstant();
      instant = row.validFrom();
    }
    switch (side(row)) {
      case 0 -> replayedHere = row;
      case 1 -> {
        FeatureRow before = storedHere;
        if (before != null
            && before.generation() == row.generation()
            && before.revision() == row.revision()) {
          differs(Check.OFFLINE, Cause.DUPLICATE, instant, List.of());
        }
        storedHere = row;
      }
      default -> onlineHere = row;
    }
  }

  /** No more rows come of the present key. */
  void endOfKey() {
    if (view < 0) {
      return;
    }
    endOfInstant();
    compareOnline();
    view = -1;
    replayed = null;
    replayedBefore = null;
    stored = null;
    newestDue = null;
    unreadable = false;
    online = null;
    storedAtOnline = null;
    replayedAtOnline = null;
    replayedBeforeOnline = null;
  }

  private Rules rules() {
    return Objects.requireNonNull(rules.get(view));
  }

  private void endOfInstant() {
    FeatureRow truth = replayedHere;
    if (truth != null) {
      if (isDue(truth)) {
        newestDue = truth;
      }
      replayedBefore = replayed;
      replayed = truth;
    }
    FeatureRow found = storedHere;
    if (found != null
        && (instant <= rules().finalUntil() || found.generation() <= rules().liveGeneration())) {
      stored = found;
    }
    compareOffline(truth, found);
    FeatureRow shown = onlineHere;
    if (shown != null) {
      if (instant == UNREADABLE) {
        unreadable = true;
      } else {
        online = shown;
        storedAtOnline = found;
        replayedAtOnline = covering(instant);
        replayedBeforeOnline = replayedBefore;
      }
    }
    replayedHere = null;
    storedHere = null;
    onlineHere = null;
  }

  /** Whether an online row as of an earlier instant is too old: this one is final, or of a fact. */
  private boolean isDue(FeatureRow truth) {
    if (truth.validFrom() <= rules().finalUntil()) {
      return true;
    }
    FeatureRow before = replayed;
    return !rules().asKnown()
        && (before == null
            || truth.validFrom() != Refresh.at(before.validUntil(), rules().refreshMs()));
  }

  private @Nullable FeatureRow covering(long at) {
    FeatureRow row = replayed;
    return row != null && row.validUntil() > at ? row : null;
  }

  private void compareOffline(@Nullable FeatureRow truth, @Nullable FeatureRow found) {
    if (truth == null && found == null) {
      return;
    }
    if (truth != null && found != null) {
      compareValues(Check.OFFLINE, truth, found, replayedBefore);
    } else if (found != null) {
      FeatureRow covering = covering(instant);
      if (found.revision() > 0
          && covering != null
          && differences(rules().layout(), covering, found).isEmpty()) {
        findings.equal(view, Check.OFFLINE);
      } else if (instant > rules().finalUntil()) {
        findings.open(view, Check.OFFLINE);
      } else {
        differs(Check.OFFLINE, Cause.EXTRA, instant, List.of());
      }
    } else if (instant > rules().finalUntil()) {
      if (truth == newestDue) {
        findings.open(view, Check.OFFLINE); // Of a fact that the clock has not passed yet.
      }
    } else {
      differs(Check.OFFLINE, Cause.LOST_WRITE, instant, List.of());
    }
  }

  private void compareOnline() {
    FeatureRow shown = online;
    FeatureRow newest = newest(stored, newestDue);
    if (unreadable) {
      differs(Check.ONLINE, Cause.UNREADABLE, UNREADABLE, List.of());
    } else if (shown == null) {
      if (newest == null) {
        return;
      }
      if (newest.validFrom() < rules().expiredBefore()) {
        findings.open(view, Check.ONLINE);
      } else {
        differs(Check.ONLINE, Cause.LOST_WRITE, newest.validFrom(), List.of());
      }
    } else if (newest != null && newest.validFrom() > shown.validFrom()) {
      differs(
          Check.ONLINE,
          Cause.STALE,
          shown.validFrom(),
          List.of(
              new Value(
                  VALID_FROM,
                  Long.toString(newest.validFrom()),
                  Long.toString(shown.validFrom()))));
    } else if (storedAtOnline != null) {
      compareValues(Check.ONLINE, storedAtOnline, shown, replayedBeforeOnline);
    } else if (shown.validFrom() > rules().replayedUntil()) {
      findings.open(view, Check.ONLINE);
    } else if (replayedAtOnline != null) {
      compareValues(Check.ONLINE, replayedAtOnline, shown, replayedBeforeOnline);
    } else {
      differs(Check.ONLINE, Cause.EXTRA, shown.validFrom(), List.of());
    }
  }

  private static @Nullable FeatureRow newest(@Nullable FeatureRow one, @Nullable FeatureRow other) {
    if (one == null || other == null) {
      return one == null ? other : one;
    }
    return one.validFrom() >= other.validFrom() ? one : other;
  }

  private void compareValues(
      Check check, FeatureRow truth, FeatureRow found, @Nullable FeatureRow before) {
    List<Value> differences = differences(rules().layout(), truth, found);
    if (differences.isEmpty()) {
      findings.equal(view, check);
      return;
    }
    Cause cause;
    if (differOnlyInLastBits(truth, found)) {
      cause = Cause.FLOAT;
    } else if (before != null && differences(rules().layout(), before, found).isEmpty()) {
      cause = Cause.STALE;
    } else {
      cause = check == Check.OFFLINE && found.revision() > 0 ? Cause.LATE : Cause.VALUE;
    }
    differs(check, cause, found.validFrom(), differences);
  }

  /** What differs between two rows of one view: features and validity, bit for bit. */
  static List<Value> differences(FeatureViewLayout layout, FeatureRow truth, FeatureRow found) {
    List<Value> differences = new ArrayList<>();
    List<Column> features = layout.features();
    for (int i = 0; i < features.size(); i++) {
      @Nullable Object expected = truth.values()[i];
      @Nullable Object value = found.values()[i];
      if (!Objects.equals(expected, value)) {
        differences.add(
            new Value(features.get(i).name(), String.valueOf(expected), String.valueOf(value)));
      }
    }
    if (truth.validUntil() != found.validUntil()) {
      differences.add(
          new Value(
              VALID_UNTIL, Long.toString(truth.validUntil()), Long.toString(found.validUntil())));
    }
    return differences;
  }

  private static boolean differOnlyInLastBits(FeatureRow truth, FeatureRow found) {
    for (int i = 0; i < truth.values().length; i++) {
      @Nullable Object expected = truth.values()[i];
      @Nullable Object value = found.values()[i];
      if (!Objects.equals(expected, value)
          && !(expected instanceof Double one
              && value instanceof Double other
              && areClose(one, other))) {
        return false;
      }
    }
    return truth.validUntil() == found.validUntil();
  }

  /** Both finite and at most 4 representable numbers apart. */
  private static boolean areClose(double one, double other) {
    return Double.isFinite(one)
        && Double.isFinite(other)
        && Math.abs(ordered(one) - ordered(other)) <= FLOAT_ULPS;
  }

  /** The place of a double among all doubles. */
  private static long ordered(double value) {
    long bits = Double.doubleToLongBits(value);
    return bits < 0 ? Long.MIN_VALUE - bits : bits;
  }

  private void differs(Check check, Cause cause, long at, List<Value> features) {
    findings.differs(view, check, cause, key, at, features);
  }
}
