package dev.tailwater.definitions;

import dev.tailwater.kernel.Window;
import dev.tailwater.kernel.Window.Bounds;
import dev.tailwater.kernel.Window.Period;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads {@code over} of a feature, and the keys that say more about its windows. */
final class WindowReader {

  static final int MAX_EVENTS = 10_000;

  private static final Duration TICK = Duration.ofMillis(1);
  private static final Pattern LAST_EVENTS = Pattern.compile("last (\\d{1,18}) events?");
  private static final Pattern THIS_PERIOD = Pattern.compile("this (day|week|month)");
  private static final Pattern PREVIOUS_PERIODS =
      Pattern.compile("previous (?:(\\d{1,18}) )?(day|week|month)s?");
  private static final String FORMS =
      "write 7d, last 10 events, lifetime, this day, previous 3 months or session";

  private final Section section;
  private final Problems problems;
  private final Duration delay;
  private final Optional<Duration> resolution;
  private final Optional<Duration> gap;
  private final Bounds bounds;
  private final ZoneId zone;

  /** Reads the keys beside {@code over}; what is wrong with them is reported once. */
  WindowReader(Section section, Problems problems) {
    this.section = section;
    this.problems = problems;
    this.delay = Durations.read(section, "delay", Duration.ZERO, Duration.ZERO, problems);
    this.resolution =
        section.text("resolution").flatMap(text -> Durations.read(text, TICK, problems));
    this.gap = section.text("gap").flatMap(text -> Durations.read(text, TICK, problems));
    this.bounds = section.text("bounds").map(this::bounds).orElse(Bounds.OPEN_CLOSED);
    this.zone = section.text("zone").map(this::zone).orElse(ZoneOffset.UTC);
  }

  /**
   * One window of a feature.
   *
   * @param text where it is written
   * @param window absent if there is a problem with it
   */
  record Read(Text text, Optional<Window> window) {

    /** What a list of windows adds to the name of the feature. */
    String suffix() {
      return "_" + text.value().trim().replaceAll("\\s+", "_");
    }
  }

  /** The windows in the order in which they are written; none if none are. */
  List<Read> read() {
    if (!section.present("over", "write a window, as in over: 7d")) {
      return List.of();
    }
    List<Read> windows = new ArrayList<>();
    for (Text text : section.texts("over")) {
      windows.add(new Read(text, window(text)));
    }
    List<Window> known = windows.stream().flatMap(read -> read.window().stream()).toList();
    if (known.size() == windows.size()) {
      requireUse("resolution", "a duration", known, Window.Sliding.class);
      requireUse("bounds", "a duration", known, Window.Sliding.class);
      requireUse("zone", "this day or previous 3 months", known, Window.Calendar.class);
      requireUse("gap", "session", known, Window.Session.class);
    }
    return windows;
  }

  private void requireUse(
      String key, String form, List<Window> windows, Class<? extends Window> kind) {
    if (section.has(key) && windows.stream().noneMatch(kind::isInstance)) {
      problems.add(
          section.at(key),
          "has no meaning for " + section.texts("over").stream().map(Text::value).toList(),
          "it belongs to windows like " + form);
    }
  }

  private Optional<Window> window(Text text) {
    String form = text.value().trim().replaceAll("\\s+", " ");
    long delayMs = delay.toMillis();
    if (!form.isEmpty() && Character.isDigit(form.charAt(0))) {
      return Durations.read(text.withValue(form), TICK, problems)
          .flatMap(duration -> sliding(text, duration));
    }
    Matcher events = LAST_EVENTS.matcher(form);
    if (events.matches()) {
      long count = Long.parseLong(events.group(1));
      return isWithin(text, count, MAX_EVENTS)
          ? Optional.of(new Window.LastEvents((int) count, delayMs))
          : Optional.empty();
    }
    Matcher current = THIS_PERIOD.matcher(form);
    if (current.matches()) {
      return Optional.of(new Window.Calendar(period(current.group(1)), zone, 0, delayMs));
    }
    Matcher previous = PREVIOUS_PERIODS.matcher(form);
    if (previous.matches()) {
      Period period = period(previous.group(2));
      long count = previous.group(1) == null ? 1 : Long.parseLong(previous.group(1));
      int most =
          switch (period) {
            case DAY -> 3660;
            case WEEK -> 520;
            case MONTH -> 120;
          };
      return isWithin(text, count, most)
          ? Optional.of(new Window.Calendar(period, zone, (int) count, delayMs))
          : Optional.empty();
    }
    switch (form) {
      case "lifetime":
        return Optional.of(new Window.Lifetime(delayMs));
      case "session":
        if (!section.has("gap")) {
          problems.add(text, "needs to know what ends a session", "write a gap, as in gap: 30m");
        }
        return gap.map(pause -> new Window.Session(pause.toMillis(), delayMs));
      default:
        problems.add(text, "is not a window", FORMS);
        return Optional.empty();
    }
  }

  private Optional<Window> sliding(Text text, Duration window) {
    if (resolution.isPresent() && resolution.get().compareTo(window) > 0) {
      problems.add(
          section.text("resolution").orElse(text),
          "is longer than the window " + text.value(),
          "write a resolution that is at most as long as the window");
      return Optional.empty();
    }
    return Optional.of(
        new Window.Sliding(
            window.toMillis(),
            delay.toMillis(),
            resolution.map(Duration::toMillis).orElse(0L),
            bounds));
  }

  private boolean isWithin(Text text, long count, int most) {
    if (count < 1 || count > most) {
      problems.add(text, "is not between 1 and " + most, "write another number");
      return false;
    }
    return true;
  }

  private static Period period(String name) {
    return Period.valueOf(name.toUpperCase(Locale.ROOT));
  }

  private Bounds bounds(Text text) {
    for (Bounds known : Bounds.values()) {
      if (known.text().equals(text.value())) {
        return known;
      }
    }
    problems.add(
        text,
        "is not known here",
        "write one of " + Arrays.stream(Bounds.values()).map(Bounds::text).toList() + ", quoted");
    return Bounds.OPEN_CLOSED;
  }

  private ZoneId zone(Text text) {
    try {
      return ZoneId.of(text.value());
    } catch (DateTimeException e) {
      problems.add(text, "is not a time zone", "write one as in Europe/Berlin or +02:00");
      return ZoneOffset.UTC;
    }
  }
}
