package dev.tailwater.expressions;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a mistyped name was probably meant to be. */
public final class Suggestions {

  private static final int LISTED = 12;

  private Suggestions() {}

  /** The known name nearest to this one, if one is near enough to be meant. */
  public static Optional<String> nearest(String name, Collection<String> known) {
    int limit = Math.max(1, name.length() / 3);
    String nearest = null;
    int smallest = limit + 1;
    for (String candidate : known) {
      if (Math.abs(candidate.length() - name.length()) > limit) {
        continue; // So many letters are missing at least.
      }
      int distance =
          candidate.equalsIgnoreCase(name)
              ? 0
              : distance(name.toLowerCase(Locale.ROOT), candidate.toLowerCase(Locale.ROOT));
      if (distance < smallest) {
        smallest = distance;
        nearest = candidate;
      }
    }
    return Optional.ofNullable(nearest);
  }

  /** "did you mean amount?", or the names there are. */
  public static String nextStep(String name, Collection<String> known) {
    return nearest(name, known)
        .map(nearest -> "did you mean " + nearest + "?")
        .orElseGet(
            () ->
                known.isEmpty()
                    ? "there is none yet"
                    : "there "
                        + (known.size() == 1 ? "is " : "are ")
                        + known.stream().limit(LISTED).collect(Collectors.joining(", "))
                        + (known.size() > LISTED ? ", …" : ""));
  }

  /** Levenshtein's distance, with a swap of neighbours as one step. */
  private static int distance(String a, String b) {
    int[][] steps = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          steps[i][j] = i + j;
          continue;
        }
        int substitution = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        int best =
            Math.min(
                Math.min(steps[i - 1][j], steps[i][j - 1]) + 1, steps[i - 1][j - 1] + substitution);
        boolean swapped =
            i > 1
                && j > 1
                && a.charAt(i - 1) == b.charAt(j - 2)
                && a.charAt(i - 2) == b.charAt(j - 1);
        steps[i][j] = swapped ? Math.min(best, steps[i - 2][j - 2] + 1) : best;
      }
    }
    return steps[a.length()][b.length()];
  }
}
