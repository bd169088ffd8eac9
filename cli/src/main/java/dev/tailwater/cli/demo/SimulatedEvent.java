package dev.tailwater.cli.demo;

import dev.tailwater.schemas.RecordSchema;
import org.jspecify.annotations.Nullable;

/** One event of the simulated world, on one of its two streams. */
public sealed interface SimulatedEvent {

  /** The stream it belongs to, as named in the fraud example. */
  String stream();

  /** Event time, in milliseconds since the epoch. */
  long eventTime();

  /** The message key: events of one customer stay in one partition. */
  String customerId();

  /**
   * The value of a column of the stream's schema.
   *
   * @throws IllegalArgumentException if the stream has no such column
   */
  Object value(String column);

  /** The event as a row of {@code schema}: one value per column, in its order. */
  default @Nullable Object[] row(RecordSchema schema) {
    @Nullable Object[] row = new Object[schema.columns().size()];
    for (int i = 0; i < row.length; i++) {
      Object value = value(schema.columns().get(i).name());
      if (value instanceof Boolean flag) {
        // The contract may count fraud as 0 and 1, or tell it as a boolean.
        value =
            switch (schema.columns().get(i).type()) {
              case INT -> flag ? 1 : 0;
              case LONG -> flag ? 1L : 0L;
              case DOUBLE -> flag ? 1.0 : 0.0;
              default -> flag;
            };
      }
      row[i] = value;
    }
    return row;
  }

  /** A card payment. {@code kind} is the simulator's secret: no column carries it. */
  record Transaction(
      String transactionId,
      long eventTime,
      String customerId,
      String terminalId,
      double amount,
      FraudKind kind)
      implements SimulatedEvent {

    @Override
    public String stream() {
      return "transactions";
    }

    @Override
    public Object value(String column) {
      return switch (column) {
        case "transaction_id" -> transactionId;
        case "tx_time" -> eventTime;
        case "customer_id" -> customerId;
        case "terminal_id" -> terminalId;
        case "tx_amount" -> amount;
        default -> throw unknownColumn(stream(), column);
      };
    }
  }

  /** What became known about a payment, days later. */
  record FraudReport(
      String reportId,
      String transactionId,
      String customerId,
      String terminalId,
      long eventTime,
      boolean fraud)
      implements SimulatedEvent {

    @Override
    public String stream() {
      return "fraud_reports";
    }

    @Override
    public Object value(String column) {
      return switch (column) {
        case "report_id" -> reportId;
        case "transaction_id" -> transactionId;
        case "customer_id" -> customerId;
        case "terminal_id" -> terminalId;
        case "report_time" -> eventTime;
        case "is_fraud" -> fraud;
        default -> throw unknownColumn(stream(), column);
      };
    }
  }

  /** Why a payment is fraudulent, if it is. */
  enum FraudKind {
    /** An honest payment. */
    NONE,
    /** Made at a terminal that copies cards. */
    COMPROMISED_TERMINAL,
    /** Made with a stolen card: several times the owner's habit. */
    STOLEN_CARD,
    /** One of a burst of tiny payments that test a card, or the large one that follows. */
    CARD_TESTING,
    /** None of the patterns: nobody could have known. */
    UNEXPLAINED
  }

  private static IllegalArgumentException unknownColumn(String stream, String column) {
    return new IllegalArgumentException(
        "the simulator's stream "
            + stream
            + " has no column '"
            + column
            + "'; the demo's schema must use the columns that the simulator fills");
  }
}
