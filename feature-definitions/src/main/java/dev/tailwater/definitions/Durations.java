package dev.tailwater.definitions;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as {@code 50ms}, {@code 5s}, {@code 15m}, {@code 2h}, {@code 7d}: within ten years. */
final class Durations {

  static final Duration MAX = Duration.ofDays(3660);

  private static final Pattern FORM = Pattern.compile("(\\d{1,15})(ms|s|m|h|d)");

  private Durations() {}

  /**
   * The duration of a text, reported and absent if it is none, or outside the bounds.
   *
   * @param atLeast the smallest that is allowed
   */
  static Optional<Duration> read(Text text, Duration atLeast, Problems problems) {
    Matcher form = FORM.matcher(text.value());
    if (!form.matches()) {
      problems.add(
          text, "is not a duration", "write a number and a unit (ms, s, m, h or d), as in 7d");
      return Optional.empty();
    }
    long number = Long.parseLong(form.group(1));
    long unitMs =
        switch (form.group(2)) {
          case "ms" -> 1;
          case "s" -> 1000;
          case "m" -> 60_000;
          case "h" -> 3_600_000;
          default -> 86_400_000;
        };
    if (number > MAX.toMillis() / unitMs) {
      problems.add(text, "is longer than " + MAX.toDays() + "d", "write a shorter one");
      return Optional.empty();
    }
    Duration duration = Duration.ofMillis(number * unitMs);
    if (duration.compareTo(atLeast) < 0) {
      problems.add(text, "is shorter than " + atLeast.toMillis() + "ms", "write a longer duration");
      return Optional.empty();
    }
    return Optional.of(duration);
  }

  /** The duration at a key of a section, or the default if there is none or a wrong one. */
  static Duration read(
      Section section, String key, Duration atLeast, Duration otherwise, Problems problems) {
    return section.text(key).flatMap(text -> read(text, atLeast, problems)).orElse(otherwise);
  }
}
