package dev.tailwater.benchmarks;

import java.util.ArrayList;
import java.util.List;

/**
 * The twelve windowed features of the fraud table, as every contender computes them.
 *
 * <p>For each transaction at time t: the number of its customer's transactions and their mean
 * amount over (t − w, t]; the number of its terminal's transactions and the share of frauds among
 * them over (t − 7 d − w, t − 7 d], 0 if there is none; each for w of 1, 7 and 30 days.
 * Transactions of the same second all see each other.
 */
final class FraudFeatures {

  static final int DAY_SECONDS = 86_400;

  static final List<Integer> WINDOW_DAYS = List.of(1, 7, 30);

  /** How long it takes until a fraud is known. */
  static final int DELAY_DAYS = 7;

  static final int COUNT = 12;

  private FraudFeatures() {}

  /**
   * In the order of every contender's values: per window the customer's count and mean amount, then
   * per window the terminal's count and risk.
   */
  static List<String> names() {
    List<String> names = new ArrayList<>();
    for (int days : WINDOW_DAYS) {
      names.add("customer_count_" + days + "d");
      names.add("customer_amount_avg_" + days + "d");
    }
    for (int days : WINDOW_DAYS) {
      names.add("terminal_count_" + days + "d");
      names.add("terminal_risk_" + days + "d");
    }
    return names;
  }
}
