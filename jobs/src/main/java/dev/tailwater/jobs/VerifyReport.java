package dev.tailwater.jobs;

import java.io.Serializable;
import java.util.List;
import java.util.Map;

/**
 * What a comparison of the stores with each other and with a replay of history found.
 *
 * @param finalFrom by view the instant up to which its rows must be in the offline store, in
 *     milliseconds since the epoch
 */
public record VerifyReport(List<ViewReport> views, Map<String, Long> finalFrom) {

  public VerifyReport {
    views = List.copyOf(views);
    finalFrom = Map.copyOf(finalFrom);
  }

  /** What is compared with what. */
  public enum Check {
    /** The online row of each entity, with the offline row of its instant, else with the replay. */
    ONLINE("online = offline"),
    /** Every row of the offline store with the replay. */
    OFFLINE("offline = replay");

    private final String title;

    Check(String title) {
      this.title = title;
    }

    /** As a person reads it. */
    public String title() {
      return title;
    }
  }

  /** Why a row is not as it should be, as far as the rows tell. */
  public enum Cause {
    /** The row is not there: it was never written, or somebody deleted it. */
    LOST_WRITE("lost write"),
    /** A row that history does not account for. */
    EXTRA("extra"),
    /** The same revision of a row is there twice. */
    DUPLICATE("duplicate"),
    /** The row was repaired after late facts, to other values than the replay's. */
    LATE("late"),
    /** The values of an earlier instant: the newest were not written. */
    STALE("stale"),
    /** The store's readers use another version of the view than the project defines. */
    VERSION("version"),
    /** Doubles that differ in their last bits only: at most 4 units in the last place. */
    FLOAT("float"),
    /** Other values, for none of these reasons. */
    VALUE("value"),
    /** The row cannot be read: something else wrote it. */
    UNREADABLE("unreadable");

    private final String title;

    Cause(String title) {
      this.title = title;
    }

    /** As a person reads it. */
    public String title() {
      return title;
    }
  }

  /**
   * One difference, in text.
   *
   * @param instant the row's valid_from, in milliseconds since the epoch; {@link Long#MIN_VALUE} if
   *     the row has none
   * @param feature empty where it is not about a value
   * @param expected what the offline store or the replay says; empty where that is nothing
   * @param found what the store has; empty where that is nothing
   */
  public record Difference(
      String view,
      Check check,
      Cause cause,
      String key,
      long instant,
      String feature,
      String expected,
      String found)
      implements Serializable {}

  /**
   * One check of one view.
   *
   * @param compared rows, or for the online store entities
   * @param equal bit for bit, {@code valid_until} included
   * @param open rows that cannot be judged: they are not final yet, or have expired
   * @param different by cause
   * @param features by feature and cause how many rows differ there
   * @param examples some of the differences of each cause
   */
  public record CheckReport(
      Check check,
      long compared,
      long equal,
      long open,
      Map<Cause, Long> different,
      Map<String, Map<Cause, Long>> features,
      List<Difference> examples) {

    /** How many rows differ, for whatever cause. */
    public long differing() {
      return different.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /** The checks of one view, each of {@link Check} once. */
  public record ViewReport(String view, String version, List<CheckReport> checks) {

    /** One of the checks. */
    public CheckReport check(Check wanted) {
      return checks.stream().filter(check -> check.check() == wanted).findFirst().orElseThrow();
    }
  }

  /** Whether no row differs. */
  public boolean allEqual() {
    return differing() == 0;
  }

  /** How many rows differ, over all views and checks. */
  public long differing() {
    return views.stream()
        .flatMap(view -> view.checks().stream())
        .mapToLong(CheckReport::differing)
        .sum();
  }
}
