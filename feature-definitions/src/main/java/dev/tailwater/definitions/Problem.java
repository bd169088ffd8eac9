package dev.tailwater.definitions;

import java.io.Serializable;

/**
 * One thing that is wrong with a project.
 *
 * @param file relative to the project folder
 * @param line from 1; 0 if the problem is not at a line
 * @param key the path of keys to it in its document, as in {@code features.tx_count.over}; may be
 *     empty
 * @param value as written; empty if it is missing or not a scalar
 * @param reason what is wrong with the value, or with the key if there is no value
 * @param nextStep what to do about it; may be empty
 */
public record Problem(
    String file, int line, String key, String value, String reason, String nextStep)
    implements Serializable {

  private static final int SHOWN = 80;
  private static final int SHOWN_REASON = 1000;

  /** One line: {@code features/card.yaml:12: over: '7x' is not a duration; write …}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(file);
    if (line > 0) {
      text.append(':').append(line);
    }
    text.append(": ");
    if (!key.isEmpty()) {
      text.append(shortened(key, SHOWN)).append(": ");
    }
    if (!value.isEmpty()) {
      text.append('\'').append(shown(value)).append("' ");
    }
    text.append(shortened(reason, SHOWN_REASON));
    if (!nextStep.isEmpty()) {
      text.append("; ").append(nextStep);
    }
    // What would move the cursor or colour the terminal is shown as what it is: no character.
    return text.toString().replaceAll("\\R", " ").replaceAll("\\p{Cntrl}", "\uFFFD");
  }

  private static String shown(String value) {
    return shortened(value.strip().replaceAll("\\s+", " "), SHOWN);
  }

  private static String shortened(String text, int most) {
    return text.length() <= most ? text : text.substring(0, most - 1) + "…";
  }
}
