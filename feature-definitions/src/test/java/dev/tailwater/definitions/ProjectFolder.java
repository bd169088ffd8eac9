package dev.tailwater.definitions;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A project folder for one test, with a contract and a correct project to start from. */
final class ProjectFolder {

  static final String STREAM =
      """
      kind: stream
      name: transactions
      schema: transaction.avsc
      event_time: tx_time
      event_id: tx_id
      derive:
        is_night: EXTRACT(HOUR FROM tx_time) <= 6
        night_amount: CASE WHEN is_night THEN tx_amount END
      expect:
        amount_positive: {that: tx_amount >= 0, else: drop}
      """;
  static final String ENTITY =
      """
      kind: entity
      name: customer
      key: {customer_id: string}
      """;
  static final String VIEW =
      """
      kind: feature-view
      name: customer_spend
      entity: customer
      from: transactions
      features:
        tx_count: {count: "*", over: [1d, 7d]}
        amount_avg: {avg: tx_amount, over: 7d, where: country = 'DE'}
      """;
  static final String MODEL =
      """
      kind: model
      name: fraud
      ask: transactions
      vector: [tx_amount, customer_spend.*, "ratio: tx_amount / NULLIF(customer_spend.amount_avg, 0)"]
      fallback: 0.5
      labels: {stream: transactions, on: tx_id, value: is_fraud, within: 30d}
      """;

  static final String CONTRACT =
      """
      {"type": "record", "name": "Transaction", "fields": [
        {"name": "tx_id", "type": "string"},
        {"name": "tx_time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "customer_id", "type": "string"},
        {"name": "terminal_id", "type": "int"},
        {"name": "tx_amount", "type": "double"},
        {"name": "country", "type": ["null", "string"]},
        {"name": "is_fraud", "type": "boolean"}
      ]}
      """;

  private final Path folder;

  ProjectFolder(Path folder) {
    this.folder = folder;
    write("transaction.avsc", CONTRACT);
  }

  /** Writes the correct project. */
  ProjectFolder complete() {
    return write("project.yaml", String.join("---\n", STREAM, ENTITY, VIEW, MODEL));
  }

  ProjectFolder write(String file, String text) {
    try {
      Path path = folder.resolve(file);
      Files.createDirectories(path.getParent());
      Files.writeString(path, text);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Project load() {
    return ProjectLoader.load(folder);
  }

  /** What is wrong with it, one line each; nothing if it loads. */
  List<String> problems() {
    try {
      load();
      return List.of();
    } catch (InvalidProjectException e) {
      return e.problems().stream().map(Problem::toString).toList();
    }
  }
}
