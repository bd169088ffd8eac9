package dev.tailwater.cli;

import dev.tailwater.schemas.Timestamps;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What {@code --from} and {@code --to} say together.
 *
 * @param from the first instant, in milliseconds since the epoch; {@link Long#MIN_VALUE} if it is
 *     not bounded
 * @param until the instant that is too late, in milliseconds since the epoch; {@link
 *     Long#MAX_VALUE} if it is not bounded
 */
record TimeRange(long from, long until) {

  private static final Pattern DAY = Pattern.compile("\\d{4}-\\d{2}-\\d{2}");

  /**
   * Reads the two options.
   *
   * @throws WrongUsageException if one is no instant, or nothing is between them
   */
  static TimeRange of(@Nullable String from, @Nullable String to) {
    long first = instant("--from", from, Long.MIN_VALUE);
    long end = instant("--to", to, Long.MAX_VALUE);
    if (first >= end) {
      throw new WrongUsageException("--from %s is not before --to %s".formatted(from, to));
    }
    return new TimeRange(first, end);
  }

  private static long instant(String option, @Nullable String written, long otherwise) {
    if (written == null) {
      return otherwise;
    }
    try {
      return Timestamps.parse(DAY.matcher(written).matches() ? written + "T00:00:00Z" : written);
    } catch (IllegalArgumentException e) {
      throw new WrongUsageException(
          "%s: %s, or a day (2024-05-01), which begins at 00:00 UTC"
              .formatted(option, e.getMessage()));
    }
  }
}
