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

  /** One line: {@code features/card.yaml:12: over: '7x' is not a duration; write …}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(file);
    if (line > 0) {
      text.append(':').append(line);
    }
    text.append(": ");
    if (!key.isEmpty()) {
      text.append(key).append(": ");
    }
    if (!value.isEmpty()) {
      text.append('\'').append(shown(value)).append("' ");
    }
    text.append(reason);
    if (!nextStep.isEmpty()) {
      text.append("; ").append(nextStep);
    }
    return text.toString().replaceAll("\\R", " ");
  }

  private static String shown(String value) {
    String line = value.strip().replaceAll("\\s+", " ");
    return line.length() <= SHOWN ? line : line.substring(0, SHOWN - 1) + "…";
  }
}
