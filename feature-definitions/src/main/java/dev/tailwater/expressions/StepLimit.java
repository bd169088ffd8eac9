package dev.tailwater.expressions;

/**
 * How much work one function may do for one row. Some regular expressions take a time that doubles
 * with each character of a text, so that a single record could stop a job for ever. Steps are
 * counted, not timed: a replay stops where the first run did.
 */
final class StepLimit {

  /** Some tenths of a second. */
  static final int MAX_STEPS = 50_000_000;

  private StepLimit() {}

  /**
   * Refuses too much work.
   *
   * @throws IllegalArgumentException if it is
   */
  static void require(long steps) {
    if (steps > MAX_STEPS) {
      throw new IllegalArgumentException(
          "takes more than " + MAX_STEPS + " steps; shorten the text before, as with LEFT");
    }
  }

  /** A text of which only so many characters can be read, each as often as one likes. */
  static final class Text implements CharSequence {

    private final String text;
    private int steps;

    Text(String text) {
      this.text = text;
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public char charAt(int index) {
      if (++steps > MAX_STEPS) {
        require(steps);
      }
      return text.charAt(index);
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return text.substring(start, end);
    }

    @Override
    public String toString() {
      return text;
    }
  }
}
