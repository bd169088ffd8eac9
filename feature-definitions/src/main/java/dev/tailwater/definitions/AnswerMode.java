package dev.tailwater.definitions;

/** When a question is answered. */
public enum AnswerMode {
  /**
   * At once, with the facts that have arrived: the lowest latency. The answer is an observation; a
   * replay may differ from it where events arrived out of order.
   */
  ON_ARRIVAL,
  /**
   * When the watermark has passed the question's event time: the same bits in any arrival order,
   * parallelism and execution mode. Deadlines do not apply.
   */
  ON_WATERMARK
}
