package dev.tailwater.definitions;

import dev.tailwater.kernel.Window;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What follows from the kind of a window. */
public final class Windows {

  private static final long SHORTEST_REFRESH_MS = 1000;
  private static final long REFRESHES_A_WINDOW = 100;
  private static final long DAY_MS = Duration.ofDays(1).toMillis();

  private Windows() {}

  /**
   * Whether old facts of the window can be kept as summaries, because its older edge is a multiple
   * of a resolution or does not exist.
   */
  public static boolean isCoarse(Window window) {
    return window instanceof Window.Lifetime
        || (window instanceof Window.Sliding sliding && sliding.resolutionMs() > 0);
  }

  /** How often rows are refreshed if nothing is written; zero for never. */
  static Duration refresh(List<Window> windows) {
    long smallest = Long.MAX_VALUE;
    for (Window window : windows) {
      smallest = Math.min(smallest, span(window).orElse(Long.MAX_VALUE));
    }
    return smallest == Long.MAX_VALUE
        ? Duration.ZERO
        : Duration.ofMillis(Math.max(SHORTEST_REFRESH_MS, smallest / REFRESHES_A_WINDOW));
  }

  /** How long a fact is in the window, where time alone takes facts in or out. */
  private static Optional<Long> span(Window window) {
    if (window instanceof Window.Sliding sliding) {
      // Between two multiples of the resolution nothing leaves.
      return Optional.of(Math.max(sliding.windowMs(), sliding.resolutionMs() * REFRESHES_A_WINDOW));
    }
    if (window instanceof Window.Calendar calendar) {
      return Optional.of(
          switch (calendar.period()) {
            case DAY -> DAY_MS;
            case WEEK -> 7 * DAY_MS;
            case MONTH -> 30 * DAY_MS;
          });
    }
    if (window instanceof Window.Session session) {
      return Optional.of(session.gapMs());
    }
    return window.delayMs() > 0 ? Optional.of(window.delayMs()) : Optional.empty();
  }
}
