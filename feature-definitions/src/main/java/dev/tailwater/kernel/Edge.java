package dev.tailwater.kernel;

import java.time.DayOfWeek;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAdjusters;
import org.jspecify.annotations.Nullable;

/**
 * One end of a window in time: how far back a window reaches from an instant. A fact is behind the
 * edge if its time is at most the edge's target. The target never moves back while the instant
 * moves on, so a cursor over the facts can follow it. Immutable.
 */
sealed interface Edge {

  /** Stands for "never" among instants. */
  long NEVER = Long.MAX_VALUE;

  /** The newest time that is behind the edge as of an instant. */
  long target(long instant);

  /** The earliest instant as of which a fact of this time is behind the edge, or {@link #NEVER}. */
  long passes(long time);

  /** How far the target can be behind the instant, in milliseconds. */
  long reachMs();

  /** A fixed span before the instant. */
  record Shift(long ms) implements Edge {
    @Override
    public long target(long instant) {
      return instant - ms;
    }

    @Override
    public long passes(long time) {
      return plus(time, ms);
    }

    @Override
    public long reachMs() {
      return ms;
    }
  }

  /**
   * A fixed span before the instant, moved back to a multiple of a resolution.
   *
   * @param less 1 if a fact exactly at the multiple is not behind the edge, else 0
   */
  record Multiple(long ms, long resolutionMs, long less) implements Edge {
    @Override
    public long target(long instant) {
      return Math.floorDiv(instant - ms, resolutionMs) * resolutionMs - less;
    }

    @Override
    public long passes(long time) {
      long multiple = -Math.floorDiv(-(time + less), resolutionMs);
      return multiple > (NEVER - ms) / resolutionMs ? NEVER : multiple * resolutionMs + ms;
    }

    @Override
    public long reachMs() {
      return ms + resolutionMs + less;
    }

    /**
     * The number of the multiple whose facts leave the window together with a fact of this time.
     */
    long tile(long time) {
      return Math.floorDiv(time + less - 1, resolutionMs);
    }

    /** The number of the oldest multiple that is not behind the edge. */
    long firstTile(long instant) {
      return Math.floorDiv(instant - ms, resolutionMs);
    }

    /** The earliest instant as of which a multiple is behind the edge. */
    long passesTile(long tile) {
      return passes((tile + 1) * resolutionMs - less);
    }
  }

  /** Before all facts. */
  record Beginning() implements Edge {
    @Override
    public long target(long instant) {
      return Long.MIN_VALUE;
    }

    @Override
    public long passes(long time) {
      return NEVER;
    }

    @Override
    public long reachMs() {
      return 0;
    }
  }

  /**
   * Just before the start of a period of the calendar. The period of an instant is the last one
   * that has started: where clocks are set back over midnight, a day that has begun is not left
   * again.
   */
  final class PeriodStart implements Edge {

    private final Window.Period period;
    private final ZoneId zone;
    private final int before;
    private final long delayMs;

    /** The period last used, which the next instant is probably in. */
    private @Nullable Span known;

    /** A period by its number since the epoch, and the instants it lasts: [start, end). */
    private record Span(long number, long start, long end, long target) {}

    /**
     * Creates an edge.
     *
     * @param before how many periods before the one that the instant less the delay is in
     */
    PeriodStart(Window.Period period, ZoneId zone, int before, long delayMs) {
      this.period = period;
      this.zone = zone;
      this.before = before;
      this.delayMs = delayMs;
    }

    @Override
    public long target(long instant) {
      return span(instant - delayMs).target;
    }

    @Override
    public long passes(long time) {
      Span last = known;
      long number =
          last != null && time >= last.start && time < last.end ? last.number : numberAt(time);
      long start = start(number + 1 + before);
      return start == NEVER ? NEVER : plus(start, delayMs);
    }

    @Override
    public long reachMs() {
      return new Window.Calendar(period, zone, before, delayMs).horizonMs();
    }

    private Span span(long instant) {
      // Read once: threads that share the edge may exchange it, but never change it.
      Span last = known;
      if (last != null && instant >= last.start && instant < last.end) {
        return last;
      }
      long number = numberAt(instant);
      Span span = new Span(number, start(number), start(number + 1), start(number - before) - 1);
      known = span;
      return span;
    }

    private long numberAt(long instant) {
      long number = number(Instant.ofEpochMilli(instant).atZone(zone).toLocalDate());
      while (start(number + 1) <= instant) {
        number++;
      }
      return number;
    }

    private long number(LocalDate date) {
      return switch (period) {
        case DAY -> date.toEpochDay();
        // The epoch was a Thursday.
        case WEEK ->
            Math.floorDiv(
                date.with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY)).toEpochDay() + 3, 7);
        case MONTH -> ChronoUnit.MONTHS.between(LocalDate.EPOCH, date.withDayOfMonth(1));
      };
    }

    private long start(long number) {
      LocalDate date =
          switch (period) {
            case DAY -> LocalDate.ofEpochDay(number);
            case WEEK -> LocalDate.ofEpochDay(7 * number - 3);
            case MONTH -> LocalDate.EPOCH.plusMonths(number);
          };
      long seconds = date.atStartOfDay(zone).toEpochSecond();
      return seconds >= NEVER / 1000 ? NEVER : seconds * 1000;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof PeriodStart that
          && period == that.period
          && zone.equals(that.zone)
          && before == that.before
          && delayMs == that.delayMs;
    }

    @Override
    public int hashCode() {
      return 31 * (31 * (31 * period.hashCode() + zone.hashCode()) + before)
          + Long.hashCode(delayMs);
    }
  }

  /** A sum of times that stands still at {@link #NEVER}. */
  private static long plus(long time, long ms) {
    return time > NEVER - ms ? NEVER : time + ms;
  }

  /** The newer end of a window; of a window by position, how far it can reach at most. */
  static Edge newest(Window window) {
    if (window instanceof Window.Calendar calendar && calendar.previous() > 0) {
      return new PeriodStart(calendar.period(), calendar.zone(), 0, calendar.delayMs());
    }
    boolean inside =
        !(window instanceof Window.Sliding sliding) || sliding.bounds().includesNewest();
    return new Shift(window.delayMs() + (inside ? 0 : 1));
  }

  /** The older end of a window; of a window by position it is found from the newer end. */
  static Edge oldest(Window window) {
    if (window instanceof Window.Sliding sliding) {
      long ms = sliding.delayMs() + sliding.windowMs();
      long less = sliding.bounds().includesOldest() ? 1 : 0;
      return sliding.resolutionMs() > 0
          ? new Multiple(ms, sliding.resolutionMs(), less)
          : new Shift(ms + less);
    }
    if (window instanceof Window.Calendar calendar) {
      return new PeriodStart(
          calendar.period(), calendar.zone(), calendar.previous(), calendar.delayMs());
    }
    return new Beginning();
  }
}
